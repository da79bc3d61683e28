//! The key term that encrypts storage.

use serde_json::{Value, json};
use vouchsafe_logical::Operation;

use crate::harness::{T0, TestServer};

#[tokio::test]
async fn rotation_adds_a_term_and_loses_nothing() {
    let core = TestServer::builder().start_core().await;
    core.write("cubbyhole/x", json!({ "a": "b" })).await;
    let before = core.read("sys/key-status").await;
    assert_eq!(before["term"], 1);
    assert_eq!(before["install_time"], "2026-01-01T00:00:00.000000000Z");
    assert!(
        before["encryptions"]
            .as_u64()
            .is_some_and(|count| count > 0)
    );
    core.clock.set(T0 + 60);
    core.write("sys/rotate", json!({})).await;
    let after = core.read("sys/key-status").await;
    assert_eq!(after["term"], 2);
    assert_eq!(after["install_time"], "2026-01-01T00:01:00.000000000Z");
    assert_eq!(core.read("cubbyhole/x").await, json!({ "a": "b" }));
}

#[tokio::test]
async fn rotation_needs_sudo() {
    let policy = "path \"sys/*\" { capabilities = [\"update\", \"read\"] }";
    let builder = TestServer::builder().with_policy("all", policy);
    let core = builder.start_core().await;
    let token = core.token_with(&["all"]).await;
    let ask = |operation, path| core.handle(operation, path, Some(&token), Value::Null);
    let status = ask(Operation::Read, "sys/key-status").await;
    assert!(status.result.is_ok());
    let rotation = ask(Operation::Update, "sys/rotate").await;
    assert_eq!(
        rotation.result.expect_err("no sudo").reason(),
        "policy_denied"
    );
}

#[tokio::test]
async fn what_older_terms_encrypted_is_encrypted_anew_in_the_background() {
    let core = TestServer::builder().start_core().await;
    core.write("cubbyhole/x", json!({ "a": "b" })).await;
    core.write("sys/rotate", json!({})).await;
    core.core.tick().await;
    let outside = ["core/keyring", "core/seal"];
    for key in core.keys().await {
        if !outside.contains(&key.as_str()) {
            let term = &core.stored(&key).await[1..5];
            assert_eq!(term, 2_u32.to_be_bytes(), "{key}");
        }
    }
    assert_eq!(core.read("cubbyhole/x").await, json!({ "a": "b" }));
    // It is done once, not in each tick.
    let before = core.read("sys/key-status").await["encryptions"].clone();
    core.core.tick().await;
    assert_eq!(core.read("sys/key-status").await["encryptions"], before);
}
