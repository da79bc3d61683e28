//! A JWT is the credential of each call, and nothing is stored for it.

use serde_json::json;

use super::{ALLOWED, APP_POLICY, Idp, apply, core_with, refusal_of};
use crate::harness::{T0, TestServer};

const GUIDE_TABLE: &str = include_str!("guide.toml");
const GUIDE_TOKEN: &str = include_str!("guide.jwt");

#[tokio::test]
async fn a_jwt_is_taken_in_both_headers_under_the_policies_of_its_role() {
    let idp = Idp::new("k1");
    let server = TestServer::builder()
        .with_probes()
        .with_policy("app", APP_POLICY)
        .start()
        .await;
    apply(&server, &idp.table("app1", "", "")).await;
    let token = idp.token(json!({}));
    let bearer = format!("Bearer {token}");
    server
        .get(ALLOWED)
        .header("authorization", &bearer)
        .send()
        .await
        .expect(200);
    server.get(ALLOWED).token(&token).send().await.expect(200);
    let denied = server
        .get("probe/echo/b")
        .token(&token)
        .send()
        .await
        .expect(403);
    assert!(denied.error().contains("permission denied"));
    // Another role, which has no policy that exists.
    let other = idp.token(json!({"roles": "Other"}));
    server.get(ALLOWED).token(&other).send().await.expect(403);
    // No `default` policy comes with it.
    server
        .get("auth/token/lookup-self")
        .token(&token)
        .send()
        .await
        .expect(403);
}

#[tokio::test]
async fn the_printed_token_of_the_guide_gets_the_version() {
    let server = TestServer::start().await;
    apply(&server, GUIDE_TABLE).await;
    let bearer = format!("Bearer {}", GUIDE_TOKEN.trim());
    let answer = server
        .ask_outside("GET", "/api/pvlt/1.0/system/info/version")
        .header("authorization", &bearer)
        .send()
        .await
        .expect(200);
    let version = answer.json();
    assert!(version["db_schema_version"].is_u64());
    assert_eq!(version["vault_version"], "0.0.0-test");
    let id = version["vault_id"].as_str().expect("text");
    assert!(id.parse::<u64>().is_ok(), "{id}");
    assert_eq!(version.as_object().map(serde_json::Map::len), Some(3));
}

#[tokio::test]
async fn without_an_iam_file_a_jwt_is_nothing() {
    let core = TestServer::builder().start_core().await;
    let token = Idp::new("k1").token(json!({}));
    assert_eq!(
        refusal_of(&core, ALLOWED, &token).await,
        "iam_not_configured"
    );
}

/// Nothing is written for the first use, for the next ones, nor for refusals.
#[tokio::test]
async fn a_request_with_a_jwt_writes_nothing() {
    let idp = Idp::new("k1");
    let core = core_with(&idp.table("app1", "", "")).await;
    let before = core.records().await;
    for number in 0..3 {
        let token = idp.token(json!({"sub": format!("s{number}")}));
        for _ in 0..3 {
            assert_eq!(refusal_of(&core, ALLOWED, &token).await, "");
            assert_eq!(
                refusal_of(&core, "probe/echo/b", &token).await,
                "policy_denied"
            );
        }
        let expired = idp.token(json!({"exp": T0 - 3_600}));
        assert_eq!(refusal_of(&core, ALLOWED, &expired).await, "expired");
    }
    assert_eq!(core.records().await, before);
}

/// The command line asks for the mount of a path before it reads a secret.
#[tokio::test]
async fn a_jwt_is_told_the_mount_of_a_path_that_it_may_use() {
    let idp = Idp::new("k1");
    let core = core_with(&idp.table("app1", "", "")).await;
    let token = idp.token(json!({}));
    let mount = |path: &str| format!("sys/internal/ui/mounts/{path}");
    assert_eq!(refusal_of(&core, &mount("probe/echo/a"), &token).await, "");
    assert_eq!(
        refusal_of(&core, &mount("other/a"), &token).await,
        "preflight_denied"
    );
    let expired = idp.token(json!({"exp": T0 - 3_600}));
    assert_eq!(
        refusal_of(&core, &mount("probe/echo/a"), &expired).await,
        "token_invalid"
    );
}

/// What needs a token of its own is refused with words that say why.
#[tokio::test]
async fn a_jwt_makes_no_tokens_and_has_no_cubbyhole() {
    let idp = Idp::new("k1");
    let core = core_with(&idp.table("app1", "", "")).await;
    let policy = r#"path "*" { capabilities = ["create", "read", "update", "sudo"] }"#;
    core.write("sys/policies/acl/app", json!({ "policy": policy }))
        .await;
    let token = idp.token(json!({}));
    let update = vouchsafe_logical::Operation::Update;
    for path in [
        "auth/token/create",
        "auth/token/create-orphan",
        "auth/token/renew-self",
        "cubbyhole/x",
    ] {
        let outcome = core
            .handle(update, path, Some(&token), json!({"a": "b"}))
            .await;
        let error = outcome.result.expect_err("was taken");
        assert_eq!(error.reason(), "credential_not_stored", "{path}: {error}");
    }
    assert_eq!(
        refusal_of(&core, "auth/token/lookup-self", &token).await,
        "credential_not_stored"
    );
    // It may ask for wrapped answers, as batch tokens may.
    let mut request = core.request(
        vouchsafe_logical::Operation::Read,
        ALLOWED,
        Some(&token),
        json!({}),
    );
    request.wrap_ttl = Some(std::time::Duration::from_secs(60));
    let reply = core.core.handle(&request).await.result.expect("wrapped");
    assert!(reply.wrap_info.is_some());
}

#[tokio::test]
async fn capabilities_self_knows_what_a_jwt_may_do() {
    let idp = Idp::new("k1");
    let core = core_with(&idp.table("app1", "", "")).await;
    let policy =
        format!("{APP_POLICY}\npath \"sys/capabilities-self\" {{ capabilities = [\"update\"] }}");
    core.write("sys/policies/acl/app", json!({ "policy": policy }))
        .await;
    let token = idp.token(json!({}));
    let update = vouchsafe_logical::Operation::Update;
    let asked = json!({"paths": [ALLOWED]});
    let outcome = core
        .handle(update, "sys/capabilities-self", Some(&token), asked)
        .await;
    let reply = outcome.result.expect("answered");
    let vouchsafe_logical::Response::Data(data) = reply.response else {
        panic!("no data");
    };
    assert_eq!(data[ALLOWED], json!(["read"]));
}

/// A JWT is told by its shape; what is no JWT is looked for among the tokens as ever.
#[tokio::test]
async fn tokens_of_ours_are_what_they_were() {
    let idp = Idp::new("k1");
    let core = core_with(&idp.table("app1", "", "")).await;
    let service = core.token_with(&["app"]).await;
    assert_eq!(refusal_of(&core, ALLOWED, &service).await, "");
    for unknown in ["x", "hvs.x", "a.b.c", ""] {
        assert_eq!(
            refusal_of(&core, ALLOWED, unknown).await,
            "token_invalid",
            "{unknown}"
        );
    }
}
