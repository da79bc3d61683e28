//! Loss of power after any change of the disk: what was acknowledged is there, and every commit is
//! there as a whole or not at all, whichever part of the unsynced changes reached the disk.

use super::*;

/// Commits of the workload; each writes its number to two keys and a page of its own.
const COMMITS: u64 = 8;

fn numbered(number: u64) -> Batch {
    let mut batch = put("first", &number.to_be_bytes());
    batch
        .writes
        .insert(format!("own/{number}"), Some(vec![number as u8; 3_000]));
    batch
        .writes
        .insert("second".to_owned(), Some(number.to_be_bytes().to_vec()));
    batch
}

/// Commits until the power is lost, and answers how many commits were acknowledged.
async fn work(store: &FilePhysical) -> u64 {
    for number in 1..=COMMITS {
        if store.commit(numbered(number)).await.is_err() {
            return number - 1;
        }
    }
    COMMITS
}

async fn number_at(store: &FilePhysical, key: &str) -> u64 {
    let found = value(store, key).await;
    found.map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().unwrap()))
}

async fn assert_whole(store: &FilePhysical, acknowledged: u64) {
    let last = number_at(store, "first").await;
    assert!(
        last >= acknowledged,
        "{acknowledged} were acknowledged, {last} are there"
    );
    assert!(
        last <= acknowledged + 1,
        "{last} are there, {acknowledged} were acknowledged"
    );
    assert_eq!(number_at(store, "second").await, last, "half a commit");
    assert_eq!(
        store.list("own/", None, 100).await.unwrap().len() as u64,
        last
    );
    for number in 1..=last {
        let own = value(store, &format!("own/{number}")).await;
        assert_eq!(own, Some(vec![number as u8; 3_000]));
    }
    assert_eq!(store.newest().revision, Revision(last));
}

#[tokio::test]
async fn acknowledged_commits_survive_loss_of_power() {
    let mut dice: u64 = 1;
    let mut changes = 0;
    loop {
        let disk = Disk::default();
        let store = open(&disk);
        disk.lose_power_after(changes);
        let acknowledged = work(&store).await;
        drop(store);
        for kept_of_8 in [0, 4, 7, 8] {
            let left = disk.after_power_loss(|| {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (dice >> 61) < kept_of_8
            });
            assert_whole(&open(&left), acknowledged).await;
        }
        if acknowledged == COMMITS {
            return;
        }
        changes += 1;
    }
}
