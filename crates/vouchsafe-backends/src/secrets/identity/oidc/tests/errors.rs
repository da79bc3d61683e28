//! What is refused, in Vault's words and order, and every limit on both sides.

use serde_json::{Value, json};
use vouchsafe_logical::{ErrorKind, Operation};

use super::driver::Node;
use crate::secrets::identity::oidc::NAME_BYTES_MAX;
use crate::secrets::identity::oidc::key::ALLOWED_CLIENT_IDS_MAX;
use crate::secrets::identity::oidc::records::{ROLES_PER_KEY_MAX, References};

#[tokio::test]
async fn keys_are_refused_in_the_words_of_vault() {
    let node = Node::open().await;
    let refusal = async |body: Value| node.refusal("oidc/key/k", body).await;
    assert_eq!(
        refusal(json!({"rotation_period": "59s", "algorithm": "HS256"})).await,
        "rotation_period must be at least one minute"
    );
    assert_eq!(
        refusal(json!({"rotation_period": "1h", "verification_ttl": 36_001, "algorithm": "HS256"}))
            .await,
        "verification_ttl cannot be longer than 10x rotation_period"
    );
    assert_eq!(
        refusal(json!({"algorithm": "HS256"})).await,
        r#"unknown signing algorithm "HS256""#
    );
    assert_eq!(
        refusal(json!({"algorithm": "PS256"})).await,
        r#"unknown signing algorithm "PS256""#
    );
    let field = refusal(json!({"rotation_period": "abc"})).await;
    assert!(
        field.contains(r#"error converting input for field "rotation_period": time: "#),
        "{field}"
    );
    assert!(node.read("oidc/key/k").await.is_err());

    let at_limits = json!({"rotation_period": 60, "verification_ttl": 600, "algorithm": "ES256"});
    node.put("oidc/key/k", at_limits).await;
    node.put("oidc/role/b", json!({"key": "k", "ttl": 600}))
        .await;
    node.put("oidc/role/a", json!({"key": "k", "ttl": 1})).await;
    assert_eq!(
        refusal(json!({"verification_ttl": 599})).await,
        r#"unable to update key "k" because it is currently referenced by one or more roles with a token ttl greater than 599 seconds"#
    );
    assert_eq!(
        node.delete("oidc/key/k").await.unwrap_err().to_string(),
        r#"unable to delete key "k" because it is currently referenced by these roles: a, b"#
    );
    assert_eq!(
        node.refusal("oidc/key/nope/rotate", json!({})).await,
        r#"no named key found at "nope""#
    );
    for role in ["a", "b"] {
        node.delete(&format!("oidc/role/{role}")).await.unwrap();
    }
    node.delete("oidc/key/k").await.unwrap();
    node.delete("oidc/key/k").await.unwrap();
    let error = node.read("oidc/key/k").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.messages().len()),
        (ErrorKind::NotFound, 0)
    );
    assert_eq!(node.list("oidc/key").await, json!(["default"]));
}

