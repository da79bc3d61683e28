//! Secrets that belong to one token.

use serde_json::{Value, json};
use vouchsafe_core::cubbyhole::SECRETS_PER_TOKEN_MAX;
use vouchsafe_logical::Operation;

use crate::harness::{T0, TestCore, TestServer};

async fn status(
    core: &TestCore,
    operation: Operation,
    path: &str,
    token: &str,
) -> Result<(), String> {
    let outcome = core
        .handle(operation, path, Some(token), json!({ "a": "b" }))
        .await;
    outcome
        .result
        .map(drop)
        .map_err(|error| error.reason().to_owned())
}

#[tokio::test]
async fn a_secret_is_written_read_listed_and_deleted() {
    let server = TestServer::start().await;
    let token = server.token(json!({ "policies": ["default"] })).await;
    let ask = |method: &str, path: &str| server.ask(method, path).token(&token);
    let secret = json!({ "a": "1", "n": { "deep": [1, null] } });
    ask("POST", "cubbyhole/x")
        .json(secret.clone())
        .send()
        .await
        .expect(204);
    ask("PUT", "cubbyhole/x/y")
        .json(secret.clone())
        .send()
        .await
        .expect(204);
    let answer = ask("GET", "cubbyhole/x").send().await.expect(200);
    assert_eq!(answer.json()["data"], secret);
    let answer = ask("LIST", "cubbyhole/").send().await.expect(200);
    assert_eq!(answer.json()["data"], json!({ "keys": ["x", "x/"] }));
    let answer = ask("LIST", "cubbyhole/x").send().await.expect(200);
    assert_eq!(answer.json()["data"], json!({ "keys": ["y"] }));
    ask("POST", "cubbyhole/x")
        .json(json!({ "b": 2 }))
        .send()
        .await
        .expect(204);
    let answer = ask("GET", "cubbyhole/x").send().await.expect(200);
    assert_eq!(answer.json()["data"], json!({ "b": 2 }));
    ask("DELETE", "cubbyhole/x").send().await.expect(204);
    ask("GET", "cubbyhole/x").send().await.expect(404);
    ask("GET", "cubbyhole/x/y").send().await.expect(200);
    ask("LIST", "cubbyhole/none").send().await.expect(404);
    let answer = ask("POST", "cubbyhole/x").json(json!({})).send().await;
    assert_eq!(answer.expect(400).error(), "missing data fields");
    let answer = ask("GET", "cubbyhole/").send().await;
    assert_eq!(answer.expect(400).error(), "missing path");
}

/// Not even root, and not even under the same name.
#[tokio::test]
async fn other_tokens_see_nothing() {
    let server = TestServer::start().await;
    let owner = server.token(json!({})).await;
    let ask = server.post("cubbyhole/x", json!({ "a": "b" }));
    ask.token(&owner).send().await.expect(204);
    let child = server.post("auth/token/create", json!({})).token(&owner);
    let child = child.send().await.expect(200).json()["auth"]["client_token"].clone();
    for other in [server.root_token.as_str(), child.as_str().expect("a token")] {
        server
            .get("cubbyhole/x")
            .token(other)
            .send()
            .await
            .expect(404);
        let list = server.ask("LIST", "cubbyhole/").token(other);
        list.send().await.expect(404);
        server
            .ask("DELETE", "cubbyhole/x")
            .token(other)
            .send()
            .await
            .expect(204);
    }
    server
        .get("cubbyhole/x")
        .token(&owner)
        .send()
        .await
        .expect(200);
}

#[tokio::test]
async fn create_is_told_from_update() {
    let policy = "path \"cubbyhole/*\" { capabilities = [\"create\"] }";
    let server = TestServer::builder()
        .with_policy("once", policy)
        .start()
        .await;
    let token = server.token_with(&["once"]).await;
    for expected in [204, 403] {
        let ask = server.post("cubbyhole/x", json!({ "a": "b" }));
        ask.token(&token).send().await.expect(expected);
    }
}

