//! The conformance suite itself: a store that breaks a promise must fail the check of that promise.

use std::sync::Arc;

use vouchsafe_logical::{Batch, BoxFuture, CommitError, Newer, Record, StoreError, Version};
use vouchsafe_storage::physical::conformance::CHECKS;
use vouchsafe_storage::physical::{PhysicalSnapshot, Replacement};
use vouchsafe_storage::{Change, ChangeEvent, ChangeFeed, Physical, Revision};

use crate::fake::in_memory;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Breakage {
    AfterIgnored,
    AlwaysNewer,
    AlwaysSame,
    BatchInParts,
    DeletesKept,
    EventBeforeWrite,
    EventsMerged,
    EventsSkipped,
    ExpectationsIgnored,
    LimitIgnored,
    OrderReversed,
    PrefixIsFolder,
    ReplacedInParts,
    RevisionsFallBack,
    SnapshotLive,
    VersionsReused,
}

/// A store that keeps every promise but one.
struct Broken {
    inner: Arc<dyn Physical>,
    breakage: Breakage,
}

impl Broken {
    fn is(&self, breakage: Breakage) -> bool {
        self.breakage == breakage
    }

    fn broken_record(&self, mut record: Record) -> Record {
        if self.is(Breakage::VersionsReused) {
            record.version = Version(1);
        }
        record
    }

    async fn commit_in_parts(&self, batch: Batch) -> Result<Revision, CommitError> {
        let check = Batch {
            expect: batch.expect,
            writes: Default::default(),
        };
        let mut revision = self.inner.commit(check).await?;
        for write in batch.writes {
            let part = Batch {
                expect: Default::default(),
                writes: [write].into(),
            };
            revision = self.inner.commit(part).await?;
            tokio::task::yield_now().await;
        }
        Ok(revision)
    }
}

impl Physical for Broken {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Record>, StoreError>> {
        Box::pin(async move {
            Ok(self
                .inner
                .get(key)
                .await?
                .map(|record| self.broken_record(record)))
        })
    }

    fn get_newer<'a>(
        &'a self,
        key: &'a str,
        than: Version,
    ) -> BoxFuture<'a, Result<Newer, StoreError>> {
        Box::pin(async move {
            let than = if self.is(Breakage::AlwaysNewer) {
                Version(u64::MAX)
            } else {
                than
            };
            Ok(match self.inner.get_newer(key, than).await? {
                Newer::Record(_) if self.is(Breakage::AlwaysSame) => Newer::Same,
                Newer::Record(record) => Newer::Record(self.broken_record(record)),
                other => other,
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
            let after = after.filter(|_| !self.is(Breakage::AfterIgnored));
            let limit = if self.is(Breakage::LimitIgnored) {
                usize::MAX
            } else {
                limit
            };
            let mut keys = self.inner.list(prefix, after, limit).await?;
            if self.is(Breakage::OrderReversed) {
                keys.reverse();
            }
            if self.is(Breakage::PrefixIsFolder) {
                keys.retain(|key| prefix.is_empty() || key[prefix.len()..].starts_with('/'));
            }
            Ok(keys)
        })
    }

    fn commit(&self, mut batch: Batch) -> BoxFuture<'_, Result<Revision, CommitError>> {
        Box::pin(async move {
            if self.is(Breakage::BatchInParts) {
                return self.commit_in_parts(batch).await;
            }
            if self.is(Breakage::ExpectationsIgnored) {
                batch.expect.clear();
            }
            if self.is(Breakage::DeletesKept) {
                batch.writes.retain(|_, value| value.is_some());
            }
            self.inner.commit(batch).await
        })
    }

    fn subscribe(
        &self,
        after: Option<Revision>,
    ) -> BoxFuture<'_, Result<Box<dyn ChangeFeed>, StoreError>> {
        Box::pin(async move {
            let inner = self.inner.subscribe(after).await?;
            Ok(Box::new(BrokenFeed {
                inner,
                breakage: self.breakage,
            }) as Box<dyn ChangeFeed>)
        })
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn PhysicalSnapshot>, StoreError>> {
        Box::pin(async move {
            if self.is(Breakage::SnapshotLive) {
                let live = Live(Arc::clone(&self.inner));
                return Ok(Box::new(live) as Box<dyn PhysicalSnapshot>);
            }
            self.inner.snapshot().await
        })
    }

    fn replace(&self, above: Revision) -> BoxFuture<'_, Result<Box<dyn Replacement>, StoreError>> {
        Box::pin(async move {
            if self.is(Breakage::ReplacedInParts) {
                let writer = Parts(Arc::clone(&self.inner));
                return Ok(Box::new(writer) as Box<dyn Replacement>);
            }
            let above = if self.is(Breakage::RevisionsFallBack) {
                Revision::default()
            } else {
                above
            };
            self.inner.replace(above).await
        })
    }
}

/// Reads the store as it is at each page.
struct Live(Arc<dyn Physical>);

