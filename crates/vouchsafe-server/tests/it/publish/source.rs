//! Documents that are pulled, and those of this server's own issuer.

use std::time::Duration;

use serde_json::{Value, json};

use super::{KEYS, get, jwk, key_ids};
use crate::harness::TestServer;

const SOURCE: &str = "https://10.0.0.1:6443";
const PUBLIC: &str = "https://k8s.example";

/// The source answers with keys at this address.
fn serve(server: &TestServer, issuer: &str, jwks_uri: &str, keys_at: &str, keys: &[&str]) {
    let keys: Vec<Value> = keys.iter().map(|name| jwk(name)).collect();
    server.fetcher.serve(
        &format!("{SOURCE}/.well-known/openid-configuration"),
        json!({ "issuer": issuer, "jwks_uri": jwks_uri }),
    );
    server.fetcher.serve(keys_at, json!({ "keys": keys }));
}

async fn pulling(source: Value) -> TestServer {
    TestServer::builder()
        .with("publish/services/k8s", json!({ "issuer": PUBLIC }))
        .with("publish/services/k8s/source", source)
        .start()
        .await
}

async fn published(server: &TestServer) -> Vec<String> {
    let answer = get(server, "k8s.example", KEYS).await;
    if answer.status == 404 {
        return Vec::new();
    }
    key_ids(&answer)
}

#[tokio::test]
async fn a_source_is_asked_and_its_keys_are_found_where_they_can_be_reached() {
    for (issuer, jwks_uri, keys_at, has_token) in [
        // Its own address, as it is named.
        (
            SOURCE,
            format!("{SOURCE}/openid/v1/jwks"),
            format!("{SOURCE}/openid/v1/jwks"),
            true,
        ),
        // The public issuer, which this very server is.
        (
            PUBLIC,
            format!("{PUBLIC}/openid/v1/jwks"),
            format!("{SOURCE}/openid/v1/jwks"),
            true,
        ),
        // A name that only others can reach.
        (
            PUBLIC,
            "https://other.example/k".to_owned(),
            format!("{SOURCE}/k"),
            true,
        ),
        // A name that can be reached: without the source's token.
        (
            PUBLIC,
            "https://other.example/k".to_owned(),
            "https://other.example/k".to_owned(),
            false,
        ),
    ] {
        let server = pulling(json!({ "url": SOURCE, "token": "canary", "ca_cert": "PEM" })).await;
        serve(&server, issuer, &jwks_uri, &keys_at, &["a"]);
        server.core.run_errands().await;
        assert_eq!(published(&server).await, ["a"], "{jwks_uri}");
        for request in server.fetcher.requests() {
            let is_own = request.url.starts_with(SOURCE);
            assert_eq!(request.bearer.is_some(), is_own, "{}", request.url);
            assert_eq!(request.ca_pem.as_deref(), Some("PEM"));
        }
        let last = server.fetcher.requests().pop().expect("a request");
        assert_eq!((last.url, last.bearer.is_some()), (keys_at, has_token));
        let shown = server.read("publish/services/k8s/source").await.to_string();
        assert!(!shown.contains("canary"), "{shown}");
    }
}

#[tokio::test]
async fn a_dead_source_leaves_what_is_published_and_shows() {
    let server = pulling(json!({ "url": SOURCE, "interval": "60s" })).await;
    let at = format!("{SOURCE}/keys");
    serve(&server, PUBLIC, &at, &at, &["a"]);
    server.core.run_errands().await;
    server.core.run_errands().await;
    assert_eq!(server.fetcher.requests().len(), 2, "not before it is due");
    server.fetcher.take_down(&at);
    for _ in 0..20 {
        server.clock.advance(Duration::from_secs(60));
        server.core.tick().await;
        server.core.run_errands().await;
    }
    assert_eq!(published(&server).await, ["a"]);
    let asked = server.fetcher.requests().len();
    assert!(asked < 25, "asked {asked} times: pauses grow");
    let state = server.read("publish/services/k8s/source").await;
    assert!(
        state["failures"].as_u64().expect("a number") >= 3,
        "{state}"
    );
    assert!(
        state["error"]
            .as_str()
            .expect("a text")
            .contains("10.0.0.1"),
        "{state}"
    );
    let metrics = server
        .get("sys/metrics?format=prometheus")
        .token(&server.root_token);
    let metrics = metrics.send().await.expect(200).text;
    let line = "vouchsafe_publish_source_age_seconds{service=\"k8s\"} 1";
    assert!(metrics.contains(line), "{metrics}");

    // One that answers with something else does no harm either.
    for (metadata, keys) in [
        (
            json!({ "issuer": "https://evil.example", "jwks_uri": at }),
            json!({ "keys": [jwk("b")] }),
        ),
        (
            json!({ "issuer": PUBLIC, "jwks_uri": at }),
            json!({ "keys": [] }),
        ),
        (json!({ "issuer": PUBLIC }), json!({ "keys": [jwk("b")] })),
        (json!([]), json!([])),
    ] {
        server.fetcher.serve(
            &format!("{SOURCE}/.well-known/openid-configuration"),
            metadata,
        );
        server.fetcher.serve(&at, keys);
        server.clock.advance(Duration::from_secs(600));
        server.core.run_errands().await;
        assert_eq!(published(&server).await, ["a"]);
    }
    serve(&server, PUBLIC, &at, &at, &["b"]);
    server.clock.advance(Duration::from_secs(600));
    server.core.run_errands().await;
    assert_eq!(published(&server).await, ["b", "a"]);
    let state = server.read("publish/services/k8s/source").await;
    assert_eq!(
        (&state["failures"], &state["error"]),
        (&json!(0), &Value::Null)
    );
}

