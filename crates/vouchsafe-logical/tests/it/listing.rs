//! Listings: pages, folders, and what lies between them.

use std::collections::BTreeSet;

use proptest::prelude::*;
use vouchsafe_logical::View;
use vouchsafe_logical::view::LIST_PAGE_MAX;

use crate::{put, view};

async fn with_keys<K: AsRef<str>>(keys: impl IntoIterator<Item = K>) -> View {
    let view = view();
    let mut transaction = view.begin();
    for key in keys {
        transaction.put(&view, key.as_ref(), Vec::new());
    }
    transaction.commit().await.expect("no precondition");
    view
}

#[tokio::test]
async fn a_folder_is_shown_once_between_its_siblings() {
    let view = with_keys(["f/a-", "f/a/x", "f/a/y/z", "f/a0", "f/b", "f0", "g/a"]).await;
    let names = view.list_folder("f/").await.expect("a listing");
    assert_eq!(names, ["a-", "a/", "a0", "b"]);
    let names = view.list_folder("").await.expect("a listing");
    assert_eq!(names, ["f/", "f0", "g/"]);
    assert!(view.list_folder("h/").await.expect("a listing").is_empty());
}

#[tokio::test]
async fn a_key_and_a_folder_of_one_name_are_both_shown() {
    let view = with_keys(["a", "a/x"]).await;
    assert_eq!(view.list_folder("").await.expect("a listing"), ["a", "a/"]);
}

#[tokio::test]
async fn a_folder_early_in_a_page_repeats_nothing() {
    let plain = (0..2 * LIST_PAGE_MAX).map(|n| format!("b{n:05}"));
    let keys: Vec<String> = std::iter::once("a/x".to_owned()).chain(plain).collect();
    let view = with_keys(&keys).await;
    let names = view.list_folder("").await.expect("a listing");
    assert_eq!(names.len(), keys.len());
    assert_eq!(names[0], "a/");
    assert_eq!(names[1..], keys[1..]);
}

#[tokio::test]
async fn a_folder_larger_than_a_page_ends_even_at_the_last_char() {
    let odd = (0..2 * LIST_PAGE_MAX).map(|n| format!("a/{}{n}", char::MAX));
    let keys = odd.chain(["a0".to_owned(), "b".to_owned()]);
    let names = with_keys(keys).await.list_folder("").await;
    assert_eq!(names.expect("a listing"), ["a/", "a0", "b"]);
}

#[tokio::test]
async fn all_keys_are_listed_at_a_page_and_around_it() {
    for count in [LIST_PAGE_MAX - 1, LIST_PAGE_MAX, LIST_PAGE_MAX + 1] {
        let view = with_keys((0..count).map(|n| format!("k/{n:05}"))).await;
        put(&view, "k", "beside").await;
        let all = view.list_all("k/").await.expect("a listing");
        assert_eq!(all.len(), count);
        assert_eq!(all[0], "00000", "keys are relative to the prefix");
        let page = view.list_page("k/", Some("k/00000"), 2).await;
        assert_eq!(page.expect("a page"), ["k/00001", "k/00002"]);
    }
}

#[tokio::test]
async fn a_view_sees_its_part_alone() {
    let view = with_keys(["in/a"]).await;
    let inner = view.sub("in/");
    assert_eq!(inner.full("a"), "part/in/a");
    assert_eq!(inner.list_all("").await.expect("a listing"), ["a"]);
    assert!(inner.get("a").await.expect("a read").is_some());
    assert!(inner.get("in/a").await.expect("a read").is_none());
}

proptest! {
    /// Whatever keys there are, a folder shows exactly the first segments, sorted, each once.
    #[test]
    fn a_folder_shows_what_a_naive_listing_shows(
        keys in prop::collection::btree_set("[a0/-]{1,6}", 0..64),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let shown = runtime.block_on(async {
            with_keys(&keys).await.list_folder("").await.expect("a listing")
        });
        let naive: BTreeSet<String> = keys
            .iter()
            .map(|key| key.split_inclusive('/').next().unwrap_or_default().to_owned())
            .collect();
        let shown_once: BTreeSet<String> = shown.iter().cloned().collect();
        prop_assert_eq!(shown.len(), shown_once.len());
        prop_assert_eq!(shown_once, naive);
    }
}
