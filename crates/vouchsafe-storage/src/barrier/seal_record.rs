//! The root key in storage, encrypted by the unseal key, beside how that key is kept.
//!
//! ```text
//! offset  bytes  content
//!      0      1  format version, 1
//!      1      1  kind of seal: 1 = Shamir's shares, 2 = static key, 3 = transit
//!      2      1  shares: of the unseal key, or of the recovery key of an automatic seal
//!      3      1  threshold
//!  for Shamir's shares:
//!      4     65  a barrier record (see `record`) of the 32-byte root key, under the unseal key
//!  for an automatic seal:
//!      4      2  length of the wrapped unseal key, big-endian
//!      6      w  the unseal key, as the seal has wrapped it
//!  6 + w     65  the same record of the root key
//! 71 + w     33  a barrier record of nothing, under the recovery key; absent for no shares
//! ```
//!
//! The numbers are readable while sealed, since people must be told how many shares to bring. They
//! are bound to the ciphertext, so altered ones are refused when it is opened. A recovery key opens
//! nothing but its own record: it proves who may rekey and make a root token.

use vouchsafe_logical::{Batch, CommitError, StoreError, Version};
use zeroize::Zeroizing;

use super::record::{self, OVERHEAD_BYTES, ROOT_TERM};
use super::{Barrier, ROOT_KEY_BYTES, RootKey, keyring};

/// Where the seal's record lies. It is not readable or writable through the barrier.
pub const SEAL_KEY: &str = "core/seal";
/// The length of an unseal key, and of a recovery key, in bytes.
pub const UNSEAL_KEY_BYTES: usize = 32;

const FORMAT: u8 = 1;
const HEADER_BYTES: usize = 4;
const ROOT_RECORD_BYTES: usize = OVERHEAD_BYTES + ROOT_KEY_BYTES;

/// Who keeps the unseal key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealKind {
    /// People, in shares.
    Shamir,
    /// The configuration names a key.
    Static,
    /// The transit engine of another server.
    Transit,
}

impl SealKind {
    const ALL: [Self; 3] = [Self::Shamir, Self::Static, Self::Transit];

    /// The name in the configuration and in the seal status.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shamir => "shamir",
            Self::Static => "static",
            Self::Transit => "transit",
        }
    }

    const fn number(self) -> u8 {
        match self {
            Self::Shamir => 1,
            Self::Static => 2,
            Self::Transit => 3,
        }
    }
}

/// How a key is split among people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealConfig {
    /// In how many shares; 1 = whole. 0 = an automatic seal without a recovery key.
    pub shares: u8,
    /// How many of them give it back.
    pub threshold: u8,
}

impl SealConfig {
    /// No key at all.
    pub const NONE: Self = Self {
        shares: 0,
        threshold: 0,
    };
}

/// The seal's record as stored.
pub struct SealRecord {
    /// The version, for the precondition of a change.
    pub version: Version,
    /// Who keeps the unseal key.
    pub kind: SealKind,
    /// How the unseal key is split, or the recovery key of an automatic seal.
    pub config: SealConfig,
    wrapped_key: Vec<u8>,
    root: Vec<u8>,
    recovery: Vec<u8>,
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
            &root_path(self.kind, self.config),
            self.root.clone(),
        )
        .map_err(|_| refused())?;
        RootKey::try_from(&**Zeroizing::new(opened)).map_err(|_| refused())
    }

    /// The unseal key, as the automatic seal has wrapped it.
    #[must_use]
    pub fn wrapped_key(&self) -> &[u8] {
        &self.wrapped_key
    }

    /// Whether this is the recovery key of the automatic seal.
    #[must_use]
    pub fn is_recovery_key(&self, key: &[u8]) -> bool {
        let Ok(key) = <&[u8; UNSEAL_KEY_BYTES]>::try_from(key) else {
            return false;
        };
        let path = recovery_path(self.kind, self.config);
        self.config.shares > 0
            && record::open(&keyring::aead_key(key), &path, self.recovery.clone()).is_ok()
    }

    fn decode(version: Version, stored: &[u8]) -> Result<Self, &'static str> {
        let Some((&[format, kind, shares, threshold], rest)) =
            stored.split_first_chunk::<HEADER_BYTES>()
        else {
            return Err("the record is shorter than its header");
        };
        if format != FORMAT {
            return Err("a format that this version does not know; a newer one wrote it");
        }
        let kind = SealKind::ALL
            .into_iter()
            .find(|known| known.number() == kind)
            .ok_or("a kind of seal that this version does not know")?;
        let (wrapped_key, rest) = match kind {
            SealKind::Shamir => (&[][..], rest),
            SealKind::Static | SealKind::Transit => {
                let too_short = "the record is shorter than its wrapped key";
                let (length, rest) = rest.split_first_chunk().ok_or(too_short)?;
                let length = usize::from(u16::from_be_bytes(*length));
                rest.split_at_checked(length).ok_or(too_short)?
            }
        };
        let (root, recovery) = rest
            .split_at_checked(ROOT_RECORD_BYTES)
            .ok_or("the record is shorter than its root key")?;
        Ok(Self {
            version,
            kind,
            config: SealConfig { shares, threshold },
            wrapped_key: wrapped_key.to_vec(),
            root: root.to_vec(),
            recovery: recovery.to_vec(),
        })
    }

    fn encode(&self) -> Result<Vec<u8>, StoreError> {
        let SealConfig { shares, threshold } = self.config;
        let mut value = vec![FORMAT, self.kind.number(), shares, threshold];
        if self.kind != SealKind::Shamir {
            let length = u16::try_from(self.wrapped_key.len())
                .map_err(|_| StoreError::Limit("a wrapped unseal key has at most 65,535 bytes"))?;
            value.extend_from_slice(&length.to_be_bytes());
            value.extend_from_slice(&self.wrapped_key);
        }
        value.extend_from_slice(&self.root);
        value.extend_from_slice(&self.recovery);
        Ok(value)
    }
}

