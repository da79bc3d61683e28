//! What every physical store must do, as checks that any implementation runs in its tests.
//!
//! ```text
//! conformance::run(|| async { Arc::new(InMemory::new()) as Arc<dyn Physical> }).await;
//! ```
//!
//! Each check gets an empty store of its own and panics at the first promise of [`super::Physical`]
//! that does not hold. The checks use tasks, so they want a multi-threaded runtime to be worth
//! most. They say nothing about durability: that needs a store that can be killed.
#![expect(clippy::expect_used, reason = "a check fails by panicking")]

mod concurrency;
mod feed;
mod limits;
mod listing;
mod preconditions;
mod records;
mod whole;

use std::sync::Arc;

use tokio::task::JoinSet;
use vouchsafe_logical::{Batch, BoxFuture, CommitError, Record, Version};

use super::{Physical, Revision};

/// One promise of the port.
pub struct Check {
    /// The promise, as a name to report.
    pub name: &'static str,
    /// Panics if the store, which must be empty, breaks the promise.
    pub run: fn(Arc<dyn Physical>) -> BoxFuture<'static, ()>,
}

/// Names a check after its function.
macro_rules! checks {
    ($($module:ident :: $name:ident),+ $(,)?) => {
        &[$(Check {
            name: stringify!($name),
            run: |store| Box::pin($module::$name(store)),
        }),+]
    };
}

/// All checks.
pub const CHECKS: &[Check] = checks![
    records::absent_key_holds_nothing,
    records::write_is_read_back,
    records::any_bytes_are_values,
    records::version_is_the_revision_of_the_write,
    records::revisions_grow,
    records::equal_value_is_a_new_version,
    records::deleted_key_holds_nothing,
    records::recreated_key_has_a_new_version,
    records::newer_is_answered_by_version,
    records::batch_without_effect_takes_no_revision,
    listing::keys_are_ordered_by_bytes,
    listing::prefix_is_a_string_not_a_folder,
    listing::pages_add_up_to_the_whole,
    listing::page_begins_after_a_key_that_need_not_exist,
    listing::page_is_bounded,
    listing::deleted_key_is_not_listed,
    preconditions::absent_is_expected,
    preconditions::version_is_expected,
    preconditions::stale_version_of_a_recreated_key_conflicts,
    preconditions::conflict_leaves_nothing,
    preconditions::key_that_is_not_written_is_expected_too,
    preconditions::expectations_alone_are_checked,
    concurrency::concurrent_increments_add_up,
    concurrency::one_of_many_creators_wins,
    concurrency::batch_is_seen_as_a_whole,
    feed::feed_begins_after_the_subscription,
    feed::feed_resumes_after_a_revision,
    feed::event_names_all_keys_of_its_commit,
    feed::refused_commit_is_not_announced,
    feed::announced_write_can_be_read,
    feed::concurrent_commits_are_announced_once_and_in_order,
    feed::dropped_wait_loses_no_event,
    feed::slow_subscriber_gets_everything_or_is_told,
    feed::revision_not_reached_is_a_lag,
    limits::key_length_is_bounded,
    limits::value_length_is_bounded,
    limits::batch_entries_are_bounded,
    limits::batch_bytes_are_bounded,
    whole::snapshot_is_of_one_moment,
    whole::snapshot_pages_add_up_and_are_bounded,
    whole::replacement_replaces_everything,
    whole::replacement_is_not_seen_before_it_is_finished,
    whole::replacement_has_a_revision_above_all_others,
    whole::replacement_conflicts_with_a_commit_meanwhile,
    whole::dropped_replacement_leaves_everything,
    whole::replacement_is_a_lag,
    whole::replacement_holds_the_limits_of_records,
];

/// Runs every check, each on the empty store that `make` gives.
///
/// # Panics
/// If a check fails: the message names it.
pub async fn run<F, M>(make: F)
where
    F: Fn() -> M,
    M: Future<Output = Arc<dyn Physical>>,
{
    for check in CHECKS {
        let store = make().await;
        let mut task = JoinSet::new();
        task.spawn((check.run)(store));
        let failed = task.join_next().await.is_some_and(|joined| joined.is_err());
        assert!(
            !failed,
            "conformance check `{}` failed; its panic is above",
            check.name
        );
    }
}

async fn put(store: &dyn Physical, key: &str, value: &[u8]) -> Revision {
    commit(store, batch(&[(key, Some(value))])).await
}

async fn delete(store: &dyn Physical, key: &str) -> Revision {
    commit(store, batch(&[(key, None)])).await
}

async fn get(store: &dyn Physical, key: &str) -> Option<Record> {
    store.get(key).await.expect("get")
}

async fn value(store: &dyn Physical, key: &str) -> Option<Vec<u8>> {
    get(store, key).await.map(|record| record.value)
}

async fn list(
    store: &dyn Physical,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Vec<String> {
    store.list(prefix, after, limit).await.expect("list")
}

async fn commit(store: &dyn Physical, batch: Batch) -> Revision {
    store.commit(batch).await.expect("commit")
}

#[track_caller]
fn assert_conflict(answer: Result<Revision, CommitError>) {
    assert_eq!(answer, Err(CommitError::Conflict));
}

fn batch(writes: &[(&str, Option<&[u8]>)]) -> Batch {
    let mut batch = Batch::default();
    for (key, value) in writes {
        batch
            .writes
            .insert((*key).to_owned(), value.map(<[u8]>::to_vec));
    }
    batch
}

fn expecting(mut batch: Batch, key: &str, version: Option<Version>) -> Batch {
    batch.expect.insert(key.to_owned(), version);
    batch
}
