//! The key id, `kid` (RFC 7515 §4.1.4, RFC 7517 §4.5): an opaque, bounded string.
//!
//! It selects a key from a set that is already trusted. It is never a path, a query or an address.

use std::fmt;

use crate::limits::KEY_ID_BYTES_MAX;

/// A key id of at most [`KEY_ID_BYTES_MAX`] bytes; case and every character matter.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(Box<str>);

impl KeyId {
    /// Takes any text of at most [`KEY_ID_BYTES_MAX`] bytes.
    ///
    /// # Errors
    /// [`KeyIdTooLong`] when it is longer.
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, KeyIdTooLong> {
        let text = text.into();
        if text.len() > KEY_ID_BYTES_MAX {
            return Err(KeyIdTooLong {
                found_bytes: text.len(),
            });
        }
        Ok(Self(text))
    }

    /// The text as it stands in `kid`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Shown quoted and escaped: the text comes from strangers and lands in logs.
impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for KeyId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A key id over the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("key id (`kid`) of {found_bytes} bytes; at most {KEY_ID_BYTES_MAX}")]
pub struct KeyIdTooLong {
    /// Its length in bytes.
    pub found_bytes: usize,
}
