//! The root key in storage, encrypted by the unseal key, beside how that key is kept.
//!
//! ```text
//! offset  bytes  content
//!      0      1  format version, 1
//!      1      1  kind of seal: 1 = Shamir's shares
//!      2      1  shares
//!      3      1  threshold
//!      4     65  a barrier record (see `record`) of the 32-byte root key, under the unseal key
//! ```
//!
//! The numbers are readable while sealed, since people must be told how many shares to bring. They
//! are bound to the ciphertext, so altered ones are refused when it is opened.

use vouchsafe_logical::{Batch, CommitError, StoreError, Version};
use zeroize::Zeroizing;

use super::record::{self, ROOT_TERM};
use super::{Barrier, RootKey, keyring};

/// Where the seal's record lies. It is not readable or writable through the barrier.
pub const SEAL_KEY: &str = "core/seal";
/// The length of an unseal key, in bytes.
pub const UNSEAL_KEY_BYTES: usize = 32;

const FORMAT: u8 = 1;
const KIND_SHAMIR: u8 = 1;
const HEADER_BYTES: usize = 4;

/// How the unseal key is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealConfig {
    /// In how many shares; 1 = whole.
    pub shares: u8,
    /// How many of them give it back.
    pub threshold: u8,
}

/// The seal's record as stored.
pub struct SealRecord {
    /// The version, for the precondition of a change.
    pub version: Version,
    /// How the unseal key is kept.
    pub config: SealConfig,
    wrapped: Vec<u8>,
}

impl SealRecord {
    /// The root key, if this is the unseal key.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`]: the key is wrong, or the record is damaged; they look the same.
    pub fn open(&self, unseal_key: &[u8]) -> Result<RootKey, StoreError> {
        let refused = || record::corrupt(SEAL_KEY, "the unseal key does not open the root key");
        let key = <&[u8; UNSEAL_KEY_BYTES]>::try_from(unseal_key).map_err(|_| refused())?;
        let opened = record::open(
            &keyring::aead_key(key),
            &bound_path(self.config),
            self.wrapped.clone(),
        )
        .map_err(|_| refused())?;
        RootKey::try_from(&**Zeroizing::new(opened)).map_err(|_| refused())
    }
}

/// What the ciphertext is bound to.
fn bound_path(config: SealConfig) -> String {
    format!("{SEAL_KEY}/shamir/{}/{}", config.shares, config.threshold)
}

impl Barrier {
    /// The seal's record, readable while sealed. `None` before initialisation.
    ///
    /// # Errors
    /// The store's; [`StoreError::Corrupt`] for a record of another shape or a newer format.
    pub async fn seal_record(&self) -> Result<Option<SealRecord>, StoreError> {
        let Some(stored) = self.physical.get(SEAL_KEY).await? else {
            return Ok(None);
        };
        let corrupt = |fault| Err(record::corrupt(SEAL_KEY, fault));
        match stored.value.split_at_checked(HEADER_BYTES) {
            Some(([FORMAT, KIND_SHAMIR, shares, threshold], wrapped)) => Ok(Some(SealRecord {
                version: stored.version,
                config: SealConfig {
                    shares: *shares,
                    threshold: *threshold,
                },
                wrapped: wrapped.to_vec(),
            })),
            Some(([FORMAT, ..], _)) => corrupt("a kind of seal that this version does not know"),
            Some(_) => corrupt("a format that this version does not know; a newer one wrote it"),
            None => corrupt("the record is shorter than its header"),
        }
    }

    /// Stores the root key under an unseal key, in the place of the record `replaced`.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] when another record is stored meanwhile.
    pub async fn write_seal_record(
        &self,
        config: SealConfig,
        unseal_key: &[u8; UNSEAL_KEY_BYTES],
        root_key: &RootKey,
        replaced: Option<Version>,
    ) -> Result<(), CommitError> {
        let wrapped = record::seal(
            &keyring::aead_key(unseal_key),
            ROOT_TERM,
            self.nonces.take(),
            &bound_path(config),
            root_key.expose(),
        )?;
        let mut value = vec![FORMAT, KIND_SHAMIR, config.shares, config.threshold];
        value.extend_from_slice(&wrapped);
        let mut batch = Batch::default();
        batch.expect.insert(SEAL_KEY.to_owned(), replaced);
        batch.writes.insert(SEAL_KEY.to_owned(), Some(value));
        self.physical.commit(batch).await.map(|_| ())
    }
}
