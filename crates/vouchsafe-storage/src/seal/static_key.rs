//! `seal "static"`: the configuration names a key, which wraps the unseal key.
//!
//! ```text
//! offset  bytes  content of a wrapped key
//!      0      1  format version, 1
//!      1      1  length of the key's id
//!      2      n  the key's id, UTF-8
//!  2 + n     65  a barrier record of the 32-byte unseal key, under that key
//! ```
//!
//! Each key has an id, so that what is opened by the previous one is wrapped anew by the current
//! one, and a key that is missing can be named.

use std::sync::Arc;

use vouchsafe_logical::{BoxFuture, Entropy};
use zeroize::Zeroizing;

use super::auto::{AutoSeal, AutoSealError, Unwrapped};
use crate::barrier::{SealKind, UNSEAL_KEY_BYTES, open_under, seal_under};

/// The length of a static key, in bytes.
pub const STATIC_KEY_BYTES: usize = 32;
/// The longest id of a static key, in bytes.
pub const STATIC_KEY_ID_BYTES_MAX: usize = 255;

const FORMAT: u8 = 1;
const PATH: &str = "core/seal/static/key";

/// A key with the name that the configuration gives it.
pub struct StaticKey {
    /// Its id: 1 to [`STATIC_KEY_ID_BYTES_MAX`] bytes.
    pub id: String,
    /// The key.
    pub key: Zeroizing<[u8; STATIC_KEY_BYTES]>,
}

/// A seal of one key that wraps, and maybe another one that only unwraps.
pub struct StaticSeal {
    current: StaticKey,
    previous: Option<StaticKey>,
    entropy: Arc<dyn Entropy>,
}

impl StaticSeal {
    /// A seal of these keys.
    #[must_use]
    pub fn new(current: StaticKey, previous: Option<StaticKey>, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            current,
            previous,
            entropy,
        }
    }

    fn open(&self, wrapped: &[u8]) -> Result<Unwrapped, AutoSealError> {
        let refused = |text: &str| AutoSealError::Refused(text.to_owned());
        let damaged = || refused("the unseal key is not as seal `static` wraps it");
        let (&[format, id_bytes], rest) = wrapped.split_first_chunk().ok_or_else(damaged)?;
        if format != FORMAT {
            return Err(refused(
                "a newer version wrapped the unseal key by seal `static`",
            ));
        }
        let split = rest.split_at_checked(usize::from(id_bytes));
        let (id, record) = split.ok_or_else(damaged)?;
        let mut keys = std::iter::once(&self.current).chain(&self.previous);
        let Some(key) = keys.find(|key| key.id.as_bytes() == id) else {
            let id = String::from_utf8_lossy(id);
            return Err(AutoSealError::Refused(format!(
                "the unseal key is wrapped by the key `{id}`, which the configuration names neither \
                 as `current_key_id` nor as `previous_key_id`"
            )));
        };
        let opened = open_under(&key.key, PATH, record.to_vec()).ok_or_else(|| {
            AutoSealError::Refused(format!(
                "the key `{}` does not open the unseal key: it is another key of that name, or the \
                 record is damaged",
                key.id
            ))
        })?;
        Ok(Unwrapped {
            key: opened,
            is_current: key.id == self.current.id,
        })
    }
}

impl AutoSeal for StaticSeal {
    fn kind(&self) -> SealKind {
        SealKind::Static
    }

    fn wrap<'a>(
        &'a self,
        key: &'a [u8; UNSEAL_KEY_BYTES],
    ) -> BoxFuture<'a, Result<Vec<u8>, AutoSealError>> {
        Box::pin(async move {
            let StaticKey { id, key: wrapping } = &self.current;
            let id_bytes = u8::try_from(id.len())
                .map_err(|_| AutoSealError::Refused("the id of a static key is too long".into()))?;
            let mut wrapped = vec![FORMAT, id_bytes];
            wrapped.extend_from_slice(id.as_bytes());
            wrapped.extend(seal_under(wrapping, &*self.entropy, PATH, key));
            Ok(wrapped)
        })
    }

    fn unwrap<'a>(&'a self, wrapped: &'a [u8]) -> BoxFuture<'a, Result<Unwrapped, AutoSealError>> {
        Box::pin(async move { self.open(wrapped) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(9);
        }
    }

    fn key(id: &str, byte: u8) -> StaticKey {
        StaticKey {
            id: id.to_owned(),
            key: Zeroizing::new([byte; STATIC_KEY_BYTES]),
        }
    }

    fn seal(current: StaticKey, previous: Option<StaticKey>) -> StaticSeal {
        StaticSeal::new(current, previous, Arc::new(Counting))
    }

    #[tokio::test]
    async fn what_one_key_wrapped_the_next_one_opens_while_it_is_listed() {
        let unseal_key = [3; UNSEAL_KEY_BYTES];
        let wrapped = seal(key("a", 1), None).wrap(&unseal_key).await.unwrap();
        let same = seal(key("a", 1), None).unwrap(&wrapped).await.unwrap();
        assert_eq!(**same.key, unseal_key);
        assert!(same.is_current);
        let next = seal(key("b", 2), Some(key("a", 1)));
        let opened = next.unwrap(&wrapped).await.unwrap();
        assert_eq!(**opened.key, unseal_key);
        assert!(!opened.is_current, "it is to be wrapped anew");
        let refused = seal(key("b", 2), None).unwrap(&wrapped).await;
        let told = refused.err().map(|error| error.to_string());
        assert!(told.is_some_and(|told| told.contains("wrapped by the key `a`")));
    }

    #[tokio::test]
    async fn another_key_of_the_same_name_and_damage_are_refused() {
        let wrapped = seal(key("a", 1), None).wrap(&[3; 32]).await.unwrap();
        assert!(seal(key("a", 2), None).unwrap(&wrapped).await.is_err());
        for index in 0..wrapped.len() {
            let mut altered = wrapped.clone();
            altered[index] ^= 1;
            assert!(seal(key("a", 1), None).unwrap(&altered).await.is_err());
            assert!(
                seal(key("a", 1), None)
                    .unwrap(&wrapped[..index])
                    .await
                    .is_err()
            );
        }
    }
}
