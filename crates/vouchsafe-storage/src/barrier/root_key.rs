//! The root key: 32 random bytes that encrypt the keyring and nothing else.
//!
//! Whoever holds it can unseal. It is split or wrapped by a seal, never stored by this crate.

use std::fmt;

use vouchsafe_logical::Entropy;
use zeroize::Zeroizing;

use super::keyring::{self, AeadKey};

/// The length of a root key, in bytes.
pub const ROOT_KEY_BYTES: usize = 32;

/// The key that encrypts the keyring. Overwritten when dropped; no `Clone`, no comparison, and a
/// `Debug` that says nothing.
pub struct RootKey(
    // Boxed, so that moving the root key leaves no copy behind on the stack.
    Box<Zeroizing<[u8; ROOT_KEY_BYTES]>>,
);

impl RootKey {
    /// A new random root key.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = Box::new(Zeroizing::new([0; ROOT_KEY_BYTES]));
        entropy.fill(&mut **bytes);
        Self(bytes)
    }

    /// The bytes, for a seal to split or wrap. Every call of this is a place to look at in a
    /// review.
    #[must_use]
    pub fn expose(&self) -> &[u8; ROOT_KEY_BYTES] {
        &self.0
    }

    pub(super) fn aead(&self) -> AeadKey {
        keyring::aead_key(&self.0)
    }
}

impl TryFrom<&[u8]> for RootKey {
    type Error = RootKeyLengthError;

    /// Copies `bytes`; overwriting the original is up to the caller.
    fn try_from(bytes: &[u8]) -> Result<Self, Self::Error> {
        if bytes.len() != ROOT_KEY_BYTES {
            return Err(RootKeyLengthError { found: bytes.len() });
        }
        let mut key = Box::new(Zeroizing::new([0; ROOT_KEY_BYTES]));
        key.copy_from_slice(bytes);
        Ok(Self(key))
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey(..)")
    }
}

/// A root key of the wrong length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RootKeyLengthError {
    /// The length that was given, in bytes.
    pub found: usize,
}

impl fmt::Display for RootKeyLengthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "root key has {} bytes; expected {ROOT_KEY_BYTES}",
            self.found
        )
    }
}

impl std::error::Error for RootKeyLengthError {}
