//! Several nodes over one store: they agree without talking to each other.

use serde_json::json;

use super::driver::{Node, max_age};

#[tokio::test]
async fn several_nodes_rotate_once() {
    let first = Node::open().await;
    let nodes = [first.another(), first.another(), first];
    let key = json!({"algorithm": "EdDSA", "rotation_period": "10m", "verification_ttl": "20m",
        "allowed_client_ids": "*"});
    nodes[0].put("oidc/key/k", key).await;
    nodes[0]
        .put("oidc/role/r", json!({"key": "k", "ttl": "10m"}))
        .await;
    let mut signers = Vec::new();
    for second in 0..3 * 3_600_u64 {
        // Each node looks once a minute, at a moment of its own; at each full hour all at once.
        for (index, node) in nodes.iter().enumerate() {
            if second % 60 == u64::try_from(index).unwrap() * 17 {
                node.tick().await;
            }
        }
        if second % 3_600 == 0 {
            let (a, b, c) = tokio::join!(
                nodes[0].backend.tick(),
                nodes[1].backend.tick(),
                nodes[2].backend.tick()
            );
            a.and(b).and(c).unwrap();
        }
        if second % 30 == 0 {
            let mut at_once = std::collections::BTreeSet::new();
            for node in &nodes {
                let token = node.token("r").await.unwrap();
                at_once.insert(token.split('.').next().unwrap().to_owned());
            }
            assert_eq!(at_once.len(), 1, "the nodes sign with different keys");
            signers.extend(at_once);
            assert!(nodes[1].in_state("k", "pending").await.len() <= 1);
        }
        nodes[0].advance(1);
    }
    signers.dedup();
    assert_eq!(signers.len(), 18);
}

#[tokio::test]
async fn nodes_that_look_at_the_same_moment_append_one_pair() {
    for seed in 0..100 {
        let a = Node::open_interleaved(seed).await;
        let b = a.another();
        a.put("oidc/key/k", json!({"algorithm": "EdDSA"})).await;
        a.put("oidc/role/r", json!({"key": "k"})).await;
        a.advance(86_400);
        let (first, second, set) = tokio::join!(a.backend.tick(), b.backend.tick(), b.key_set());
        first.and(second).unwrap();
        assert!((2..=3).contains(&set.keys().len()));
        assert_eq!(a.pairs("k").await.len(), 3);
        assert_eq!(a.in_state("k", "pending").await.len(), 1);
    }
}

#[tokio::test]
async fn all_nodes_publish_the_same_bytes() {
    let a = Node::open().await;
    let b = a.another();
    for key in ["x", "y"] {
        a.put(&format!("oidc/key/{key}"), json!({"algorithm": "EdDSA"}))
            .await;
        b.put(&format!("oidc/role/{key}"), json!({"key": key}))
            .await;
    }
    // The node that did not write is told so by the core.
    a.backend.invalidate("oidc/key/x");
    let (from_a, from_b) = (a.document("keys").await, b.document("keys").await);
    assert_eq!((from_a.body, from_a.etag), (from_b.body, from_b.etag));
}

#[tokio::test]
async fn a_node_that_was_not_told_of_a_change_promises_nothing_more_for_its_old_key_set() {
    let writer = Node::open().await;
    let stale = writer.another();
    writer
        .put(
            "oidc/key/k",
            json!({"algorithm": "EdDSA", "allowed_client_ids": "*"}),
        )
        .await;
    writer
        .put("oidc/role/r", json!({"key": "k", "ttl": "10m"}))
        .await;
    let old = stale.document("keys").await;
    let reply = writer.write("oidc/key/k/rotate", json!({})).await.unwrap();
    assert!(
        reply.warnings.is_empty(),
        "the next pair was published before"
    );
    let pairs = writer.pairs("k").await;
    let known_from = pairs.last().unwrap()["known_from"].as_str().unwrap();
    assert_eq!(known_from, "2026-01-01T00:20:10Z");

    // What is left of the promise may be used up for the old key set.
    writer.advance(300);
    let still_old = stale.document("keys").await;
    assert_eq!(still_old.body, old.body);
    assert!(max_age(&still_old) <= 900);
    // Then it must be asked for again, and the change is seen.
    writer.advance(601);
    let new = stale.document("keys").await;
    assert_ne!(new.body, old.body);
    assert_eq!(new.body, writer.document("keys").await.body);
}

