//! What a login gives, and what it can't give.

use serde_json::json;
use vouchsafe_logical::Operation;

use crate::harness::TestServer;

#[tokio::test]
async fn what_a_token_of_a_login_is() {
    let core = TestServer::builder().with_probes().start_core().await;
    let auth = core
        .login("Bob", json!({ "token_policies": "P", "token_ttl": "1h" }))
        .await;
    assert_eq!(auth.policies, ["default", "p"]);
    assert_eq!(auth.lease_duration, 3_600);
    assert!(auth.renewable && auth.orphan);
    let found = core
        .write("auth/token/lookup", json!({ "token": auth.client_token }))
        .await;
    assert_eq!(found["path"], "auth/probe/login/Bob");
    assert_eq!(found["display_name"], "probe-Bob");
    assert_eq!(found["entity_id"], auth.entity_id);
    assert_eq!(found["orphan"], true);
}

#[tokio::test]
async fn a_role_bounds_the_token() {
    let core = TestServer::builder().with_probes().start_core().await;
    let auth = core.login("bob", json!({ "token_ttl": "2000h" })).await;
    assert_eq!(auth.lease_duration, 768 * 3_600);
    let auth = core
        .login("bob", json!({ "token_no_default_policy": true }))
        .await;
    assert!(auth.policies.is_empty());
    let auth = core
        .login("bob", json!({ "token_type": "batch", "token_ttl": "1h" }))
        .await;
    assert!(auth.client_token.starts_with("hvb.") && auth.accessor.is_empty());
    let root = json!({ "token_policies": ["root"] });
    let outcome = core
        .handle(Operation::Update, "auth/probe/login/bob", None, root)
        .await;
    assert!(outcome.result.is_err());
}

/// CVE-2026-46405: a failed login leaves nothing behind.
#[tokio::test]
async fn a_failed_login_changes_nothing() {
    let core = TestServer::builder().with_probes().start_core().await;
    let body = json!({ "proof": "wrong", "groups": ["g"], "metadata": { "a": "b" } });
    let path = "auth/probe/login/bob";
    let outcome = core
        .handle(Operation::Update, path, Some(&core.root_token), body)
        .await;
    let error = outcome.result.expect_err("refused");
    assert_eq!(error.to_string(), "invalid proof");
    assert_eq!(core.list("auth/token/accessors").await.len(), 1);
    let entities = core
        .handle(
            Operation::List,
            "identity/entity/id",
            Some(&core.root_token),
            json!({}),
        )
        .await;
    assert!(entities.result.is_err(), "there is no entity");
}

/// A login is not made with the token that happens to be sent along.
#[tokio::test]
async fn a_login_owes_nothing_to_a_token_that_is_sent() {
    let core = TestServer::builder().with_probes().start_core().await;
    for token in [Some(&*core.root_token), Some("hvs.unknown"), None] {
        let path = "auth/probe/login/bob";
        let outcome = core.handle(Operation::Update, path, token, json!({})).await;
        let Ok(vouchsafe_logical::Response::Auth(auth)) = outcome.result.map(|r| r.response) else {
            panic!("no login");
        };
        assert_eq!(auth.policies, ["default"]);
        assert!(auth.orphan);
    }
}
