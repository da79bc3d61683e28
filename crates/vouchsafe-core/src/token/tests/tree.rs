//! Who makes a token takes it along.

use super::super::store::{TOKEN_GENERATIONS_MAX, end_of_life};
use super::*;

#[tokio::test]
async fn a_revocation_takes_the_whole_tree_and_nothing_else() {
    let shop = Shop::open().await;
    let root = shop.make(None, None).await;
    let branch = shop.make(Some(&root), None).await;
    let leaf = shop.make(Some(&branch), Some(60)).await;
    let sibling = shop.make(Some(&root), Some(60)).await;
    assert!(shop.tokens.revoke(&shop.hash(&branch)).await.unwrap());
    assert!(!shop.works(&branch, 0).await && !shop.works(&leaf, 0).await);
    assert!(shop.works(&root, 0).await && shop.works(&sibling, 0).await);
    assert!(!shop.tokens.revoke(&shop.hash(&branch)).await.unwrap());
    shop.tokens.revoke(&shop.hash(&root)).await.unwrap();
    assert_eq!(shop.stored().await, [""; 0], "nothing is left behind");
}

/// A revocation that is cut off after its first write has revoked the whole tree all the same.
#[tokio::test]
async fn descendants_end_with_the_entry_of_their_ancestor() {
    let shop = Shop::open().await;
    let root = shop.make(None, None).await;
    let branch = shop.make(Some(&root), None).await;
    let leaf = shop.make(Some(&branch), None).await;
    let mut transaction = shop.root.begin();
    let key = format!("sys/token/id/{}", shop.hash(&root));
    transaction.delete(&shop.root, &key);
    transaction.commit().await.unwrap();
    assert!(!shop.works(&branch, 0).await && !shop.works(&leaf, 0).await);
    let by_hash = shop.tokens.find_by_hash(&shop.hash(&leaf), at(0)).await;
    assert!(by_hash.unwrap().is_none());
}

#[tokio::test]
async fn descendants_end_when_their_ancestor_expires() {
    let shop = Shop::open().await;
    let root = shop.make(None, Some(10)).await;
    let leaf = shop.make(Some(&root), Some(1_000)).await;
    assert!(shop.works(&leaf, 9).await);
    assert!(!shop.works(&leaf, 10).await);
}

#[tokio::test]
async fn an_orphaning_revocation_leaves_the_children() {
    let shop = Shop::open().await;
    let root = shop.make(None, None).await;
    let branch = shop.make(Some(&root), None).await;
    let leaf = shop.make(Some(&branch), None).await;
    assert!(shop.tokens.revoke_orphan(&shop.hash(&root)).await.unwrap());
    assert!(!shop.works(&root, 0).await);
    assert!(shop.works(&branch, 0).await && shop.works(&leaf, 0).await);
    let found = shop.tokens.find(&branch, at(0)).await.unwrap().unwrap();
    assert!(found.entry.is_orphan());
    shop.tokens.revoke(&shop.hash(&branch)).await.unwrap();
    assert!(!shop.works(&leaf, 0).await, "the tree below is as it was");
    assert_eq!(shop.stored().await, [""; 0]);
}

#[tokio::test]
async fn a_token_is_not_made_by_one_that_goes_meanwhile() {
    let shop = Shop::open().await;
    let root = shop.make(None, None).await;
    let entry = TokenEntry {
        parent: Some(shop.hash(&root).to_string()),
        ..shop.entry()
    };
    let mut transaction = shop.root.begin();
    let issued = shop
        .tokens
        .issue(&mut transaction, &entry, None, &shop.entropy);
    issued.await.unwrap();
    shop.tokens.revoke(&shop.hash(&root)).await.unwrap();
    assert!(transaction.commit().await.is_err());
    let mut transaction = shop.root.begin();
    let issued = shop
        .tokens
        .issue(&mut transaction, &entry, None, &shop.entropy);
    assert_eq!(issued.await.unwrap_err().reason(), "parent_token_gone");
}

