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

const DAY: i64 = 86_400;

#[tokio::test]
async fn a_term_ends_at_the_age_that_was_set_and_not_a_second_before() {
    let core = TestServer::builder().start_core().await;
    core.write("sys/rotate/config", json!({ "interval": "24h" }))
        .await;
    let rule = core.read("sys/rotate/config").await;
    let shown = json!({ "enabled": true, "interval": "24h0m0s", "max_operations": 1 << 30 });
    assert_eq!(rule, shown);
    let term = async || core.read("sys/key-status").await["term"].clone();
    core.clock.set(T0 + DAY - 1);
    core.core.tick().await;
    assert_eq!(term().await, 1);
    core.clock.set(T0 + DAY);
    core.core.tick().await;
    assert_eq!(term().await, 2);
    core.core.tick().await;
    assert_eq!(term().await, 2, "the new term is young");

    let off = json!({ "enabled": false });
    core.write("sys/rotate/keyring/config", off).await;
    core.clock.set(T0 + 10 * DAY);
    core.core.tick().await;
    assert_eq!(term().await, 2);
    let on = json!({ "enabled": true, "interval": 0 });
    core.write("sys/rotate/config", on).await;
    core.core.tick().await;
    assert_eq!(term().await, 2);
    assert_eq!(core.read("sys/rotate/config").await["interval"], 0);
}

#[tokio::test]
async fn of_two_nodes_that_find_a_term_due_one_makes_the_next() {
    let core = TestServer::builder().start_core().await;
    core.write("sys/rotate/config", json!({ "interval": "24h" }))
        .await;
    let other = core.beside().await;
    core.clock.set(T0 + DAY);
    tokio::join!(core.core.tick(), other.core.tick());
    core.core.tick().await;
    other.core.tick().await;
    for node in [&core, &other] {
        node.write("cubbyhole/x", json!({ "a": "b" })).await;
        assert_eq!(node.read("sys/key-status").await["term"], 2);
    }
}

#[tokio::test]
async fn rules_of_rotation_outside_the_bounds_are_refused_and_change_nothing() {
    let core = TestServer::builder().start_core().await;
    let before = core.read("sys/rotate/config").await;
    let refused = async |body: Value| {
        let root = Some(core.root_token.as_str());
        let outcome = core.handle(Operation::Update, "sys/rotate/config", root, body);
        outcome.await.result.expect_err("refused").to_string()
    };
    let range = "max_operations must be in the range [1000000,3865470566]";
    for count in [999_999, 3_865_470_567_i64, 0, -1] {
        let body = json!({ "max_operations": count, "enabled": false });
        assert_eq!(refused(body).await, range);
    }
    let young = "interval must be greater or equal to 24h0m0s";
    for interval in [json!("23h59m59s"), json!(1)] {
        assert_eq!(refused(json!({ "interval": interval })).await, young);
    }
    refused(json!({ "interval": "-24h" })).await;
    refused(json!({ "interval": "soon" })).await;
    assert_eq!(core.read("sys/rotate/config").await, before);
}

#[tokio::test]
async fn a_bound_that_the_storage_format_does_not_reach_is_kept_with_a_warning() {
    let core = TestServer::builder().start_core().await;
    let root = Some(core.root_token.as_str());
    let warnings = async |count: i64| {
        let body = json!({ "max_operations": count });
        let outcome = core.handle(Operation::Update, "sys/rotate/config", root, body);
        outcome.await.result.expect("written").warnings
    };
    assert!(warnings(1 << 30).await.is_empty());
    let expected = "a key term ends after 1073741824 encryptions at the latest";
    assert_eq!(warnings(3_865_470_566).await, [expected]);
    let rule = core.read("sys/rotate/config").await;
    assert_eq!(rule["max_operations"], 3_865_470_566_i64);
}
