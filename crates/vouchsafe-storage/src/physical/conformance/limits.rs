//! Each limit, kept at the limit and refused one past it.

use std::sync::Arc;

use vouchsafe_logical::{Batch, CommitError, StoreError};

use super::{Physical, Revision, batch, commit, expecting, get, list, value};
use crate::physical::limit::{BATCH_BYTES_MAX, BATCH_ENTRIES_MAX, KEY_BYTES_MAX, VALUE_BYTES_MAX};

#[track_caller]
fn assert_limit<T: std::fmt::Debug>(answer: Result<T, StoreError>) {
    assert!(matches!(answer, Err(StoreError::Limit(_))), "{answer:?}");
}

#[track_caller]
fn assert_commit_limit(answer: Result<Revision, CommitError>) {
    assert!(
        matches!(answer, Err(CommitError::Failed(StoreError::Limit(_)))),
        "{answer:?}"
    );
}

async fn assert_empty(store: &dyn Physical) {
    assert_eq!(
        list(store, "", None, 1).await,
        Vec::<String>::new(),
        "a refused batch wrote"
    );
}

pub(super) async fn key_length_is_bounded(store: Arc<dyn Physical>) {
    let longest = "k".repeat(KEY_BYTES_MAX);
    let too_long = "k".repeat(KEY_BYTES_MAX + 1);
    // Counted in bytes, not in characters.
    let wide_too_long = "é".repeat(KEY_BYTES_MAX / 2 + 1);
    for key in ["", &too_long, &wide_too_long] {
        assert_limit(store.get(key).await);
        assert_limit(store.get_newer(key, Revision(1).into()).await);
        assert_commit_limit(store.commit(batch(&[(key, Some(b"1"))])).await);
        assert_commit_limit(store.commit(batch(&[(key, None)])).await);
        assert_commit_limit(store.commit(expecting(batch(&[]), key, None)).await);
        assert_commit_limit(
            store
                .commit(batch(&[("a", Some(b"1")), (key, Some(b"1"))]))
                .await,
        );
    }
    assert_empty(&store).await;
    commit(&store, batch(&[(&longest, Some(b"1"))])).await;
    assert_eq!(value(&store, &longest).await.as_deref(), Some(&b"1"[..]));
    assert_eq!(list(&store, &longest, None, 10).await, [longest]);
}

pub(super) async fn value_length_is_bounded(store: Arc<dyn Physical>) {
    let too_long = vec![7; VALUE_BYTES_MAX + 1];
    assert_commit_limit(
        store
            .commit(batch(&[("a", Some(&too_long)), ("b", None)]))
            .await,
    );
    assert_empty(&store).await;
    commit(&store, batch(&[("a", Some(&too_long[1..]))])).await;
    assert_eq!(
        get(&store, "a").await.map(|record| record.value.len()),
        Some(VALUE_BYTES_MAX)
    );
}

pub(super) async fn batch_entries_are_bounded(store: Arc<dyn Physical>) {
    let mut entries = Batch::default();
    for number in 0..BATCH_ENTRIES_MAX {
        let key = format!("{number:05}");
        if number % 2 == 0 {
            entries.writes.insert(key, Some(Vec::new()));
        } else {
            entries.expect.insert(key, None);
        }
    }
    let one_more = expecting(entries.clone(), "one more", None);
    assert_commit_limit(store.commit(one_more).await);
    assert_empty(&store).await;
    commit(&store, entries).await;
    assert!(get(&store, "00000").await.is_some());
    assert!(get(&store, "00001").await.is_none());
}

pub(super) async fn batch_bytes_are_bounded(store: Arc<dyn Physical>) {
    let mut largest = Batch::default();
    let mut left = BATCH_BYTES_MAX;
    for number in 0..=BATCH_BYTES_MAX / VALUE_BYTES_MAX {
        let key = format!("{number}");
        let value_bytes = VALUE_BYTES_MAX.min(left - key.len());
        left -= key.len() + value_bytes;
        largest.writes.insert(key, Some(vec![7; value_bytes]));
    }
    assert_eq!(left, 0, "the batch is exactly as large as it may be");
    assert_commit_limit(store.commit(expecting(largest.clone(), "e", None)).await);
    assert_empty(&store).await;
    let keys = largest.writes.len();
    commit(&store, largest).await;
    assert_eq!(list(&store, "", None, 100).await.len(), keys);
}
