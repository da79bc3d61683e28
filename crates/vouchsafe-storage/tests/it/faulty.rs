use std::sync::Arc;
use std::time::Duration;

use vouchsafe_logical::{CommitError, Store, StoreError};
use vouchsafe_storage::physical::conformance;
use vouchsafe_storage::physical::faulty::{Call, Fault, FaultyPhysical};
use vouchsafe_storage::{Change, Physical};

use crate::fake::{batch, in_memory, node, put, root_key, value};

fn faulty() -> Arc<FaultyPhysical> {
    Arc::new(FaultyPhysical::new(in_memory()))
}

#[track_caller]
fn assert_io<T: std::fmt::Debug>(answer: Result<T, StoreError>) {
    assert!(matches!(answer, Err(StoreError::Io(_))), "{answer:?}");
}

#[track_caller]
fn assert_commit_io<T: std::fmt::Debug>(answer: Result<T, CommitError>) {
    assert!(
        matches!(answer, Err(CommitError::Failed(StoreError::Io(_)))),
        "{answer:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn conforms_without_faults() {
    conformance::run(|| async { faulty() as Arc<dyn Physical> }).await;
}

#[tokio::test]
async fn refused_commit_writes_nothing_and_lost_answer_writes_all() {
    let store = faulty();
    store.inject(Call::Commit, Fault::Refused);
    store.inject(Call::Commit, Fault::AnswerLost);
    assert_commit_io(store.commit(batch("a", b"1")).await);
    assert_eq!(store.get("a").await, Ok(None));
    assert_commit_io(store.commit(batch("a", b"1")).await);
    assert!(store.get("a").await.unwrap().is_some());
    store.commit(batch("a", b"1")).await.unwrap();
}

#[tokio::test]
async fn fault_waits_for_its_kind_of_call() {
    let store = faulty();
    store.inject(Call::List, Fault::Refused);
    store.inject(Call::Get, Fault::Refused);
    store.inject(Call::Subscribe, Fault::Refused);
    store.commit(batch("a", b"1")).await.unwrap();
    assert_io(store.get("a").await);
    assert_io(store.list("", None, 1).await);
    assert_io(store.subscribe(None).await.map(drop));
    assert!(store.get("a").await.is_ok());
    assert!(store.list("", None, 1).await.is_ok());
    assert!(store.subscribe(None).await.is_ok());
}

#[tokio::test]
async fn delayed_call_takes_effect_late() {
    let store = faulty();
    let delay = Duration::from_millis(100);
    store.inject(Call::Commit, Fault::Delayed(delay));
    let commit = store.commit(batch("a", b"1"));
    assert!(tokio::time::timeout(delay / 2, commit).await.is_err());
    assert_eq!(
        store.get("a").await,
        Ok(None),
        "the caller gave up before it took effect"
    );

    store.inject(Call::Commit, Fault::Delayed(delay));
    store.commit(batch("a", b"1")).await.unwrap();
    assert!(store.get("a").await.unwrap().is_some());
}

#[tokio::test]
async fn crash_keeps_what_was_committed_and_breaks_feeds() {
    let store = faulty();
    let mut feed = store.subscribe(None).await.unwrap();
    store.crash_after_commits(2);
    store.commit(batch("a", b"1")).await.unwrap();
    assert!(matches!(feed.next().await, Ok(Change::Committed(_))));
    store.commit(batch("b", b"1")).await.unwrap();
    assert!(store.is_crashed());
    assert_commit_io(store.commit(batch("c", b"1")).await);
    assert_io(store.get("a").await);
    assert_io(store.subscribe(None).await.map(drop));

    store.restart();
    assert_eq!(store.list("", None, 10).await.unwrap(), ["a", "b"]);
    assert_io(feed.next().await);
}

#[tokio::test]
async fn crash_wakes_a_waiting_feed() {
    let store = faulty();
    let mut feed = store.subscribe(None).await.unwrap();
    let (waited, ()) = tokio::join!(feed.next(), async { store.crash_after_commits(0) });
    assert_io(waited);
}

/// The barrier passes faults on as they are and works again when the store does.
#[tokio::test]
async fn barrier_survives_a_crash_below_it() {
    let store = faulty();
    let physical: Arc<dyn Physical> = Arc::clone(&store) as Arc<dyn Physical>;
    let barrier = node(&physical, 1);
    barrier.initialize(&root_key(1)).await.unwrap();
    barrier.unseal(&root_key(1)).await.unwrap();
    store.crash_after_commits(1);
    put(&barrier, "a", b"1").await;
    assert_io(barrier.get("a").await);
    assert_commit_io(barrier.commit(batch("a", b"2")).await);
    assert_io(barrier.rotate().await);
    store.restart();
    assert_eq!(value(&barrier, "a").await.as_deref(), Some(&b"1"[..]));
    assert_eq!(barrier.key_status().unwrap().term, 1);
}
