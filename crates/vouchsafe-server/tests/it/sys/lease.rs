//! Leases: tokens by the path that made them.

use serde_json::{Value, json};
use vouchsafe_logical::Operation;

use crate::harness::{T0, TestCore, TestServer};

async fn with_login() -> (TestCore, String, String) {
    let core = TestServer::builder().with_probes().start_core().await;
    let token = core
        .login("bob", json!({ "token_ttl": "1h" }))
        .await
        .client_token;
    let keys = core.list("sys/leases/lookup/auth/probe/login/bob").await;
    let [key] = &keys[..] else {
        panic!("one lease, not {keys:?}")
    };
    let id = format!("auth/probe/login/bob/{}", key.as_str().expect("text"));
    (core, token, id)
}

async fn works(core: &TestCore, token: &str) -> bool {
    let path = "auth/token/lookup-self";
    let outcome = core
        .handle(Operation::Read, path, Some(token), Value::Null)
        .await;
    outcome.result.is_ok()
}

async fn refusal(core: &TestCore, path: &str, body: Value) -> String {
    let root = Some(core.root_token.as_str());
    let outcome = core.handle(Operation::Update, path, root, body).await;
    outcome.result.expect_err("refused").to_string()
}

#[tokio::test]
async fn a_login_has_a_lease() {
    let (core, _, id) = with_login().await;
    core.clock.set(T0 + 600);
    let lease = core
        .write("sys/leases/lookup", json!({ "lease_id": id }))
        .await;
    let expected = json!({
        "id": id,
        "path": "auth/probe/login/bob",
        "issue_time": "2026-01-01T00:00:00.000000000Z",
        "expire_time": "2026-01-01T01:00:00.000000000Z",
        "last_renewal": null,
        "renewable": true,
        "ttl": 3000,
    });
    assert_eq!(lease, expected);
    assert_eq!(core.list("sys/leases/lookup").await, ["auth/"]);
    assert_eq!(core.list("sys/leases/lookup/auth").await, ["probe/"]);
    assert_eq!(
        core.list("sys/leases/lookup/auth/probe/login").await,
        ["bob/"]
    );
}

#[tokio::test]
async fn what_is_no_lease_is_said_to_be_none() {
    let (core, _, id) = with_login().await;
    let elsewhere = id.replace("bob", "eve");
    let shorter = &id[..id.len() - 1];
    for unknown in [
        "x",
        elsewhere.as_str(),
        shorter,
        "auth/probe/login/bob/h../../x",
    ] {
        let body = json!({ "lease_id": unknown });
        let text = refusal(&core, "sys/leases/lookup", body.clone()).await;
        assert_eq!(text, "invalid lease", "{unknown}");
        let text = refusal(&core, "sys/leases/renew", body.clone()).await;
        assert_eq!(text, "lease not found");
        core.write("sys/leases/revoke", body).await;
    }
    let text = refusal(&core, "sys/leases/lookup", json!({})).await;
    assert_eq!(text, "lease_id must be specified");
    // Tokens are renewed where tokens are renewed.
    for path in ["sys/leases/renew", "sys/renew"] {
        let text = refusal(&core, path, json!({ "lease_id": id })).await;
        assert!(text.starts_with("tokens cannot be renewed through this endpoint"));
    }
}

#[tokio::test]
async fn revoking_a_lease_ends_its_token() {
    for (path, body) in [
        ("sys/leases/revoke", json!({ "lease_id": "ID" })),
        ("sys/revoke", json!({ "lease_id": "ID", "sync": true })),
        ("sys/leases/revoke/ID", json!({})),
        ("sys/leases/revoke-prefix/auth/probe", json!({})),
        ("sys/leases/revoke-force/auth/probe/login/bob", json!({})),
        ("sys/revoke-prefix/auth", json!({})),
        ("sys/revoke-force/auth", json!({})),
    ] {
        let (core, token, id) = with_login().await;
        let body: Value = body.to_string().replace("ID", &id).parse().expect("JSON");
        assert!(works(&core, &token).await);
        core.write(&path.replace("ID", &id), body).await;
        assert!(!works(&core, &token).await, "{path}");
        assert!(works(&core, &core.root_token).await);
    }
}

#[tokio::test]
async fn a_prefix_ends_at_a_slash() {
    let (core, token, _) = with_login().await;
    core.write("sys/leases/revoke-prefix/auth/probe/login/bo", json!({}))
        .await;
    assert!(works(&core, &token).await);
}

/// The id of the listing of everything is that of the lookup, which needs no sudo.
#[tokio::test]
async fn the_listing_needs_sudo() {
    let all = "path \"*\" { capabilities = [\"update\", \"list\"] }";
    let builder = TestServer::builder().with_policy("all", all);
    let core = builder.start_core().await;
    let token = core.token_with(&["all"]).await;
    for path in ["sys/leases/lookup", "sys/leases/lookup/auth"] {
        let outcome = core
            .handle(Operation::List, path, Some(&token), Value::Null)
            .await;
        assert_eq!(
            outcome.result.expect_err("no sudo").reason(),
            "policy_denied"
        );
    }
}

#[tokio::test]
async fn no_lease_is_irrevocable() {
    let server = TestServer::start().await;
    let leases = server.get("sys/leases?type=irrevocable");
    let leases = leases.token(&server.root_token).send().await.expect(200);
    assert_eq!(leases.json()["data"]["lease_count"], 0);
    let count = server.get("sys/leases/count?type=irrevocable");
    let count = count.token(&server.root_token).send().await.expect(200);
    assert_eq!(
        count.json()["data"],
        json!({ "counts": {}, "lease_count": 0 })
    );
    for query in ["", "?type=all"] {
        let count = server.get(&format!("sys/leases/count{query}"));
        count.token(&server.root_token).send().await.expect(400);
    }
}

#[tokio::test]
async fn tidying_is_accepted_and_ends_nothing_that_lives() {
    let server = TestServer::start().await;
    let token = server.token(json!({ "policies": ["default"] })).await;
    let tidy = server.post("sys/leases/tidy", json!({}));
    tidy.token(&server.root_token).send().await.expect(202);
    assert!(works(&server, &token).await);
}
