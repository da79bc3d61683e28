//! Why a barrier could not be initialized or unsealed.

use std::fmt;

use vouchsafe_logical::StoreError;

/// Why [`super::Barrier::initialize`] created no keyring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InitializeError {
    /// The store holds a keyring.
    AlreadyInitialized,
    /// The store failed; whether a keyring was created is unknown.
    Failed(StoreError),
}

impl fmt::Display for InitializeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyInitialized => f.write_str("barrier is already initialized"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for InitializeError {}

impl From<StoreError> for InitializeError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// Why [`super::Barrier::unseal`] loaded no keyring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnsealError {
    /// The store holds no keyring.
    NotInitialized,
    /// The root key does not open the keyring. A wrong key and a damaged keyring look the same.
    RootKeyRefused,
    /// The store was restored from a snapshot in which somebody changed, removed or added records.
    SnapshotAltered,
    /// The store failed, or the keyring is of a format that this version does not know.
    Failed(StoreError),
}

impl fmt::Display for UnsealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInitialized => f.write_str("barrier is not initialized"),
            Self::RootKeyRefused => f.write_str(
                "root key does not open the keyring: the key is wrong, or the keyring is damaged",
            ),
            Self::SnapshotAltered => f.write_str(
                "the snapshot that this store was restored from is not what the server wrote that \
                 was backed up: records were changed, removed or added; restore another one over \
                 an empty store",
            ),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for UnsealError {}

impl From<StoreError> for UnsealError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}
