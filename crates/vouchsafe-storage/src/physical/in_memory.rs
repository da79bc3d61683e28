//! The physical store in memory: for development mode and for tests. Nothing survives the process.
//!
//! An ordered map behind a read-write lock. The lock is held for one lookup, one page or one
//! batch, never across an await. Commits are announced to the change feed under the same lock, so
//! that they are announced in their order.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use vouchsafe_logical::view::LIST_PAGE_MAX;
use vouchsafe_logical::{Batch, BoxFuture, CommitError, Newer, Record, StoreError, Version};

use super::history::History;
use super::{ChangeEvent, ChangeFeed, Physical, PhysicalSnapshot, Replacement, Revision, limit};

/// The physical store in memory.
pub struct InMemory {
    shared: Arc<Shared>,
}

struct Shared {
    state: RwLock<State>,
    history: History,
}

#[derive(Clone, Default)]
struct State {
    records: BTreeMap<String, Record>,
    revision: Revision,
}

impl InMemory {
    /// An empty store at revision zero.
    #[must_use]
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                state: RwLock::default(),
                history: History::new(Revision::default()),
            }),
        }
    }
}

impl Shared {
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
            Ok(self.shared.read().records.get(key).cloned())
        })
    }

    fn get_newer<'a>(
        &'a self,
        key: &'a str,
        than: Version,
    ) -> BoxFuture<'a, Result<Newer, StoreError>> {
        Box::pin(async move {
            limit::check_key(key)?;
            Ok(match self.shared.read().records.get(key) {
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
                .shared
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
            let mut state = self.shared.write();
            let event = state.apply(batch)?;
            self.shared.history.announce(event);
            Ok(state.revision)
        })
    }

    fn subscribe(
        &self,
        after: Option<Revision>,
    ) -> BoxFuture<'_, Result<Box<dyn ChangeFeed>, StoreError>> {
        Box::pin(async move { Ok(self.shared.history.subscribe(after)) })
    }

    /// A copy: what is in memory as a whole can be there twice for a moment.
    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn PhysicalSnapshot>, StoreError>> {
        Box::pin(async move {
            let state = self.shared.read().clone();
            Ok(Box::new(state) as Box<dyn PhysicalSnapshot>)
        })
    }

    fn replace(&self, above: Revision) -> BoxFuture<'_, Result<Box<dyn Replacement>, StoreError>> {
        Box::pin(async move {
            let begun_at = self.shared.read().revision;
            let replacement = Staged {
                shared: Arc::clone(&self.shared),
                begun_at,
                staged: State {
                    records: BTreeMap::new(),
                    revision: Revision(begun_at.max(above).0 + 1),
                },
            };
            Ok(Box::new(replacement) as Box<dyn Replacement>)
        })
    }
}

impl PhysicalSnapshot for State {
    fn revision(&self) -> Revision {
        self.revision
    }

    fn page<'a>(
        &'a self,
        after: Option<&'a str>,
        bytes: usize,
    ) -> BoxFuture<'a, Result<Vec<(String, Record)>, StoreError>> {
        Box::pin(async move {
            let from = after.map_or(Bound::Unbounded, Bound::Excluded);
            let (mut page, mut taken) = (Vec::new(), 0);
            for (key, record) in self.records.range::<str, _>((from, Bound::Unbounded)) {
                taken += key.len() + record.value.len();
                page.push((key.clone(), record.clone()));
                if taken >= bytes {
                    break;
                }
            }
            Ok(page)
        })
    }
}

/// What shall take the place of a state.
struct Staged {
    shared: Arc<Shared>,
    begun_at: Revision,
    staged: State,
}

impl Replacement for Staged {
    fn put(&mut self, records: Vec<(String, Vec<u8>)>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            limit::check_records(&records)?;
            let version = self.staged.revision.into();
            let records = records
                .into_iter()
                .map(|(key, value)| (key, Record { version, value }));
            self.staged.records.extend(records);
            Ok(())
        })
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<Revision, CommitError>> {
        Box::pin(async move {
            let mut state = self.shared.write();
            if state.revision != self.begun_at {
                return Err(CommitError::Conflict);
            }
            let revision = self.staged.revision;
            *state = self.staged;
            self.shared.history.restart(revision);
            Ok(revision)
        })
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
