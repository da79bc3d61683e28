//! The physical store in memory: for development mode and for tests. Nothing survives the process.
//!
//! An ordered map behind a read-write lock. The lock is held for one lookup, one page or one
//! batch, never across an await. The change feed is the recent history of commits, kept once and
//! read by every subscriber at its own position: a slow subscriber costs nothing and delays
//! nobody, it only falls out of the history.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};

use tokio::sync::watch;
use vouchsafe_logical::view::LIST_PAGE_MAX;
use vouchsafe_logical::{Batch, BoxFuture, CommitError, Newer, Record, StoreError, Version};

use super::{Change, ChangeEvent, ChangeFeed, Physical, Revision, limit};

/// How many commits the change history keeps.
pub const HISTORY_EVENTS_MAX: usize = 4_096;
/// How many keys the commits of the change history name in total: room for two of the largest
/// batches, so that the history is bounded in bytes as well.
pub const HISTORY_KEYS_MAX: usize = 2 * limit::BATCH_ENTRIES_MAX;

/// The physical store in memory.
pub struct InMemory {
    state: Arc<RwLock<State>>,
    /// The newest revision, to wake subscribers. Sent under the write lock, so it never goes back.
    head: watch::Sender<Revision>,
}

#[derive(Default)]
struct State {
    records: BTreeMap<String, Record>,
    revision: Revision,
    history: History,
}

/// The newest commits, oldest first.
#[derive(Default)]
struct History {
    events: VecDeque<ChangeEvent>,
    keys: usize,
    /// The newest commit that was dropped: whoever has not seen it yet has lagged.
    forgotten: Revision,
}

impl InMemory {
    /// An empty store at revision zero.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: Arc::default(),
            head: watch::Sender::new(Revision::default()),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        read(&self.state)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        // Sound for the reason given in `read`.
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A poisoned lock is entered all the same: a batch is checked as a whole before its first write,
/// and writing it can't panic, so no panic leaves half a batch behind.
fn read(state: &RwLock<State>) -> RwLockReadGuard<'_, State> {
    state.read().unwrap_or_else(PoisonError::into_inner)
}

impl Default for InMemory {
    fn default() -> Self {
        Self::new()
    }
}

impl Physical for InMemory {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Record>, StoreError>> {
        Box::pin(async move {
            limit::check_key(key)?;
            Ok(self.read().records.get(key).cloned())
        })
    }

    fn get_newer<'a>(
        &'a self,
        key: &'a str,
        than: Version,
    ) -> BoxFuture<'a, Result<Newer, StoreError>> {
        Box::pin(async move {
            limit::check_key(key)?;
            Ok(match self.read().records.get(key) {
                None => Newer::Absent,
                Some(record) if record.version == than => Newer::Same,
                Some(record) => Newer::Record(record.clone()),
            })
        })
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        Box::pin(async move {
            let from = match after {
                Some(after) if after >= prefix => Bound::Excluded(after),
                _ => Bound::Included(prefix),
            };
            Ok(self
                .read()
                .records
                .range::<str, _>((from, Bound::Unbounded))
                .map(|(key, _)| key)
                .take_while(|key| key.starts_with(prefix))
                .take(limit.min(LIST_PAGE_MAX))
                .cloned()
                .collect())
        })
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Revision, CommitError>> {
        Box::pin(async move {
            limit::check_batch(&batch)?;
            let mut state = self.write();
            let revision = state.apply(batch)?;
            self.head
                .send_if_modified(|head| std::mem::replace(head, revision) != revision);
            Ok(revision)
        })
    }

    fn subscribe(
        &self,
        after: Option<Revision>,
    ) -> BoxFuture<'_, Result<Box<dyn ChangeFeed>, StoreError>> {
        Box::pin(async move {
            let head = self.head.subscribe();
            let seen = after.unwrap_or_else(|| self.read().revision);
            let feed = Feed {
                state: Arc::downgrade(&self.state),
                head,
                seen,
            };
            Ok(Box::new(feed) as Box<dyn ChangeFeed>)
        })
    }
}

impl State {
    fn apply(&mut self, batch: Batch) -> Result<Revision, CommitError> {
        for (key, expected) in &batch.expect {
            let found = self.records.get(key).map(|record| record.version);
            if found != *expected {
                return Err(CommitError::Conflict);
            }
        }
        let revision = Revision(self.revision.0 + 1);
        let mut changed = Vec::with_capacity(batch.writes.len());
        for (key, value) in batch.writes {
            match value {
                Some(value) => {
                    let record = Record {
                        version: revision.into(),
                        value,
                    };
                    self.records.insert(key.clone(), record);
                    changed.push(key);
                }
                None => {
                    if self.records.remove(&key).is_some() {
                        changed.push(key);
                    }
                }
            }
        }
        if !changed.is_empty() {
            self.revision = revision;
            self.history.push(ChangeEvent {
                revision,
                keys: changed.into(),
            });
        }
        Ok(self.revision)
    }
}

impl History {
    fn push(&mut self, event: ChangeEvent) {
        self.keys += event.keys.len();
        self.events.push_back(event);
        while self.events.len() > HISTORY_EVENTS_MAX || self.keys > HISTORY_KEYS_MAX {
            let Some(oldest) = self.events.pop_front() else {
                break;
            };
            self.keys -= oldest.keys.len();
            self.forgotten = oldest.revision;
        }
    }

    fn after(&self, seen: Revision) -> Option<&ChangeEvent> {
        self.events
            .get(self.events.partition_point(|event| event.revision <= seen))
    }
}

/// A position in the history.
struct Feed {
    /// Weak, so that a subscriber does not keep a dropped store alive and waits for it forever.
    state: Weak<RwLock<State>>,
    head: watch::Receiver<Revision>,
    seen: Revision,
}

impl Feed {
    fn ready(&mut self) -> Option<Change> {
        let state = self.state.upgrade()?;
        let state = read(&state);
        if self.seen < state.history.forgotten || self.seen > state.revision {
            self.seen = state.revision;
            return Some(Change::Lagged {
                resume: state.revision,
            });
        }
        let event = state.history.after(self.seen)?;
        self.seen = event.revision;
        Some(Change::Committed(event.clone()))
    }
}

impl ChangeFeed for Feed {
    fn next(&mut self) -> BoxFuture<'_, Result<Change, StoreError>> {
        Box::pin(async move {
            loop {
                // Before the state is read: a commit after the reading wakes `changed` at once.
                self.head.mark_unchanged();
                if let Some(change) = self.ready() {
                    return Ok(change);
                }
                if self.head.changed().await.is_err() {
                    return Err(StoreError::Io(
                        "change feed: the store was closed".to_owned(),
                    ));
                }
            }
        })
    }
}
