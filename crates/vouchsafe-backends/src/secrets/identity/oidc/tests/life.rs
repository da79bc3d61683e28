//! Key life through the API: hours of issuing, fetching and verifying.

use serde_json::{Value, json};
use vouchsafe_jose::{Jwk, JwkSet};

use super::driver::{Node, max_age, verify};

/// Verifies with what it has; fetches again only when `max-age` is over.
#[derive(Default)]
struct Verifier {
    keys: JwkSet,
    until: u64,
}

impl Verifier {
    async fn verify_all(&mut self, node: &Node, now: u64, tokens: &[(String, u64)]) {
        if now >= self.until {
            let document = node.document("keys").await;
            self.keys = JwkSet::parse(&document.body).unwrap();
            self.until = now + max_age(&document);
        }
        for (token, expires_at) in tokens {
            if now < *expires_at {
                verify(token, &self.keys);
            }
        }
    }
}

#[tokio::test]
async fn caching_verifiers_accept_every_token_for_a_day_of_rotations() {
    let node = Node::open().await;
    // Two keys of different periods share the key set.
    let keys = [
        ("slow", "EdDSA", 7_200, 10_800),
        ("fast", "ES256", 600, 900),
    ];
    for (name, algorithm, period, ttl) in keys {
        let key = json!({"algorithm": algorithm, "rotation_period": period,
            "verification_ttl": ttl, "allowed_client_ids": "*"});
        node.put(&format!("oidc/key/{name}"), key).await;
        node.put(
            &format!("oidc/role/{name}"),
            json!({"key": name, "ttl": ttl}),
        )
        .await;
    }
    let mut verifiers: Vec<Verifier> = (0..3).map(|_| Verifier::default()).collect();
    let mut tokens: Vec<(String, u64)> = Vec::new();
    let mut signers = std::collections::BTreeSet::new();
    for minute in 0..24 * 60_u64 {
        let now = minute * 60;
        if minute % 7 != 3 {
            node.tick().await;
        }
        for (name, _, _, ttl) in keys {
            let token = node.token(name).await.unwrap();
            let kid = token.split('.').next().unwrap().to_owned();
            // One token of each key pair, its last, stands for all of them.
            tokens.retain(|(kept, expires_at)| !kept.starts_with(&kid) && *expires_at > now);
            tokens.push((token, now + ttl));
            signers.insert(kid);
        }
        let turn = usize::try_from(minute).unwrap() % verifiers.len();
        verifiers[turn].verify_all(&node, now, &tokens).await;
        node.advance(60);
    }
    assert!(signers.len() >= 12 + 120, "{}", signers.len());
}

#[tokio::test]
async fn a_key_is_pending_active_retiring_and_gone() {
    let node = Node::open().await;
    let key = json!({"algorithm": "EdDSA", "rotation_period": "1h", "verification_ttl": "2h",
        "allowed_client_ids": "*"});
    node.put("oidc/key/k", key).await;
    node.put("oidc/role/r", json!({"key": "k", "ttl": "1h"}))
        .await;
    let pairs = node.pairs("k").await;
    let first = pairs[0]["key_id"].as_str().unwrap();
    let second = pairs[1]["key_id"].as_str().unwrap();
    assert_eq!(
        pairs[1],
        json!({"key_id": second, "algorithm": "EdDSA", "state": "pending",
            "published_at": "2026-01-01T00:00:00Z", "active_from": "2026-01-01T01:00:00Z",
            "known_from": "2026-01-01T00:00:00Z", "expires_at": null})
    );
    assert_eq!(pairs[0]["state"], "active");
    assert_eq!(pairs[0]["expires_at"], "2026-01-01T03:00:00Z");
    node.advance(3_599);
    node.tick().await;
    assert_eq!(node.in_state("k", "active").await, [first]);
    node.advance(1);
    // By its time alone, without a tick.
    assert_eq!(node.in_state("k", "active").await, [second]);
    assert_eq!(node.in_state("k", "retiring").await, [first]);
    let published = |keys: &JwkSet| -> Vec<String> {
        keys.keys()
            .iter()
            .filter_map(Jwk::key_id)
            .map(ToString::to_string)
            .collect()
    };
    assert!(published(&node.key_set().await).contains(&first.to_owned()));
    node.advance(7_199);
    assert!(published(&node.key_set().await).contains(&first.to_owned()));
    node.advance(1);
    // Two more rotations are overdue, and still the pair leaves in its second.
    assert_eq!(node.in_state("k", "gone").await, [first]);
    assert!(!published(&node.key_set().await).contains(&first.to_owned()));
    node.tick().await;
    assert!(node.in_state("k", "gone").await.is_empty());
    assert_eq!(node.in_state("k", "active").await, [second]);
}