impl PhysicalSnapshot for Live {
    fn revision(&self) -> Revision {
        Revision(1)
    }

    fn page<'a>(
        &'a self,
        after: Option<&'a str>,
        bytes: usize,
    ) -> BoxFuture<'a, Result<Vec<(String, Record)>, StoreError>> {
        Box::pin(async move { self.0.snapshot().await?.page(after, bytes).await })
    }
}

/// Writes what it is given at once, over what there is.
struct Parts(Arc<dyn Physical>);

impl Replacement for Parts {
    fn put(&mut self, records: Vec<(String, Vec<u8>)>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let writes = records.into_iter().map(|(key, value)| (key, Some(value)));
            let batch = Batch {
                expect: Default::default(),
                writes: writes.collect(),
            };
            match self.0.commit(batch).await {
                Err(CommitError::Failed(error)) => Err(error),
                _ => Ok(()),
            }
        })
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<Revision, CommitError>> {
        Box::pin(async move { self.0.commit(Batch::default()).await })
    }
}

struct BrokenFeed {
    inner: Box<dyn ChangeFeed>,
    breakage: Breakage,
}

impl ChangeFeed for BrokenFeed {
    fn next(&mut self) -> BoxFuture<'_, Result<Change, StoreError>> {
        Box::pin(async move {
            let change = self.inner.next().await?;
            match (self.breakage, change) {
                (Breakage::EventsSkipped, Change::Committed(_)) => self.inner.next().await,
                (Breakage::EventBeforeWrite, Change::Committed(event)) => {
                    let revision = Revision(event.revision.0 + 1);
                    Ok(Change::Committed(ChangeEvent { revision, ..event }))
                }
                (Breakage::EventsMerged, Change::Committed(first)) => {
                    let Change::Committed(second) = self.inner.next().await? else {
                        return Ok(Change::Committed(first));
                    };
                    let keys = first
                        .keys
                        .iter()
                        .chain(second.keys.iter())
                        .cloned()
                        .collect();
                    Ok(Change::Committed(ChangeEvent { keys, ..second }))
                }
                (_, change) => Ok(change),
            }
        })
    }
}

async fn passes(breakage: Breakage, name: &str) -> bool {
    let check = CHECKS
        .iter()
        .find(|check| check.name == name)
        .expect("a check of this name");
    let store: Arc<dyn Physical> = Arc::new(Broken {
        inner: in_memory(),
        breakage,
    });
    let mut task = tokio::task::JoinSet::new();
    task.spawn((check.run)(store));
    task.join_next().await.unwrap().is_ok()
}

#[tokio::test]
async fn broken_promise_fails_its_check() {
    for (breakage, check) in [
        (
            Breakage::AfterIgnored,
            "page_begins_after_a_key_that_need_not_exist",
        ),
        (Breakage::AlwaysNewer, "newer_is_answered_by_version"),
        (Breakage::AlwaysSame, "newer_is_answered_by_version"),
        (Breakage::BatchInParts, "event_names_all_keys_of_its_commit"),
        (Breakage::BatchInParts, "batch_is_seen_as_a_whole"),
        (Breakage::DeletesKept, "deleted_key_holds_nothing"),
        (Breakage::DeletesKept, "deleted_key_is_not_listed"),
        (Breakage::EventBeforeWrite, "announced_write_can_be_read"),
        (Breakage::EventsMerged, "event_names_all_keys_of_its_commit"),
        (
            Breakage::EventsSkipped,
            "event_names_all_keys_of_its_commit",
        ),
        (Breakage::ExpectationsIgnored, "absent_is_expected"),
        (Breakage::ExpectationsIgnored, "version_is_expected"),
        (Breakage::ExpectationsIgnored, "conflict_leaves_nothing"),
        (Breakage::ExpectationsIgnored, "one_of_many_creators_wins"),
        (Breakage::LimitIgnored, "page_is_bounded"),
        (Breakage::OrderReversed, "keys_are_ordered_by_bytes"),
        (Breakage::PrefixIsFolder, "prefix_is_a_string_not_a_folder"),
        (
            Breakage::ReplacedInParts,
            "replacement_is_not_seen_before_it_is_finished",
        ),
        (Breakage::ReplacedInParts, "replacement_replaces_everything"),
        (
            Breakage::RevisionsFallBack,
            "replacement_has_a_revision_above_all_others",
        ),
        (Breakage::SnapshotLive, "snapshot_is_of_one_moment"),
        (
            Breakage::VersionsReused,
            "version_is_the_revision_of_the_write",
        ),
        (Breakage::VersionsReused, "recreated_key_has_a_new_version"),
        (
            Breakage::ExpectationsIgnored,
            "stale_version_of_a_recreated_key_conflicts",
        ),
    ] {
        assert!(
            !passes(breakage, check).await,
            "`{check}` does not see {breakage:?}"
        );
    }
}
