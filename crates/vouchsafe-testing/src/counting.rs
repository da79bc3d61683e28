//! A store that counts what is read from it, for promises about how much work something is.

use std::sync::atomic::{AtomicUsize, Ordering};

use vouchsafe_logical::{Batch, BoxFuture, CommitError, Newer, Record, Store, StoreError, Version};

/// Passes everything on to another store, and counts.
pub struct CountingStore<S> {
    inner: S,
    records: AtomicUsize,
    keys: AtomicUsize,
}

/// What was read so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reads {
    /// Records that were asked for, those that are not there or not newer included.
    pub records: usize,
    /// Keys that listings returned.
    pub keys: usize,
}

impl<S> CountingStore<S> {
    /// Counts what is read from `inner`.
    pub const fn new(inner: S) -> Self {
        Self {
            inner,
            records: AtomicUsize::new(0),
            keys: AtomicUsize::new(0),
        }
    }

    /// What was read so far.
    pub fn reads(&self) -> Reads {
        Reads {
            records: self.records.load(Ordering::SeqCst),
            keys: self.keys.load(Ordering::SeqCst),
        }
    }
}

impl<S: Store> Store for CountingStore<S> {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Record>, StoreError>> {
        self.records.fetch_add(1, Ordering::SeqCst);
        self.inner.get(key)
    }

    fn get_newer<'a>(
        &'a self,
        key: &'a str,
        than: Version,
    ) -> BoxFuture<'a, Result<Newer, StoreError>> {
        self.records.fetch_add(1, Ordering::SeqCst);
        self.inner.get_newer(key, than)
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        Box::pin(async move {
            let keys = self.inner.list(prefix, after, limit).await?;
            self.keys.fetch_add(keys.len(), Ordering::SeqCst);
            Ok(keys)
        })
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<(), CommitError>> {
        self.inner.commit(batch)
    }
}
