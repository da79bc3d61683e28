//! Snapshots of everything that is stored: taken while serving, restored on an empty server.

use std::time::Duration;

use serde_json::{Value, json};
use vouchsafe_server::Limits;

use crate::harness::TestServer;

const PATH: &str = "sys/storage/snapshot";

/// A server that its one keeper has initialised and unsealed, with the key and a root token.
async fn kept() -> (TestServer, String, String) {
    let server = TestServer::uninitialized().await;
    let body = json!({ "secret_shares": 1, "secret_threshold": 1 });
    let made = server.post("sys/init", body).send().await.expect(200);
    let made = made.json();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let (key, root) = (text(&made["keys"][0]), text(&made["root_token"]));
    unseal(&server, &key).await;
    (server, key, root)
}

async fn unseal(server: &TestServer, key: &str) {
    let state = server.post("sys/unseal", json!({ "key": key })).send();
    assert_eq!(state.await.expect(200).json()["sealed"], false);
}

async fn is_initialized(server: &TestServer) -> bool {
    let state = server.get("sys/init").send().await.expect(200).json();
    state["initialized"] == true
}

#[tokio::test]
async fn restored_server_opens_with_the_same_shares_and_knows_everything() {
    let (server, key, root) = kept().await;
    let secret = json!({ "password": "correct horse" });
    let written = server.post("cubbyhole/x", secret.clone()).token(&root);
    written.send().await.expect(204);
    let snapshot = server.get(PATH).token(&root).bytes(200).await;
    assert!(!snapshot.windows(7).any(|bytes| bytes == b"correct"));
    let later = json!({ "password": "another" });
    let written = server.post("cubbyhole/x", later).token(&root);
    written.send().await.expect(204);

    let empty = TestServer::uninitialized().await;
    let told = empty.ask("POST", PATH).body(snapshot).send().await;
    let told = told.expect(200).json();
    assert_eq!(told["created_time"], "2026-01-01T00:00:00.000000000Z");
    assert!(told["records"].as_u64().is_some_and(|records| records > 5));
    let state = empty.get("sys/seal-status").send().await.expect(200).json();
    assert_eq!(state["initialized"], true);
    assert_eq!(state["sealed"], true);
    unseal(&empty, &key).await;
    let read = empty.get("cubbyhole/x").token(&root).send().await;
    assert_eq!(read.expect(200).json()["data"], secret);
    // What was restored can be backed up.
    empty.get(PATH).token(&root).bytes(200).await;
}

#[tokio::test]
async fn snapshot_needs_sudo_and_is_audited() {
    let policy =
        |capabilities: &str| format!("path \"{PATH}\" {{ capabilities = [{capabilities}] }}");
    let server = TestServer::builder()
        .with_policy("reader", &policy("\"read\""))
        .with_policy("keeper", &policy("\"read\", \"sudo\""))
        .start()
        .await;
    let reader = server.token_with(&["reader"]).await;
    let keeper = server.token_with(&["keeper"]).await;
    let folder = tempfile::TempDir::new().expect("a folder");
    let log = folder.path().join("audit.log");
    let device = json!({ "type": "file", "options": { "file_path": log } });
    server.write("sys/audit/file", device).await;
    server.get(PATH).send().await.expect(403);
    server.get(PATH).token(&reader).send().await.expect(403);
    let snapshot = server.get(PATH).token(&keeper).bytes(200).await;
    assert_eq!(snapshot[..8], *b"vouchsnp");
    let wrapped = server.get(PATH).token(&keeper);
    let wrapped = wrapped.header("x-vault-wrap-ttl", "60").send().await;
    assert!(wrapped.expect(400).error().contains("can't be wrapped"));
    let entries = std::fs::read_to_string(&log).expect("an audit log");
    let of_path = entries.lines().filter(|line| line.contains(PATH));
    assert_eq!(of_path.count(), 8, "a request and a response each");
    assert!(!entries.contains("vouchsnp"));
}

