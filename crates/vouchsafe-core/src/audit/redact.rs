//! What audit entries hide: secrets appear as keyed hashes.
//!
//! The key belongs to one device and never leaves the barrier, so that whoever reads a log can't
//! test guesses; whoever may call `sys/audit-hash` can. Strings in `request.data` and
//! `response.data` are all taken for secrets. Numbers, booleans, names of members and RFC 3339
//! times are not, and neither is what a mount's `audit_non_hmac_*_keys` name.
//!
//! Invariant: only `log_raw` makes a [`Redactor`] show what it was given as a secret.

use aws_lc_rs::hmac;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::Value;
use vouchsafe_logical::{Data, Timestamp};

/// What a keyed hash begins with.
const PREFIX: &str = "hmac-sha256:";

/// How one device hides secrets.
pub(crate) struct Redactor {
    key: hmac::Key,
    raw: bool,
    hides_accessors: bool,
}

impl Redactor {
    /// `raw` hides nothing at all; accessors are hidden unless the device shows them.
    pub(crate) fn new(key: &[u8], raw: bool, hides_accessors: bool) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
            raw,
            hides_accessors,
        }
    }

    /// The keyed hash, whatever the options: `hmac-sha256:` and 64 lower-case hexadecimal digits.
    pub(crate) fn hash(&self, secret: &[u8]) -> String {
        let mut text = String::with_capacity(PREFIX.len() + 64);
        text.push_str(PREFIX);
        text.push_str(&hex::encode(hmac::sign(&self.key, secret).as_ref()));
        text
    }

    /// A token or the like.
    pub(crate) fn secret(&self, secret: &str) -> String {
        if self.raw {
            secret.to_owned()
        } else {
            self.hash(secret.as_bytes())
        }
    }

    /// An accessor: shown where the device was told so.
    pub(crate) fn accessor(&self, accessor: &str) -> String {
        if self.hides_accessors {
            self.secret(accessor)
        } else {
            accessor.to_owned()
        }
    }

    /// The body of a document.
    pub(crate) fn document(&self, body: &[u8]) -> String {
        if self.raw {
            String::from_utf8_lossy(body).into_owned()
        } else {
            self.hash(body)
        }
    }
}

/// An object whose strings are hidden, but those under the names in `clear`.
pub(crate) struct RedactedObject<'a> {
    pub(crate) members: &'a Data,
    pub(crate) redactor: &'a Redactor,
    pub(crate) clear: &'a [String],
    /// Whether `keys` and `key_info` are shown as how many they are.
    pub(crate) elide_lists: bool,
}

impl Serialize for RedactedObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.members.len()))?;
        for (name, value) in self.members {
            match (self.elide_lists, name.as_str(), value) {
                (true, "keys", Value::Array(keys)) => map.serialize_entry(name, &keys.len())?,
                (true, "key_info", Value::Object(all)) => map.serialize_entry(name, &all.len())?,
                _ => map.serialize_entry(name, &self.value(name, value))?,
            }
        }
        map.end()
    }
}

impl<'a> RedactedObject<'a> {
    fn value(&self, name: &str, value: &'a Value) -> RedactedValue<'a> {
        RedactedValue {
            value,
            redactor: self.redactor,
            clear: self.clear,
            is_clear: self.clear.iter().any(|clear| clear == name),
        }
    }
}

/// Any value within such an object. The name nearest to a string decides whether it is shown.
struct RedactedValue<'a> {
    value: &'a Value,
    redactor: &'a Redactor,
    clear: &'a [String],
    is_clear: bool,
}

impl Serialize for RedactedValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::String(text) if self.is_clear || is_time(text) => serializer.serialize_str(text),
            Value::String(text) => serializer.serialize_str(&self.redactor.secret(text)),
            Value::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for value in items {
                    list.serialize_element(&Self { value, ..*self })?;
                }
                list.end()
            }
            Value::Object(members) => RedactedObject {
                members,
                redactor: self.redactor,
                clear: self.clear,
                elide_lists: false,
            }
            .serialize(serializer),
            plain @ (Value::Null | Value::Bool(_) | Value::Number(_)) => {
                plain.serialize(serializer)
            }
        }
    }
}

/// Whether a text is a time in RFC 3339 §5.6: `T` and `Z` in upper case, a fraction of at most
/// nine digits. A wider grammar would be room to carry a secret through.
fn is_time(text: &str) -> bool {
    const SECONDS: &[u8] = b"dddd-dd-ddTdd:dd:dd";
    let bytes = text.as_bytes();
    let fits = |shape: &[u8], bytes: &[u8]| {
        shape.len() == bytes.len()
            && shape.iter().zip(bytes).all(|(shape, byte)| match shape {
                b'd' => byte.is_ascii_digit(),
                _ => shape == byte,
            })
    };
    let Some((seconds, rest)) = bytes.split_at_checked(SECONDS.len()) else {
        return false;
    };
    let zone = match rest.split_first() {
        Some((b'.', fraction)) => {
            let digits = fraction
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            if !(1..=9).contains(&digits) {
                return false;
            }
            &fraction[digits..]
        }
        _ => rest,
    };
    fits(SECONDS, seconds)
        && (zone == b"Z" || fits(b"+dd:dd", zone) || fits(b"-dd:dd", zone))
        && text.parse::<Timestamp>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rfc_3339_is_a_time() {
        for time in [
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00.123456789Z",
            "2026-06-30T12:00:00-07:00",
        ] {
            assert!(is_time(time), "{time}");
        }
        for other in [
            "",
            "2026-01-01",
            "2026-01-01 00:00:00Z",
            "2026-01-01t00:00:00z",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00.1234567890Z",
            "2026-13-01T00:00:00Z",
            "2026-01-01T00:00:00Z[UTC]",
            "2026-01-01T00:00:00Z hunter2",
        ] {
            assert!(!is_time(other), "{other}");
        }
    }
}
