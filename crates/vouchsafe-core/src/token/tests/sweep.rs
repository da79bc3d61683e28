//! The sweep of tokens that have ended.

use super::super::sweep::{SWEEP_BATCH_MAX, Swept};
use super::*;
use crate::core::Due;

impl Shop {
    async fn sweep(&self, seconds: i64) -> Swept {
        self.tokens.sweep(at(seconds)).await.unwrap()
    }

    /// Sweeps until nothing is due. Returns how many tokens went.
    async fn sweep_all(&self, seconds: i64) -> usize {
        let mut removed = 0;
        loop {
            let swept = self.sweep(seconds).await;
            assert!(swept.removed <= SWEEP_BATCH_MAX);
            removed += swept.removed;
            if swept.due == Due::Nothing {
                return removed;
            }
        }
    }
}

#[tokio::test]
async fn a_sweep_takes_what_has_ended_and_leaves_what_has_not() {
    let shop = Shop::open().await;
    let ended = shop.make(None, Some(10)).await;
    let alive = shop.make(None, Some(11)).await;
    let eternal = shop.make(None, None).await;
    assert_eq!(shop.sweep(9).await.removed, 0);
    assert!(
        !shop.works(&ended, 10).await,
        "it ends whether it is swept or not"
    );
    assert_eq!(shop.sweep(11).await.removed, 1);
    let hashes = shop.tokens.hashes().await.unwrap();
    assert!(!hashes.contains(&shop.hash(&ended)));
    assert!(hashes.contains(&shop.hash(&alive)) && hashes.contains(&shop.hash(&eternal)));
}

#[tokio::test]
async fn a_sweep_takes_so_many_and_no_more() {
    let shop = Shop::open().await;
    for _ in 0..=SWEEP_BATCH_MAX {
        shop.make(None, Some(10)).await;
    }
    let first = shop.sweep(60).await;
    assert_eq!((first.removed, first.due), (SWEEP_BATCH_MAX, Due::More));
    let second = shop.sweep(60).await;
    assert_eq!((second.removed, second.due), (1, Due::Nothing));
    assert_eq!(shop.stored().await, [""; 0]);
}

#[tokio::test]
async fn a_renewed_token_is_swept_at_its_new_end() {
    let shop = Shop::open().await;
    let token = shop.make(None, Some(10)).await;
    let hash = shop.hash(&token);
    let renewed = shop.tokens.update(&hash, |entry| {
        entry.expire_at = Some(at(100));
        Ok(())
    });
    assert_eq!(renewed.await.unwrap(), Some(()));
    assert_eq!(shop.sweep(50).await.removed, 0);
    assert!(shop.works(&token, 50).await);
    assert_eq!(shop.sweep(101).await.removed, 1);
    assert_eq!(shop.stored().await, [""; 0]);
}

/// Whatever stands in the index wrongly must not stand before the others for ever.
#[tokio::test]
async fn keys_of_the_index_that_are_wrong_do_not_hold_up_the_sweep() {
    let shop = Shop::open().await;
    let alive = shop.make(None, Some(1_000)).await;
    let mut transaction = shop.root.begin();
    for second in 0..SWEEP_BATCH_MAX {
        let key = format!("sys/token/expiry/{second:020}/{}", shop.hash(&alive));
        transaction.put(&shop.root, &key, Vec::new());
    }
    transaction.commit().await.unwrap();
    let ended = shop.make(None, Some(10)).await;
    assert_eq!(shop.sweep_all(60).await, 1);
    assert!(shop.works(&alive, 60).await);
    let hashes = shop.tokens.hashes().await.unwrap();
    assert!(!hashes.contains(&shop.hash(&ended)));
}

#[tokio::test]
async fn what_an_ended_token_made_goes_first_and_in_bounded_steps() {
    let shop = Shop::open().await;
    let ended = shop.make(None, Some(10)).await;
    let child = shop.make(Some(&ended), Some(9_000)).await;
    for _ in 0..SWEEP_BATCH_MAX {
        shop.make(Some(&child), Some(9_000)).await;
    }
    let first = shop.sweep(60).await;
    assert_eq!(first.due, Due::More, "more than one sweep may remove");
    assert!(first.removed < SWEEP_BATCH_MAX);
    let hashes = shop.tokens.hashes().await.unwrap();
    assert!(
        hashes.contains(&shop.hash(&ended)),
        "else nothing leads to the rest"
    );
    assert!(!shop.works(&child, 60).await, "its parent has ended");
    let all = first.removed + shop.sweep_all(60).await;
    assert_eq!(all, SWEEP_BATCH_MAX + 2);
    assert_eq!(shop.stored().await, [""; 0]);
}

/// A removal that was interrupted between its two writes leaves such a key.
#[tokio::test]
async fn an_orphan_that_is_still_listed_below_an_ended_token_lives_on() {
    let shop = Shop::open().await;
    let ended = shop.make(None, Some(10)).await;
    let orphan = shop.make(None, Some(1_000)).await;
    let key = format!(
        "sys/token/parent/{}/{}",
        shop.hash(&ended),
        shop.hash(&orphan)
    );
    let mut transaction = shop.root.begin();
    transaction.put(&shop.root, &key, Vec::new());
    transaction.commit().await.unwrap();
    assert_eq!(shop.sweep_all(60).await, 1);
    assert!(shop.works(&orphan, 60).await);
    assert!(shop.root.get(&key).await.unwrap().is_none());
}

#[tokio::test]
async fn secrets_of_an_ended_token_go_with_it() {
    let shop = Shop::open().await;
    let ended = shop.make(None, Some(10)).await;
    let plain = shop.make(None, Some(10)).await;
    let hash = shop.hash(&ended);
    let secret = vouchsafe_logical::Data::new();
    for path in ["a", "b/c"] {
        let written = shop.tokens.write_cubbyhole(&hash, path, &secret).await;
        written.unwrap();
    }
    assert_eq!(shop.sweep_all(60).await, 2, "{plain} has none");
    assert_eq!(shop.root.list_all("").await.unwrap().len(), 2, "the keys");
}

/// What a sweep that finds nothing costs must not grow with what lives.
#[tokio::test]
async fn a_sweep_that_finds_nothing_due_reads_one_key_however_many_live() {
    let store = Arc::new(CountingStore::new(MemoryStore::default()));
    let root = View::new(Arc::clone(&store) as Arc<dyn vouchsafe_logical::Store>, "");
    let shop = Shop::over(root, 1).await;
    for _ in 0..100 {
        shop.make(None, Some(1_000)).await;
    }
    let before = store.reads();
    assert_eq!(shop.sweep(60).await.due, Due::Nothing);
    let after = store.reads();
    assert_eq!(after.records - before.records, 0);
    assert_eq!(after.keys - before.keys, 1);
}
