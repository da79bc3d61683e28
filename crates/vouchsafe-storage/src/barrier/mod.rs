//! The barrier: AES-256-GCM between the physical store and everything above it.
//!
//! [`Barrier`] implements [`vouchsafe_logical::Store`] over a [`Physical`]: values are encrypted
//! and bound to their key, so that a record that was altered, cut or moved to another key is
//! refused as [`StoreError::Corrupt`]. It does not hide keys, the lengths of values or access
//! patterns, and it can't tell an old copy of a record from the newest: whoever can write to the
//! physical store can put records back in time. `docs/storage-format.md` draws the bytes.
//!
//! A barrier begins sealed. [`Barrier::unseal`] loads the keyring, which the root key encrypts; it
//! stays in memory until [`Barrier::seal`]. Every node of a cluster has its own barrier over the
//! same physical store: a term that another node added is loaded when a record of it is met.
//!
//! Invariants:
//! - [`Unsealed`] can be built only here, by a barrier that holds its keyring.
//! - Keys never leave the barrier, are overwritten when dropped, and have no `Debug`.
//! - No random byte makes two nonces, and far fewer than 2^32 random nonces are used with one key:
//!   a commit that finds [`ENCRYPTIONS_PER_TERM_MAX`] reached rotates first.

mod backup;
mod error;
mod keyring;
mod nonce;
mod record;
mod reencryption;
mod root_key;
mod rotation;
mod seal_record;
mod store;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;
use vouchsafe_logical::{Batch, Clock, CommitError, Entropy, StoreError, Timestamp, Version};

pub use backup::{Backup, RESTORED_KEY, Restore, RestoreError, Restored};
pub use error::{InitializeError, UnsealError};
pub use record::OVERHEAD_BYTES;
pub use reencryption::{Pass, REENCRYPTION_KEY, REENCRYPTION_KEYS_MAX, Reencryption};
pub use root_key::{ROOT_KEY_BYTES, RootKey, RootKeyLengthError};
pub use seal_record::{
    Recovery, SEAL_KEY, SealConfig, SealKind, SealRecord, UNSEAL_KEY_BYTES, WrappedKey,
};

use zeroize::Zeroizing;

use crate::physical::{ChangeFeed, Physical, Revision, limit};
use keyring::{AeadKey, Document, Keyring};
use nonce::NonceSource;

/// A record of `plaintext` under a key of its own, for seals: term 0, bound to `path`.
pub(crate) fn seal_under(
    key: &[u8; 32],
    entropy: &dyn Entropy,
    path: &str,
    plaintext: &[u8; UNSEAL_KEY_BYTES],
) -> Vec<u8> {
    let mut nonce = [0; nonce::NONCE_BYTES];
    entropy.fill(&mut nonce);
    #[expect(clippy::expect_used, reason = "AES-GCM encrypts 32 bytes")]
    record::seal(
        &keyring::aead_key(key),
        record::ROOT_TERM,
        nonce,
        path,
        plaintext,
    )
    .expect("a key is short enough")
}

/// What [`seal_under`] made; `None` for another key, another path, or an altered record.
pub(crate) fn open_under(
    key: &[u8; 32],
    path: &str,
    record: Vec<u8>,
) -> Option<Zeroizing<Vec<u8>>> {
    let opened = record::open(&keyring::aead_key(key), path, record);
    opened.ok().map(Zeroizing::new)
}

/// Where the keyring is stored. Reserved: reads and writes of it through [`Store`] are refused.
///
/// [`Store`]: vouchsafe_logical::Store
pub const KEYRING_KEY: &str = "core/keyring";

/// The longest plaintext value, in bytes: one mebibyte.
pub const VALUE_BYTES_MAX: usize = 1 << 20;

const _: () = assert!(VALUE_BYTES_MAX + OVERHEAD_BYTES <= limit::VALUE_BYTES_MAX);