/// What the root key's ciphertext is bound to. The shares of a recovery key can change without it.
fn root_path(kind: SealKind, config: SealConfig) -> String {
    match kind {
        SealKind::Shamir => format!("{SEAL_KEY}/shamir/{}/{}", config.shares, config.threshold),
        SealKind::Static | SealKind::Transit => format!("{SEAL_KEY}/{}", kind.as_str()),
    }
}

/// What the recovery key's record is bound to.
fn recovery_path(kind: SealKind, config: SealConfig) -> String {
    let (kind, SealConfig { shares, threshold }) = (kind.as_str(), config);
    format!("{SEAL_KEY}/{kind}/recovery/{shares}/{threshold}")
}

/// A recovery key and how it is split.
#[derive(Clone, Copy)]
pub struct Recovery<'a> {
    /// The key; nobody looks at it for no shares.
    pub key: &'a [u8; UNSEAL_KEY_BYTES],
    /// How it is split.
    pub config: SealConfig,
}

/// An unseal key as an automatic seal keeps it.
#[derive(Clone, Copy)]
pub struct WrappedKey<'a> {
    /// The seal.
    pub kind: SealKind,
    /// The key.
    pub key: &'a [u8; UNSEAL_KEY_BYTES],
    /// The key as the seal has wrapped it.
    pub wrapped: &'a [u8],
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
        SealRecord::decode(stored.version, &stored.value)
            .map(Some)
            .map_err(|fault| record::corrupt(SEAL_KEY, fault))
    }

    /// Stores the root key under an unseal key that people keep, in the place of the record
    /// `replaced`.
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
        let kind = SealKind::Shamir;
        let made = SealRecord {
            version: Version(0),
            kind,
            config,
            wrapped_key: Vec::new(),
            root: self.under(unseal_key, &root_path(kind, config), root_key.expose())?,
            recovery: Vec::new(),
        };
        self.store_seal(&made, replaced).await
    }

    /// Stores the root key under an unseal key that an automatic seal keeps, in the place of the
    /// record `replaced`.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] when another record is stored meanwhile.
    pub async fn write_auto_seal_record(
        &self,
        unseal_key: WrappedKey<'_>,
        root_key: &RootKey,
        recovery: Recovery<'_>,
        replaced: Option<Version>,
    ) -> Result<(), CommitError> {
        let WrappedKey { kind, key, wrapped } = unseal_key;
        let made = SealRecord {
            version: Version(0),
            kind,
            config: recovery.config,
            wrapped_key: wrapped.to_vec(),
            root: self.under(key, &root_path(kind, recovery.config), root_key.expose())?,
            recovery: self.recovery_record(kind, recovery)?,
        };
        self.store_seal(&made, replaced).await
    }

    /// Gives an automatic seal another recovery key.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] when another record is stored meanwhile.
    pub async fn replace_recovery(
        &self,
        record: SealRecord,
        recovery: Recovery<'_>,
    ) -> Result<(), CommitError> {
        let (kind, replaced) = (record.kind, Some(record.version));
        let made = SealRecord {
            config: recovery.config,
            recovery: self.recovery_record(kind, recovery)?,
            ..record
        };
        self.store_seal(&made, replaced).await
    }

    /// Stores the same unseal key as its automatic seal has wrapped it anew.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] when another record is stored meanwhile.
    pub async fn replace_wrapped_key(
        &self,
        record: SealRecord,
        wrapped: Vec<u8>,
    ) -> Result<(), CommitError> {
        let replaced = Some(record.version);
        let made = SealRecord {
            wrapped_key: wrapped,
            ..record
        };
        self.store_seal(&made, replaced).await
    }

    fn recovery_record(
        &self,
        kind: SealKind,
        recovery: Recovery<'_>,
    ) -> Result<Vec<u8>, StoreError> {
        if recovery.config.shares == 0 {
            return Ok(Vec::new());
        }
        self.under(recovery.key, &recovery_path(kind, recovery.config), &[])
    }

    fn under(
        &self,
        key: &[u8; UNSEAL_KEY_BYTES],
        path: &str,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let key = keyring::aead_key(key);
        record::seal(&key, ROOT_TERM, self.nonces.take(), path, plaintext)
    }

    async fn store_seal(
        &self,
        record: &SealRecord,
        replaced: Option<Version>,
    ) -> Result<(), CommitError> {
        let mut batch = Batch::default();
        batch.expect.insert(SEAL_KEY.to_owned(), replaced);
        batch
            .writes
            .insert(SEAL_KEY.to_owned(), Some(record.encode()?));
        self.physical.commit(batch).await.map(|_| ())
    }
}
