//! What is recorded when: before anything happens, and after whatever happened.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use vouchsafe_logical::Operation;

use crate::harness::{TestCore, TestServer};

struct Audited {
    core: TestCore,
    directory: tempfile::TempDir,
}

impl Audited {
    async fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let options = json!({ "file_path": file(directory.path()) });
        let core = TestServer::builder()
            .with_probes()
            .with(
                "sys/audit/file",
                json!({ "type": "file", "options": options }),
            )
            .start_core()
            .await;
        Self { core, directory }
    }

    /// The entries since the last call.
    fn take(&self) -> Vec<Value> {
        let path = file(self.directory.path());
        let text = std::fs::read_to_string(&path).expect("a log");
        std::fs::OpenOptions::new()
            .write(true)
            .open(&path)
            .expect("a log")
            .set_len(0)
            .expect("cut");
        text.lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    }
}

fn file(directory: &Path) -> PathBuf {
    directory.join("audit.log")
}

/// Every refusal has its two entries, whatever it is refused for.
#[tokio::test]
async fn refusals_are_recorded() {
    let audited = Audited::start().await;
    let core = &audited.core;
    let token = core.token_with(&["nothing"]).await;
    let spent = core.token(json!({ "num_uses": 1 })).await;
    core.handle(
        Operation::Read,
        "auth/token/lookup-self",
        Some(&spent),
        json!({}),
    )
    .await;
    audited.take();
    for (path, token) in [
        ("sys/mounts", None),
        ("sys/mounts", Some("hvs.unknown")),
        ("sys/mounts", Some(&*spent)),
        ("sys/mounts", Some(&*token)),
        ("nothing/there", Some(&*token)),
        ("nothing/there", Some(&*core.root_token)),
        ("sys/nothing", Some(&*core.root_token)),
    ] {
        let outcome = core.handle(Operation::Read, path, token, json!({})).await;
        assert!(outcome.result.is_err());
        let entries = audited.take();
        let [request, response] = &entries[..] else {
            panic!("{path}: {entries:#?}")
        };
        assert_eq!(request["type"], "request", "{path}");
        assert_eq!(response["type"], "response", "{path}");
        assert_eq!(request["request"]["path"], path);
        assert_eq!(request["request"]["id"], response["request"]["id"]);
        assert!(response["error"].is_string(), "{path}: {response}");
    }
}

/// Secrets are in no entry: neither the token nor what a body or an answer says.
#[tokio::test]
async fn entries_hold_no_secrets() {
    let audited = Audited::start().await;
    let core = &audited.core;
    let auth = core
        .login("bob", json!({ "metadata": { "k": "CANARY-metadata" } }))
        .await;
    core.write(
        "probe/echo/a",
        json!({ "password": "CANARY-body", "deep": [["CANARY"]] }),
    )
    .await;
    core.write("auth/token/lookup", json!({ "token": auth.client_token }))
        .await;
    let text = audited
        .take()
        .iter()
        .map(Value::to_string)
        .collect::<String>();
    assert!(text.contains("probe/echo/a"));
    for secret in [
        "CANARY-body",
        "CANARY\"",
        &auth.client_token,
        &core.root_token,
    ] {
        assert!(!text.contains(secret), "{secret}");
    }
}
