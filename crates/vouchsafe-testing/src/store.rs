//! A plain store in memory, for tests of what lies above the barrier.

use std::collections::BTreeMap;
use std::sync::Mutex;

use vouchsafe_logical::{Batch, BoxFuture, CommitError, Newer, Record, Store, StoreError, Version};

/// An unencrypted [`Store`] in memory.
#[derive(Default)]
pub struct MemoryStore(Mutex<State>);

#[derive(Default)]
struct State {
    revision: u64,
    records: BTreeMap<String, Record>,
}

impl Store for MemoryStore {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Record>, StoreError>> {
        let found = self
            .0
            .lock()
            .expect("not poisoned")
            .records
            .get(key)
            .cloned();
        Box::pin(async move { Ok(found) })
    }

    fn get_newer<'a>(
        &'a self,
        key: &'a str,
        than: Version,
    ) -> BoxFuture<'a, Result<Newer, StoreError>> {
        let found = match self.0.lock().expect("not poisoned").records.get(key) {
            None => Newer::Absent,
            Some(record) if record.version == than => Newer::Same,
            Some(record) => Newer::Record(record.clone()),
        };
        Box::pin(async move { Ok(found) })
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        let state = self.0.lock().expect("not poisoned");
        let keys = state
            .records
            .keys()
            .filter(|key| key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after))
            .take(limit)
            .cloned()
            .collect();
        Box::pin(async move { Ok(keys) })
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<(), CommitError>> {
        let mut state = self.0.lock().expect("not poisoned");
        let holds = batch
            .expect
            .iter()
            .all(|(key, version)| state.records.get(key).map(|record| record.version) == *version);
        let outcome = if holds {
            state.revision += 1;
            let version = Version(state.revision);
            for (key, value) in batch.writes {
                match value {
                    Some(value) => drop(state.records.insert(key, Record { version, value })),
                    None => drop(state.records.remove(&key)),
                }
            }
            Ok(())
        } else {
            Err(CommitError::Conflict)
        };
        Box::pin(async move { outcome })
    }
}