#[tokio::test]
async fn a_node_that_is_told_of_a_change_serves_it_at_once() {
    let writer = Node::open().await;
    let told = writer.another();
    writer
        .put("oidc/key/k", json!({"algorithm": "EdDSA"}))
        .await;
    writer.put("oidc/role/r", json!({"key": "k"})).await;
    let (keys, metadata) = (
        told.document("keys").await,
        told.document("openid-configuration").await,
    );
    writer.write("oidc/key/k/rotate", json!({})).await.unwrap();
    writer
        .write("oidc/config", json!({"issuer": "https://id.test"}))
        .await
        .unwrap();
    // What does not concern a document does not drop it.
    for key in [
        "entity/x",
        "oidc/role/r",
        "oidc/references/k",
        "oidc/jwks-promise",
    ] {
        told.backend.invalidate(key);
    }
    assert_eq!(told.document("keys").await.etag, keys.etag);
    told.backend.invalidate("oidc/key/k");
    told.backend.invalidate("oidc/config");
    let (new_keys, new_metadata) = (
        told.document("keys").await,
        told.document("openid-configuration").await,
    );
    assert_ne!(new_keys.etag, keys.etag);
    assert_ne!(new_metadata.etag, metadata.etag);
    assert_eq!(new_keys.body, writer.document("keys").await.body);
}

#[tokio::test]
async fn two_nodes_cannot_set_a_role_and_its_key_against_each_other() {
    for seed in 0..200 {
        let a = Node::open_interleaved(seed).await;
        let b = a.another();
        a.put(
            "oidc/key/k",
            json!({"algorithm": "EdDSA", "verification_ttl": "2h"}),
        )
        .await;
        a.put("oidc/role/r", json!({"key": "k", "ttl": "1h"})).await;
        let (shorter, longer) = tokio::join!(
            a.write("oidc/key/k", json!({"verification_ttl": "1h"})),
            b.write("oidc/role/r", json!({"ttl": "2h"}))
        );
        assert!(
            shorter.is_ok() != longer.is_ok(),
            "both or none went through"
        );
        let key = b.read("oidc/key/k").await.unwrap();
        let role = a.read("oidc/role/r").await.unwrap();
        assert!(role["ttl"].as_u64() <= key["verification_ttl"].as_u64());
    }
}

#[tokio::test]
async fn a_key_and_its_first_role_survive_a_race_with_the_keys_deletion() {
    let mut outcomes = [0, 0];
    for seed in 0..200 {
        let a = Node::open_interleaved(seed).await;
        let b = a.another();
        a.put(
            "oidc/key/k",
            json!({"algorithm": "EdDSA", "allowed_client_ids": "*"}),
        )
        .await;
        // Deleting takes fewer steps than writing: it starts later by more and more.
        let delete = async {
            for _ in 0..seed / 4 {
                tokio::task::yield_now().await;
            }
            a.delete("oidc/key/k").await
        };
        let write = b.write("oidc/role/r", json!({"key": "k"}));
        let (deleted, written) = tokio::join!(delete, write);
        assert!(
            deleted.is_ok() != written.is_ok(),
            "seed {seed}: {deleted:?}, {written:?}"
        );
        outcomes[usize::from(written.is_ok())] += 1;
        let references = a
            .settings
            .view
            .read::<serde_json::Value>("oidc/references/k")
            .await;
        assert_eq!(references.unwrap().is_some(), written.is_ok());
    }
    assert!(
        outcomes.iter().all(|count| *count > 0),
        "{outcomes:?}: the race has one runner"
    );
}
