//! Batch tokens: what they carry, and what is not taken for one.

use super::super::batch::{BATCH_PREFIX, BATCH_TOKEN_BYTES_MAX};
use super::*;

async fn batch(shop: &Shop) -> String {
    let entry = TokenEntry {
        token_type: TokenType::Batch,
        accessor: String::new(),
        ..shop.entry()
    };
    shop.issue(&entry).await
}

#[tokio::test]
async fn a_batch_token_carries_its_entry_and_writes_nothing() {
    let shop = Shop::open().await;
    let token = batch(&shop).await;
    assert!(token.starts_with(BATCH_PREFIX));
    assert_eq!(shop.stored().await, [""; 0]);
    let found = shop.tokens.find(&token, at(0)).await.unwrap().unwrap();
    assert_eq!(found.entry.policies.to_strings(), ["default"]);
    assert!(shop.works(&token, 3_599).await);
    assert!(!shop.works(&token, 3_600).await);
}

#[tokio::test]
async fn no_altered_batch_token_works() {
    let shop = Shop::open().await;
    let token = batch(&shop).await;
    for place in BATCH_PREFIX.len()..token.len() {
        let mut altered = token.clone().into_bytes();
        altered[place] = if altered[place] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).unwrap();
        assert!(!shop.works(&altered, 0).await, "character {place}");
    }
    for cut in 0..token.len() {
        assert!(!shop.works(&token[..cut], 0).await, "cut at {cut}");
    }
    let body = &token[BATCH_PREFIX.len()..];
    for odd in [
        format!("{token}A"),
        format!("{token}="),
        format!("hvs.{body}"),
        format!("b.{body}"),
        body.to_owned(),
        BATCH_PREFIX.to_owned(),
    ] {
        assert!(!shop.works(&odd, 0).await, "{odd}");
    }
    assert!(shop.works(&token, 0).await);
    let elsewhere = View::new(Arc::new(MemoryStore::default()), "");
    let elsewhere = Shop::over(elsewhere, 2).await;
    assert!(
        !elsewhere.works(&token, 0).await,
        "another server, another key"
    );
}

#[tokio::test]
async fn a_batch_token_ends_with_its_parent() {
    let shop = Shop::open().await;
    let parent = shop.make(None, None).await;
    let entry = TokenEntry {
        token_type: TokenType::Batch,
        parent: Some(shop.hash(&parent).to_string()),
        ..shop.entry()
    };
    let token = shop.issue(&entry).await;
    assert!(shop.works(&token, 0).await);
    shop.tokens.revoke(&shop.hash(&parent)).await.unwrap();
    assert!(!shop.works(&token, 0).await);
}

#[tokio::test]
async fn a_batch_token_has_a_largest_size() {
    let shop = Shop::open().await;
    let sized = async |characters: usize| {
        let entry = TokenEntry {
            token_type: TokenType::Batch,
            display_name: "x".repeat(characters),
            ..shop.entry()
        };
        let mut transaction = shop.root.begin();
        shop.tokens
            .issue(&mut transaction, &entry, None, &shop.entropy)
            .await
    };
    // Three bytes of the entry are four characters of the token.
    let empty = sized(0).await.unwrap().len();
    let room = (BATCH_TOKEN_BYTES_MAX - empty) * 3 / 4;
    let largest = sized(room).await.unwrap();
    assert!(largest.len() <= BATCH_TOKEN_BYTES_MAX && largest.len() + 4 > BATCH_TOKEN_BYTES_MAX);
    assert!(shop.works(&largest, 0).await);
    let refused = sized(room + 3).await.unwrap_err();
    assert!(refused.to_string().contains("16384"), "{refused}");
}
