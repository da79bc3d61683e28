//! The store as a whole: snapshots and replacements.

use std::sync::Arc;

use vouchsafe_logical::{Record, StoreError};

use super::{Physical, assert_conflict, batch, commit, delete, get, list, put, value};
use crate::physical::{Change, PhysicalSnapshot, Revision, limit};

/// All records of a snapshot, read in pages of about `bytes`.
async fn read(snapshot: &dyn PhysicalSnapshot, bytes: usize) -> Vec<(String, Record)> {
    let mut all: Vec<(String, Record)> = Vec::new();
    loop {
        let after = all.last().map(|(key, _)| key.as_str());
        let page = snapshot.page(after, bytes).await.expect("a page");
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

fn record(key: &str, value: &[u8]) -> (String, Vec<u8>) {
    (key.to_owned(), value.to_vec())
}

pub(super) async fn snapshot_is_of_one_moment(store: Arc<dyn Physical>) {
    for number in 0..10u8 {
        put(&store, &format!("key/{number}"), &[number; 100]).await;
    }
    let last = put(&store, "last", b"1").await;
    let snapshot = store.snapshot().await.expect("a snapshot");
    assert_eq!(snapshot.revision(), last);
    let first = snapshot.page(None, 1).await.expect("a page");
    assert_eq!(first.len(), 1);
    put(&store, "key/5", b"changed").await;
    put(&store, "key/55", b"new").await;
    delete(&store, "key/7").await;
    let all = read(&*snapshot, 150).await;
    assert_eq!(all.len(), 11);
    for (number, (key, record)) in (0..10u8).zip(&all) {
        assert_eq!(*key, format!("key/{number}"));
        assert_eq!(record.value, [number; 100]);
    }
}

pub(super) async fn snapshot_pages_add_up_and_are_bounded(store: Arc<dyn Physical>) {
    for number in 0..20u8 {
        put(&store, &format!("{number:02}"), &[number; 98]).await;
    }
    let snapshot = store.snapshot().await.expect("a snapshot");
    for (bytes, expected) in [(1, 1), (100, 1), (101, 2), (400, 4), (usize::MAX, 20)] {
        let page = snapshot.page(None, bytes).await.expect("a page");
        assert_eq!(page.len(), expected, "{bytes}");
    }
    let whole = read(&*snapshot, usize::MAX).await;
    assert_eq!(whole, read(&*snapshot, 250).await);
    let versions: Vec<_> = whole.iter().map(|(_, record)| record.version).collect();
    assert!(
        versions.is_sorted(),
        "each record has the version of its own write"
    );
    assert_eq!(snapshot.page(Some("19"), 1).await, Ok(Vec::new()));
}

pub(super) async fn replacement_replaces_everything(store: Arc<dyn Physical>) {
    commit(&store, batch(&[("a", Some(b"1")), ("b", Some(b"1"))])).await;
    let mut replacement = store.replace(Revision(0)).await.expect("begun");
    replacement.put(vec![record("b", b"2")]).await.expect("put");
    let rest = vec![record("c", b""), record("d/e", &[7; 5_000])];
    replacement.put(rest).await.expect("put");
    let revision = replacement.finish().await.expect("finished");
    assert_eq!(list(&store, "", None, 100).await, ["b", "c", "d/e"]);
    assert_eq!(value(&store, "b").await.as_deref(), Some(&b"2"[..]));
    assert_eq!(value(&store, "c").await.as_deref(), Some(&b""[..]));
    let version = get(&store, "d/e").await.map(|record| record.version);
    assert_eq!(version, Some(revision.into()));
    let next = put(&store, "a", b"3").await;
    assert!(next > revision, "the store goes on");
    let again = store.replace(Revision(0)).await.expect("begun again");
    again.finish().await.expect("finished");
    assert_eq!(list(&store, "", None, 100).await, [""; 0]);
}

pub(super) async fn replacement_is_not_seen_before_it_is_finished(store: Arc<dyn Physical>) {
    put(&store, "a", b"1").await;
    let mut replacement = store.replace(Revision(0)).await.expect("begun");
    replacement.put(vec![record("a", b"2")]).await.expect("put");
    replacement.put(vec![record("b", b"2")]).await.expect("put");
    assert_eq!(value(&store, "a").await.as_deref(), Some(&b"1"[..]));
    assert_eq!(list(&store, "", None, 100).await, ["a"]);
}

pub(super) async fn replacement_has_a_revision_above_all_others(store: Arc<dyn Physical>) {
    let held = put(&store, "a", b"1").await;
    let low = store.replace(Revision(0)).await.expect("begun");
    let low = low.finish().await.expect("finished");
    assert!(low > held);
    let high = store.replace(Revision(1_000)).await.expect("begun");
    let high = high.finish().await.expect("finished");
    assert!(high > Revision(1_000));
    assert!(put(&store, "a", b"2").await > high);
}

pub(super) async fn replacement_conflicts_with_a_commit_meanwhile(store: Arc<dyn Physical>) {
    let mut replacement = store.replace(Revision(0)).await.expect("begun");
    replacement.put(vec![record("a", b"1")]).await.expect("put");
    put(&store, "b", b"1").await;
    assert_conflict(replacement.finish().await);
    assert_eq!(list(&store, "", None, 100).await, ["b"]);
}

pub(super) async fn dropped_replacement_leaves_everything(store: Arc<dyn Physical>) {
    put(&store, "a", b"1").await;
    let mut replacement = store.replace(Revision(0)).await.expect("begun");
    replacement.put(vec![record("b", b"1")]).await.expect("put");
    drop(replacement);
    assert_eq!(list(&store, "", None, 100).await, ["a"]);
    let next = store.replace(Revision(0)).await.expect("begun anew");
    next.finish().await.expect("finished");
    assert_eq!(
        list(&store, "", None, 100).await,
        [""; 0],
        "nothing is left of the one that was dropped"
    );
}

pub(super) async fn replacement_is_a_lag(store: Arc<dyn Physical>) {
    put(&store, "a", b"1").await;
    let mut feed = store.subscribe(None).await.expect("subscribed");
    let mut replacement = store.replace(Revision(0)).await.expect("begun");
    replacement.put(vec![record("a", b"2")]).await.expect("put");
    let resume = replacement.finish().await.expect("finished");
    assert_eq!(feed.next().await, Ok(Change::Lagged { resume }));
    let next = put(&store, "a", b"3").await;
    match feed.next().await {
        Ok(Change::Committed(event)) => assert_eq!(event.revision, next),
        other => panic!("expected the next commit, got {other:?}"),
    }
}

pub(super) async fn replacement_holds_the_limits_of_records(store: Arc<dyn Physical>) {
    let longest = "k".repeat(limit::KEY_BYTES_MAX);
    let largest = vec![1; limit::VALUE_BYTES_MAX];
    let mut replacement = store.replace(Revision(0)).await.expect("begun");
    let fits = vec![(longest.clone(), largest.clone())];
    replacement.put(fits).await.expect("at the limits");
    for (key, value) in [
        (format!("{longest}k"), Vec::new()),
        (String::new(), Vec::new()),
        ("a".to_owned(), [&largest[..], &[1]].concat()),
    ] {
        let answer = replacement.put(vec![(key, value)]).await;
        assert!(matches!(answer, Err(StoreError::Limit(_))), "{answer:?}");
    }
}
