//! The storage of a test, which counts what is read from it, can be taken down, and lets things happen in
//! the middle of a call.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use vouchsafe_logical::{Batch, BoxFuture, CommitError, Newer, Record, StoreError, Version};
use vouchsafe_storage::physical::{PhysicalSnapshot, Replacement};
use vouchsafe_storage::{ChangeFeed, InMemory, Physical, Revision};
use vouchsafe_testing::{Interrupts, Moment};

/// A store in memory and how many records were asked for or listed.
pub(crate) struct Counted {
    inner: InMemory,
    read: AtomicUsize,
    handed_out: AtomicUsize,
    is_down: AtomicBool,
    interrupts: Interrupts,
}

impl Counted {
    pub(super) fn new() -> Self {
        Self {
            inner: InMemory::new(),
            read: AtomicUsize::new(0),
            handed_out: AtomicUsize::new(0),
            interrupts: Interrupts::default(),
            is_down: AtomicBool::new(false),
        }
    }

    /// How many records were asked for or listed since the last call.
    pub(crate) fn take_reads(&self) -> usize {
        self.read.swap(0, Ordering::SeqCst)
    }

    /// How many records were handed out, to be decrypted, since the last call.
    pub(super) fn take_handed_out(&self) -> usize {
        self.handed_out.swap(0, Ordering::SeqCst)
    }

    /// What happens in the middle of calls.
    pub(super) const fn interrupts(&self) -> &Interrupts {
        &self.interrupts
    }

    /// Lets every call fail from now on.
    pub(super) fn take_down(&self) {
        self.is_down.store(true, Ordering::SeqCst);
    }

    fn up(&self) -> Result<(), StoreError> {
        if self.is_down.load(Ordering::SeqCst) {
            return Err(StoreError::Io("the disk is gone".to_owned()));
        }
        Ok(())
    }

    fn hand_out(&self, is_record: bool) {
        self.handed_out
            .fetch_add(usize::from(is_record), Ordering::SeqCst);
    }

    fn count(&self, records: usize) {
        self.read.fetch_add(records, Ordering::SeqCst);
    }
}

impl Physical for Counted {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Record>, StoreError>> {
        Box::pin(async move {
            self.up()?;
            self.count(1);
            let found = self.inner.get(key).await?;
            self.interrupts.pass(Moment::Read(key.to_owned())).await;
            self.hand_out(found.is_some());
            Ok(found)
        })
    }

    fn get_newer<'a>(
        &'a self,
        key: &'a str,
        than: Version,
    ) -> BoxFuture<'a, Result<Newer, StoreError>> {
        Box::pin(async move {
            self.up()?;
            self.count(1);
            let found = self.inner.get_newer(key, than).await?;
            self.interrupts.pass(Moment::Read(key.to_owned())).await;
            self.hand_out(matches!(found, Newer::Record(_)));
            Ok(found)
        })
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        Box::pin(async move {
            self.up()?;
            let page = self.inner.list(prefix, after, limit).await?;
            self.count(page.len());
            Ok(page)
        })
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Revision, CommitError>> {
        Box::pin(async move {
            self.up()?;
            self.interrupts.pass(Moment::Commit).await;
            self.inner.commit(batch).await
        })
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
