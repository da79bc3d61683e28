//! Key terms: rotation by hand and by use, and the counts that decide it.

use std::sync::Arc;

use vouchsafe_logical::{Batch, Store, Timestamp};
use vouchsafe_storage::Physical;
use vouchsafe_storage::barrier::{ENCRYPTIONS_UNSAVED_MAX, KEYRING_KEY};

use crate::fake::{
    NOW_SECONDS, batch, expecting, in_memory, node, put, raw, root_key, unsealed, value,
};

fn term_of(record: &[u8]) -> u32 {
    u32::from_be_bytes(record[1..5].try_into().unwrap())
}

#[tokio::test]
async fn rotation_keeps_old_records_readable() {
    let (barrier, physical) = unsealed().await;
    for term in 1..=5u32 {
        assert_eq!(barrier.key_status().unwrap().term, term);
        put(&barrier, &format!("key-{term}"), &[7; 10]).await;
        assert_eq!(
            term_of(&raw(&*physical, &format!("key-{term}")).await),
            term
        );
        barrier.rotate().await.unwrap();
    }
    for term in 1..=5 {
        assert_eq!(
            value(&barrier, &format!("key-{term}")).await,
            Some(vec![7; 10])
        );
    }
    // Also for a node that starts later.
    let late = node(&physical, 2);
    late.unseal(&root_key(1)).await.unwrap();
    assert_eq!(value(&late, "key-1").await, Some(vec![7; 10]));
    assert_eq!(late.key_status().unwrap().term, 6);
}

#[tokio::test]
async fn status_dates_and_counts_the_term() {
    let (barrier, _) = unsealed().await;
    put(&barrier, "a", b"1").await;
    put(&barrier, "a", b"2").await;
    barrier
        .commit(expecting(batch("a", b"3"), "a", None))
        .await
        .unwrap_err();
    let status = barrier.key_status().unwrap();
    assert_eq!(
        status.installed_at,
        Timestamp::from_second(NOW_SECONDS).unwrap()
    );
    assert_eq!(
        status.encryptions, 3,
        "a commit that conflicts has encrypted all the same"
    );
    barrier.rotate().await.unwrap();
    assert_eq!(barrier.key_status().unwrap().encryptions, 0);
}

#[tokio::test]
async fn used_up_term_is_rotated_by_the_next_commit() {
    let physical = in_memory();
    let barrier = node(&physical, 1).with_encryptions_per_term(3);
    barrier.initialize(&root_key(1)).await.unwrap();
    barrier.unseal(&root_key(1)).await.unwrap();
    for expected in [1, 1, 1, 2, 2, 2, 3] {
        let used_up = barrier.key_status().unwrap().encryptions == 3;
        assert_eq!(barrier.needs_rotation().unwrap(), used_up);
        put(&barrier, "a", b"1").await;
        assert_eq!(term_of(&raw(&*physical, "a").await), expected);
    }
    assert_eq!(value(&barrier, "a").await.as_deref(), Some(&b"1"[..]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_commits_rotate_a_used_up_term_once() {
    let physical = in_memory();
    let first = node(&physical, 1).with_encryptions_per_term(1_000);
    first.initialize(&root_key(1)).await.unwrap();
    let second = node(&physical, 2).with_encryptions_per_term(1_000);
    let nodes = [Arc::new(first), Arc::new(second)];
    for node in &nodes {
        node.unseal(&root_key(1)).await.unwrap();
    }
    put_many(&*nodes[0], 1_000).await;
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..32 {
        let node = Arc::clone(&nodes[0]);
        tasks.spawn(async move { put(&*node, &format!("task-{task}"), b"1").await });
    }
    tasks.join_all().await;
    for node in &nodes {
        node.refresh_keyring().await.unwrap();
        assert_eq!(node.key_status().unwrap().term, 2);
    }
}

async fn put_many(store: &dyn Store, count: u64) {
    let mut batch = Batch::default();
    for number in 0..count {
        batch
            .writes
            .insert(format!("many/{number}"), Some(Vec::new()));
    }
    store.commit(batch).await.unwrap();
}

async fn keyring_writes(physical: &dyn Physical) -> u64 {
    physical.get(KEYRING_KEY).await.unwrap().unwrap().version.0
}

#[tokio::test]
async fn counts_are_saved_now_and_then_and_seen_by_other_nodes() {
    let (barrier, physical) = unsealed().await;
    let other = node(&physical, 2);
    other.unseal(&root_key(1)).await.unwrap();
    let created = keyring_writes(&*physical).await;
    put_many(&barrier, ENCRYPTIONS_UNSAVED_MAX - 1).await;
    put(&barrier, "a", b"1").await;
    assert_eq!(
        keyring_writes(&*physical).await,
        created,
        "no write per encryption"
    );
    // The commit after the one that reached the bound saves the count.
    put(&barrier, "a", b"1").await;
    assert!(keyring_writes(&*physical).await > created);
    assert_eq!(
        barrier.key_status().unwrap().encryptions,
        ENCRYPTIONS_UNSAVED_MAX + 1
    );

    put(&other, "b", b"1").await;
    other.refresh_keyring().await.unwrap();
    assert_eq!(
        other.key_status().unwrap().encryptions,
        ENCRYPTIONS_UNSAVED_MAX + 1
    );
}

#[tokio::test]
async fn count_that_can_not_be_saved_is_kept() {
    use vouchsafe_storage::physical::faulty::{Call, Fault, FaultyPhysical};

    let faulty = Arc::new(FaultyPhysical::new(in_memory()));
    let physical: Arc<dyn Physical> = Arc::clone(&faulty) as Arc<dyn Physical>;
    let barrier = node(&physical, 1).with_encryptions_per_term(10);
    barrier.initialize(&root_key(1)).await.unwrap();
    barrier.unseal(&root_key(1)).await.unwrap();
    put_many(&barrier, 10).await;
    faulty.inject(Call::Commit, Fault::Refused);
    barrier.commit(batch("a", b"1")).await.unwrap_err();
    assert_eq!(barrier.key_status().unwrap().encryptions, 10);
    put(&barrier, "a", b"1").await;
    assert_eq!(barrier.key_status().unwrap().term, 2);
}
