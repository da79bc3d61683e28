//! Identifiers: what each one names is in its type.
//!
//! An id is made from entropy and never reused. Text from a client becomes an id only if it has
//! the form of one; anything else can't name a stored object, so no storage key is made of it.

use std::fmt;

use serde::{Deserialize, Serialize};
use vouchsafe_logical::{Entropy, EntropyExt};

/// The longest mount accessor, in bytes.
pub const MOUNT_ACCESSOR_BYTES_MAX: usize = 160;

macro_rules! identifier {
    ($(#[$meta:meta])* pub struct $id:ident;) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $id(String);

        impl $id {
            /// A new id.
            #[must_use]
            pub fn generate(entropy: &dyn Entropy) -> Self {
                Self(entropy.uuid())
            }

            /// The id that a client's text spells; `None` where the text is not a lower-case UUID.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                is_uuid(text).then(|| Self(text.to_owned()))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

identifier! {
    /// The id of an entity; Vault's `entity_id` and `canonical_id` of an entity alias.
    pub struct EntityId;
}

identifier! {
    /// The id of an alias of an entity.
    pub struct AliasId;
}

identifier! {
    /// The id of a group; Vault's `canonical_id` of a group alias.
    pub struct GroupId;
}

identifier! {
    /// The id of an alias of a group.
    pub struct GroupAliasId;
}

/// The accessor of a mount, such as `auth_jwt_1a2b3c4d`. It outlives the mount.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MountAccessor(String);

impl MountAccessor {
    /// The accessor that a text spells; `None` where no mount can have it: it is empty, over
    /// [`MOUNT_ACCESSOR_BYTES_MAX`] or has other characters than `[A-Za-z0-9_-]`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let fits = !text.is_empty() && text.len() <= MOUNT_ACCESSOR_BYTES_MAX;
        (fits && text.bytes().all(plain)).then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MountAccessor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether the text is a UUID in lower case with hyphens.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lower_case_uuid_is_an_id() {
        let id = "0a1b2c3d-0000-4000-8000-00000000abcd";
        assert_eq!(
            EntityId::parse(id).map(|id| id.to_string()).as_deref(),
            Some(id)
        );
        for text in [
            "",
            "nope",
            &id.to_uppercase(),
            &id[1..],
            &format!("{id}a"),
            &id.replace('-', "/"),
        ] {
            assert_eq!(EntityId::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn an_accessor_at_the_limit_and_one_past_it() {
        assert!(MountAccessor::parse(&"a".repeat(MOUNT_ACCESSOR_BYTES_MAX)).is_some());
        assert!(MountAccessor::parse(&"a".repeat(MOUNT_ACCESSOR_BYTES_MAX + 1)).is_none());
        assert!(MountAccessor::parse("").is_none());
        assert!(MountAccessor::parse("auth/x").is_none());
    }
}
