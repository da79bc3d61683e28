//! What is counted of requests: each once, and each refusal by its reason code.

use serde_json::json;
use vouchsafe_logical::Operation;
use vouchsafe_server::Limits;

use crate::harness::TestServer;

const REQUESTS: &str = "vouchsafe_requests_total";
const REFUSALS: &str = "vouchsafe_refusals_total";

#[tokio::test]
async fn a_failed_login_is_counted_by_mount_and_reason() {
    let server = TestServer::builder()
        .with_auth("userpass")
        .with("auth/userpass/users/bob", json!({ "password": "correct" }))
        .start()
        .await;
    for password in ["wrong", "correct", "wrong"] {
        let body = json!({ "password": password });
        server.post("auth/userpass/login/bob", body).send().await;
    }
    let refused = ["auth/userpass/", "userpass", "invalid_credentials"];
    assert_eq!(server.metrics.value(REFUSALS, refused), 2);
    let asked = ["auth/userpass/", "userpass", "update"];
    assert_eq!(server.metrics.value(REQUESTS, asked), 3);
}

#[tokio::test]
async fn create_and_update_are_told_apart() {
    let core = TestServer::builder()
        .with("sys/mounts/kv", json!({ "type": "kv" }))
        .start_core()
        .await;
    core.write("kv/a", json!({ "k": "1" })).await;
    core.write("kv/a", json!({ "k": "2" })).await;
    core.write("kv/a", json!({ "k": "3" })).await;
    assert_eq!(core.metrics.value(REQUESTS, ["kv/", "kv", "create"]), 1);
    assert_eq!(core.metrics.value(REQUESTS, ["kv/", "kv", "update"]), 2);
}

#[tokio::test]
async fn what_no_mount_takes_is_counted_without_one() {
    let core = TestServer::builder().start_core().await;
    for path in ["secret-name-1/a", "secret-name-2/b"] {
        let token = Some(core.root_token.as_str());
        let outcome = core.handle(Operation::Read, path, token, json!({})).await;
        assert!(outcome.result.is_err());
    }
    assert_eq!(core.metrics.value(REFUSALS, ["", "", "no_mount"]), 2);
    // Nothing that a client chose has become a label.
    let shown = format!("{:?}", core.metrics.readings());
    assert!(!shown.contains("secret-name"), "{shown}");
}

#[tokio::test]
async fn a_refusal_before_the_core_is_counted_once() {
    let limits = Limits {
        body_bytes: 10,
        ..Limits::default()
    };
    let server = TestServer::builder().with_limits(limits).start().await;
    let before = server.metrics.value(REQUESTS, ["sys/", "system", "update"]);
    server
        .post("sys/tools/hash", json!({ "input": "too long" }))
        .send()
        .await
        .expect(413);
    assert_eq!(
        server.metrics.value(REFUSALS, ["", "", "body_too_large"]),
        1
    );
    assert_eq!(
        server.metrics.value(REQUESTS, ["sys/", "system", "update"]),
        before
    );
}

#[tokio::test]
async fn a_sealed_server_counts_what_it_refuses() {
    let server = TestServer::sealed().await;
    server.get("kv/a").send().await.expect(503);
    server.get("sys/seal-status").send().await.expect(200);
    assert_eq!(server.metrics.value(REFUSALS, ["", "", "sealed"]), 1);
    assert_eq!(
        server.metrics.value(REQUESTS, ["sys/", "system", "read"]),
        1
    );
}
