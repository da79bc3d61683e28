//! Changes of the stored keyring: rotation, counts of encryptions, and following other nodes.
//!
//! The stored keyring is changed by compare-and-swap only, so any node may do it at any time. The
//! root key stays in memory, expanded, because a node must be able to load a keyring that another
//! node has changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use vouchsafe_logical::{Batch, CommitError, StoreError, Version};

use super::keyring::{self, AeadKey, Document};
use super::{Barrier, ENCRYPTIONS_UNSAVED_MAX, KEYRING_KEY, record};

/// How often a change of the keyring is tried again when other nodes change it at the same time.
const ATTEMPTS_MAX: u32 = 32;

/// What a change of the keyring's plaintext came to.
enum Edit {
    Changed,
    Unchanged,
}

/// The stored keyring, decrypted.
struct Stored {
    root: Arc<AeadKey>,
    version: Version,
    document: Document,
}

impl Barrier {
    /// Adds a key term and makes it the one that encrypts. Records of older terms stay readable.
    ///
    /// # Errors
    /// [`StoreError::Sealed`]; [`StoreError::Limit`] beyond [`super::TERMS_MAX`];
    /// [`StoreError::Io`].
    pub async fn rotate(&self) -> Result<(), StoreError> {
        self.change_keyring(|document| {
            document.add_term(&*self.entropy, self.clock.now())?;
            Ok(Edit::Changed)
        })
        .await
    }

    /// As [`Barrier::rotate`], unless another term than `term` is active by now: of many nodes that
    /// find a term due, one adds the next.
    ///
    /// # Errors
    /// As [`Barrier::rotate`].
    pub async fn rotate_after(&self, term: u32) -> Result<(), StoreError> {
        self.change_keyring(|document| {
            if document.active() != term {
                return Ok(Edit::Unchanged);
            }
            document.add_term(&*self.entropy, self.clock.now())?;
            Ok(Edit::Changed)
        })
        .await
    }

    /// Whether the active term has encrypted as much as it should. The next commit rotates then,
    /// by itself; a duty that rotates earlier spares that commit the wait.
    ///
    /// # Errors
    /// [`StoreError::Sealed`].
    pub fn needs_rotation(&self) -> Result<bool, StoreError> {
        Ok(self.key_status()?.encryptions >= self.encryptions_per_term())
    }

    /// Loads the keyring if another node has changed it. Worth calling when the change feed names
    /// [`KEYRING_KEY`]; meeting a record of an unknown term causes it too.
    ///
    /// # Errors
    /// [`StoreError::Sealed`]; [`StoreError::Corrupt`] when the root key no longer opens the
    /// keyring; [`StoreError::Io`].
    pub async fn refresh_keyring(&self) -> Result<(), StoreError> {
        self.change_keyring(|_| Ok(Edit::Unchanged)).await
    }

    /// Makes sure that the active term may encrypt more: saves the count when enough of it is
    /// unsaved, and rotates when the term is used up.
    pub(super) async fn before_encrypting(&self) -> Result<(), StoreError> {
        let (term, unsaved) = {
            let keyring = self.keyring.load();
            let active = keyring.as_deref().ok_or(StoreError::Sealed)?.active();
            let unsaved = active.unsaved.load(Ordering::Relaxed);
            let used_up = active.saved.saturating_add(unsaved) >= self.encryptions_per_term();
            if !used_up && unsaved < ENCRYPTIONS_UNSAVED_MAX {
                return Ok(());
            }
            (active.term, Arc::clone(&active.unsaved))
        };
        self.save_count(term, &unsaved).await?;
        if self.needs_rotation()? {
            self.rotate_after(term).await?;
        }
        Ok(())
    }

    /// Moves the unsaved count of `term` into the stored keyring.
    async fn save_count(&self, term: u32, unsaved: &AtomicU64) -> Result<(), StoreError> {
        let taken = TakenCount::take(unsaved);
        if taken.count == 0 {
            return Ok(());
        }
        self.change_keyring(|document| {
            document.count(term, taken.count);
            Ok(Edit::Changed)
        })
        .await?;
        taken.saved();
        Ok(())
    }

    /// Reads the stored keyring, lets `edit` change it, writes it if it did, and installs it.
    async fn change_keyring(
        &self,
        edit: impl Fn(&mut Document) -> Result<Edit, StoreError>,
    ) -> Result<(), StoreError> {
        for _ in 0..ATTEMPTS_MAX {
            let mut stored = self.stored_keyring().await?;
            match edit(&mut stored.document)? {
                Edit::Unchanged => {
                    self.install(stored.root, stored.version, &stored.document);
                    return Ok(());
                }
                Edit::Changed => {
                    let sealed = keyring::seal(&stored.root, self.nonces.take(), &stored.document)?;
                    let mut batch = Batch::default();
                    batch
                        .expect
                        .insert(KEYRING_KEY.to_owned(), Some(stored.version));
                    batch.writes.insert(KEYRING_KEY.to_owned(), Some(sealed));
                    match self.physical.commit(batch).await {
                        Ok(revision) => {
                            self.install(stored.root, revision.into(), &stored.document);
                            return Ok(());
                        }
                        Err(CommitError::Conflict) => {}
                        Err(CommitError::Failed(error)) => return Err(error),
                    }
                }
            }
        }
        Err(StoreError::Io(
            "keyring: other nodes kept changing it at the same time".to_owned(),
        ))
    }

    async fn stored_keyring(&self) -> Result<Stored, StoreError> {
        let root = {
            let keyring = self.keyring.load();
            Arc::clone(&keyring.as_deref().ok_or(StoreError::Sealed)?.root)
        };
        let Some(stored) = self.physical.get(KEYRING_KEY).await? else {
            return Err(record::corrupt(KEYRING_KEY, "keyring is missing"));
        };
        let document = Document::decode(&keyring::open(&root, stored.value)?)?;
        Ok(Stored {
            root,
            version: stored.version,
            document,
        })
    }
}

/// A count on its way into the stored keyring. Unless it is declared saved it goes back, also when
/// the commit that carried it was cancelled. If it was saved after all it counts twice, which errs
/// towards an early rotation.
struct TakenCount<'a> {
    unsaved: &'a AtomicU64,
    count: u64,
}

impl<'a> TakenCount<'a> {
    fn take(unsaved: &'a AtomicU64) -> Self {
        Self {
            unsaved,
            count: unsaved.swap(0, Ordering::Relaxed),
        }
    }

    fn saved(mut self) {
        self.count = 0;
    }
}

impl Drop for TakenCount<'_> {
    fn drop(&mut self) {
        self.unsaved.fetch_add(self.count, Ordering::Relaxed);
    }
}