#[tokio::test]
async fn a_forced_rotation_warns_only_where_there_is_something_to_warn_of() {
    let node = Node::open().await;
    let key = json!({"algorithm": "EdDSA", "allowed_client_ids": "*"});
    node.put("oidc/key/k", key).await;
    // Nobody uses the key.
    node.put("oidc/key/k/rotate", json!({"verification_ttl": "0s"}))
        .await;
    node.put("oidc/role/r", json!({"key": "k", "ttl": "1h"}))
        .await;
    let keys = node.key_set().await;
    // The next pair has been published before the verifier fetched.
    node.put("oidc/key/k/rotate", json!({})).await;
    verify(&node.token("r").await.unwrap(), &keys);
    // Its successor was not, and the verifier may keep its copy for twenty minutes.
    let reply = node
        .write("oidc/key/k/rotate", json!({"verification_ttl": "30m"}))
        .await
        .unwrap();
    let kid = &node.in_state("k", "active").await[0];
    assert_eq!(
        reply.warnings,
        [
            format!(
                "until 2026-01-01T00:20:10Z a verifier may hold a cached key set without the new key \
                 `{kid}` and refuse its tokens"
            ),
            "tokens that the old key has signed are valid until 2026-01-01T01:00:00Z, but the key \
             leaves the key set at 2026-01-01T00:30:00Z: verifiers will refuse them from then on"
                .to_owned(),
        ]
    );
    let retiring = node.in_state("k", "retiring").await;
    node.advance(1_800);
    assert_eq!(node.in_state("k", "gone").await, retiring[1..]);
}

#[tokio::test]
async fn a_shorter_period_is_refused_while_caches_lack_the_next_key() {
    let node = Node::open().await;
    node.put(
        "oidc/key/k",
        json!({"algorithm": "EdDSA", "verification_ttl": "1h"}),
    )
    .await;
    node.put("oidc/role/r", json!({"key": "k", "ttl": "10m"}))
        .await;
    node.document("keys").await;
    node.put("oidc/key/k/rotate", json!({})).await;
    let kid = node.in_state("k", "pending").await.remove(0);
    let shorter = json!({"rotation_period": "15m"});
    assert_eq!(
        node.refusal("oidc/key/k", shorter.clone()).await,
        format!(
            "a rotation_period of 900 seconds would let the next key `{kid}` sign while verifiers may \
             still cache a key set without it (until 2026-01-01T00:20:10Z); use at least 1210 seconds, \
             or try again after that time, or rotate the key, which is always possible"
        )
    );
    node.put("oidc/key/k", json!({"rotation_period": 1_210}))
        .await;
    node.advance(311);
    node.put("oidc/key/k", shorter).await;
}

#[tokio::test]
async fn another_algorithm_is_announced_and_then_used() {
    let node = Node::open().await;
    node.put(
        "oidc/key/k",
        json!({"algorithm": "EdDSA", "allowed_client_ids": "*"}),
    )
    .await;
    node.put("oidc/role/r", json!({"key": "k", "ttl": "10m"}))
        .await;
    let keys = node.key_set().await;
    let reply = node
        .write("oidc/key/k", json!({"algorithm": "ES256"}))
        .await
        .unwrap();
    assert_eq!(
        reply.warnings,
        [
            "tokens are signed with ES256 from 2026-01-01T00:20:10Z on, when every cache of the key set \
          has the new key, and with EdDSA until then. To switch at once, rotate the key."
        ]
    );
    let algorithm = |token: &str, keys: &JwkSet| verify(token, keys).header().algorithm().as_str();
    assert_eq!(algorithm(&node.token("r").await.unwrap(), &keys), "EdDSA");
    node.advance(1_210);
    let token = node.token("r").await.unwrap();
    assert_eq!(algorithm(&token, &node.key_set().await), "ES256");

    // Where nobody can have a key set, as with Vault: at once, and nothing to say.
    let node = Node::open().await;
    node.put(
        "oidc/key/k",
        json!({"algorithm": "EdDSA", "allowed_client_ids": "*"}),
    )
    .await;
    node.put("oidc/role/r", json!({"key": "k", "ttl": "10m"}))
        .await;
    node.put("oidc/key/k", json!({"algorithm": "ES256"})).await;
    let token = node.token("r").await.unwrap();
    assert_eq!(algorithm(&token, &node.key_set().await), "ES256");
}

#[tokio::test]
async fn the_default_key_can_be_rotated_before_it_is_used() {
    let node = Node::open().await;
    node.put("oidc/key/default", json!({"algorithm": "ES256"}))
        .await;
    assert_eq!(node.pairs("default").await, Vec::<Value>::new());
    node.put("oidc/key/default/rotate", json!({})).await;
    assert_eq!(node.in_state("default", "active").await.len(), 1);
    assert_eq!(node.in_state("default", "pending").await.len(), 1);
}
