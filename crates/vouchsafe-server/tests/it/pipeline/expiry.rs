//! Ends of life, and the duties that a tick does.

use std::time::Duration;

use serde_json::json;
use vouchsafe_logical::Operation;

use crate::harness::{TestCore, TestServer};

async fn lives(core: &TestCore, token: &str) -> bool {
    let path = "auth/token/lookup-self";
    core.handle(Operation::Read, path, Some(token), json!({}))
        .await
        .result
        .is_ok()
}

#[tokio::test]
async fn a_token_ends_with_its_ttl_to_the_second() {
    let core = TestServer::builder().start_core().await;
    for kind in ["service", "batch"] {
        let body = json!({ "policies": "default", "ttl": "60s", "type": kind });
        let token = core.token(body).await;
        core.clock.advance(Duration::from_secs(59));
        assert!(lives(&core, &token).await, "{kind}");
        core.clock.advance(Duration::from_secs(1));
        assert!(!lives(&core, &token).await, "{kind}");
    }
}

#[tokio::test]
async fn a_renewal_moves_the_end_up_to_the_maximum() {
    let core = TestServer::builder().start_core().await;
    let body = json!({ "policies": "default", "ttl": "60s", "explicit_max_ttl": "100s" });
    let token = core.token(body).await;
    let renew = async || {
        let path = "auth/token/renew-self";
        core.handle(Operation::Update, path, Some(&token), json!({}))
            .await
            .result
            .is_ok()
    };
    core.clock.advance(Duration::from_secs(50));
    assert!(renew().await);
    core.clock.advance(Duration::from_secs(49));
    assert!(renew().await);
    core.core.tick().await;
    assert!(lives(&core, &token).await);
    core.clock.advance(Duration::from_secs(1));
    assert!(!renew().await);
    assert!(!lives(&core, &token).await);
}

/// More expired tokens than one batch of the sweep takes.
#[tokio::test]
async fn expired_tokens_are_swept() {
    let core = TestServer::builder().start_core().await;
    for _ in 0..1_100 {
        core.token(json!({ "ttl": "1m", "no_parent": true })).await;
    }
    let kept = core.token(json!({ "ttl": "1h" })).await;
    core.core.tick().await;
    assert_eq!(core.list("auth/token/accessors").await.len(), 1_102);
    core.clock.advance(Duration::from_secs(61));
    core.core.tick().await;
    assert_eq!(core.list("auth/token/accessors").await.len(), 2);
    assert!(lives(&core, &kept).await);
    core.clock.advance(Duration::from_secs(3_600));
    core.core.tick().await;
    assert_eq!(core.list("auth/token/accessors").await.len(), 1);
}

/// Keys rotate when the clock says so; the old one is published until its tokens have ended.
#[tokio::test]
async fn keys_rotate_at_a_tick() {
    let key = json!({
        "algorithm": "ES256",
        "allowed_client_ids": "*",
        "rotation_period": "24h",
        "verification_ttl": "6h",
    });
    let core = TestServer::builder()
        .with_probes()
        .with("identity/oidc/key/day", key)
        .with(
            "identity/oidc/role/day",
            json!({ "key": "day", "ttl": "1h" }),
        )
        .with_policy(
            "mint",
            r#"path "identity/oidc/token/day" { capabilities = ["read"] }"#,
        )
        .start_core()
        .await;
    let auth = core.login("bob", json!({ "token_policies": "mint" })).await;
    let key_id = async || {
        let path = "identity/oidc/token/day";
        let token = Some(&*auth.client_token);
        match core
            .handle(Operation::Read, path, token, json!({}))
            .await
            .result
            .map(|r| r.response)
        {
            Ok(vouchsafe_logical::Response::Data(data)) => {
                let token = data["token"].as_str().expect("a token").to_owned();
                let jwt = vouchsafe_jose::UnverifiedJwt::parse(&token).expect("a JWT");
                jwt.key_id().expect("a kid").to_owned()
            }
            other => panic!("{other:?}"),
        }
    };
    let first = key_id().await;
    core.clock.advance(Duration::from_secs(23 * 3_600));
    core.core.tick().await;
    assert_eq!(key_id().await, first);
    core.clock.advance(Duration::from_secs(3_600 + 60));
    core.core.tick().await;
    assert_ne!(key_id().await, first);
}
