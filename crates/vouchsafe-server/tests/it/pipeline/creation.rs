//! What a token can't get out of making another one.

use serde_json::{Value, json};

use crate::harness::TestServer;

async fn made_by(server: &TestServer, token: &str, path: &str, body: Value) -> Value {
    let answer = server.post(path, body).token(token).send().await;
    answer.expect(200).json()["auth"].clone()
}

/// Policies are asked about the path, so a role comes from there alone.
#[tokio::test]
async fn a_role_in_the_body_is_no_role() {
    let server = TestServer::builder()
        .with_policy(
            "maker",
            r#"path "auth/token/create" { capabilities = ["update"] }"#,
        )
        .with(
            "auth/token/roles/strong",
            json!({ "allowed_policies": "strong", "orphan": true }),
        )
        .start()
        .await;
    let maker = server.token_with(&["maker"]).await;
    let path = "auth/token/create";
    let body = json!({ "role_name": "strong" });
    let child = made_by(&server, &maker, path, body).await;
    assert_eq!(child["policies"], json!(["maker"]));
    assert_eq!(child["orphan"], false);
    let body = json!({ "role_name": "strong", "policies": ["strong"] });
    let answer = server.post(path, body).token(&maker).send().await;
    answer.expect(400);
}

/// A token with a period outlives every maximum; a role that has none does not hand one out.
#[tokio::test]
async fn a_period_needs_sudo_also_with_a_role() {
    let any = r#"path "auth/token/create/*" { capabilities = ["update"] }"#;
    let server = TestServer::builder()
        .with_policy("maker", any)
        .with("auth/token/roles/plain", json!({}))
        .with("auth/token/roles/daily", json!({ "token_period": "24h" }))
        .start()
        .await;
    let maker = server.token_with(&["maker"]).await;
    let body = json!({ "period": "87600h" });
    let answer = server
        .post("auth/token/create/plain", body.clone())
        .token(&maker)
        .send()
        .await;
    answer.expect(400);
    let daily = made_by(&server, &maker, "auth/token/create/daily", json!({})).await;
    assert_eq!(daily["lease_duration"], 24 * 3_600);
    // The lesser of role and request counts, and no period is longer than the mount's maximum.
    for (role, body, seconds) in [
        ("daily", json!({ "period": "1h" }), 3_600),
        ("daily", json!({ "period": "48h" }), 24 * 3_600),
        ("plain", body, 768 * 3_600),
    ] {
        let made = server
            .write(&format!("auth/token/create/{role}"), body)
            .await;
        assert_eq!(made["auth"]["lease_duration"], seconds, "{role}");
    }
}

#[tokio::test]
async fn the_shorter_hard_end_counts() {
    let server = TestServer::builder()
        .with(
            "auth/token/roles/short",
            json!({ "token_explicit_max_ttl": "2h" }),
        )
        .start()
        .await;
    for (asked, seconds) in [("1h", 3_600), ("3h", 7_200), ("0s", 7_200)] {
        let body = json!({ "explicit_max_ttl": asked });
        let made = server.write("auth/token/create/short", body).await;
        assert_eq!(made["auth"]["lease_duration"], seconds, "{asked}");
    }
}

/// Otherwise one request from the right place makes a token that works from everywhere.
#[tokio::test]
async fn children_are_bound_to_their_makers_addresses() {
    let any = r#"path "auth/token/*" { capabilities = ["create", "update", "read"] }"#;
    let server = TestServer::builder()
        .with_policy("maker", any)
        .with(
            "auth/token/roles/near",
            json!({ "allowed_policies": "maker", "token_bound_cidrs": "127.0.0.0/8" }),
        )
        .with("auth/token/roles/plain", json!({}))
        .start()
        .await;
    let near = server.write("auth/token/create/near", json!({})).await;
    let near = near["auth"]["client_token"].as_str().expect("a token");
    for path in ["create", "create-orphan", "create/plain"] {
        for kind in ["service", "batch"] {
            let path = format!("auth/token/{path}");
            let child = made_by(&server, near, &path, json!({ "type": kind })).await;
            let child = child["client_token"].as_str().expect("a token");
            let found = server
                .get("auth/token/lookup-self")
                .token(child)
                .send()
                .await
                .expect(200)
                .json();
            assert_eq!(
                found["data"]["bound_cidrs"],
                json!(["127.0.0.0/8"]),
                "{path} {kind}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_kept_with_a_token_is_bounded() {
    let server = TestServer::builder().start().await;
    let pairs = |count: usize| -> Value {
        let pairs = (0..count).map(|n| (format!("k{n}"), json!("v")));
        Value::Object(pairs.collect())
    };
    let policies = |count: usize| (0..count).map(|n| format!("p{n}")).collect::<Vec<_>>();
    for (fits, beyond) in [
        (
            json!({ "display_name": "x".repeat(512) }),
            json!({ "display_name": "x".repeat(513) }),
        ),
        (json!({ "meta": pairs(64) }), json!({ "meta": pairs(65) })),
        (
            json!({ "meta": { "n".repeat(128): "v".repeat(512) } }),
            json!({ "meta": { "n".repeat(129): "v" } }),
        ),
        (json!({}), json!({ "meta": { "n": "v".repeat(513) } })),
        (
            json!({ "policies": policies(256) }),
            json!({ "policies": policies(257) }),
        ),
        (
            json!({ "id": "i".repeat(16 * 1024) }),
            json!({ "id": "i".repeat(16 * 1024 + 1) }),
        ),
        (json!({ "id": "~" }), json!({ "id": "a b" })),
        (json!({}), json!({ "id": "\u{e9}" })),
    ] {
        server.write("auth/token/create", fits).await;
        let root = &server.root_token;
        let ask = server.post("auth/token/create", beyond).token(root);
        ask.send().await.expect(400);
    }
}
