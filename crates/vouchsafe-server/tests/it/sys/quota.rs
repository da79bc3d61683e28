//! Rate limit quotas: what is counted, what is refused and how, on both sides of each limit.

use std::time::Duration;

use serde_json::{Value, json};
use vouchsafe_logical::Operation;

use crate::harness::{Answer, TestServer};

async fn limited(quotas: &[(&str, Value)]) -> TestServer {
    let mut builder = TestServer::builder()
        .with("sys/mounts/kv", json!({ "type": "kv" }))
        .with_auth("userpass")
        .with("auth/userpass/users/bob", json!({ "password": "correct" }));
    for (name, body) in quotas {
        builder = builder.with(format!("sys/quotas/rate-limit/{name}"), body.clone());
    }
    builder.start().await
}

async fn login(server: &TestServer) -> Answer {
    let body = json!({ "password": "correct" });
    server.post("auth/userpass/login/bob", body).send().await
}

#[tokio::test]
async fn the_limit_is_served_and_one_past_it_gets_429_until_there_is_room() {
    let server = limited(&[(
        "l",
        json!({ "path": "auth/userpass", "rate": 3, "interval": "60s" }),
    )])
    .await;
    for _ in 0..3 {
        login(&server).await.expect(200);
    }
    let refused = login(&server).await.expect(429);
    assert_eq!(
        refused.error(),
        "request path \"auth/userpass/login/bob\": rate limit quota exceeded"
    );
    assert_eq!(refused.header("retry-after"), "20");
    assert_eq!(refused.header("x-ratelimit-limit"), "");
    server.clock.advance(Duration::from_millis(19_999));
    login(&server).await.expect(429);
    server.clock.advance(Duration::from_millis(1));
    login(&server).await.expect(200);
    login(&server).await.expect(429);
    // Other mounts are not concerned.
    server
        .get("kv/a")
        .token(&server.root_token)
        .send()
        .await
        .expect(404);
    let counted = server
        .metrics
        .value("vouchsafe_quota_violations_total", ["l"]);
    assert_eq!(counted, 3);
    let refusals = ["auth/userpass/", "userpass", "rate_limited"];
    assert_eq!(
        server.metrics.value("vouchsafe_refusals_total", refusals),
        3
    );
}

/// A guess that was not looked at tells nothing, and a right one is as good as a wrong one.
#[tokio::test]
async fn nothing_is_looked_at_before_the_limit() {
    let server = limited(&[("l", json!({ "rate": 1, "interval": "60s" }))]).await;
    let path = "sys/mounts";
    server.get(path).token("nobody's").send().await.expect(403);
    let mut texts = Vec::new();
    for token in ["nobody's", "", server.root_token.as_str()] {
        texts.push(server.get(path).token(token).send().await.expect(429).text);
    }
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
}

#[tokio::test]
async fn what_has_to_answer_always_is_never_counted() {
    let server = limited(&[("l", json!({ "rate": 1, "interval": "3600s" }))]).await;
    for _ in 0..3 {
        server
            .get("sys/mounts")
            .token(&server.root_token)
            .send()
            .await;
    }
    server
        .get("sys/mounts")
        .token(&server.root_token)
        .send()
        .await
        .expect(429);
    for path in ["sys/health", "sys/seal-status", "sys/leader", "sys/init"] {
        for _ in 0..3 {
            server.get(path).send().await.expect(200);
        }
    }
}

#[tokio::test]
async fn the_closest_quota_alone_counts() {
    // The one for everything is made last, since it also counts the making of others.
    let quota = |path: &str, rate: u64| json!({ "path": path, "rate": rate, "interval": "3600s" });
    let server = limited(&[
        ("a", quota("kv/a*", 3)),
        ("kv", quota("kv/", 2)),
        ("all", quota("", 1)),
    ])
    .await;
    let status = async |path: &str| {
        let answer = server.get(path).token(&server.root_token).send().await;
        answer.status.as_u16()
    };
    for (path, expected) in [
        ("kv/a1", 404),
        ("kv/a2", 404),
        ("kv/a3", 404),
        ("kv/a4", 429),
        ("kv/b", 404),
        ("kv/b", 404),
        ("kv/b", 429),
    ] {
        assert_eq!(status(path).await, expected, "{path}");
    }
}

