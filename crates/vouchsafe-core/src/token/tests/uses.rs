//! Tokens with limited uses.

use super::super::UsesLeft;
use super::*;

async fn limited(shop: &Shop, num_uses: u64) -> String {
    let entry = TokenEntry {
        num_uses,
        ..shop.entry()
    };
    shop.issue(&entry).await
}

#[tokio::test]
async fn the_last_use_is_told_and_is_the_last() {
    let shop = Shop::open().await;
    let token = limited(&shop, 2).await;
    let hash = shop.hash(&token);
    assert_eq!(
        shop.tokens.take_use(&hash).await.unwrap(),
        Some(UsesLeft::More)
    );
    assert!(shop.works(&token, 0).await);
    assert_eq!(
        shop.tokens.take_use(&hash).await.unwrap(),
        Some(UsesLeft::Last)
    );
    assert!(!shop.works(&token, 0).await, "no other request may begin");
    let spent = shop.tokens.find_even_spent(&token, at(0)).await.unwrap();
    assert!(spent.is_some(), "the request that has it goes on");
    assert_eq!(shop.tokens.take_use(&hash).await.unwrap(), None);
    shop.tokens.revoke(&hash).await.unwrap();
    assert_eq!(shop.tokens.take_use(&hash).await.unwrap(), None);
}

#[test]
fn uses_taken_at_once_are_no_more_than_there_are() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let shop = runtime.block_on(Shop::open());
    for uses in [1, 7] {
        let token = runtime.block_on(limited(&shop, uses));
        let hash = shop.hash(&token);
        let threads: Vec<_> = (0..16)
            .map(|_| {
                let (tokens, hash) = (Arc::clone(&shop.tokens), hash.clone());
                std::thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().build();
                    runtime.unwrap().block_on(tokens.take_use(&hash)).unwrap()
                })
            })
            .collect();
        let taken: Vec<UsesLeft> = threads
            .into_iter()
            .filter_map(|thread| thread.join().unwrap())
            .collect();
        assert_eq!(taken.len() as u64, uses);
        let last = taken.iter().filter(|left| **left == UsesLeft::Last);
        assert_eq!(last.count(), 1);
    }
}