/// How many records are encrypted under one key before it is rotated.
///
/// With random 96-bit nonces, 2^32 encryptions are the bound at which two nonces are equal with a
/// probability of 2^-33 (NIST SP 800-38D §8.3 asks for at most 2^-32). A quarter of that leaves
/// room for the counts that nodes lose when they are killed, see [`ENCRYPTIONS_UNSAVED_MAX`].
pub const ENCRYPTIONS_PER_TERM_MAX: u64 = 1 << 30;

/// How many encryptions a node counts in memory before it adds them to the stored count.
///
/// A killed node loses at most these: 49,152 kills within one term would use up the distance
/// between [`ENCRYPTIONS_PER_TERM_MAX`] and 2^32.
pub const ENCRYPTIONS_UNSAVED_MAX: u64 = 1 << 16;

/// The most key terms that a keyring holds: a term lasts for years, so a keyring that is full is a
/// script gone wrong.
pub const TERMS_MAX: usize = 4_096;

/// Proof that the barrier was unsealed when the operation that holds it began.
///
/// It keeps no key alive: an operation that is overtaken by [`Barrier::seal`] fails at its next
/// use of the store with [`StoreError::Sealed`].
pub struct Unsealed {
    _private: (),
}

impl fmt::Debug for Unsealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unsealed")
    }
}

/// The active key term, for operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyStatus {
    /// The number of the active term, counted from 1.
    pub term: u32,
    /// When the term was added, to the second.
    pub installed_at: Timestamp,
    /// How many records were encrypted under it: this node's own count is exact, those of other
    /// nodes and of killed processes lag by up to [`ENCRYPTIONS_UNSAVED_MAX`] each.
    pub encryptions: u64,
}

/// The encrypting store. See the module.
pub struct Barrier {
    physical: Arc<dyn Physical>,
    entropy: Arc<dyn Entropy>,
    clock: Arc<dyn Clock>,
    nonces: NonceSource,
    /// `None` is sealed. Readers load it without a lock.
    keyring: ArcSwapOption<Keyring>,
    encryptions_per_term: AtomicU64,
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier")
            .field("sealed", &self.is_sealed())
            .finish_non_exhaustive()
    }
}

