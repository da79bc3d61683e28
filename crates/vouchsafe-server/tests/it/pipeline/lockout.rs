//! Lockout after failed logins (Vault's `user_lockout`).

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::TestServer;

async fn locking() -> TestServer {
    let user = json!({ "password": "correct" });
    TestServer::builder()
        .with_auth("userpass")
        .with("auth/userpass/users/bob", user)
        .start()
        .await
}

async fn attempt(server: &TestServer, name: &str, password: &str) -> u16 {
    let body = json!({ "password": password });
    let answer = server
        .post(&format!("auth/userpass/login/{name}"), body)
        .send()
        .await;
    match answer.status.as_u16() {
        400 => assert_eq!(answer.error(), "invalid username or password"),
        403 => assert_eq!(answer.error(), "permission denied"),
        _ => {}
    }
    answer.status.as_u16()
}

/// CVE-2025-6004: failures under several spellings are failures of one account.
#[tokio::test]
async fn five_failures_in_any_spelling_lock() {
    let server = locking().await;
    for name in ["bob", "BOB", "Bob", "bOb", "boB"] {
        assert_eq!(attempt(&server, name, "wrong").await, 400, "{name}");
    }
    for (name, password) in [("bob", "wrong"), ("bob", "correct"), ("BOB", "correct")] {
        assert_eq!(attempt(&server, name, password).await, 403, "{name}");
    }
    // Trying again while locked does not lengthen the lock.
    server.clock.advance(Duration::from_secs(15 * 60 - 1));
    assert_eq!(attempt(&server, "bob", "correct").await, 403);
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(attempt(&server, "bob", "correct").await, 200);
    // A success forgets the failures.
    for _ in 0..4 {
        assert_eq!(attempt(&server, "bob", "wrong").await, 400);
    }
    assert_eq!(attempt(&server, "bob", "correct").await, 200);
    assert_eq!(attempt(&server, "bob", "wrong").await, 400);
}

/// All of them are begun before the first has failed.
#[tokio::test]
async fn guesses_sent_at_once_are_judged_no_further_than_the_lock() {
    let server = std::sync::Arc::new(locking().await);
    let mut guesses = tokio::task::JoinSet::new();
    for n in 0..40 {
        let server = std::sync::Arc::clone(&server);
        guesses.spawn(async move { attempt(&server, "bob", &format!("guess-{n}")).await });
    }
    let statuses = guesses.join_all().await;
    let judged = statuses.iter().filter(|status| **status == 400).count();
    assert_eq!(judged, 5);
    assert_eq!(attempt(&server, "bob", "correct").await, 403);
}

/// A name that nobody has locks like one that somebody has, so that a lock tells nothing.
#[tokio::test]
async fn unknown_principals_lock_alike() {
    let server = locking().await;
    for name in ["bob", "nobody"] {
        for _ in 0..5 {
            assert_eq!(attempt(&server, name, "wrong").await, 400, "{name}");
        }
        assert_eq!(attempt(&server, name, "wrong").await, 403, "{name}");
    }
    let locked = server.read("sys/locked-users").await;
    let mount = &locked["by_namespace"][0]["mount_accessors"][0];
    assert_eq!(mount["alias_identifiers"], json!(["bob", "nobody"]));
    assert_eq!(locked["total"], 2);
}

#[tokio::test]
async fn an_operator_unlocks() {
    let server = locking().await;
    for _ in 0..5 {
        attempt(&server, "bob", "wrong").await;
    }
    assert_eq!(attempt(&server, "bob", "correct").await, 403);
    let accessor = server.accessor("auth/userpass/").await;
    server
        .write(
            &format!("sys/locked-users/{accessor}/unlock/bob"),
            json!({}),
        )
        .await;
    assert_eq!(attempt(&server, "bob", "correct").await, 200);
}

#[tokio::test]
async fn a_mount_tunes_its_lockout() {
    let server = locking().await;
    let tune = |config: Value| json!({ "user_lockout_config": config });
    let short = json!({ "lockout_threshold": "2", "lockout_duration": "1m" });
    server.write("sys/auth/userpass/tune", tune(short)).await;
    assert_eq!(attempt(&server, "bob", "wrong").await, 400);
    assert_eq!(attempt(&server, "bob", "wrong").await, 400);
    assert_eq!(attempt(&server, "bob", "correct").await, 403);
    server.clock.advance(Duration::from_secs(60));
    assert_eq!(attempt(&server, "bob", "correct").await, 200);
    server
        .write(
            "sys/auth/userpass/tune",
            tune(json!({ "lockout_disable": true })),
        )
        .await;
    for _ in 0..4 {
        assert_eq!(attempt(&server, "bob", "wrong").await, 400);
    }
    assert_eq!(attempt(&server, "bob", "correct").await, 200);
}

/// What is no wrong proof is no failure: a client with a broken body can't lock others out.
#[tokio::test]
async fn malformed_logins_do_not_count() {
    let server = locking().await;
    for _ in 0..8 {
        let answer = server
            .post("auth/userpass/login/bob", json!({}))
            .send()
            .await;
        assert!(answer.status.is_client_error() || answer.status.is_server_error());
    }
    assert_eq!(attempt(&server, "bob", "correct").await, 200);
}
