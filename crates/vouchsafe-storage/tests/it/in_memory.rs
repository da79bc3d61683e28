use std::sync::Arc;

use vouchsafe_logical::{Batch, StoreError};
use vouchsafe_storage::physical::conformance;
use vouchsafe_storage::physical::history::{HISTORY_EVENTS_MAX, HISTORY_KEYS_MAX};
use vouchsafe_storage::physical::limit::BATCH_ENTRIES_MAX;
use vouchsafe_storage::{Change, InMemory, Physical, Revision};

use crate::fake::{batch, in_memory};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn conforms() {
    conformance::run(|| async { in_memory() }).await;
}

async fn first(store: &InMemory, after: u64) -> Change {
    let mut feed = store.subscribe(Some(Revision(after))).await.unwrap();
    feed.next().await.unwrap()
}

#[track_caller]
fn assert_committed(change: &Change, revision: u64) {
    let committed = matches!(change, Change::Committed(event) if event.revision.0 == revision);
    assert!(
        committed,
        "expected the commit at {revision}, got {change:?}"
    );
}

#[tokio::test]
async fn history_is_bounded_in_events() {
    let store = InMemory::new();
    for _ in 0..HISTORY_EVENTS_MAX {
        store.commit(batch("a", b"1")).await.unwrap();
    }
    assert_committed(&first(&store, 0).await, 1);

    store.commit(batch("a", b"1")).await.unwrap();
    let head = Revision(HISTORY_EVENTS_MAX as u64 + 1);
    assert_eq!(first(&store, 0).await, Change::Lagged { resume: head });
    assert_committed(&first(&store, 1).await, 2);
}

#[tokio::test]
async fn history_is_bounded_in_keys() {
    let store = InMemory::new();
    let mut largest = Batch::default();
    for number in 0..BATCH_ENTRIES_MAX {
        largest.writes.insert(format!("{number}"), Some(Vec::new()));
    }
    for _ in 0..HISTORY_KEYS_MAX / BATCH_ENTRIES_MAX {
        store.commit(largest.clone()).await.unwrap();
    }
    assert_committed(&first(&store, 0).await, 1);

    store.commit(batch("a", b"1")).await.unwrap();
    assert_eq!(
        first(&store, 0).await,
        Change::Lagged {
            resume: Revision(3)
        }
    );
    assert_committed(&first(&store, 1).await, 2);
}

#[tokio::test]
async fn feed_ends_with_its_store() {
    let store = Arc::new(InMemory::new());
    let mut feed = store.subscribe(None).await.unwrap();
    drop(store);
    assert!(matches!(feed.next().await, Err(StoreError::Io(_))));
}
