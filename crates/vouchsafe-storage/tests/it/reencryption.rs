//! After a rotation every record comes to be of the newest term, and no write is lost for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use vouchsafe_logical::Store;
use vouchsafe_storage::barrier::{
    KEYRING_KEY, Pass, REENCRYPTION_KEY, REENCRYPTION_KEYS_MAX, SEAL_KEY,
};
use vouchsafe_storage::{Barrier, Physical};

use crate::fake::{batch, expecting, node, put, put_raw, raw, root_key, unsealed, value};

fn term_of(record: &[u8]) -> u32 {
    u32::from_be_bytes(record[1..5].try_into().unwrap())
}

async fn finish(barrier: &Barrier) -> u64 {
    for _ in 0..1_000 {
        match barrier.reencrypt().await.unwrap() {
            Pass::More(_) => {}
            Pass::Done(done) => return done.records,
            Pass::Idle => return 0,
        }
    }
    panic!("it does not end");
}

/// The terms of all records that the barrier encrypts, by key.
async fn terms(physical: &dyn Physical) -> Vec<(String, u32)> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let keys = physical.list("", after.as_deref(), 1_000).await.unwrap();
        let Some(last) = keys.last() else {
            return found;
        };
        after = Some(last.clone());
        for key in keys {
            if key != KEYRING_KEY && key != SEAL_KEY {
                let term = term_of(&raw(physical, &key).await);
                found.push((key, term));
            }
        }
    }
}

#[tokio::test]
async fn every_record_comes_to_be_of_the_newest_term() {
    let (barrier, physical) = unsealed().await;
    let count = 3 * REENCRYPTION_KEYS_MAX + 5;
    for number in 0..count {
        put(&barrier, &format!("key/{number:05}"), &number.to_be_bytes()).await;
    }
    assert_eq!(barrier.reencrypt().await, Ok(Pass::Idle), "the first term");
    barrier.rotate().await.unwrap();
    put(&barrier, "key/new", b"new").await;
    barrier.rotate().await.unwrap();
    assert_eq!(finish(&barrier).await, count as u64 + 1);
    let all = terms(&*physical).await;
    assert_eq!(all.len(), count + 2, "and the progress");
    assert!(all.iter().all(|(_, term)| *term == 3), "{all:?}");
    for number in 0..count {
        let found = value(&barrier, &format!("key/{number:05}")).await;
        assert_eq!(found, Some(number.to_be_bytes().to_vec()));
    }
    assert_eq!(barrier.reencrypt().await, Ok(Pass::Idle), "it is done");
    let progress = barrier.reencryption().await.unwrap().unwrap();
    assert!(progress.is_done);
    assert_eq!((progress.term, progress.records), (3, count as u64 + 1));
    let reserved = barrier.get(REENCRYPTION_KEY).await;
    assert!(reserved.is_err(), "not for those above");
}

#[tokio::test]
async fn restart_goes_on_where_the_last_one_stopped() {
    let (barrier, physical) = unsealed().await;
    let count = 2 * REENCRYPTION_KEYS_MAX;
    for number in 0..count {
        put(&barrier, &format!("key/{number:05}"), b"v").await;
    }
    barrier.rotate().await.unwrap();
    let Pass::More(first) = barrier.reencrypt().await.unwrap() else {
        panic!("there is more");
    };
    drop(barrier);
    let next = node(&physical, 2);
    next.unseal(&root_key(1)).await.unwrap();
    assert_eq!(next.reencryption().await.unwrap(), Some(first));
    // A record behind it that became old again would show that it began anew.
    let untouched = physical.get("key/00000").await.unwrap().unwrap().version;
    assert_eq!(finish(&next).await, count as u64);
    let found = physical.get("key/00000").await.unwrap().unwrap().version;
    assert_eq!(found, untouched);
    assert!(terms(&*physical).await.iter().all(|(_, term)| *term == 2));

    // A rotation in the middle begins anew, for the newer term.
    next.rotate().await.unwrap();
    assert!(matches!(next.reencrypt().await, Ok(Pass::More(_))));
    next.rotate().await.unwrap();
    finish(&next).await;
    assert!(terms(&*physical).await.iter().all(|(_, term)| *term == 4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_writes_are_not_lost() {
    const KEYS: usize = 40;
    let (barrier, physical) = unsealed().await;
    let barrier = Arc::new(barrier);
    for number in 0..KEYS {
        put(&*barrier, &format!("counter/{number}"), &0u64.to_be_bytes()).await;
    }
    let done = Arc::new(AtomicBool::new(false));
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..4 {
        let (barrier, done) = (Arc::clone(&barrier), Arc::clone(&done));
        writers.spawn(async move {
            let (mut added, mut number) = (0u64, writer);
            while !done.load(Ordering::SeqCst) {
                number = (number + 7) % KEYS;
                let key = format!("counter/{number}");
                let held = barrier.get(&key).await.unwrap().unwrap();
                let count = u64::from_be_bytes(held.value[..].try_into().unwrap()) + 1;
                let write = batch(&key, &count.to_be_bytes());
                let write = expecting(write, &key, Some(held.version));
                if barrier.commit(write).await.is_ok() {
                    added += 1;
                }
                tokio::task::yield_now().await;
            }
            added
        });
    }
    for _ in 0..20 {
        barrier.rotate().await.unwrap();
        finish(&barrier).await;
    }
    done.store(true, Ordering::SeqCst);
    let added: u64 = writers.join_all().await.into_iter().sum();
    finish(&barrier).await;
    let mut counted = 0;
    for number in 0..KEYS {
        let held = value(&*barrier, &format!("counter/{number}"))
            .await
            .unwrap();
        counted += u64::from_be_bytes(held[..].try_into().unwrap());
    }
    assert!(added > 0);
    assert_eq!(counted, added, "a write was lost, or counted twice");
    assert!(terms(&*physical).await.iter().all(|(_, term)| *term == 21));
}

#[tokio::test]
async fn damaged_record_does_not_keep_the_others_from_being_done() {
    let (barrier, physical) = unsealed().await;
    for key in ["a", "b", "c"] {
        put(&barrier, key, b"v").await;
    }
    let mut damaged = raw(&*physical, "b").await;
    damaged[20] ^= 1;
    put_raw(&*physical, "b", &damaged).await;
    barrier.rotate().await.unwrap();
    assert_eq!(finish(&barrier).await, 2);
    assert_eq!(term_of(&raw(&*physical, "a").await), 2);
    assert_eq!(
        raw(&*physical, "b").await,
        damaged,
        "it is left for the operator"
    );
    assert_eq!(term_of(&raw(&*physical, "c").await), 2);
}

#[tokio::test]
async fn store_larger_than_a_term_does_not_rotate_for_ever() {
    let (barrier, _) = unsealed().await;
    barrier.set_encryptions_per_term(100);
    for number in 0..300 {
        put(&barrier, &format!("key/{number}"), b"v").await;
    }
    let term = barrier.key_status().unwrap().term;
    for _ in 0..50 {
        barrier.reencrypt().await.unwrap();
    }
    let after = barrier.key_status().unwrap().term;
    assert!(after <= term + 3, "from {term} to {after}");
}
