//! Cross-origin requests: nothing is said of them until an operator names origins.

use serde_json::json;

use crate::harness::{Answer, TestServer};

const UI: &str = "https://ui.example.com";

async fn open_to(origins: &str) -> TestServer {
    let body = json!({ "allowed_origins": origins, "allowed_headers": "X-Custom" });
    TestServer::builder()
        .with("sys/config/cors", body)
        .start()
        .await
}

async fn preflight(server: &TestServer, origin: &str, method: &str) -> Answer {
    let ask = server.ask("OPTIONS", "sys/mounts").header("origin", origin);
    ask.header("access-control-request-method", method)
        .send()
        .await
}

async fn mounts(server: &TestServer, origin: Option<&str>) -> Answer {
    let ask = server.get("sys/mounts").token(&server.root_token);
    match origin {
        Some(origin) => ask.header("origin", origin).send().await,
        None => ask.send().await,
    }
}

fn says_nothing(answer: &Answer) {
    let told = answer
        .headers
        .keys()
        .any(|name| name.as_str().starts_with("access-control-"));
    assert!(!told && answer.header("vary").is_empty(), "{answer:?}");
}

#[tokio::test]
async fn nothing_is_said_where_cors_is_off() {
    let server = TestServer::start().await;
    says_nothing(&mounts(&server, Some(UI)).await.expect(200));
    says_nothing(&preflight(&server, UI, "GET").await.expect(405));
    let cors = server.read("sys/config/cors").await;
    assert_eq!(cors, json!({ "enabled": false }));
}

#[tokio::test]
async fn an_allowed_origin_is_told_and_others_are_refused() {
    let server = open_to(&format!("{UI},http://localhost:3000")).await;
    let answer = mounts(&server, Some(UI)).await.expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), UI);
    assert_eq!(answer.header("vary"), "Origin");
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    for other in [
        "https://evil.example",
        "null",
        "https://ui.example.com.evil.example",
    ] {
        let refused = mounts(&server, Some(other)).await.expect(403);
        assert_eq!(refused.error(), "origin not allowed");
        says_nothing(&refused);
    }
    // Who is no browser sends no origin.
    says_nothing(&mounts(&server, None).await.expect(200));
    // A refusal is readable for the page, too.
    let denied = server
        .get("sys/mounts")
        .header("origin", UI)
        .send()
        .await
        .expect(403);
    assert_eq!(denied.header("access-control-allow-origin"), UI);
}

#[tokio::test]
async fn a_preflight_is_told_methods_and_headers() {
    let server = open_to(UI).await;
    let answer = preflight(&server, UI, "LIST").await.expect(204);
    assert_eq!(answer.header("access-control-allow-origin"), UI);
    assert_eq!(
        answer.header("access-control-allow-methods"),
        "DELETE,GET,OPTIONS,POST,PUT,PATCH,LIST"
    );
    let headers = answer.header("access-control-allow-headers");
    assert!(
        headers.contains("X-Vault-Token") && headers.ends_with(",X-Custom"),
        "{headers}"
    );
    assert_eq!(answer.header("access-control-max-age"), "300");
    preflight(&server, UI, "BREW").await.expect(405);
    preflight(&server, "https://evil.example", "GET")
        .await
        .expect(403);
}

#[tokio::test]
async fn the_wildcard_allows_everybody_by_name() {
    let server = open_to("*").await;
    let answer = mounts(&server, Some("https://anybody.example"))
        .await
        .expect(200);
    assert_eq!(
        answer.header("access-control-allow-origin"),
        "https://anybody.example"
    );
}

#[tokio::test]
async fn cors_is_switched_off_again() {
    let server = open_to(UI).await;
    let cors = server.read("sys/config/cors").await;
    assert_eq!(
        (&cors["enabled"], &cors["allowed_origins"]),
        (&json!(true), &json!([UI]))
    );
    server.delete("sys/config/cors").await;
    says_nothing(&mounts(&server, Some(UI)).await.expect(200));
    let ask = server
        .post("sys/config/cors", json!({}))
        .token(&server.root_token);
    let expected = "at least one origin or the wildcard must be provided";
    assert_eq!(ask.send().await.expect(400).error(), expected);
}
