//! The one thread that writes: it takes the commits that wait, makes them durable with one
//! transaction of the engine, and answers them all.
//!
//! There is no timer. While one group is being synced, the next one gathers in the queue; so a lone
//! commit waits for nobody, and many share a sync.
//!
//! Invariants:
//! - A commit is checked against the store and all earlier commits of its group, in the order of
//!   the queue, which is the order of revisions.
//! - Nothing is acknowledged, announced or readable before the sync that makes it durable. That
//!   includes a conflict with a commit of the same group.
//! - A group that changed nothing is answered without a sync.
//! - After a failure nothing is acknowledged until the store is opened again.
//! - A replacement of the whole store takes its turn in the queue like a commit.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{Database, WriteTransaction};
use tokio::sync::{mpsc, oneshot};
use vouchsafe_logical::{Batch, CommitError, StoreError};

use super::error::{contained, store_error};
use super::fuse::Fuse;
use super::layout::{self, RECORDS, Snapshot};
use super::replacement::StagedPath;
use super::{Shared, sync_folder};
use crate::physical::{ChangeEvent, Revision};

/// The most commits that share a sync, and the most that wait for the next one.
pub(super) const GROUP_COMMITS_MAX: usize = 1_024;
/// The bytes of values after which a group takes no more commits: the engine holds them in memory.
pub(super) const GROUP_BYTES_MAX: usize = 16 << 20;

/// A commit's answer.
type Answer = Result<Revision, CommitError>;

/// What waits for the writer.
pub(super) enum Request {
    /// A commit.
    Commit(Commit),
    /// Another store in the place of this one.
    Swap(Box<Swap>),
}

/// One commit that waits. Its limits were checked.
pub(super) struct Commit {
    pub(super) batch: Batch,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// A complete and durable store that shall take the place of the one that is open.
pub(super) struct Swap {
    pub(super) database: Database,
    pub(super) snapshot: Snapshot,
    pub(super) fuse: Fuse,
    pub(super) path: StagedPath,
    /// The revision that the store must still have.
    pub(super) begun_at: Revision,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// The state of the writing thread.
pub(super) struct Writer {
    pub(super) database: Database,
    pub(super) shared: Arc<Shared>,
    pub(super) fuse: Fuse,
    pub(super) revision: Revision,
    /// The store's file.
    pub(super) path: PathBuf,
}

/// What a group did: one answer per commit, and the commits that changed something.
#[derive(Default)]
struct Outcome {
    answers: Vec<Answer>,
    events: Vec<ChangeEvent>,
}

impl Writer {
    /// Serves until the queue is closed and empty.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Request>) {
        let mut waiting = VecDeque::new();
        let mut taken = Vec::with_capacity(GROUP_COMMITS_MAX);
        loop {
            if waiting.is_empty() && queue.blocking_recv_many(&mut taken, GROUP_COMMITS_MAX) == 0 {
                return;
            }
            waiting.extend(taken.drain(..));
            let group = next_group(&mut waiting);
            if !group.is_empty() {
                self.serve(group);
            } else if let Some(Request::Swap(swap)) = waiting.pop_front() {
                self.swap(*swap);
            }
        }
    }

    /// Commits a group and answers each of its commits.
    fn serve(&mut self, group: Vec<Commit>) {
        let (batches, callers): (Vec<_>, Vec<_>) = group
            .into_iter()
            .map(|commit| (commit.batch, commit.answer))
            .unzip();
        let answers = match self.commit(batches) {
            Ok(answers) => answers,
            Err(error) => vec![Err(CommitError::Failed(error)); callers.len()],
        };
        for (caller, answer) in callers.into_iter().zip(answers) {
            // A caller who no longer waits has left the outcome open.
            let _ = caller.send(answer);
        }
    }

    fn commit(&mut self, batches: Vec<Batch>) -> Result<Vec<Answer>, StoreError> {
        self.check_fuse()?;
        let outcome = contained(|| write_group(&self.database, self.revision, batches))
            .and_then(|outcome| self.check_fuse().map(|()| outcome))
            .inspect_err(|error| self.fuse.blow(error.to_string()))?;
        if let Some(newest) = outcome.events.last() {
            let revision = newest.revision;
            let snapshot = contained(|| Snapshot::take(&self.database).map_err(store_error))
                .inspect_err(|error| self.fuse.blow(error.to_string()))?;
            self.revision = revision;
            self.shared.snapshot.store(Arc::new(snapshot));
            self.shared.history.announce(outcome.events);
        }
        Ok(outcome.answers)
    }

