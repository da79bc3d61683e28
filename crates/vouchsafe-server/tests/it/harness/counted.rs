//! The storage of a test, which counts what is read from it.

use std::sync::atomic::{AtomicUsize, Ordering};

use vouchsafe_logical::{Batch, BoxFuture, CommitError, Newer, Record, StoreError, Version};
use vouchsafe_storage::physical::{PhysicalSnapshot, Replacement};
use vouchsafe_storage::{ChangeFeed, InMemory, Physical, Revision};

/// A store in memory and how many records were asked for or listed.
pub(crate) struct Counted {
    inner: InMemory,
    read: AtomicUsize,
}

impl Counted {
    pub(super) fn new() -> Self {
        Self {
            inner: InMemory::new(),
            read: AtomicUsize::new(0),
        }
    }

    /// How many records were asked for or listed since the last call.
    pub(crate) fn take_reads(&self) -> usize {
        self.read.swap(0, Ordering::SeqCst)
    }

    fn count(&self, records: usize) {
        self.read.fetch_add(records, Ordering::SeqCst);
    }
}

impl Physical for Counted {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Record>, StoreError>> {
        self.count(1);
        self.inner.get(key)
    }

    fn get_newer<'a>(
        &'a self,
        key: &'a str,
        than: Version,
    ) -> BoxFuture<'a, Result<Newer, StoreError>> {
        self.count(1);
        self.inner.get_newer(key, than)
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        Box::pin(async move {
            let page = self.inner.list(prefix, after, limit).await?;
            self.count(page.len());
            Ok(page)
        })
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Revision, CommitError>> {
        self.inner.commit(batch)
    }

    fn subscribe(
        &self,
        after: Option<Revision>,
    ) -> BoxFuture<'_, Result<Box<dyn ChangeFeed>, StoreError>> {
        self.inner.subscribe(after)
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn PhysicalSnapshot>, StoreError>> {
        self.inner.snapshot()
    }

    fn replace(&self, above: Revision) -> BoxFuture<'_, Result<Box<dyn Replacement>, StoreError>> {
        self.inner.replace(above)
    }
}