#[tokio::test]
async fn each_address_has_a_limit_of_its_own() {
    let server = limited(&[("kv", json!({ "path": "kv", "rate": 1, "interval": "60s" }))]).await;
    let ask = async |address: &str| {
        let token = Some(server.root_token.as_str());
        let mut request = server.request(Operation::Read, "kv/a", token, Value::Null);
        request.remote = Some(address.parse().unwrap());
        server
            .core
            .handle(&request)
            .await
            .result
            .unwrap_err()
            .reason()
    };
    assert_eq!(ask("192.0.2.1:1").await, "not_found");
    assert_eq!(
        ask("192.0.2.1:2").await,
        "rate_limited",
        "another port is no other client"
    );
    assert_eq!(ask("192.0.2.2:1").await, "not_found");
    assert_eq!(ask("[2001:db8::1]:1").await, "not_found");
    assert_eq!(
        ask("[2001:db8::2]:1").await,
        "rate_limited",
        "nor is the same network"
    );
}

#[tokio::test]
async fn a_blocked_client_waits_for_the_whole_block() {
    let body =
        json!({ "path": "auth/userpass", "rate": 1, "interval": "1s", "block_interval": "300s" });
    let server = limited(&[("l", body)]).await;
    login(&server).await.expect(200);
    assert_eq!(
        login(&server).await.expect(429).header("retry-after"),
        "300"
    );
    server.clock.advance(Duration::from_secs(299));
    assert_eq!(login(&server).await.expect(429).header("retry-after"), "1");
    server.clock.advance(Duration::from_secs(1));
    login(&server).await.expect(200);
}

#[tokio::test]
async fn answers_tell_what_is_left_where_that_is_wanted() {
    let server = limited(&[("kv", json!({ "path": "kv", "rate": 2, "interval": "60s" }))]).await;
    server
        .write(
            "sys/quotas/config",
            json!({ "enable_rate_limit_response_headers": true }),
        )
        .await;
    for (status, remaining, reset) in [(404, "1", "30"), (404, "0", "60"), (429, "0", "60")] {
        let answer = server
            .get("kv/a")
            .token(&server.root_token)
            .send()
            .await
            .expect(status);
        assert_eq!(answer.header("x-ratelimit-limit"), "2");
        assert_eq!(answer.header("x-ratelimit-remaining"), remaining);
        assert_eq!(answer.header("x-ratelimit-reset"), reset);
    }
    let answer = server
        .get("sys/mounts")
        .token(&server.root_token)
        .send()
        .await
        .expect(200);
    assert_eq!(answer.header("x-ratelimit-limit"), "", "no quota counts it");
}

#[tokio::test]
async fn refusals_are_audited_where_that_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let server = limited(&[(
        "kv",
        json!({ "path": "kv", "rate": 1, "interval": "3600s" }),
    )])
    .await;
    let options = json!({ "type": "file", "options": { "file_path": log.display().to_string() } });
    server.write("sys/audit/log", options).await;
    let ask = async |path: &str| {
        server.get(path).token(&server.root_token).send().await;
    };
    let entries = |path: &str| {
        let text = std::fs::read_to_string(&log).unwrap();
        text.matches(&format!("\"path\":\"{path}\"")).count()
    };
    ask("kv/first").await;
    ask("kv/silent").await;
    assert_eq!((entries("kv/first"), entries("kv/silent")), (2, 0));
    server
        .write(
            "sys/quotas/config",
            json!({ "enable_rate_limit_audit_logging": true }),
        )
        .await;
    ask("kv/told").await;
    assert_eq!(entries("kv/told"), 2);
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(text.contains("rate limit quota exceeded"), "{text}");
}