#[tokio::test]
async fn batch_tokens_have_none() {
    let core = TestServer::builder().start_core().await;
    let token = core
        .token(json!({ "type": "batch", "policies": ["default"] }))
        .await;
    use Operation::{Delete, List, Read, Update};
    for operation in [Read, Update, Delete, List] {
        let refused = status(&core, operation, "cubbyhole/x", &token).await;
        assert_eq!(refused, Err("batch_token".to_owned()));
    }
}

/// A cubbyhole goes with its token, however that ends, and with its ancestors.
#[tokio::test]
async fn a_cubbyhole_ends_with_its_token() {
    let core = TestServer::builder().start_core().await;
    let before = core.keys().await;
    for end in ["revoked", "expired", "used up", "parent revoked"] {
        let body = match end {
            "expired" => json!({ "ttl": "60s" }),
            "used up" => json!({ "num_uses": 2 }),
            _ => json!({}),
        };
        let parent = core.token(json!({})).await;
        let made = core
            .handle(Operation::Update, "auth/token/create", Some(&parent), body)
            .await
            .result
            .expect("a token");
        let vouchsafe_logical::Response::Auth(auth) = made.response else {
            panic!("no token")
        };
        let token = auth.client_token;
        status(&core, Operation::Update, "cubbyhole/deep/x", &token)
            .await
            .expect("written");
        match end {
            "revoked" => {
                status(&core, Operation::Update, "auth/token/revoke-self", &token)
                    .await
                    .expect("revoked");
            }
            "expired" => {
                core.clock.set(T0 + 120);
                core.core.tick().await;
            }
            "used up" => {
                status(&core, Operation::Read, "cubbyhole/deep/x", &token)
                    .await
                    .expect("the last use works");
            }
            _ => {}
        }
        let body = json!({ "token": parent });
        core.write("auth/token/revoke", body).await;
        assert_eq!(core.keys().await, before, "{end}");
    }
}

#[tokio::test]
async fn limits_at_and_past() {
    let core = TestServer::builder().start_core().await;
    let token = core.token(json!({ "policies": ["default"] })).await;
    for number in 0..SECRETS_PER_TOKEN_MAX {
        status(
            &core,
            Operation::Update,
            &format!("cubbyhole/{number}"),
            &token,
        )
        .await
        .expect("written");
    }
    let refused = status(&core, Operation::Update, "cubbyhole/more", &token).await;
    assert_eq!(refused, Err("cubbyhole_full".to_owned()));
    status(&core, Operation::Update, "cubbyhole/0", &token)
        .await
        .expect("what is there may change");
    status(&core, Operation::Delete, "cubbyhole/0", &token)
        .await
        .expect("deleted");
    status(&core, Operation::Update, "cubbyhole/more", &token)
        .await
        .expect("room again");
    core.write("auth/token/revoke", json!({ "token": token }))
        .await;
    let left = core.keys().await;
    assert!(
        !left
            .iter()
            .any(|key| key.contains("/token/") && key.ends_with("/more"))
    );
}

#[tokio::test]
async fn the_mount_is_built_in() {
    let core = TestServer::builder().start_core().await;
    let mount = core.read("sys/mounts/cubbyhole").await;
    assert_eq!(mount["description"], "per-token private secret storage");
    assert_eq!(mount["local"], true);
    for (operation, path, body) in [
        (Operation::Delete, "sys/mounts/cubbyhole", Value::Null),
        (
            Operation::Update,
            "sys/mounts/second",
            json!({ "type": "cubbyhole" }),
        ),
        (
            Operation::Update,
            "sys/remount",
            json!({ "from": "cubbyhole", "to": "z" }),
        ),
    ] {
        let outcome = core
            .handle(operation, path, Some(&core.root_token), body)
            .await;
        assert!(outcome.result.is_err(), "{operation} {path}");
    }
}