#[tokio::test]
async fn roles_are_refused_in_the_words_of_vault() {
    let node = Node::open().await;
    node.put(
        "oidc/key/k",
        json!({"algorithm": "EdDSA", "verification_ttl": "1h"}),
    )
    .await;
    let refusal = async |body: Value| node.refusal("oidc/role/r", body).await;
    assert_eq!(
        refusal(json!({"template": "{"})).await,
        "the key parameter is required"
    );
    let reserved = refusal(json!({"key": "zz", "template": r#"{"iss": "x"}"#})).await;
    assert!(
        reserved.starts_with(r#"top level key "iss" not allowed. Restricted keys: iat, aud, exp"#)
    );
    let json = refusal(json!({"key": "zz", "template": "{not json"})).await;
    assert!(json.starts_with("error parsing template JSON: "), "{json}");
    let template = refusal(json!({"key": "zz", "template": r#"{"a": {{identity.nope}}}"#})).await;
    assert!(
        template.starts_with("error parsing template: "),
        "{template}"
    );
    assert_eq!(
        refusal(json!({"key": "zz", "ttl": "99h"})).await,
        r#"cannot find key "zz""#
    );
    let too_long =
        "a role's token ttl cannot be longer than the verification_ttl of the key it references";
    assert_eq!(refusal(json!({"key": "k"})).await, too_long);
    assert_eq!(refusal(json!({"key": "k", "ttl": 3_601})).await, too_long);
    node.put("oidc/role/r", json!({"key": "k", "ttl": 3_600}))
        .await;
    assert_eq!(
        refusal(json!({"ttl": 0})).await,
        "a role's token ttl must be at least one second"
    );
    assert!(node.read("oidc/role/nope").await.is_err());
    assert!(
        node.send(Operation::Read, "oidc/role", Value::Null)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn limits_at_and_past() {
    let node = Node::open().await;
    let ids = |count: usize| json!({"algorithm": "EdDSA", "allowed_client_ids": vec!["c"; count]});
    node.put("oidc/key/k", ids(ALLOWED_CLIENT_IDS_MAX)).await;
    let refusal = node
        .refusal("oidc/key/k", ids(ALLOWED_CLIENT_IDS_MAX + 1))
        .await;
    assert!(
        refusal.contains("has 1025 entries; at most 1024"),
        "{refusal}"
    );

    let longest = "n".repeat(NAME_BYTES_MAX);
    let past = "n".repeat(NAME_BYTES_MAX + 1);
    node.put(
        &format!("oidc/key/{longest}"),
        json!({"algorithm": "EdDSA"}),
    )
    .await;
    node.put(
        &format!("oidc/role/{longest}"),
        json!({"key": longest, "client_id": longest}),
    )
    .await;
    for path in ["key", "role"] {
        let refusal = node
            .refusal(&format!("oidc/{path}/{past}"), json!({"key": "k"}))
            .await;
        assert_eq!(refusal, "the name has 257 bytes; at most 256 are allowed");
    }
    let refusal = node
        .refusal("oidc/role/r", json!({"key": "k", "client_id": past}))
        .await;
    assert_eq!(refusal, "client_id has 257 bytes; at most 256 are allowed");
    let refusal = node
        .refusal("oidc/key/k", json!({"allowed_client_ids": past}))
        .await;
    assert_eq!(
        refusal,
        "allowed_client_ids has an entry of 257 bytes; at most 256 are allowed"
    );
}

#[test]
fn roles_of_a_key_at_the_limit_and_past() {
    let mut references = References::default();
    for index in 0..ROLES_PER_KEY_MAX {
        references.insert("k", &format!("r{index}"), 1).unwrap();
    }
    // One that is there already changes nothing in number.
    references.insert("k", "r0", 2).unwrap();
    assert_eq!(references.longest_ttl_seconds(), 2);
    let refused = references
        .insert("k", "one more", 1)
        .unwrap_err()
        .to_string();
    assert!(refused.contains("already has 10000 roles"), "{refused}");
}

#[tokio::test]
async fn a_full_signing_queue_is_not_an_internal_error() {
    use std::sync::Arc;
    use vouchsafe_logical::{Clock, Entropy, Error, Fetch, MountSummary, Pool, System, Workers};

    /// A core whose signing queue is full.
    struct Full(Arc<vouchsafe_testing::TestSystem>);
    impl Workers for Full {
        fn submit(&self, pool: Pool, job: Box<dyn FnOnce() + Send>) -> Result<(), Error> {
            match pool {
                Pool::Signing => Err(Error::new(ErrorKind::Unavailable, "queue_full", "busy")),
                Pool::Slow => self.0.submit(pool, job),
            }
        }
    }
    impl System for Full {
        fn clock(&self) -> &dyn Clock {
            self.0.clock()
        }
        fn entropy(&self) -> &dyn Entropy {
            self.0.entropy()
        }
        fn fetcher(&self) -> &dyn Fetch {
            self.0.fetcher()
        }
        fn metrics(&self) -> &vouchsafe_logical::metric::Metrics {
            self.0.metrics()
        }
        fn workers(&self) -> &dyn Workers {
            self
        }
        fn publications(&self) -> &vouchsafe_logical::Publications {
            self.0.publications()
        }

        fn api_address(&self) -> String {
            self.0.api_address()
        }
        fn mount_by_accessor(&self, accessor: &str) -> Option<MountSummary> {
            self.0.mount_by_accessor(accessor)
        }
    }

    let node = Node::open().await;
    let node = node.with_system(Arc::new(Full(Arc::clone(&node.system))));
    for (algorithm, is_queued) in [
        ("ES384", true),
        ("ES512", true),
        ("ES256", false),
        ("EdDSA", false),
    ] {
        let key = json!({"algorithm": algorithm, "allowed_client_ids": "*"});
        node.put(&format!("oidc/key/{algorithm}"), key).await;
        node.put(&format!("oidc/role/{algorithm}"), json!({"key": algorithm}))
            .await;
        let issued = node.token(algorithm).await;
        let refused = issued.err().map(|error| error.kind());
        assert_eq!(
            refused,
            is_queued.then_some(ErrorKind::Unavailable),
            "{algorithm}"
        );
    }
}
