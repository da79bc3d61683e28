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

use std::collections::VecDeque;
use std::sync::Arc;

use redb::{Database, WriteTransaction};
use tokio::sync::{mpsc, oneshot};
use vouchsafe_logical::{Batch, CommitError, StoreError};

use super::Shared;
use super::error::{contained, store_error};
use super::fuse::Fuse;
use super::layout::{self, RECORDS, Snapshot};
use crate::physical::{ChangeEvent, Revision};

/// The most commits that share a sync, and the most that wait for the next one.
pub(super) const GROUP_COMMITS_MAX: usize = 1_024;
/// The bytes of values after which a group takes no more commits: the engine holds them in memory.
pub(super) const GROUP_BYTES_MAX: usize = 16 << 20;

/// A commit's answer.
type Answer = Result<Revision, CommitError>;

/// One commit that waits. Its limits were checked.
pub(super) struct Request {
    pub(super) batch: Batch,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// The state of the writing thread.
pub(super) struct Writer {
    pub(super) database: Database,
    pub(super) shared: Arc<Shared>,
    pub(super) fuse: Fuse,
    pub(super) revision: Revision,
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
            self.serve(group);
        }
    }

    /// Commits a group and answers each of its commits.
    fn serve(&mut self, group: Vec<Request>) {
        let (batches, callers): (Vec<_>, Vec<_>) = group
            .into_iter()
            .map(|request| (request.batch, request.answer))
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

    fn check_fuse(&self) -> Result<(), StoreError> {
        match self.fuse.cause() {
            None => Ok(()),
            Some(cause) => Err(StoreError::Io(format!(
                "{cause}; nothing is written until the store is opened again"
            ))),
        }
    }
}

/// The next commits of the queue, at least one, within [`GROUP_BYTES_MAX`].
fn next_group(waiting: &mut VecDeque<Request>) -> Vec<Request> {
    let mut bytes = 0;
    let mut count = 0;
    for request in waiting.iter() {
        bytes += request
            .batch
            .writes
            .values()
            .flatten()
            .map(Vec::len)
            .sum::<usize>();
        if count > 0 && bytes > GROUP_BYTES_MAX {
            break;
        }
        count += 1;
    }
    waiting.drain(..count).collect()
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
