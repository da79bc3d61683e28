//! Token roles: what is refused when it is written, and what revoking takes.

use serde_json::{Value, json};

use crate::harness::TestServer;

async fn written(server: &TestServer, body: Value) -> Result<(), String> {
    let ask = server.post("auth/token/roles/r", body);
    let answer = ask.token(&server.root_token).send().await;
    if answer.status == 204 {
        return Ok(());
    }
    Err(answer.expect(400).error())
}

/// A suffix becomes part of paths and leases, so it must not look like a way up.
#[tokio::test]
async fn a_path_suffix_is_a_word() {
    let server = TestServer::start().await;
    for suffix in ["..", "x", "a b", "a/b", "-a-", "a..", ".ab", "aé9"] {
        let refused = written(&server, json!({ "path_suffix": suffix })).await;
        let message = refused.expect_err(suffix);
        assert!(
            message.contains("path suffix contains invalid characters"),
            "{message}"
        );
    }
    for suffix in ["", "abc", "a-b", "a.b", "_a_"] {
        written(&server, json!({ "path_suffix": suffix }))
            .await
            .expect(suffix);
    }
}

#[tokio::test]
async fn a_role_does_not_promise_what_batch_tokens_can_not_have() {
    let server = TestServer::start().await;
    let good = json!({ "token_type": "batch", "orphan": true, "renewable": false });
    for (member, value, promised) in [
        ("orphan", json!(false), "non-orphan tokens"),
        ("token_period", json!("1h"), "'token_period' is set"),
        ("renewable", json!(true), "renewable tokens"),
        (
            "token_explicit_max_ttl",
            json!("1h"),
            "tokens with an explicit max TTL",
        ),
    ] {
        let mut body = good.clone();
        body[member] = value;
        let message = written(&server, body).await.expect_err(promised);
        assert!(message.ends_with(promised), "{message}");
    }
    written(&server, good).await.expect("nothing is promised");
}

#[tokio::test]
async fn revoking_by_an_accessor_that_is_gone_is_done() {
    let server = TestServer::start().await;
    let made = server
        .write("auth/token/create", json!({ "policies": ["default"] }))
        .await;
    let body = json!({ "accessor": made["auth"]["accessor"] });
    let revoke = || {
        let ask = server.post("auth/token/revoke-accessor", body.clone());
        ask.token(&server.root_token).send()
    };
    revoke().await.expect(204);
    let again = revoke().await.expect(200).json();
    assert_eq!(
        again["warnings"],
        json!(["No token found with this accessor"])
    );
    let none = server.post("auth/token/revoke-accessor", json!({}));
    let refused = none.token(&server.root_token).send().await.expect(400);
    assert_eq!(refused.error(), "missing accessor");
}
