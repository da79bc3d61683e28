//! The change feed: complete, in order, and honest about what it lost.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::task::JoinSet;
use vouchsafe_logical::{Newer, Version};

use super::{Physical, Revision, assert_conflict, batch, commit, delete, expecting, put};
use crate::physical::{Change, ChangeEvent, ChangeFeed};

/// How long a check waits for an event that must come.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a check waits to see that no event comes.
const QUIET: Duration = Duration::from_millis(50);

async fn subscribe(store: &dyn Physical, after: Option<Revision>) -> Box<dyn ChangeFeed> {
    store.subscribe(after).await.expect("subscribe")
}

async fn next(feed: &mut dyn ChangeFeed) -> Change {
    let waited = tokio::time::timeout(PATIENCE, feed.next()).await;
    waited
        .expect("a change within ten seconds")
        .expect("an unbroken feed")
}

async fn next_event(feed: &mut dyn ChangeFeed) -> ChangeEvent {
    match next(feed).await {
        Change::Committed(event) => event,
        Change::Lagged { resume } => panic!("lagged to {resume:?} without a reason"),
    }
}

async fn assert_quiet(feed: &mut dyn ChangeFeed) {
    let waited = tokio::time::timeout(QUIET, feed.next()).await;
    assert!(waited.is_err(), "no event is due, but got {waited:?}");
}

fn event(revision: Revision, keys: &[&str]) -> ChangeEvent {
    ChangeEvent {
        revision,
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
    }
}

pub(super) async fn feed_begins_after_the_subscription(store: Arc<dyn Physical>) {
    put(&store, "before", b"1").await;
    let mut feed = subscribe(&*store, None).await;
    assert_quiet(&mut *feed).await;
    let revision = put(&store, "after", b"1").await;
    assert_eq!(next_event(&mut *feed).await, event(revision, &["after"]));
    assert_quiet(&mut *feed).await;
}

pub(super) async fn feed_resumes_after_a_revision(store: Arc<dyn Physical>) {
    let mut revisions = vec![Revision::default()];
    for number in 0..10 {
        revisions.push(put(&store, &format!("key-{number}"), b"1").await);
    }
    for (seen, after) in revisions.iter().enumerate() {
        let mut feed = subscribe(&*store, Some(*after)).await;
        for revision in &revisions[seen + 1..] {
            assert_eq!(next_event(&mut *feed).await.revision, *revision);
        }
        assert_quiet(&mut *feed).await;
    }
}

pub(super) async fn event_names_all_keys_of_its_commit(store: Arc<dyn Physical>) {
    let mut feed = subscribe(&*store, None).await;
    let first = commit(&store, batch(&[("b/2", Some(b"1")), ("a", Some(b"1"))])).await;
    let second = commit(&store, batch(&[("a", None), ("c", Some(b"1"))])).await;
    let third = delete(&store, "c").await;
    assert_eq!(next_event(&mut *feed).await, event(first, &["a", "b/2"]));
    assert_eq!(next_event(&mut *feed).await, event(second, &["a", "c"]));
    assert_eq!(next_event(&mut *feed).await, event(third, &["c"]));
}

pub(super) async fn refused_commit_is_not_announced(store: Arc<dyn Physical>) {
    put(&store, "a", b"1").await;
    let mut feed = subscribe(&*store, None).await;
    assert_conflict(
        store
            .commit(expecting(batch(&[("b", Some(b"1"))]), "a", None))
            .await,
    );
    commit(&store, batch(&[])).await;
    let revision = put(&store, "c", b"1").await;
    assert_eq!(next_event(&mut *feed).await, event(revision, &["c"]));
}

pub(super) async fn announced_write_can_be_read(store: Arc<dyn Physical>) {
    let mut feed = subscribe(&*store, None).await;
    let writer = Arc::clone(&store);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        for number in 0..200u8 {
            put(&writer, "a", &[number]).await;
        }
    });
    let mut seen = Version(0);
    for _ in 0..200 {
        let event = next_event(&mut *feed).await;
        let newer = store.get_newer("a", seen).await.expect("get_newer");
        if let Newer::Record(record) = newer {
            seen = record.version;
        }
        assert!(
            seen >= event.revision.into(),
            "the event came before its write"
        );
    }
    tasks.join_all().await;
}

pub(super) async fn concurrent_commits_are_announced_once_and_in_order(store: Arc<dyn Physical>) {
    const TASKS: usize = 16;
    const COMMITS: usize = 25;
    let mut feeds = [
        subscribe(&*store, None).await,
        subscribe(&*store, None).await,
    ];
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let mut made = Vec::new();
            for number in 0..COMMITS {
                let key = format!("{task:02}/{number:02}");
                made.push((put(&store, &key, b"1").await, key));
                tokio::task::yield_now().await;
            }
            made
        });
    }
    let made: BTreeSet<(Revision, String)> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(made.len(), TASKS * COMMITS);
    for feed in &mut feeds {
        for (revision, key) in &made {
            assert_eq!(next_event(&mut **feed).await, event(*revision, &[key]));
        }
        assert_quiet(&mut **feed).await;
    }
}

pub(super) async fn dropped_wait_loses_no_event(store: Arc<dyn Physical>) {
    let mut feed = subscribe(&*store, None).await;
    for number in 0..50u8 {
        // Polled once and dropped, as a `select!` with another branch does.
        let polled = feed
            .next()
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending(), "no event is due, but got {polled:?}");
        let revision = put(&store, "a", &[number]).await;
        assert_eq!(next_event(&mut *feed).await, event(revision, &["a"]));
    }
}

/// A subscriber that reads nothing for long gets every event, or a lag and every event after it.
pub(super) async fn slow_subscriber_gets_everything_or_is_told(store: Arc<dyn Physical>) {
    const COMMITS: u16 = 10_000;
    let mut feed = subscribe(&*store, None).await;
    let mut revisions = Vec::new();
    for number in 0..COMMITS {
        revisions.push(put(&store, "a", &number.to_be_bytes()).await);
    }
    let mut due = 0;
    while due < revisions.len() {
        match next(&mut *feed).await {
            Change::Committed(found) => {
                assert_eq!(found.revision, revisions[due]);
                due += 1;
            }
            Change::Lagged { resume } => {
                assert!(resume >= revisions[due], "a lag without a loss");
                due = revisions.partition_point(|revision| *revision <= resume);
            }
        }
    }
    let revision = put(&store, "b", b"1").await;
    assert_eq!(next_event(&mut *feed).await, event(revision, &["b"]));
}

/// A subscriber that knows more than the store has met an older copy of it.
pub(super) async fn revision_not_reached_is_a_lag(store: Arc<dyn Physical>) {
    let head = put(&store, "a", b"1").await;
    let mut feed = subscribe(&*store, Some(Revision(head.0 + 1_000))).await;
    assert_eq!(next(&mut *feed).await, Change::Lagged { resume: head });
    let revision = put(&store, "b", b"1").await;
    assert_eq!(next_event(&mut *feed).await, event(revision, &["b"]));
}
