//! What goes wrong in the middle: panics, clients that hang up, requests that take too long.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use vouchsafe_server::Limits;

use crate::harness::{Builder, TestServer, eventually, gate};

/// A file audit device in a directory of its own.
struct Log {
    directory: tempfile::TempDir,
}

impl Log {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().expect("a directory"),
        }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("audit.log")
    }

    fn device(&self, builder: Builder) -> Builder {
        let options = json!({ "file_path": self.file() });
        builder.with(
            "sys/audit/file",
            json!({ "type": "file", "options": options }),
        )
    }

    /// The entries of a path.
    fn of(&self, path: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.file()).unwrap_or_default();
        // The last line may be in the middle of being written.
        let text = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let entries = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        entries
            .filter(|entry| entry["request"]["path"] == path)
            .collect()
    }
}

#[tokio::test]
async fn a_panic_is_one_requests_misfortune() {
    let log = Log::new();
    let server = log
        .device(TestServer::builder().with_probes())
        .start()
        .await;
    let mut raw = server.raw().await;
    raw.send(b"GET /v1/probe/panic HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    assert_eq!(raw.status().await, 500);
    // The connection lives, and so does the server.
    raw.send(b"GET /v1/sys/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await;
    assert!(raw.rest().await.contains("\nHTTP/1.1 200 OK"));
    let answer = server.get("probe/panic").send().await.expect(500);
    assert_eq!(answer.text, "{\"errors\":[\"internal error\"]}\n");
    // Request and response of both are on record.
    let entries = log.of("probe/panic");
    let types: Vec<&Value> = entries.iter().map(|entry| &entry["type"]).collect();
    assert_eq!(types, ["request", "response", "request", "response"]);
    assert!(
        entries[1]["error"]
            .as_str()
            .is_some_and(|error| error.contains("internal error"))
    );
}

#[tokio::test]
async fn a_mount_that_panics_in_its_duties_does_not_stop_the_others() {
    let server = TestServer::builder().with_probes().start_core().await;
    server.write("probe/thing/panic-at-tick", json!({})).await;
    let token = server.token(json!({ "ttl": "1m" })).await;
    server.clock.advance(Duration::from_secs(61));
    server.core.tick().await;
    let keys = server.list("auth/token/accessors").await;
    // The duties after the panic were done: the expired token is gone, root's is not.
    assert_eq!(keys.len(), 1, "{token} is still stored");
}

/// A client that hangs up can't keep the end of its request off the record.
#[tokio::test]
async fn what_has_begun_is_finished_and_recorded() {
    let log = Log::new();
    let server = log
        .device(TestServer::builder().with_probes())
        .start()
        .await;
    let mut raw = server.raw().await;
    let request = format!(
        "POST /v1/probe/gate/hangup HTTP/1.1\r\nHost: x\r\nX-Vault-Token: {}\r\nContent-Length: 0\r\n\r\n",
        server.root_token
    );
    raw.send(request.as_bytes()).await;
    gate("hangup").entered().await;
    drop(raw);
    // Another request is served meanwhile, so the server has seen the end of the connection.
    server.get("sys/health").send().await.expect(200);
    gate("hangup").open();
    eventually("the response is recorded", || {
        log.of("probe/gate/hangup").len() == 2
    })
    .await;
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_answered_and_finished() {
    let log = Log::new();
    let limits = Limits {
        request_timeout: Duration::from_millis(100),
        ..Limits::default()
    };
    let builder = TestServer::builder().with_probes().with_limits(limits);
    let server = log.device(builder).start().await;
    let ask = server
        .ask("POST", "probe/gate/slow")
        .token(&server.root_token);
    let answer = ask.send().await.expect(503);
    assert_eq!(answer.error(), "the request took too long");
    assert_eq!(log.of("probe/gate/slow").len(), 1);
    gate("slow").open();
    eventually("the response is recorded", || {
        log.of("probe/gate/slow").len() == 2
    })
    .await;
}
