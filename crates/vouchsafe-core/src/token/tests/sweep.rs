//! The sweep of tokens that have ended.

use super::super::store::SWEEP_BATCH_MAX;
use super::*;

#[tokio::test]
async fn a_sweep_takes_what_has_ended_and_leaves_what_has_not() {
    let shop = Shop::open().await;
    let ended = shop.make(None, Some(10)).await;
    let alive = shop.make(None, Some(11)).await;
    let eternal = shop.make(None, None).await;
    assert_eq!(shop.tokens.sweep(at(9)).await.unwrap(), 0);
    assert!(
        !shop.works(&ended, 10).await,
        "it ends whether it is swept or not"
    );
    assert_eq!(shop.tokens.sweep(at(11)).await.unwrap(), 1);
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
    assert_eq!(shop.tokens.sweep(at(60)).await.unwrap(), SWEEP_BATCH_MAX);
    assert_eq!(shop.tokens.sweep(at(60)).await.unwrap(), 1);
    assert_eq!(shop.tokens.sweep(at(60)).await.unwrap(), 0);
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
    assert_eq!(shop.tokens.sweep(at(50)).await.unwrap(), 0);
    assert!(shop.works(&token, 50).await);
    assert_eq!(shop.tokens.sweep(at(101)).await.unwrap(), 1);
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
    assert_eq!(shop.tokens.sweep(at(60)).await.unwrap(), 0);
    assert_eq!(shop.tokens.sweep(at(60)).await.unwrap(), 1);
    assert!(shop.works(&alive, 60).await);
    let hashes = shop.tokens.hashes().await.unwrap();
    assert!(!hashes.contains(&shop.hash(&ended)));
}