impl Barrier {
    /// A sealed barrier over `physical`. `entropy` makes keys and nonces; `clock` only dates terms.
    #[must_use]
    pub fn new(
        physical: Arc<dyn Physical>,
        entropy: Arc<dyn Entropy>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            nonces: NonceSource::new(Arc::clone(&entropy)),
            physical,
            entropy,
            clock,
            keyring: ArcSwapOption::empty(),
            encryptions_per_term: AtomicU64::new(ENCRYPTIONS_PER_TERM_MAX),
        }
    }

    /// Rotates after fewer encryptions than [`ENCRYPTIONS_PER_TERM_MAX`]; more than that is cut.
    #[must_use]
    pub fn with_encryptions_per_term(self, encryptions: u64) -> Self {
        self.set_encryptions_per_term(encryptions);
        self
    }

    /// As [`Barrier::with_encryptions_per_term`], from now on.
    pub fn set_encryptions_per_term(&self, encryptions: u64) {
        let encryptions = encryptions.clamp(1, ENCRYPTIONS_PER_TERM_MAX);
        self.encryptions_per_term
            .store(encryptions, Ordering::Relaxed);
    }

    fn encryptions_per_term(&self) -> u64 {
        self.encryptions_per_term.load(Ordering::Relaxed)
    }

    /// Whether the physical store holds a keyring, of whatever root key.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub async fn is_initialized(&self) -> Result<bool, StoreError> {
        Ok(self.physical.get(KEYRING_KEY).await?.is_some())
    }

    /// Creates the keyring with its first term, encrypted by `root_key`. The barrier stays sealed.
    ///
    /// # Errors
    /// [`InitializeError::AlreadyInitialized`] if a keyring exists: of several nodes that try at
    /// once, one succeeds.
    pub async fn initialize(&self, root_key: &RootKey) -> Result<(), InitializeError> {
        let document = Document::first(&*self.entropy, self.clock.now());
        let sealed = keyring::seal(&root_key.aead(), self.nonces.take(), &document)?;
        let mut batch = Batch::default();
        batch.expect.insert(KEYRING_KEY.to_owned(), None);
        batch.writes.insert(KEYRING_KEY.to_owned(), Some(sealed));
        match self.physical.commit(batch).await {
            Ok(_) => Ok(()),
            Err(CommitError::Conflict) => Err(InitializeError::AlreadyInitialized),
            Err(CommitError::Failed(error)) => Err(InitializeError::Failed(error)),
        }
    }

    /// Loads the keyring with `root_key`. On a barrier that is unsealed already it loads the
    /// keyring anew, so a wrong root key is refused also then, and changes nothing.
    ///
    /// # Errors
    /// [`UnsealError`]: not initialized, a root key that does not open the keyring, a store that
    /// was restored from an altered snapshot, or one that failed.
    pub async fn unseal(&self, root_key: &RootKey) -> Result<Unsealed, UnsealError> {
        let Some(stored) = self.physical.get(KEYRING_KEY).await? else {
            return Err(UnsealError::NotInitialized);
        };
        let root = Arc::new(root_key.aead());
        let Ok(plaintext) = keyring::open(&root, stored.value) else {
            return Err(UnsealError::RootKeyRefused);
        };
        let document = Document::decode(&plaintext)?;
        let held = self.keyring.load_full();
        let loaded = Arc::new(Keyring::load(
            root,
            stored.version,
            &document,
            held.as_deref(),
        ));
        self.check_restored(&loaded).await?;
        self.keyring.rcu(|held| match held {
            Some(newer) if newer.version > loaded.version => Arc::clone(newer),
            _ => Arc::clone(&loaded),
        });
        Ok(Unsealed { _private: () })
    }

    /// Forgets all keys. Operations that run at this moment may finish with the key they hold; the
    /// memory of the keys is overwritten when the last of them ends.
    pub fn seal(&self) {
        self.keyring.store(None);
    }

    /// Whether the barrier holds no keys.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.keyring.load().is_none()
    }

    /// Proof that the barrier is unsealed at this moment.
    ///
    /// # Errors
    /// [`StoreError::Sealed`].
    pub fn unsealed(&self) -> Result<Unsealed, StoreError> {
        if self.is_sealed() {
            Err(StoreError::Sealed)
        } else {
            Ok(Unsealed { _private: () })
        }
    }

    /// The active term and its use.
    ///
    /// # Errors
    /// [`StoreError::Sealed`].
    pub fn key_status(&self) -> Result<KeyStatus, StoreError> {
        let keyring = self.keyring.load();
        let active = keyring.as_deref().ok_or(StoreError::Sealed)?.active();
        Ok(KeyStatus {
            term: active.term,
            installed_at: active.installed_at,
            encryptions: active.saved + active.unsaved.load(Ordering::Relaxed),
        })
    }

    /// The change feed of the physical store: keys are plaintext there. It works while sealed.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub async fn subscribe(
        &self,
        after: Option<Revision>,
    ) -> Result<Box<dyn ChangeFeed>, StoreError> {
        self.physical.subscribe(after).await
    }

    /// Puts the keyring of `document` in the place of an older one. A barrier that was sealed
    /// meanwhile stays sealed.
    fn install(&self, root: Arc<AeadKey>, version: Version, document: &Document) {
        let held = self.keyring.load_full();
        if held.as_ref().is_none_or(|held| held.version >= version) {
            return;
        }
        let newer = Arc::new(Keyring::load(root, version, document, held.as_deref()));
        self.keyring.rcu(|held| match held {
            Some(held) if held.version < version => Some(Arc::clone(&newer)),
            other => other.clone(),
        });
    }
}
