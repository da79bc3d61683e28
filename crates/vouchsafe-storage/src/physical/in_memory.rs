//! The physical store in memory: for development mode and for tests. Nothing survives the process.
//!
//! An ordered map behind a read-write lock. The lock is held for one lookup, one page or one
//! batch, never across an await. Commits are announced to the change feed under the same lock, so
//! that they are announced in their order.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use vouchsafe_logical::view::LIST_PAGE_MAX;
use vouchsafe_logical::{Batch, BoxFuture, CommitError, Newer, Record, StoreError, Version};

use super::history::History;
use super::{ChangeEvent, ChangeFeed, Physical, Revision, limit};

/// The physical store in memory.
pub struct InMemory {
    state: RwLock<State>,
    history: History,
}

#[derive(Default)]
struct State {
    records: BTreeMap<String, Record>,
    revision: Revision,
}

impl InMemory {
    /// An empty store at revision zero.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: RwLock::default(),
            history: History::new(Revision::default()),
        }
    }

    /// A poisoned lock is entered all the same: a batch is checked as a whole before its first
    /// write, and writing it can't panic, so no panic leaves half a batch behind.
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        // Sound for the reason given at `read`.
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
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
            let event = state.apply(batch)?;
            self.history.announce(event);
            Ok(state.revision)
        })
    }

    fn subscribe(
        &self,
        after: Option<Revision>,
    ) -> BoxFuture<'_, Result<Box<dyn ChangeFeed>, StoreError>> {
        Box::pin(async move { Ok(self.history.subscribe(after)) })
    }
}

impl State {
    /// The event is `None` when the batch changed nothing.
    fn apply(&mut self, batch: Batch) -> Result<Option<ChangeEvent>, CommitError> {
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
        if changed.is_empty() {
            return Ok(None);
        }
        self.revision = revision;
        Ok(Some(ChangeEvent {
            revision,
            keys: changed.into(),
        }))
    }
}
