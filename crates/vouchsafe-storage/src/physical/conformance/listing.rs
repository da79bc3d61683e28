//! Ordered listing: order, prefixes, pages.

use std::sync::Arc;

use vouchsafe_logical::view::LIST_PAGE_MAX;

use super::{Batch, Physical, batch, commit, delete, list};

/// Keys whose order differs between bytes, words and folders, in byte order. `.` is before `/`, and
/// `0` follows it; the last two differ in their order by UTF-8 and by UTF-16.
const KEYS: &[&str] = &[
    "B",
    "a",
    "a-b",
    "a.b",
    "a/",
    "a/B",
    "a/b",
    "a/b/c",
    "a/b0",
    "a/ba",
    "a0",
    "aa",
    "b",
    "b/\u{1}",
    "b/\u{7f}",
    "b/é",
    "b/\u{ffee}",
    "b/\u{1f511}",
];

async fn fill(store: &dyn Physical) {
    // Neither sorted nor in one commit, so that order is not an accident.
    for part in 0..3 {
        let writes: Vec<(&str, Option<&[u8]>)> = KEYS
            .iter()
            .rev()
            .skip(part)
            .step_by(3)
            .map(|key| (*key, Some(&b"1"[..])))
            .collect();
        commit(store, batch(&writes)).await;
    }
}

pub(super) async fn keys_are_ordered_by_bytes(store: Arc<dyn Physical>) {
    assert_eq!(list(&store, "", None, 100).await, Vec::<String>::new());
    fill(&store).await;
    assert_eq!(list(&store, "", None, 100).await, KEYS);
}

pub(super) async fn prefix_is_a_string_not_a_folder(store: Arc<dyn Physical>) {
    fill(&store).await;
    for prefix in [
        "a",
        "a/",
        "a/b",
        "a/b/",
        "a0",
        "b/",
        "b/\u{1f511}",
        "c",
        "a/b/c",
        "é",
        "A",
    ] {
        let expected: Vec<&str> = KEYS
            .iter()
            .copied()
            .filter(|key| key.starts_with(prefix))
            .collect();
        assert_eq!(
            list(&store, prefix, None, 100).await,
            expected,
            "prefix `{prefix}`"
        );
    }
}

pub(super) async fn pages_add_up_to_the_whole(store: Arc<dyn Physical>) {
    fill(&store).await;
    for prefix in ["", "a", "a/b", "b/"] {
        let whole = list(&store, prefix, None, 100).await;
        for limit in 1..=whole.len() + 1 {
            let mut pages = Vec::new();
            loop {
                let after = pages.last().cloned();
                let page = list(&store, prefix, after.as_deref(), limit).await;
                assert!(page.len() <= limit);
                let last = page.len() < limit;
                pages.extend(page);
                if last {
                    break;
                }
            }
            assert_eq!(pages, whole, "prefix `{prefix}` in pages of {limit}");
        }
    }
}

pub(super) async fn page_begins_after_a_key_that_need_not_exist(store: Arc<dyn Physical>) {
    fill(&store).await;
    assert_eq!(list(&store, "a/", Some("a/b/"), 2).await, ["a/b/c", "a/b0"]);
    // Past everything below `a/b/`, as a listing of folders asks.
    assert_eq!(
        list(&store, "a/", Some("a/b/\u{10ffff}"), 2).await,
        ["a/b0", "a/ba"]
    );
    // Before the prefix, inside it, and behind it.
    assert_eq!(list(&store, "b", Some("a"), 1).await, ["b"]);
    assert_eq!(list(&store, "b", Some("b"), 1).await, ["b/\u{1}"]);
    assert_eq!(list(&store, "a", Some("b"), 1).await, Vec::<String>::new());
}

pub(super) async fn page_is_bounded(store: Arc<dyn Physical>) {
    let mut writes = Batch::default();
    for number in 0..=LIST_PAGE_MAX {
        writes
            .writes
            .insert(format!("n/{number:05}"), Some(Vec::new()));
    }
    commit(&store, writes).await;
    assert_eq!(list(&store, "n/", None, 0).await.len(), 0);
    assert_eq!(
        list(&store, "n/", None, LIST_PAGE_MAX).await.len(),
        LIST_PAGE_MAX
    );
    assert_eq!(
        list(&store, "n/", None, LIST_PAGE_MAX + 1).await.len(),
        LIST_PAGE_MAX
    );
    assert_eq!(
        list(&store, "n/", None, usize::MAX).await.len(),
        LIST_PAGE_MAX
    );
}

pub(super) async fn deleted_key_is_not_listed(store: Arc<dyn Physical>) {
    commit(
        &store,
        batch(&[("a", Some(b"1")), ("b", Some(b"1")), ("c", Some(b"1"))]),
    )
    .await;
    delete(&store, "b").await;
    assert_eq!(list(&store, "", None, 100).await, ["a", "c"]);
}
