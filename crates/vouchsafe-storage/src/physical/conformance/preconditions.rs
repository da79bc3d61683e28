//! Compare-and-swap.

use std::sync::Arc;

use vouchsafe_logical::Version;

use super::{Physical, assert_conflict, batch, commit, delete, expecting, get, list, put, value};

pub(super) async fn absent_is_expected(store: Arc<dyn Physical>) {
    let create = expecting(batch(&[("a", Some(b"1"))]), "a", None);
    commit(&store, create.clone()).await;
    assert_conflict(store.commit(create.clone()).await);
    delete(&store, "a").await;
    commit(&store, create).await;
}

pub(super) async fn version_is_expected(store: Arc<dyn Physical>) {
    let write = batch(&[("a", Some(b"2"))]);
    assert_conflict(
        store
            .commit(expecting(write.clone(), "a", Some(Version(0))))
            .await,
    );
    let first = Version::from(put(&store, "a", b"1").await);
    commit(&store, expecting(write.clone(), "a", Some(first))).await;
    // The same expectation does not hold twice, and neither does a version of the future.
    assert_conflict(
        store
            .commit(expecting(write.clone(), "a", Some(first)))
            .await,
    );
    assert_conflict(
        store
            .commit(expecting(write, "a", Some(Version(u64::MAX))))
            .await,
    );
    assert_eq!(value(&store, "a").await.as_deref(), Some(&b"2"[..]));
}

pub(super) async fn stale_version_of_a_recreated_key_conflicts(store: Arc<dyn Physical>) {
    let first = Version::from(put(&store, "a", b"1").await);
    delete(&store, "a").await;
    put(&store, "a", b"1").await;
    assert_conflict(
        store
            .commit(expecting(batch(&[("a", Some(b"2"))]), "a", Some(first)))
            .await,
    );
}

pub(super) async fn conflict_leaves_nothing(store: Arc<dyn Physical>) {
    put(&store, "m", b"1").await;
    let before = get(&store, "m").await;
    let writes = batch(&[("a", Some(b"2")), ("m", None), ("z", Some(b"2"))]);
    for (key, version) in [
        ("a", Some(Version(1))),
        ("m", None),
        ("z", Some(Version(0))),
    ] {
        assert_conflict(store.commit(expecting(writes.clone(), key, version)).await);
        assert_eq!(list(&store, "", None, 100).await, ["m"]);
        assert_eq!(get(&store, "m").await, before);
    }
}

pub(super) async fn key_that_is_not_written_is_expected_too(store: Arc<dyn Physical>) {
    let guard = Version::from(put(&store, "guard", b"1").await);
    let write = expecting(batch(&[("a", Some(b"1"))]), "guard", Some(guard));
    commit(&store, write.clone()).await;
    assert_eq!(
        get(&store, "guard").await.map(|record| record.version),
        Some(guard)
    );
    put(&store, "guard", b"2").await;
    assert_conflict(store.commit(write).await);
}

pub(super) async fn expectations_alone_are_checked(store: Arc<dyn Physical>) {
    let head = put(&store, "a", b"1").await;
    let holds = expecting(batch(&[]), "a", Some(head.into()));
    assert_eq!(commit(&store, holds).await, head);
    assert_conflict(store.commit(expecting(batch(&[]), "a", None)).await);
}
