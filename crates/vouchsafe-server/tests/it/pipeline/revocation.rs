//! A token takes along what it made.

use std::time::Duration;

use serde_json::json;
use vouchsafe_logical::Operation;

use crate::harness::{TestCore, TestServer};

const CREATOR: &str = r#"
    path "auth/token/create" { capabilities = ["create", "update", "sudo"] }
    path "auth/token/create-orphan" { capabilities = ["create", "update"] }
"#;

async fn creators() -> TestCore {
    TestServer::builder()
        .with_policy("creator", CREATOR)
        .start_core()
        .await
}

async fn child(core: &TestCore, parent: &str, body: serde_json::Value) -> String {
    let path = "auth/token/create";
    let outcome = core
        .handle(Operation::Update, path, Some(parent), body)
        .await;
    match outcome.result.map(|reply| reply.response) {
        Ok(vouchsafe_logical::Response::Auth(auth)) => auth.client_token,
        other => panic!("{other:?}"),
    }
}

async fn lives(core: &TestCore, token: &str) -> bool {
    let path = "auth/token/lookup-self";
    core.handle(Operation::Read, path, Some(token), json!({}))
        .await
        .result
        .is_ok()
}

/// Parent, child, grandchild, an orphan made by the child, and a batch token of the child.
async fn family(core: &TestCore) -> [String; 5] {
    let parent = core
        .token(json!({ "policies": "creator", "ttl": "1h" }))
        .await;
    let child_token = child(core, &parent, json!({ "ttl": "10h" })).await;
    let grandchild = child(core, &child_token, json!({})).await;
    let orphan = child(core, &child_token, json!({ "no_parent": true })).await;
    let batch = child(core, &child_token, json!({ "type": "batch" })).await;
    [parent, child_token, grandchild, orphan, batch]
}

async fn living(core: &TestCore, family: &[String; 5]) -> [bool; 5] {
    let mut found = [false; 5];
    for (place, token) in found.iter_mut().zip(family) {
        *place = lives(core, token).await;
    }
    found
}

#[tokio::test]
async fn revoking_a_parent_takes_its_tree() {
    let core = creators().await;
    let tokens = family(&core).await;
    assert_eq!(living(&core, &tokens).await, [true; 5]);
    core.write("auth/token/revoke", json!({ "token": tokens[0] }))
        .await;
    assert_eq!(
        living(&core, &tokens).await,
        [false, false, false, true, false]
    );
}

#[tokio::test]
async fn revoking_a_child_leaves_its_parent() {
    let core = creators().await;
    let tokens = family(&core).await;
    let path = "auth/token/revoke-self";
    let gone = core
        .handle(Operation::Update, path, Some(&tokens[1]), json!({}))
        .await
        .result;
    assert!(gone.is_ok());
    assert_eq!(
        living(&core, &tokens).await,
        [true, false, false, true, false]
    );
}

#[tokio::test]
async fn revoking_alone_makes_orphans() {
    let core = creators().await;
    let tokens = family(&core).await;
    core.write("auth/token/revoke-orphan", json!({ "token": tokens[0] }))
        .await;
    assert_eq!(
        living(&core, &tokens).await,
        [false, true, true, true, true]
    );
    let found = core
        .write("auth/token/lookup", json!({ "token": tokens[1] }))
        .await;
    assert_eq!(found["orphan"], true);
}

/// The end of a parent is the end of its children, whatever their own TTL, before any sweep.
#[tokio::test]
async fn an_expired_parent_takes_its_tree() {
    let core = creators().await;
    let tokens = family(&core).await;
    core.clock.advance(Duration::from_secs(3_599));
    assert_eq!(living(&core, &tokens).await, [true; 5]);
    core.clock.advance(Duration::from_secs(1));
    assert_eq!(
        living(&core, &tokens).await,
        [false, false, false, true, false]
    );
    core.clock.advance(Duration::from_secs(1));
    core.core.tick().await;
    assert_eq!(
        living(&core, &tokens).await,
        [false, false, false, true, false]
    );
    // Root's, the orphan's.
    assert_eq!(core.list("auth/token/accessors").await.len(), 2);
}

#[tokio::test]
async fn unmounting_a_method_revokes_its_tokens() {
    let core = TestServer::builder().with_probes().start_core().await;
    let auth = core.login("bob", json!({})).await;
    let other = core.token(json!({})).await;
    assert!(lives(&core, &auth.client_token).await);
    core.delete("sys/auth/probe").await;
    assert!(!lives(&core, &auth.client_token).await);
    assert!(lives(&core, &other).await);
    // A mount of the same path later is another mount.
    core.write("sys/auth/probe", json!({ "type": "probe" }))
        .await;
    assert!(!lives(&core, &auth.client_token).await);
}

/// A login that is under way when its method goes must not leave a token behind.
#[tokio::test]
async fn a_login_that_loses_against_the_unmounting_gives_no_token() {
    let server = TestServer::builder().with_probes().start().await;
    let ask = server.post("auth/probe/login/bob", json!({ "gate": "unmounted" }));
    let login = crate::harness::spawn(ask.send());
    crate::harness::gate("unmounted").entered().await;
    server.delete("sys/auth/probe").await;
    crate::harness::gate("unmounted").open();
    let answer = login.await.expect("no panic");
    if answer.status == 200 {
        let token = answer.json()["auth"]["client_token"]
            .as_str()
            .expect("a token")
            .to_owned();
        assert!(!lives(&server, &token).await);
    }
}

/// Whoever may unmount engines may not unmount auth methods by their whole path.
#[tokio::test]
async fn an_auth_method_is_no_secrets_engine() {
    let policy = r#"path "sys/mounts/*" { capabilities = ["create","read","update","delete"] }"#;
    let core = TestServer::builder()
        .with_probes()
        .with_policy("engines", policy)
        .start_core()
        .await;
    let token = core.token_with(&["engines"]).await;
    let auth = core.login("bob", json!({})).await;
    for operation in [Operation::Read, Operation::Delete] {
        let path = "sys/mounts/auth/probe";
        let outcome = core.handle(operation, path, Some(&token), json!({})).await;
        assert_eq!(
            outcome.result.is_ok(),
            operation == Operation::Delete,
            "absent is fine"
        );
    }
    assert!(lives(&core, &auth.client_token).await);
    core.read("sys/auth/probe").await;
    let body = json!({ "type": "probe" });
    let outcome = core
        .handle(
            Operation::Update,
            "sys/mounts/auth/other",
            Some(&token),
            body,
        )
        .await;
    assert!(outcome.result.is_err());
}
