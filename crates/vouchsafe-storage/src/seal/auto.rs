//! Automatic seals: something outside of storage keeps the unseal key, and no person is needed.

use std::fmt;

use vouchsafe_logical::{BoxFuture, Timestamp};
use zeroize::Zeroizing;

use crate::barrier::{SealKind, UNSEAL_KEY_BYTES};

/// Something that wraps an unseal key and gives it back.
pub trait AutoSeal: Send + Sync + 'static {
    /// Which kind of seal it is.
    fn kind(&self) -> SealKind;

    /// Wraps a key.
    ///
    /// # Errors
    /// [`AutoSealError`].
    fn wrap<'a>(
        &'a self,
        key: &'a [u8; UNSEAL_KEY_BYTES],
    ) -> BoxFuture<'a, Result<Vec<u8>, AutoSealError>>;

    /// Gives back a key that was wrapped.
    ///
    /// # Errors
    /// [`AutoSealError`].
    fn unwrap<'a>(&'a self, wrapped: &'a [u8]) -> BoxFuture<'a, Result<Unwrapped, AutoSealError>>;

    /// Does what keeps the seal able to unwrap, such as renewing a token. Called now and then while
    /// unsealed.
    fn tend(&self, _now: Timestamp) -> BoxFuture<'_, Result<(), AutoSealError>> {
        Box::pin(async { Ok(()) })
    }
}

/// A key that was wrapped.
pub struct Unwrapped {
    /// The key.
    pub key: Zeroizing<Vec<u8>>,
    /// Whether it would be wrapped in the same way today. If not, it is wrapped anew.
    pub is_current: bool,
}

/// Why an automatic seal did not answer a key. No message holds a key or a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AutoSealError {
    /// It can't be reached or is not able to now: trying again may help.
    Unavailable(String),
    /// It does not open what was wrapped: somebody must change something.
    Refused(String),
}

impl fmt::Display for AutoSealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(text) | Self::Refused(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for AutoSealError {}
