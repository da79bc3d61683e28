//! Backing a store up and restoring it: snapshots of what the barrier has encrypted.
//!
//! A snapshot is made while the barrier serves, by whoever has unsealed it, and restored while there
//! is no barrier yet. Its records are ciphertext and stay so: the same shares (or the same automatic
//! seal) that open the store that was backed up open the one that was restored.
//!
//! The seal of a snapshot is a record (see `record`) of its digest under a data key, bound to
//! [`RESTORED_KEY`]. A restored store holds it there until the first unseal checks it: so a file in
//! which somebody left records out, put older ones in, or joined two snapshots is refused, although
//! each record in it is genuine.
//!
//! ```text
//! offset  bytes  content of the record at RESTORED_KEY
//!      0      1  format version, 1
//!      1     32  digest
//!     33      n  seal
//! ```

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use vouchsafe_logical::{Batch, CommitError, StoreError};

use super::keyring::Keyring;
use super::{Barrier, KEYRING_KEY, UnsealError, record};
use crate::physical::{PhysicalSnapshot, Replacement};
use crate::snapshot::{Header, Reader, SnapshotError, Whole, Writer};

/// Where a restored store keeps what its first unseal checks. Not readable or writable through the
/// barrier.
pub const RESTORED_KEY: &str = "core/restored";

const FORMAT: u8 = 1;
const DIGEST_BYTES: usize = 32;

/// How many bytes of records one piece of a snapshot has at least, unless it is the last.
const PIECE_BYTES: usize = 256 << 10;
/// How many bytes of records are put into a store at once: each time it waits for the disk.
const PAGE_BYTES: usize = 4 << 20;

/// A snapshot that is being made, piece by piece.
pub struct Backup {
    barrier: Arc<Barrier>,
    snapshot: Box<dyn PhysicalSnapshot>,
    header: Header,
    /// A term that the snapshot's own keyring has.
    term: u32,
    state: State,
}

enum State {
    Begun,
    Records {
        writer: Writer,
        last: Option<String>,
    },
    Ended,
}

impl Barrier {
    /// Begins a snapshot of the store as it is now.
    ///
    /// # Errors
    /// [`StoreError::Sealed`]; the store's.
    pub async fn backup(self: &Arc<Self>) -> Result<Backup, StoreError> {
        // Before the snapshot: a term that is in memory was in storage first.
        let term = self.key_status()?.term;
        let snapshot = self.physical.snapshot().await?;
        Ok(Backup {
            barrier: Arc::clone(self),
            header: Header {
                revision: snapshot.revision(),
                created_at: self.clock.now(),
            },
            snapshot,
            term,
            state: State::Begun,
        })
    }

    /// Begins to restore a snapshot over a store without a barrier.
    ///
    /// # Errors
    /// [`RestoreError::Initialized`]; the store's.
    pub async fn restore(self: &Arc<Self>) -> Result<Restore, RestoreError> {
        if self.is_initialized().await? {
            return Err(RestoreError::Initialized);
        }
        Ok(Restore {
            barrier: Arc::clone(self),
            reader: Reader::new(),
            replacement: None,
            page: Vec::new(),
            page_bytes: 0,
            has_keyring: false,
        })
    }

    /// Whether the store is what was backed up, if it was restored and this is its first unseal.
    pub(super) async fn check_restored(&self, keyring: &Keyring) -> Result<(), UnsealError> {
        let Some(stored) = self.physical.get(RESTORED_KEY).await? else {
            return Ok(());
        };
        let altered = || UnsealError::SnapshotAltered;
        let (digest, seal) = match stored.value.split_first() {
            Some((&FORMAT, rest)) => rest.split_at_checked(DIGEST_BYTES).ok_or_else(altered)?,
            _ => return Err(altered()),
        };
        let term = record::term(RESTORED_KEY, seal).map_err(|_| altered())?;
        let term = keyring.find(term).ok_or_else(altered)?;
        let sealed = record::open(&term.key, RESTORED_KEY, seal.to_vec());
        if sealed.map_err(|_| altered())? != digest {
            return Err(altered());
        }
        let mut batch = Batch::default();
        let version = Some(stored.version);
        batch.expect.insert(RESTORED_KEY.to_owned(), version);
        batch.writes.insert(RESTORED_KEY.to_owned(), None);
        match self.physical.commit(batch).await {
            // Of several nodes that unseal at once, another one has removed it.
            Ok(_) | Err(CommitError::Conflict) => Ok(()),
            Err(CommitError::Failed(error)) => Err(error.into()),
        }
    }
}

