//! The order of the checks: sealed, token, policy, route; nothing is told before the one before.

use serde_json::json;
use vouchsafe_logical::Operation;

use crate::harness::{TestCore, TestServer};

/// Why a request was refused, as the operator sees it; `done` when it was not.
async fn reason(
    core: &TestCore,
    operation: Operation,
    path: &str,
    token: Option<&str>,
) -> &'static str {
    let outcome = core.handle(operation, path, token, json!({})).await;
    outcome
        .result
        .map_or_else(|error| error.reason(), |_| "done")
}

/// A token is looked at before the path is: whoever has none learns nothing about mounts.
#[tokio::test]
async fn a_bad_token_is_refused_before_the_path_is_looked_at() {
    let core = TestServer::builder().with_probes().start_core().await;
    for path in [
        "sys/mounts",
        "nothing/here",
        "sys/nothing",
        "probe/thing/a",
        "auth/token/x",
        "",
    ] {
        for (token, expected) in [
            (None, "token_missing"),
            (Some(""), "token_invalid"),
            (Some("hvs.unknown"), "token_invalid"),
            (Some("hvb.unknown"), "token_invalid"),
        ] {
            let found = reason(&core, Operation::Read, path, token).await;
            assert_eq!(found, expected, "{path} {token:?}");
        }
    }
}

/// Without a policy an absent path is denied like one that is there.
#[tokio::test]
async fn a_policy_is_asked_before_the_path_is_looked_at() {
    let core = TestServer::builder().with_probes().start_core().await;
    let token = core.token_with(&["nothing"]).await;
    for path in [
        "sys/mounts",
        "nothing/here",
        "sys/nothing",
        "probe/thing/a",
        "auth/token/x",
    ] {
        for operation in [
            Operation::Read,
            Operation::Update,
            Operation::List,
            Operation::Delete,
        ] {
            let found = reason(&core, operation, path, Some(&token)).await;
            assert_eq!(found, "policy_denied", "{operation} {path}");
        }
    }
    let root = Some(&*core.root_token);
    assert_eq!(
        reason(&core, Operation::Read, "nothing/here", root).await,
        "no_mount"
    );
    assert_eq!(
        reason(&core, Operation::Read, "sys/nothing", root).await,
        "unsupported_path"
    );
    let found = reason(&core, Operation::Delete, "sys/mounts", root).await;
    assert_eq!(found, "unsupported_operation");
}

/// What a caller who may create but not update is told depends on whether the object exists.
#[tokio::test]
async fn a_create_is_told_from_an_update() {
    let core = TestServer::builder()
        .with_probes()
        .with_policy(
            "creator",
            r#"path "probe/thing/*" { capabilities = ["create"] }"#,
        )
        .with_policy(
            "updater",
            r#"path "probe/thing/*" { capabilities = ["update"] }"#,
        )
        .start_core()
        .await;
    let creator = core.token_with(&["creator"]).await;
    let updater = core.token_with(&["updater"]).await;
    let write =
        async |token: &str| reason(&core, Operation::Update, "probe/thing/a", Some(token)).await;
    assert_eq!(write(&updater).await, "policy_denied");
    assert_eq!(write(&creator).await, "done");
    assert_eq!(write(&creator).await, "policy_denied");
    assert_eq!(write(&updater).await, "done");
}

/// An anonymous route does not look at the token at all, not even at its uses.
#[tokio::test]
async fn open_routes_ask_for_no_token() {
    let core = TestServer::builder()
        .with_oidc_role("ci", "")
        .start_core()
        .await;
    let token = core.token(json!({ "num_uses": 1 })).await;
    let keys = "identity/oidc/.well-known/keys";
    for token in [None, Some("hvs.unknown"), Some(&*token)] {
        assert_eq!(reason(&core, Operation::Read, keys, token).await, "done");
    }
    let found = reason(
        &core,
        Operation::Read,
        "auth/token/lookup-self",
        Some(&token),
    )
    .await;
    assert_eq!(found, "done");
}

/// What proves an identity does so on login routes only.
#[tokio::test]
async fn a_proof_of_identity_elsewhere_is_no_login() {
    let core = TestServer::builder().with_probes().start_core().await;
    let root = Some(&*core.root_token);
    let before = core.list("auth/token/accessors").await.len();
    assert_eq!(
        reason(&core, Operation::Read, "probe/login", root).await,
        "internal_error"
    );
    assert_eq!(core.list("auth/token/accessors").await.len(), before);
}

#[tokio::test]
async fn a_sealed_server_tells_its_state_and_nothing_else() {
    let server = TestServer::sealed().await;
    for (path, status) in [
        ("sys/health", 503),
        ("sys/seal-status", 200),
        ("sys/init", 200),
        ("sys/leader", 200),
        ("sys/mounts", 503),
        ("auth/token/lookup-self", 503),
        ("identity/oidc/.well-known/keys", 503),
        ("auth/oidc/oidc/callback?state=x&code=y", 503),
        ("sys/internal/ui/mounts", 503),
        ("nothing", 503),
    ] {
        let answer = server
            .get(path)
            .token("hvs.unknown")
            .send()
            .await
            .expect(status);
        if status == 503 && path != "sys/health" {
            assert_eq!(answer.error(), "Vault is sealed");
        }
    }
    assert_eq!(
        server.get("sys/seal-status").send().await.json()["sealed"],
        true
    );
    server
        .get("sys/health?sealedcode=299")
        .send()
        .await
        .expect(299);
}
