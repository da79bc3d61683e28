//! Every code of `/api/pvlt/1.0`, on the wire: each way in which a JWT is no credential is the same 401,
//! and what is nobody's fault has another code than what is the client's.

use std::time::Duration;

use serde_json::{Value, json};
use vouchsafe_server::Limits;

use super::pvlt::{ask, check};
use super::{Idp, apply};
use crate::harness::{T0, TestServer};

const VERSION: &str = "system/info/version";

/// What the API says of every failed proof.
fn unauthorized() -> Value {
    json!({"error_code": "PV1005", "message": "The request is unauthorized.", "context": {}})
}

/// Where a provider was chosen: what its table refuses is a failed proof, not a missing capability.
#[tokio::test]
async fn what_a_providers_table_refuses_is_the_same_401() {
    let idp = Idp::new("k1");
    let server = TestServer::start().await;
    let map = "[idps.app1.roles_map]\n'App' = 'App'\n'ops' = 'Writer'";
    for (head, conf, claims) in [
        ("disabled = true", "", json!({})),
        ("allowed_roles = ['App']", "", json!({"roles": "Writer"})),
        ("allowed_roles = []", "", json!({})),
        (map, "", json!({"roles": "Writer"})),
        (
            &format!("allowed_roles = ['App']\n{map}"),
            "",
            json!({"roles": "ops"}),
        ),
        ("", "roles_claim = 'my-roles'", json!({})),
        (
            "",
            "roles_claim = 'my-roles'",
            json!({"my-roles": ["App", "Writer"]}),
        ),
        ("", "namespace_top_claim = 'ns'", json!({"ns": "x"})),
        ("", "bound_claims = {env = 'prod'}", json!({})),
        ("", "bound_claims = {env = 'prod'}", json!({"env": "test"})),
        (
            "",
            "extra_claims = '{\"env\": \"prod\"}'\nbound_claims = {env = 'prod'}",
            json!({}),
        ),
        ("", "", json!({"https://app.piiano.io/prop/owner": "me"})),
        ("", "", json!({"sub": ""})),
        ("", "", json!({"exp": null})),
        ("", "", json!({"nbf": T0 + 61})),
        ("", "", json!({"iat": T0 + 61})),
    ] {
        apply(&server, &idp.table("app1", head, conf)).await;
        let answer = ask(&server, "GET", VERSION, &idp.token(claims.clone()))
            .send()
            .await;
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        let body = check(answer, 401, "PV1005");
        assert_eq!(body, unauthorized(), "{head} {conf} {claims}");
    }
}

/// The examples of the product's guides for providers that have no claim `roles`.
#[tokio::test]
async fn providers_without_a_claim_of_roles_are_taken() {
    let idp = Idp::new("k1");
    let server = TestServer::start().await;
    let google = "[idps.app1.roles_map]\n\"svc@project.iam.gserviceaccount.com\" = 'App'";
    for (head, conf, claims) in [
        (
            "",
            "roles_claim = 'my-roles'",
            json!({"roles": null, "my-roles": ["App"]}),
        ),
        (
            google,
            "roles_claim = 'email'",
            json!({"roles": null, "email": "svc@project.iam.gserviceaccount.com"}),
        ),
        (
            "",
            "",
            json!({"roles": null, "https://app.piiano.io/role": "App"}),
        ),
        ("", "", json!({"iat": T0, "nbf": T0})),
    ] {
        apply(&server, &idp.table("app1", head, conf)).await;
        let token = idp.token(claims);
        ask(&server, "GET", VERSION, &token)
            .send()
            .await
            .expect(200);
    }
    // The user whom the role is given need not be one of the file, and free text goes along.
    let token = idp.token(json!({"sub": "nobody in [users]"}));
    let path = format!("{VERSION}?custom_audit=ticket%2042&reason=Maintenance");
    ask(&server, "GET", &path, &token).send().await.expect(200);
}

/// The guide's token ends when it says: with the leeway, and not a second later.
#[tokio::test]
async fn the_printed_token_of_the_guide_ends() {
    const EXP: i64 = 1_893_412_799;
    let server = TestServer::start().await;
    apply(&server, include_str!("guide.toml")).await;
    let token = include_str!("guide.jwt").trim();
    server.clock.set(EXP + 59);
    ask(&server, "GET", VERSION, token).send().await.expect(200);
    server.clock.set(EXP + 60);
    let answer = ask(&server, "GET", VERSION, token).send().await;
    assert_eq!(check(answer, 401, "PV1005"), unauthorized());
}

#[tokio::test]
async fn a_key_that_is_over_is_a_failed_proof() {
    let server = TestServer::start().await;
    apply(&server, "").await;
    let root = server.root_token.clone();
    let made = ask(&server, "POST", "ctl/iam/user/regen", &root)
        .json(json!({"name": "Webapp"}))
        .send()
        .await
        .expect(200)
        .json();
    let key = made["api_key"].as_str().expect("text");
    ask(&server, "GET", VERSION, key).send().await.expect(200);
    server.clock.advance(Duration::from_secs(90 * 24 * 3_600));
    let answer = ask(&server, "GET", VERSION, key).send().await;
    assert_eq!(check(answer, 401, "PV1005"), unauthorized());
}

#[tokio::test]
async fn what_is_nobodys_fault_says_to_try_again() {
    let idp = Idp::new("k1");
    let server = TestServer::start().await;
    let remote = idp.remote_table("app1", "https://idp.example/jwks");
    apply(&server, &remote).await;
    let answer = ask(&server, "GET", VERSION, &idp.token(json!({})))
        .send()
        .await;
    let body = check(answer, 503, "PV1009");
    assert_eq!(body["context"], json!({}));
    let text = body.to_string();
    assert!(!text.contains("app1") && !text.contains("jwks"), "{text}");
    check(
        TestServer::uninitialized()
            .await
            .ask_outside("GET", "/api/pvlt/1.0/ctl/info/health")
            .send()
            .await,
        503,
        "PV1010",
    );
    let quota = json!({"path": "", "rate": 1, "interval": "60s"});
    server.write("sys/quotas/rate-limit/all", quota).await;
    let health = || ask(&server, "GET", "ctl/info/health", "").send();
    health().await.expect(200);
    check(health().await, 429, "PV1009");
    server.clock.advance(Duration::from_secs(60));
    server.take_storage_down();
    let body = check(
        ask(&server, "GET", VERSION, &server.root_token)
            .send()
            .await,
        500,
        "PV1000",
    );
    assert!(!body.to_string().contains("disk"), "{body}");
}

#[tokio::test]
async fn a_file_that_is_too_large_is_a_413() {
    let limits = Limits {
        body_bytes: 1_000,
        ..Limits::default()
    };
    let server = TestServer::builder().with_limits(limits).start().await;
    let root = server.root_token.clone();
    let begin = "[users]\n[roles]\n[policies]\n#";
    let file = |bytes: usize| format!("{begin}{}", "x".repeat(bytes - begin.len()));
    let post = |bytes| {
        ask(&server, "POST", "ctl/iam/conf", &root)
            .body(file(bytes))
            .send()
    };
    post(1_000).await.expect(200);
    check(post(1_001).await, 413, "PV1012");
}