#[tokio::test]
async fn initialised_server_is_not_restored_over() {
    let (server, _, root) = kept().await;
    let snapshot = server.get(PATH).token(&root).bytes(200).await;
    for method in ["POST", "PUT"] {
        for token in ["", root.as_str()] {
            let ask = server.ask(method, PATH).token(token).body(snapshot.clone());
            let refused = ask.send().await.expect(400).error();
            assert!(
                refused.starts_with("Vault is already initialized"),
                "{refused}"
            );
        }
    }
    // Sealed is initialised too.
    server.core.seal();
    let ask = server.ask("POST", PATH).body(snapshot);
    ask.send().await.expect(400);
}

#[tokio::test]
async fn what_is_no_whole_snapshot_is_refused_and_leaves_the_server_empty() {
    let (server, key, root) = kept().await;
    let whole = server.get(PATH).token(&root).bytes(200).await;
    let torn = whole[..whole.len() - 40].to_vec();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0x10;
    let mut newer = whole.clone();
    newer[8] = 9;
    let empty = TestServer::uninitialized().await;
    for (body, told) in [
        (Vec::new(), "the snapshot is torn: it ends after 0 bytes"),
        (b"{\"key\":\"value\"}".to_vec(), "this is no snapshot"),
        (torn, "the snapshot is torn"),
        (flipped, "the snapshot was altered"),
        (
            newer,
            "the snapshot has format 9, this version knows format 1",
        ),
    ] {
        let refused = empty.ask("POST", PATH).body(body).send().await;
        let refused = refused.expect(400).error();
        assert!(refused.starts_with(told), "{refused}");
        assert!(refused.ends_with("nothing was restored"), "{refused}");
        assert!(!is_initialized(&empty).await);
    }
    let counted = |name: &str, label: &str| empty.metrics.value(name, ["sys/", "system", label]);
    assert_eq!(counted("vouchsafe_refusals_total", "snapshot_truncated"), 2);
    let before = counted("vouchsafe_requests_total", "update");
    empty.ask("POST", PATH).body(whole).send().await.expect(200);
    assert_eq!(counted("vouchsafe_requests_total", "update"), before + 1);
    unseal(&empty, &key).await;
}

#[tokio::test]
async fn snapshots_have_a_limit_of_their_own() {
    let (server, _, root) = kept().await;
    let snapshot = server.get(PATH).token(&root).bytes(200).await;
    let bytes = snapshot.len() as u64;
    let limits = |snapshot_bytes| Limits {
        body_bytes: 100,
        bodies_bytes: 100,
        snapshot_bytes,
        ..Limits::default()
    };
    let small = TestServer::uninitialized_with(limits(bytes - 1)).await;
    let ask = small.ask("POST", PATH).body(snapshot.clone());
    let refused = ask.send().await.expect(413).error();
    assert_eq!(
        refused,
        format!("the body has more than {} bytes", bytes - 1)
    );
    assert!(!is_initialized(&small).await);
    let fitting = TestServer::uninitialized_with(limits(bytes)).await;
    let ask = fitting.ask("POST", PATH).body(snapshot);
    ask.send().await.expect(200);
}

#[tokio::test]
async fn upload_that_stops_is_left_and_the_next_one_is_taken() {
    let (server, _, root) = kept().await;
    let snapshot = server.get(PATH).token(&root).bytes(200).await;
    let limits = Limits {
        body_timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let empty = TestServer::uninitialized_with(limits).await;
    let mut raw = empty.raw().await;
    let head = format!(
        "POST /v1/{PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
        snapshot.len()
    );
    raw.send(head.as_bytes()).await;
    raw.send(&snapshot[..snapshot.len() / 2]).await;
    let answer = raw.rest().await;
    assert!(
        answer.contains("the body did not arrive in time"),
        "{answer}"
    );
    assert!(!is_initialized(&empty).await);
    let ask = empty.ask("POST", PATH).body(snapshot);
    ask.send().await.expect(200);
}