    /// Puts another store in the place of this one, and answers.
    fn swap(&mut self, swap: Swap) {
        let Swap {
            database,
            snapshot,
            fuse,
            path,
            begun_at,
            answer,
        } = swap;
        let revision = snapshot.revision;
        let swapped = if self.revision == begun_at {
            self.check_fuse()
                .and_then(|()| self.rename(&path))
                .map_err(CommitError::from)
        } else {
            Err(CommitError::Conflict)
        };
        if swapped.is_ok() {
            fuse.arm();
            // The old file has no name any more: closing it leaves nothing.
            self.database = database;
            self.fuse = fuse;
            self.revision = revision;
            self.shared.snapshot.store(Arc::new(snapshot));
            self.shared.history.restart(revision);
        }
        drop(path);
        let _ = answer.send(swapped.map(|()| revision));
    }

    /// Renames a staged file over the store's. When nobody can tell whether the name is durable,
    /// nothing more is written: the next opening shows which store there is.
    fn rename(&self, staged: &StagedPath) -> Result<(), StoreError> {
        let failed = |text: String| StoreError::Io(format!("store file: replace: {text}"));
        staged
            .rename_to(&self.path)
            .map_err(|error| failed(error.to_string()))?;
        let folder = self.path.parent().unwrap_or_else(|| Path::new("."));
        sync_folder(folder)
            .map_err(|error| failed(error.to_string()))
            .inspect_err(|error| self.fuse.blow(error.to_string()))
    }

    fn check_fuse(&self) -> Result<(), StoreError> {
        match self.fuse.cause() {
            None => Ok(()),
            Some(cause) => Err(StoreError::Io(format!(
                "{cause}; nothing is written until the store is opened again"
            ))),
        }
    }
}

/// The next commits of the queue, within [`GROUP_BYTES_MAX`]: at least one, unless it is not a
/// commit's turn.
fn next_group(waiting: &mut VecDeque<Request>) -> Vec<Commit> {
    let mut bytes = 0;
    let mut group = Vec::new();
    while let Some(Request::Commit(next)) = waiting.front() {
        bytes += next
            .batch
            .writes
            .values()
            .flatten()
            .map(Vec::len)
            .sum::<usize>();
        if !group.is_empty() && bytes > GROUP_BYTES_MAX {
            break;
        }
        if let Some(Request::Commit(next)) = waiting.pop_front() {
            group.push(next);
        }
    }
    group
}

/// Writes all batches whose expectations hold, and syncs if that changed anything.
fn write_group(
    database: &Database,
    mut revision: Revision,
    batches: Vec<Batch>,
) -> Result<Outcome, StoreError> {
    let transaction = layout::begin(database).map_err(store_error)?;
    let mut outcome = Outcome::default();
    for batch in batches {
        let answer = match write_batch(&transaction, revision, batch)? {
            None => Err(CommitError::Conflict),
            Some(keys) if keys.is_empty() => Ok(revision),
            Some(keys) => {
                revision = Revision(revision.0 + 1);
                outcome.events.push(ChangeEvent {
                    revision,
                    keys: keys.into(),
                });
                Ok(revision)
            }
        };
        outcome.answers.push(answer);
    }
    if outcome.events.is_empty() {
        transaction.abort().map_err(store_error)?;
    } else {
        layout::write_revision(&transaction, revision).map_err(store_error)?;
        transaction.commit().map_err(store_error)?;
    }
    Ok(outcome)
}

/// Writes one batch after `revision` and answers the keys that changed; `None` is a conflict.
fn write_batch(
    transaction: &WriteTransaction,
    revision: Revision,
    batch: Batch,
) -> Result<Option<Vec<String>>, StoreError> {
    let mut records = transaction.open_table(RECORDS).map_err(store_error)?;
    for (key, expected) in &batch.expect {
        if layout::version_at(&records, key)? != *expected {
            return Ok(None);
        }
    }
    let version = Revision(revision.0 + 1).into();
    let mut stored = Vec::new();
    let mut changed = Vec::with_capacity(batch.writes.len());
    for (key, value) in batch.writes {
        let bytes = key.as_bytes();
        let changes = match value {
            Some(value) => {
                layout::encode(version, &value, &mut stored);
                records
                    .insert(bytes, stored.as_slice())
                    .map_err(store_error)?;
                true
            }
            None => records.remove(bytes).map_err(store_error)?.is_some(),
        };
        if changes {
            changed.push(key);
        }
    }
    Ok(Some(changed))
}
