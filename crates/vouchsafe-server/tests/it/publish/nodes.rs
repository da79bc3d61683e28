//! Two nodes over one store: what one publishes the other serves, and follows through rotations.

use serde_json::{Value, json};
use vouchsafe_jose::{AlgorithmSet, JwkSet, jwt};

use super::{KEYS, METADATA, get, key_ids, own_issuer, publishing, upload};
use crate::harness::{TestServer, eventually};

/// Another node, with a listener of its own.
async fn beside(server: &TestServer) -> TestServer {
    TestServer::over(server.beside().await).await
}

/// What a node has in memory for a host; it is what its listener answers.
fn keys_of(node: &TestServer, host: &str) -> Option<String> {
    let published = node.core.publications().find(host, KEYS)?;
    Some(String::from_utf8_lossy(&published.document.body).into_owned())
}

/// Waits until a node serves what another one does.
async fn follows(node: &TestServer, other: &TestServer, host: &str) {
    let expected = keys_of(other, host);
    assert!(expected.is_some());
    eventually("the node follows", || keys_of(node, host) == expected).await;
}

#[tokio::test]
async fn a_second_node_serves_what_the_first_publishes() {
    let first = publishing().await;
    let second = beside(&first).await;
    for path in [KEYS, METADATA] {
        let (here, there) = (
            get(&first, "a.example", path),
            get(&second, "a.example", path),
        );
        assert_eq!(here.await.expect(200).text, there.await.expect(200).text);
    }
    for key in ["a2", "a3"] {
        let body = upload("https://a.example", &[key]);
        first.write("publish/services/a/config", body).await;
        follows(&second, &first, "a.example").await;
        let served = get(&second, "a.example", KEYS).await.expect(200);
        assert_eq!(key_ids(&served)[0], key);
    }
    // Also the other way round, and while the first one is sealed.
    first.write("sys/seal", json!({})).await;
    let body = upload("https://a.example", &["a4"]);
    second.write("publish/services/a/config", body).await;
    let served = get(&second, "a.example", KEYS).await.expect(200);
    assert_eq!(key_ids(&served)[0], "a4");
    let served = get(&first, "a.example", KEYS).await.expect(200);
    assert_eq!(key_ids(&served)[0], "a3", "it serves on what it had");

    second.delete("publish/services/a").await;
    get(&second, "a.example", KEYS).await.expect(404);
}

#[tokio::test]
async fn of_two_nodes_one_asks_a_source_and_both_serve_its_rotated_keys() {
    let first = TestServer::builder()
        .with(
            "publish/services/a",
            json!({ "issuer": "https://a.example" }),
        )
        .start()
        .await;
    let source = "https://10.0.0.1";
    first
        .write(
            "publish/services/a/source",
            json!({ "url": source, "interval": "60s" }),
        )
        .await;
    let second = beside(&first).await;
    for key in ["a", "b", "c"] {
        let keys = json!({ "keys": [super::jwk(key)] });
        let metadata = json!({ "issuer": source, "jwks_uri": format!("{source}/keys") });
        let discovery = format!("{source}/.well-known/openid-configuration");
        first.fetcher.serve(&discovery, metadata);
        first.fetcher.serve(&format!("{source}/keys"), keys);
        let asked = first.fetcher.requests().len();
        tokio::join!(first.core.run_errands(), second.core.run_errands());
        assert_eq!(first.fetcher.requests().len(), asked + 2, "one node asked");
        let has = |node: &TestServer| keys_of(node, "a.example").is_some_and(|it| it.contains(key));
        eventually("both nodes serve it", || has(&first) && has(&second)).await;
        // Longer than the interval with all that is added to it by chance.
        first.clock.advance(std::time::Duration::from_secs(120));
    }
}

async fn identity_token(node: &TestServer, token: &str) -> String {
    let ask = node.get("identity/oidc/token/own").token(token);
    let made: Value = ask.send().await.expect(200).json();
    made["data"]["token"].as_str().expect("a token").to_owned()
}

/// Whether a verifier that has nothing in its cache takes a token.
async fn is_taken(node: &TestServer, token: &str) -> bool {
    let served = get(node, "own.example", KEYS).await.expect(200);
    let keys = JwkSet::parse(served.text.as_bytes()).expect("keys");
    jwt::verify(token, &keys, AlgorithmSet::ALL).is_ok()
}

#[tokio::test]
async fn tokens_of_either_node_verify_by_the_keys_of_either_through_rotations() {
    let (first, token) =
        own_issuer(json!({ "algorithm": "ES256", "allowed_client_ids": "*" })).await;
    let second = beside(&first).await;
    let nodes = [&first, &second];
    let mut tokens = vec![identity_token(&first, &token).await];
    for round in 0..6 {
        let (rotates, follower) = (nodes[round % 2], nodes[(round + 1) % 2]);
        rotates
            .write("identity/oidc/key/own/rotate", json!({}))
            .await;
        follows(follower, rotates, "own.example").await;
        for node in nodes {
            tokens.push(identity_token(node, &token).await);
        }
        for node in nodes {
            for (number, token) in tokens.iter().enumerate() {
                assert!(is_taken(node, token).await, "round {round}, token {number}");
            }
        }
    }
}

/// Whatever the order in which requests and rotations come: no token that was made is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tokens_at_once_are_taken_while_the_key_rotates() {
    const ROTATIONS: usize = 8;
    const TASKS: usize = 64;
    let (server, token) =
        own_issuer(json!({ "algorithm": "ES256", "allowed_client_ids": "*" })).await;
    let server = std::sync::Arc::new(server);
    let before = std::sync::Arc::new(identity_token(&server, &token).await);
    let mut tasks = tokio::task::JoinSet::new();
    let rotating = std::sync::Arc::clone(&server);
    tasks.spawn(async move {
        for _ in 0..ROTATIONS {
            rotating
                .write("identity/oidc/key/own/rotate", json!({}))
                .await;
        }
        ROTATIONS
    });
    for _ in 0..TASKS {
        let (server, token) = (std::sync::Arc::clone(&server), token.clone());
        let before = std::sync::Arc::clone(&before);
        tasks.spawn(async move {
            let made = identity_token(&server, &token).await;
            assert!(is_taken(&server, &made).await, "a token made meanwhile");
            assert!(is_taken(&server, &before).await, "one made before");
            1
        });
    }
    let done: usize = tasks.join_all().await.into_iter().sum();
    assert_eq!(done, ROTATIONS + TASKS);
}