impl Backup {
    /// The beginning of the snapshot.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The next piece; `None` after the last one.
    ///
    /// # Errors
    /// [`StoreError::Sealed`] when the barrier was sealed meanwhile; the store's. What was made so
    /// far is no snapshot then: it lacks its end.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Ended => Ok(None),
            State::Begun => {
                let (writer, bytes) = Writer::begin(&self.header);
                let last = None;
                self.state = State::Records { writer, last };
                Ok(Some(bytes))
            }
            State::Records { mut writer, last } => {
                let page = self.snapshot.page(last.as_deref(), PIECE_BYTES).await?;
                let Some((last, _)) = page.last() else {
                    return self.end(writer).map(Some);
                };
                let last = Some(last.clone());
                let mut bytes = Vec::with_capacity(PIECE_BYTES + PIECE_BYTES / 4);
                for (key, record) in &page {
                    writer.record(key, &record.value, &mut bytes)?;
                }
                self.state = State::Records { writer, last };
                Ok(Some(bytes))
            }
        }
    }

    fn end(&self, writer: Writer) -> Result<Vec<u8>, StoreError> {
        let keyring = self.barrier.keyring.load();
        let keyring = keyring.as_deref().ok_or(StoreError::Sealed)?;
        let term = keyring.find(self.term).ok_or(StoreError::Sealed)?;
        let nonce = self.barrier.nonces.take();
        term.unsaved.fetch_add(1, Ordering::Relaxed);
        writer.end(|digest| record::seal(&term.key, term.term, nonce, RESTORED_KEY, digest))
    }
}

/// A snapshot that is being restored. Dropped before [`Restore::finish`] it leaves the store as it
/// was.
pub struct Restore {
    barrier: Arc<Barrier>,
    reader: Reader,
    replacement: Option<Box<dyn Replacement>>,
    page: Vec<(String, Vec<u8>)>,
    page_bytes: usize,
    has_keyring: bool,
}

/// Why a snapshot was not restored. The store is as it was, unless the store itself failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestoreError {
    /// The store has a keyring.
    Initialized,
    /// Somebody else wrote to the store meanwhile.
    Overtaken,
    /// It is no snapshot, or not a whole one.
    Snapshot(SnapshotError),
    /// It is a snapshot of a store that was never initialised.
    WithoutKeyring,
    /// The store failed.
    Failed(StoreError),
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Initialized => f.write_str("the store is initialised already"),
            Self::Overtaken => f.write_str("the store was changed during the restore"),
            Self::Snapshot(error) => error.fmt(f),
            Self::WithoutKeyring => f.write_str("the snapshot holds no keyring"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RestoreError {}

impl From<SnapshotError> for RestoreError {
    fn from(error: SnapshotError) -> Self {
        Self::Snapshot(error)
    }
}

impl From<StoreError> for RestoreError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// What was restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// How many records there are.
    pub records: u64,
    /// What the snapshot says of itself.
    pub header: Header,
}

impl Restore {
    /// Takes the next bytes of the snapshot.
    ///
    /// # Errors
    /// [`RestoreError::Snapshot`] as soon as they can't be a part of one; the store's.
    pub async fn feed(&mut self, bytes: &[u8]) -> Result<(), RestoreError> {
        self.reader.feed(bytes)?;
        for (key, value) in self.reader.take() {
            self.page_bytes += key.len() + value.len();
            self.has_keyring |= key == KEYRING_KEY;
            self.page.push((key, value));
        }
        if self.page_bytes >= PAGE_BYTES {
            self.put().await?;
        }
        Ok(())
    }

    /// Puts the snapshot in the place of what is stored, once it turned out to be whole.
    ///
    /// # Errors
    /// [`RestoreError::Snapshot`] when it is not whole; [`RestoreError::WithoutKeyring`];
    /// [`RestoreError::Initialized`] or [`RestoreError::Overtaken`] when somebody else wrote to the
    /// store meanwhile; the store's.
    pub async fn finish(mut self) -> Result<Restored, RestoreError> {
        self.put().await?;
        let Whole {
            header,
            records,
            sealed_digest,
            seal,
        } = self.reader.finish()?;
        let Some(mut replacement) = self.replacement.filter(|_| self.has_keyring) else {
            return Err(RestoreError::WithoutKeyring);
        };
        let mut value = vec![FORMAT];
        value.extend_from_slice(&sealed_digest);
        value.extend_from_slice(&seal);
        replacement
            .put(vec![(RESTORED_KEY.to_owned(), value)])
            .await?;
        match replacement.finish().await {
            Ok(_) => Ok(Restored { header, records }),
            Err(CommitError::Failed(error)) => Err(error.into()),
            Err(CommitError::Conflict) if self.barrier.is_initialized().await? => {
                Err(RestoreError::Initialized)
            }
            Err(CommitError::Conflict) => Err(RestoreError::Overtaken),
        }
    }

    async fn put(&mut self) -> Result<(), RestoreError> {
        let Some(header) = self.reader.header() else {
            return Ok(());
        };
        if self.replacement.is_none() {
            self.replacement = Some(self.barrier.physical.replace(header.revision).await?);
            // From here on a write of anybody else is a conflict; this is about those before.
            if self.barrier.is_initialized().await? {
                return Err(RestoreError::Initialized);
            }
        }
        if let Some(replacement) = &mut self.replacement {
            replacement.put(std::mem::take(&mut self.page)).await?;
            self.page_bytes = 0;
        }
        Ok(())
    }
}