#[tokio::test]
async fn a_line_of_descent_is_limited() {
    let shop = Shop::open().await;
    let first = shop.make(None, None).await;
    let mut last = first.clone();
    for _ in 1..TOKEN_GENERATIONS_MAX {
        last = shop.make(Some(&last), None).await;
    }
    assert!(shop.works(&last, 0).await);
    for token_type in [TokenType::Service, TokenType::Batch] {
        let entry = TokenEntry {
            parent: Some(shop.hash(&last).to_string()),
            token_type,
            ..shop.entry()
        };
        let mut transaction = shop.root.begin();
        let issued = shop
            .tokens
            .issue(&mut transaction, &entry, None, &shop.entropy);
        let error = issued.await.unwrap_err();
        assert_eq!(error.reason(), "token_generations_too_many");
    }
    // Without the first, there is room for one more.
    shop.tokens.revoke_orphan(&shop.hash(&first)).await.unwrap();
    let one_more = shop.make(Some(&last), None).await;
    assert!(shop.works(&one_more, 0).await);
}

#[tokio::test]
async fn the_tokens_of_a_mount_go_with_it() {
    let shop = Shop::open().await;
    let login = |mount: &str| TokenEntry {
        mount_accessor: Some(mount.to_owned()),
        ..shop.entry()
    };
    let (entry, other) = (login("auth_a_1"), login("auth_a_10"));
    let token = shop.issue(&entry).await;
    let child = shop.make(Some(&token), None).await;
    let other = shop.issue(&other).await;
    shop.tokens.revoke_of_mount("auth_a_1").await.unwrap();
    assert!(!shop.works(&token, 0).await && !shop.works(&child, 0).await);
    assert!(
        shop.works(&other, 0).await,
        "another accessor begins the same"
    );
}

#[tokio::test]
async fn tokens_are_found_by_their_accessor_until_they_go() {
    let shop = Shop::open().await;
    let entry = shop.entry();
    let token = shop.issue(&entry).await;
    let find = async |accessor: &str| shop.tokens.find_by_accessor(accessor, at(0)).await.unwrap();
    let found = find(&entry.accessor).await.unwrap();
    assert_eq!(found.hash, shop.hash(&token));
    assert!(find(&token).await.is_none(), "a token is no accessor");
    assert!(!shop.works(&entry.accessor, 0).await, "nor the other way");
    assert_eq!(
        shop.tokens.accessors().await.unwrap(),
        std::slice::from_ref(&entry.accessor)
    );
    shop.tokens.revoke(&found.hash).await.unwrap();
    assert!(find(&entry.accessor).await.is_none());
    assert!(shop.tokens.accessors().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_chosen_id_is_taken_once_and_nothing_is_stored_in_the_clear() {
    let shop = Shop::open().await;
    let mut transaction = shop.root.begin();
    let entry = shop.entry();
    let issue = shop
        .tokens
        .issue(&mut transaction, &entry, Some("my-id"), &shop.entropy);
    assert_eq!(issue.await.unwrap(), "my-id");
    transaction.commit().await.unwrap();
    let mut transaction = shop.root.begin();
    let again = shop.entry();
    let issue = shop
        .tokens
        .issue(&mut transaction, &again, Some("my-id"), &shop.entropy);
    assert!(issue.await.is_err());
    for key in shop.root.list_all("").await.unwrap() {
        assert!(
            !key.contains("my-id") && !key.contains(&entry.accessor),
            "{key}"
        );
    }
}

#[tokio::test]
async fn another_start_finds_the_same_tokens() {
    let shop = Shop::open().await;
    let token = shop.make(None, None).await;
    let batch = shop
        .issue(&TokenEntry {
            token_type: TokenType::Batch,
            ..shop.entry()
        })
        .await;
    let restarted = Shop::over(shop.root.clone(), 2).await;
    assert!(restarted.works(&token, 0).await && restarted.works(&batch, 0).await);
    let elsewhere = Shop::open().await;
    assert!(!elsewhere.works(&token, 0).await);
}

#[test]
fn a_life_beyond_all_calendars_ends_with_them() {
    let hour = Duration::from_secs(3_600);
    assert_eq!(end_of_life(at(0), hour), at(3_600));
    assert_eq!(end_of_life(at(0), Duration::MAX), Timestamp::MAX);
    assert_eq!(end_of_life(Timestamp::MAX, hour), Timestamp::MAX);
}
