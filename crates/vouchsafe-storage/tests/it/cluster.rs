//! Two barriers over one physical store: two nodes, both active.

use std::sync::Arc;

use vouchsafe_logical::{CommitError, Store, StoreError};
use vouchsafe_storage::barrier::{InitializeError, KEYRING_KEY};
use vouchsafe_storage::{Barrier, Change, ChangeFeed};

use crate::fake::{batch, expecting, in_memory, node, put, root_key, value};

async fn two_nodes() -> (Barrier, Barrier) {
    let physical = in_memory();
    let (one, two) = (node(&physical, 1), node(&physical, 2));
    one.initialize(&root_key(1)).await.unwrap();
    one.unseal(&root_key(1)).await.unwrap();
    two.unseal(&root_key(1)).await.unwrap();
    (one, two)
}

async fn next_keys(feed: &mut dyn ChangeFeed) -> Vec<String> {
    match feed.next().await.unwrap() {
        Change::Committed(event) => event.keys.to_vec(),
        Change::Lagged { resume } => panic!("lagged to {resume:?}"),
    }
}

#[tokio::test]
async fn nodes_read_each_others_commits() {
    let (one, two) = two_nodes().await;
    put(&one, "a", b"1").await;
    assert_eq!(value(&two, "a").await.as_deref(), Some(&b"1"[..]));
    put(&two, "a", b"2").await;
    assert_eq!(value(&one, "a").await.as_deref(), Some(&b"2"[..]));
}

#[tokio::test]
async fn nodes_conflict_with_each_other() {
    let (one, two) = two_nodes().await;
    put(&one, "a", b"1").await;
    let seen = two.get("a").await.unwrap().unwrap().version;
    put(&one, "a", b"2").await;
    let answer = two
        .commit(expecting(batch("a", b"3"), "a", Some(seen)))
        .await;
    assert_eq!(answer, Err(CommitError::Conflict));
}

#[tokio::test]
async fn node_is_told_what_another_changed() {
    let (one, two) = two_nodes().await;
    let mut feed = two.subscribe(None).await.unwrap();
    put(&one, "a", b"1").await;
    assert_eq!(next_keys(&mut *feed).await, ["a"]);
    one.rotate().await.unwrap();
    assert_eq!(next_keys(&mut *feed).await, [KEYRING_KEY]);
}

#[tokio::test]
async fn node_reads_records_of_a_term_that_another_added() {
    let (one, two) = two_nodes().await;
    one.rotate().await.unwrap();
    put(&one, "a", b"1").await;
    assert_eq!(two.key_status().unwrap().term, 1);
    assert_eq!(value(&two, "a").await.as_deref(), Some(&b"1"[..]));
    assert_eq!(
        two.key_status().unwrap().term,
        2,
        "it encrypts under the new term from then on"
    );
    // A node that has not noticed goes on under the old term, which all can read.
    two.rotate().await.unwrap();
    put(&one, "a", b"2").await;
    assert_eq!(value(&two, "a").await.as_deref(), Some(&b"2"[..]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_rotate_at_once_add_one_term_each() {
    let (one, two) = two_nodes().await;
    let nodes = [Arc::new(one), Arc::new(two)];
    let mut tasks = tokio::task::JoinSet::new();
    for round in 0..8 {
        let node = Arc::clone(&nodes[round % 2]);
        tasks.spawn(async move { node.rotate().await.unwrap() });
    }
    tasks.join_all().await;
    for node in &nodes {
        node.refresh_keyring().await.unwrap();
        assert_eq!(node.key_status().unwrap().term, 9);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_nodes_initializes() {
    let physical = in_memory();
    let mut tasks = tokio::task::JoinSet::new();
    for seed in 0..8 {
        let node = node(&physical, seed);
        tasks.spawn(async move { node.initialize(&root_key(seed as u8)).await });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for answer in answers {
        assert!(matches!(
            answer,
            Ok(()) | Err(InitializeError::AlreadyInitialized)
        ));
    }
}

#[tokio::test]
async fn sealing_one_node_leaves_the_other_unsealed() {
    let (one, two) = two_nodes().await;
    put(&one, "a", b"1").await;
    one.seal();
    assert_eq!(one.get("a").await, Err(StoreError::Sealed));
    assert_eq!(value(&two, "a").await.as_deref(), Some(&b"1"[..]));
}
