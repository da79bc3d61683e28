//! The cache that proves what it holds.

use std::sync::atomic::{AtomicU32, Ordering};

use vouchsafe_logical::{StoreError, VersionedCache};

use crate::{put, view};

#[tokio::test]
async fn an_object_is_parsed_once_per_version() {
    let view = view();
    let cache: VersionedCache<String> = VersionedCache::new(16);
    let parsed = AtomicU32::new(0);
    let parse = |_: &str, bytes: &[u8]| {
        parsed.fetch_add(1, Ordering::Relaxed);
        Ok(String::from_utf8_lossy(bytes).into_owned())
    };
    let load = async || {
        let found = cache.load(&view, "a", parse).await.expect("a read");
        found.map(|(_, object)| object.as_str().to_owned())
    };
    assert_eq!(load().await, None);
    put(&view, "a", "one").await;
    assert_eq!(load().await.as_deref(), Some("one"));
    assert_eq!(load().await.as_deref(), Some("one"));
    assert_eq!(parsed.load(Ordering::Relaxed), 1);

    put(&view, "a", "two").await;
    assert_eq!(load().await.as_deref(), Some("two"));
    assert_eq!(parsed.load(Ordering::Relaxed), 2);

    let mut transaction = view.begin();
    transaction.delete(&view, "a");
    transaction.commit().await.expect("nothing was read");
    assert_eq!(load().await, None);

    put(&view, "a", "two").await;
    assert_eq!(load().await.as_deref(), Some("two"));
    assert_eq!(parsed.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_record_that_does_not_parse_is_not_kept() {
    let view = view();
    let cache: VersionedCache<()> = VersionedCache::new(16);
    put(&view, "a", "x").await;
    let corrupt = StoreError::Corrupt {
        key: "part/a".to_owned(),
        fault: "test",
    };
    let refused = cache.load(&view, "a", |_, _| Err(corrupt.clone())).await;
    assert_eq!(refused.err(), Some(corrupt));
    let found = cache.load(&view, "a", |_, _| Ok(())).await;
    assert!(found.expect("a read").is_some());
}

#[tokio::test]
async fn keys_of_two_views_are_two_objects() {
    let view = view();
    let (left, right) = (view.sub("left/"), view.sub("right/"));
    put(&left, "a", "1").await;
    put(&right, "a", "2").await;
    let cache: VersionedCache<Vec<u8>> = VersionedCache::new(16);
    let parse = |_: &str, bytes: &[u8]| Ok(bytes.to_vec());
    for (part, value) in [(&left, b"1"), (&right, b"2"), (&left, b"1")] {
        let found = cache.load(part, "a", parse).await.expect("a read");
        assert_eq!(
            found.map(|(_, object)| object.to_vec()),
            Some(value.to_vec())
        );
    }
}
