//! `sys/metrics`: who sees what is counted, and in which form.

use serde_json::json;
use vouchsafe_core::Settings;
use vouchsafe_core::metric::PrometheusFormat;
use vouchsafe_server::MetricsAccess;

use crate::harness::TestServer;

const PROMETHEUS: &str = "sys/metrics?format=prometheus";

#[tokio::test]
async fn prometheus_reads_what_was_counted() {
    let server = TestServer::start().await;
    server
        .get("nothing/here")
        .token(&server.root_token)
        .send()
        .await
        .expect(404);
    let answer = server
        .get(PROMETHEUS)
        .token(&server.root_token)
        .send()
        .await
        .expect(200);
    assert_eq!(
        answer.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    for line in [
        "# TYPE vouchsafe_requests_total counter\n",
        "vouchsafe_requests_total{mount=\"\",kind=\"\",operation=\"read\"} 1\n",
        "vouchsafe_refusals_total{mount=\"\",kind=\"\",reason=\"no_mount\"} 1\n",
        "# TYPE vouchsafe_unsealed gauge\nvouchsafe_unsealed 1\n",
    ] {
        assert!(answer.text.contains(line), "no {line}{}", answer.text);
    }
}

#[tokio::test]
async fn logins_that_succeed_and_those_that_quotas_refuse_are_counted() {
    let server = TestServer::builder()
        .with_auth("userpass")
        .with("auth/userpass/users/bob", json!({ "password": "correct" }))
        .with(
            "sys/quotas/rate-limit/q",
            json!({ "path": "auth/userpass", "rate": 1, "interval": "60s" }),
        )
        .start()
        .await;
    for status in [200, 429] {
        let body = json!({ "password": "correct" });
        let login = server.post("auth/userpass/login/bob", body);
        login.send().await.expect(status);
    }
    let logins = ["auth/userpass/", "userpass"];
    let metrics = &server.metrics;
    assert_eq!(metrics.value("vouchsafe_logins_total", logins), 1);
    assert_eq!(metrics.value("vouchsafe_quota_violations_total", ["q"]), 1);
}

#[tokio::test]
async fn json_has_the_same_numbers() {
    let server = TestServer::start().await;
    let answer = server
        .get("sys/metrics")
        .token(&server.root_token)
        .send()
        .await
        .expect(200);
    let shown = answer.json();
    assert_eq!(
        shown["Gauges"],
        json!([{"Name": "vouchsafe_unsealed", "Value": 1, "Labels": {}}])
    );
    // Outside the envelope, as Vault.
    assert_eq!(shown["request_id"], json!(null));
}

#[tokio::test]
async fn metrics_need_a_token_that_may_read_them() {
    let server = TestServer::builder()
        .with_policy("watch", r#"path "sys/metrics" { capabilities = ["read"] }"#)
        .start()
        .await;
    server.get(PROMETHEUS).send().await.expect(403);
    let other = server.token_with(&["other"]).await;
    server
        .get(PROMETHEUS)
        .token(&other)
        .send()
        .await
        .expect(403);
    let watcher = server.token_with(&["watch"]).await;
    server
        .get(PROMETHEUS)
        .token(&watcher)
        .send()
        .await
        .expect(200);
}

#[tokio::test]
async fn a_listener_may_show_them_to_everybody_and_nothing_else() {
    let builder = TestServer::builder().with_metrics(MetricsAccess::Everybody);
    let server = builder.start().await;
    server.get(PROMETHEUS).send().await.expect(200);
    server.get("sys/metrics").send().await.expect(200);
    // A token that is worth nothing does not matter either.
    server
        .get(PROMETHEUS)
        .token("nobody's")
        .send()
        .await
        .expect(200);
    server
        .post("sys/metrics", json!({}))
        .send()
        .await
        .expect(403);
    server.get("sys/metrics/").send().await.expect(403);
    server.get("sys/mounts").send().await.expect(403);
}

#[tokio::test]
async fn a_listener_may_show_them_to_nobody() {
    let builder = TestServer::builder().with_metrics(MetricsAccess::Nobody);
    let server = builder.start().await;
    server
        .get(PROMETHEUS)
        .token(&server.root_token)
        .send()
        .await
        .expect(403);
    server
        .get("sys/mounts")
        .token(&server.root_token)
        .send()
        .await
        .expect(200);
}

#[tokio::test]
async fn the_format_is_known_or_refused() {
    let server = TestServer::start().await;
    let answer = server
        .get("sys/metrics?format=xml")
        .token(&server.root_token)
        .send()
        .await;
    let expected = "metric response format is unknown; expected `prometheus`, or none for JSON";
    assert_eq!(answer.expect(400).error(), expected);

    let settings = Settings {
        prometheus: PrometheusFormat::Refused,
        ..Settings::default()
    };
    let server = TestServer::builder().with_settings(settings).start().await;
    server
        .get(PROMETHEUS)
        .token(&server.root_token)
        .send()
        .await
        .expect(400);
    server
        .get("sys/metrics")
        .token(&server.root_token)
        .send()
        .await
        .expect(200);
}
