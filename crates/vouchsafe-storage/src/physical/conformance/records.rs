//! Single keys: reads, writes, versions.

use std::sync::Arc;

use vouchsafe_logical::{Newer, Version};

use super::{Physical, batch, commit, delete, get, put, value};

pub(super) async fn absent_key_holds_nothing(store: Arc<dyn Physical>) {
    assert_eq!(get(&store, "a").await, None);
    put(&store, "ab", b"1").await;
    assert_eq!(get(&store, "a").await, None);
    assert_eq!(get(&store, "abc").await, None);
}

pub(super) async fn write_is_read_back(store: Arc<dyn Physical>) {
    put(&store, "a/b", b"1").await;
    assert_eq!(value(&store, "a/b").await.as_deref(), Some(&b"1"[..]));
    put(&store, "a/b", b"2").await;
    assert_eq!(value(&store, "a/b").await.as_deref(), Some(&b"2"[..]));
}

pub(super) async fn any_bytes_are_values(store: Arc<dyn Physical>) {
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    put(&store, "every", &every_byte).await;
    put(&store, "empty", b"").await;
    assert_eq!(value(&store, "every").await, Some(every_byte));
    assert_eq!(
        value(&store, "empty").await,
        Some(Vec::new()),
        "empty is not absent"
    );
}

pub(super) async fn version_is_the_revision_of_the_write(store: Arc<dyn Physical>) {
    let first = commit(&store, batch(&[("a", Some(b"1")), ("b", Some(b"1"))])).await;
    let second = put(&store, "b", b"2").await;
    assert_eq!(
        get(&store, "a").await.map(|record| record.version),
        Some(first.into())
    );
    assert_eq!(
        get(&store, "b").await.map(|record| record.version),
        Some(second.into())
    );
}

pub(super) async fn revisions_grow(store: Arc<dyn Physical>) {
    let mut last = put(&store, "a", b"0").await;
    for round in 0..20u8 {
        let key = format!("key-{}", round % 3);
        let next = if round % 5 == 4 {
            delete(&store, &key).await
        } else {
            put(&store, &key, b"1").await
        };
        assert!(next > last, "{next:?} follows {last:?}");
        last = next;
    }
}

pub(super) async fn equal_value_is_a_new_version(store: Arc<dyn Physical>) {
    put(&store, "a", b"1").await;
    let first = get(&store, "a").await.expect("stored").version;
    put(&store, "a", b"1").await;
    assert!(get(&store, "a").await.expect("stored").version > first);
}

pub(super) async fn deleted_key_holds_nothing(store: Arc<dyn Physical>) {
    put(&store, "a", b"1").await;
    delete(&store, "a").await;
    assert_eq!(get(&store, "a").await, None);
    delete(&store, "a").await;
    assert_eq!(get(&store, "a").await, None);
}

pub(super) async fn recreated_key_has_a_new_version(store: Arc<dyn Physical>) {
    put(&store, "a", b"1").await;
    let first = get(&store, "a").await.expect("stored").version;
    delete(&store, "a").await;
    put(&store, "a", b"1").await;
    assert!(
        get(&store, "a").await.expect("stored").version > first,
        "a version is used once"
    );
}

pub(super) async fn newer_is_answered_by_version(store: Arc<dyn Physical>) {
    let newer = async |than| store.get_newer("a", than).await.expect("get_newer");
    assert_eq!(newer(Version(0)).await, Newer::Absent);

    put(&store, "a", b"1").await;
    let first = get(&store, "a").await.expect("stored");
    assert_eq!(newer(first.version).await, Newer::Same);
    assert_eq!(newer(Version(0)).await, Newer::Record(first.clone()));
    // A version from another history is not "same", also when it is greater.
    assert_eq!(newer(Version(u64::MAX)).await, Newer::Record(first.clone()));

    put(&store, "a", b"2").await;
    let second = get(&store, "a").await.expect("stored");
    assert_eq!(newer(first.version).await, Newer::Record(second.clone()));
    delete(&store, "a").await;
    assert_eq!(newer(second.version).await, Newer::Absent);
}

pub(super) async fn batch_without_effect_takes_no_revision(store: Arc<dyn Physical>) {
    let head = put(&store, "a", b"1").await;
    assert_eq!(commit(&store, batch(&[])).await, head);
    assert_eq!(delete(&store, "absent").await, head);
}