/// The age of the source that `/sys/metrics` shows.
fn age(server: &TestServer) -> Option<u64> {
    let readings = server.metrics.readings();
    let age = readings
        .iter()
        .find(|reading| reading.name == "vouchsafe_publish_source_age_seconds")?;
    let series = age.series.iter().find(|(labels, _)| labels == &["k8s"])?;
    Some(series.1)
}

/// An alarm needs a number for a source that never worked, and none for one that is gone.
#[tokio::test]
async fn the_age_of_a_source_begins_when_it_is_set_and_goes_with_it() {
    let server = pulling(json!({ "url": SOURCE, "interval": "60s" })).await;
    server.core.run_errands().await;
    for seconds in [60, 3_600] {
        let before = age(&server).expect("a number");
        server.clock.advance(Duration::from_secs(seconds));
        server.core.run_errands().await;
        assert_eq!(age(&server), Some(before + seconds));
    }
    // Set anew, it is another source.
    let again = json!({ "url": SOURCE, "interval": "60s" });
    server.write("publish/services/k8s/source", again).await;
    server.core.run_errands().await;
    assert_eq!(age(&server), Some(0));
    let at = format!("{SOURCE}/keys");
    serve(&server, PUBLIC, &at, &at, &["a"]);
    for seconds in [600, 30] {
        server.clock.advance(Duration::from_secs(seconds));
        server.core.run_errands().await;
    }
    assert_eq!(age(&server), Some(30), "since it succeeded");
    server.delete("publish/services/k8s/source").await;
    server.core.run_errands().await;
    assert_eq!(age(&server), None);
}

#[tokio::test]
async fn sources_that_could_be_abused_are_refused() {
    let server = TestServer::builder()
        .with("publish/services/k8s", json!({ "issuer": PUBLIC }))
        .with_policy(
            "writer",
            r#"path "publish/*" { capabilities = ["create", "read", "update", "delete"] }"#,
        )
        .start()
        .await;
    let token = server.token_with(&["writer"]).await;
    let write = |body: Value| {
        let ask = server.post("publish/services/k8s/source", body);
        ask.token(&token).send()
    };
    write(json!({ "url": SOURCE })).await.expect(204);
    for body in [
        json!({}),
        json!({ "url": "ftp://a" }),
        json!({ "url": "https://u:p@a" }),
        json!({ "url": "https://a?x=y" }),
        json!({ "url": "https://a b" }),
        json!({ "url": SOURCE, "mount": "identity/oidc" }),
        json!({ "mount": "kv" }),
        json!({ "url": SOURCE, "interval": "14s" }),
        json!({ "url": SOURCE, "interval": "25h" }),
        json!({ "url": SOURCE, "token": "a", "token_file": "/a" }),
    ] {
        write(body.clone()).await.expect(400);
    }
    // A file of the server goes to an address of the caller's choice: not without `sudo`.
    let with_file = json!({ "url": SOURCE, "token_file": "/etc/hostname" });
    write(with_file.clone()).await.expect(403);
    server.write("publish/services/k8s/source", with_file).await;
}

#[tokio::test]
async fn the_own_issuers_keys_are_published_in_the_write_that_changes_them() {
    let server = TestServer::builder()
        .with_oidc_role("ci", "")
        .with(
            "identity/oidc/config",
            json!({ "issuer": "https://own.example" }),
        )
        .with(
            "publish/services/own",
            json!({ "issuer": "https://own.example/v1/identity/oidc" }),
        )
        .with(
            "publish/services/own/source",
            json!({ "mount": "identity/oidc" }),
        )
        .start()
        .await;
    let listener = server
        .publish_listener(vouchsafe_server::Forwarding::default())
        .await;
    let fetch = |path: &str| {
        let path = format!("/v1/identity/oidc{path}");
        let ask = server.ask_at(listener.address(), "GET", &path);
        ask.header("host", "own.example").send()
    };
    let metadata = fetch(super::METADATA).await.expect(200).json();
    assert_eq!(metadata["issuer"], "https://own.example/v1/identity/oidc");
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let own = server.get("identity/oidc/.well-known/jwks.json").send();
        let public = fetch(KEYS).await.expect(200);
        assert_eq!(public.text, own.await.expect(200).text);
        seen.insert(public.text);
        server.write("identity/oidc/key/ci/rotate", json!({})).await;
    }
    assert_eq!(seen.len(), 3, "each rotation shows at once");
    server.core.tick().await;
    let age = fetch(KEYS).await;
    assert_eq!(age.header("cache-control"), "public, max-age=60");
    server.write("sys/seal", json!({})).await;
    fetch(KEYS).await.expect(200);
    listener.stop().await;
}