#[tokio::test]
async fn exempt_paths_are_not_counted() {
    let server = limited(&[("all", json!({ "rate": 1, "interval": "3600s" }))]).await;
    let configure = async |paths: &str| {
        let body = json!({ "rate_limit_exempt_paths": paths });
        let answer = server
            .post("sys/quotas/config", body)
            .token(&server.root_token)
            .send()
            .await;
        answer.status.as_u16()
    };
    assert_eq!(configure("sys/quotas/*,kv/open").await, 204);
    for (path, status) in [("kv/open", 404), ("kv/open", 404), ("kv/opened", 429)] {
        let answer = server.get(path).token(&server.root_token).send().await;
        assert_eq!(answer.status, status, "{path}");
    }
    let config = server.read("sys/quotas/config").await;
    assert_eq!(
        config["rate_limit_exempt_paths"],
        json!(["sys/quotas/*", "kv/open"])
    );
}

#[tokio::test]
async fn quotas_are_read_listed_replaced_and_removed() {
    let server = limited(&[]).await;
    let body = json!({ "path": "kv", "rate": "2.5", "interval": "2m", "block_interval": 60 });
    server.write("sys/quotas/rate-limit/q", body).await;
    let expected = json!({
        "block_interval": 60, "interval": 120, "name": "q", "path": "kv/", "rate": 2.5,
        "role": "", "type": "rate-limit",
    });
    assert_eq!(server.read("sys/quotas/rate-limit/q").await, expected);
    server
        .write("sys/quotas/rate-limit/q", json!({ "rate": 7 }))
        .await;
    let replaced = server.read("sys/quotas/rate-limit/q").await;
    assert_eq!(
        (&replaced["path"], &replaced["interval"]),
        (&json!(""), &json!(1))
    );
    assert_eq!(server.list("sys/quotas/rate-limit").await, ["q"]);
    server.delete("sys/quotas/rate-limit/q").await;
    server.delete("sys/quotas/rate-limit/q").await;
    let read = async |path: &str| {
        let answer = server.get(path).token(&server.root_token).send().await;
        answer.status.as_u16()
    };
    assert_eq!(read("sys/quotas/rate-limit/q").await, 404);
    assert_eq!(read("sys/quotas/rate-limit?list=true").await, 404);
}

#[tokio::test]
async fn a_quota_that_makes_no_sense_is_refused() {
    let server = limited(&[("taken", json!({ "path": "kv", "rate": 1_000 }))]).await;
    let day = 24 * 3_600;
    for (body, expected) in [
        (json!({}), "'rate' is invalid; expected a number over 0"),
        (
            json!({ "rate": "x" }),
            "'rate' is invalid; expected a number over 0",
        ),
        (
            json!({ "rate": 0 }),
            "'rate' is invalid: 0; expected a number over 0",
        ),
        (json!({ "rate": -1 }), "'rate' is invalid: -1;"),
        (json!({ "rate": "NaN" }), "'rate' is invalid: NaN;"),
        (
            json!({ "rate": 1_000_000_001 }),
            "'rate' is invalid: 1000000001;",
        ),
        (
            json!({ "rate": 0.000_01 }),
            "'rate' is invalid: less than one request in a day",
        ),
        (
            json!({ "rate": 1, "interval": day + 1 }),
            "'interval' is invalid: 86401s;",
        ),
        (
            json!({ "rate": 1, "block_interval": day + 1 }),
            "'block_interval' is invalid: 86401s;",
        ),
        (
            json!({ "rate": 1, "path": "nothing/here" }),
            "invalid mount path \"nothing/here\"",
        ),
        (
            json!({ "rate": 1, "path": "kv/*/a" }),
            "`*` stands at the end only",
        ),
        (
            json!({ "rate": 1, "path": "kv/" }),
            "exists under the name \"taken\"",
        ),
        (
            json!({ "rate": 1, "path": "kv/a", "role": "r" }),
            "no auth method whose logins name a role",
        ),
        (
            json!({ "rate": 1, "path": "auth/userpass", "role": "r" }),
            "no auth method whose logins name a role",
        ),
        (
            json!({ "rate": 1, "type": "lease-count" }),
            "expected `rate-limit`",
        ),
    ] {
        let ask = server.post("sys/quotas/rate-limit/new", body.clone());
        let answer = ask.token(&server.root_token).send().await.expect(400);
        assert!(
            answer.error().contains(expected),
            "{body}: {}",
            answer.error()
        );
    }
    let most = json!({ "rate": 1_000_000_000, "interval": day, "block_interval": day });
    server.write("sys/quotas/rate-limit/most", most).await;
}
