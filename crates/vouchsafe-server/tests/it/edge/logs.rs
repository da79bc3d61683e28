//! What the operator's log says, and what it never says.

use serde_json::json;

use crate::harness::{Log, TestServer, gate};

/// Every level is on, and everything secret is marked.
#[tokio::test]
async fn no_secret_is_logged() {
    Log::start();
    let server = TestServer::builder()
        .with_probes()
        .with_auth("userpass")
        .with(
            "auth/userpass/users/bob",
            json!({ "password": "CANARY-right" }),
        )
        .start()
        .await;
    let root = &server.root_token;
    let login = "auth/userpass/login/bob";
    let made = server
        .post(login, json!({ "password": "CANARY-right" }))
        .send()
        .await
        .expect(200);
    let token = made.json()["auth"]["client_token"]
        .as_str()
        .expect("a token")
        .to_owned();
    server
        .post(login, json!({ "password": "CANARY-wrong" }))
        .send()
        .await
        .expect(400);
    server
        .post(login, json!({ "password": ["CANARY", {}] }))
        .send()
        .await
        .expect(400);
    server
        .post(login, json!({}))
        .body("{\"password\":\"CANARY")
        .send()
        .await
        .expect(400);
    server
        .get("sys/mounts")
        .token("CANARY-token")
        .send()
        .await
        .expect(403);
    let bearer = server
        .get("sys/mounts")
        .header("authorization", "Bearer CANARY-token");
    bearer.send().await.expect(403);
    server
        .get("sys/mounts?token=CANARY")
        .token(&token)
        .send()
        .await
        .expect(403);
    server
        .get("probe/panic")
        .header("x-secret", "CANARY")
        .send()
        .await
        .expect(500);
    server
        .get("probe/login?secret=CANARY")
        .token(root)
        .send()
        .await
        .expect(500);
    let lookup = server
        .post("auth/token/lookup", json!({ "token": "CANARY" }))
        .token(root);
    lookup.send().await.expect(403);

    let text = Log::text();
    for secret in ["CANARY", token.as_str(), root.as_str()] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    // The operator learns what the client does not.
    for (level, words) in [
        ("ERROR", "reason=\"backend_panicked\""),
        (
            "ERROR",
            "a route that is no login answered with a proof of identity",
        ),
        ("DEBUG", "reason=\"policy_denied\""),
        ("DEBUG", "reason=\"token_invalid\""),
    ] {
        let logged = text
            .lines()
            .any(|line| line.starts_with(level) && line.contains(words));
        assert!(logged, "{level} {words}: {text}");
    }
}

/// A failure is logged once.
#[tokio::test]
async fn a_failure_is_one_line() {
    Log::start();
    let server = TestServer::builder().with_probes().start().await;
    gate("log").open();
    server
        .post("probe/gate/log", json!({}))
        .token(&server.root_token)
        .send()
        .await
        .expect(200);
    let before = Log::text().lines().count();
    server.get("probe/panic").send().await.expect(500);
    assert_eq!(Log::text().lines().count(), before + 1, "{}", Log::text());
}
