//! The published documents: bytes, entity tags, and what caches are promised.

use serde_json::{Value, json};
use vouchsafe_identity::issuer::{MAX_AGE_EMPTY_SECONDS, MAX_AGE_SECONDS_MAX, Promise};

use super::driver::{Node, max_age};

async fn key_ids(node: &Node) -> Vec<String> {
    let keys = node.key_set().await;
    keys.keys()
        .iter()
        .map(|jwk| jwk.key_id().unwrap().to_string())
        .collect()
}

async fn promise(node: &Node) -> Promise {
    node.settings
        .view
        .read("oidc/jwks-promise")
        .await
        .unwrap()
        .unwrap_or_default()
}

#[tokio::test]
async fn both_addresses_of_the_key_set_are_the_same_and_say_what_caches_need() {
    let node = Node::open().await;
    node.put("oidc/key/k", json!({"algorithm": "ES256"})).await;
    node.put("oidc/role/r", json!({"key": "k"})).await;
    let keys = node.document("keys").await;
    let jwks = node.document("jwks.json").await;
    assert_eq!(keys.body, jwks.body);
    assert_eq!((keys.status, keys.content_type), (200, "application/json"));
    assert_eq!(max_age(&keys), MAX_AGE_SECONDS_MAX);
    let etag = keys.etag.unwrap();
    assert_eq!(etag.len(), 34);
    assert!(etag.starts_with('"') && etag.ends_with('"'));
    assert_eq!(jwks.etag.unwrap(), etag);
    node.write("oidc/key/k/rotate", json!({})).await.unwrap();
    assert_ne!(node.document("keys").await.etag.unwrap(), etag);
}

#[tokio::test]
async fn discovery_follows_the_configuration() {
    let node = Node::open().await;
    let first = node.document("openid-configuration").await;
    assert_eq!(first.cache_control.as_deref(), Some("max-age=3600"));
    let document: Value = serde_json::from_slice(&first.body).unwrap();
    assert_eq!(
        document["issuer"],
        "https://vault.test:8200/v1/identity/oidc"
    );
    assert_eq!(
        document["jwks_uri"],
        "https://vault.test:8200/v1/identity/oidc/.well-known/keys"
    );
    node.write("oidc/config", json!({"issuer": "https://id.test"}))
        .await
        .unwrap();
    let second = node.document("openid-configuration").await;
    assert_ne!(first.etag, second.etag);
    let document: Value = serde_json::from_slice(&second.body).unwrap();
    assert_eq!(document["issuer"], "https://id.test/v1/identity/oidc");
}

#[tokio::test]
async fn only_keys_of_roles_are_published() {
    let node = Node::open().await;
    for key in ["a", "b"] {
        node.put(&format!("oidc/key/{key}"), json!({"algorithm": "EdDSA"}))
            .await;
    }
    assert_eq!(node.document("keys").await.body, r#"{"keys":[]}"#);
    assert_eq!(max_age(&node.document("keys").await), MAX_AGE_EMPTY_SECONDS);
    node.put("oidc/role/r1", json!({"key": "a"})).await;
    node.put("oidc/role/r2", json!({"key": "a"})).await;
    let a = key_ids(&node).await;
    assert_eq!(a.len(), 2);
    // A role that moves to another key takes the publication along, once it was the last one.
    node.put("oidc/role/r1", json!({"key": "b"})).await;
    assert_eq!(key_ids(&node).await.len(), 4);
    node.put("oidc/role/r2", json!({"key": "b"})).await;
    let b = key_ids(&node).await;
    assert_eq!(b.len(), 2);
    assert!(a.iter().all(|key_id| !b.contains(key_id)));
    node.delete("oidc/role/r1").await.unwrap();
    assert_eq!(key_ids(&node).await.len(), 2);
    node.delete("oidc/role/r2").await.unwrap();
    assert_eq!(node.document("keys").await.body, r#"{"keys":[]}"#);
    for key in ["a", "b"] {
        node.delete(&format!("oidc/key/{key}")).await.unwrap();
    }
}

#[tokio::test]
async fn a_promise_is_written_once_per_max_age_and_never_exceeded() {
    let node = Node::open().await;
    node.put("oidc/key/k", json!({"algorithm": "EdDSA"})).await;
    node.put("oidc/role/r", json!({"key": "k"})).await;
    let start = 1_767_225_600;
    let mut written = vec![promise(&node).await];
    for second in 0..3_600 {
        let document = node.document("keys").await;
        let stored = promise(&node).await;
        assert!(start + second + max_age(&document) <= stored.until.0);
        assert!(max_age(&document) > 0);
        if *written.last().unwrap() != stored {
            written.push(stored);
        }
        node.advance(1);
    }
    assert_eq!(written.len(), 7, "{written:#?}");
}

#[tokio::test]
async fn an_answer_within_a_second_does_not_outlive_the_promise_by_its_fraction() {
    use std::time::Duration;
    let node = Node::open().await;
    node.put("oidc/key/k", json!({"algorithm": "EdDSA"})).await;
    node.put("oidc/role/r", json!({"key": "k"})).await;
    let until = promise(&node).await.until;
    node.system.clock.advance(Duration::from_millis(999));
    for _ in 0..2_000 {
        let document = node.document("keys").await;
        let now = vouchsafe_logical::Clock::now(&node.system.clock).as_millisecond();
        let ends = u64::try_from(now).unwrap() + 1_000 * max_age(&document);
        let stored = promise(&node).await.until;
        assert!(ends <= 1_000 * stored.0);
        assert!(stored >= until);
        node.system.clock.advance(Duration::from_millis(701));
    }
}

#[tokio::test]
async fn max_age_is_jittered_downward() {
    use std::time::Duration;
    let node = Node::open().await;
    node.put("oidc/key/k", json!({"algorithm": "EdDSA"})).await;
    node.put("oidc/role/r", json!({"key": "k"})).await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..200 {
        node.system.clock.advance(Duration::from_nanos(1_234_567));
        seen.insert(max_age(&node.document("keys").await));
    }
    assert!(seen.len() > 20, "{seen:?}");
    let allowed = MAX_AGE_SECONDS_MAX * 9 / 10..=MAX_AGE_SECONDS_MAX;
    assert!(
        seen.iter().all(|max_age| allowed.contains(max_age)),
        "{seen:?}"
    );
}
