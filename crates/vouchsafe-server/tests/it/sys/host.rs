//! `sys/loggers`, `sys/host-info`, `sys/in-flight-req` and `sys/config/state/sanitized`: what is asked of the process.

use serde_json::{Value, json};
use vouchsafe_logical::Operation;

use crate::harness::{TestServer, gate, spawn};

#[tokio::test]
async fn a_loggers_level_is_read_set_and_reverted() {
    let core = TestServer::builder().start_core().await;
    let levels = json!({ "audit": "info", "core": "info" });
    assert_eq!(core.read("sys/loggers").await, levels);
    core.write("sys/loggers/core", json!({ "level": "Debug" }))
        .await;
    let one = core.read("sys/loggers/core").await;
    assert_eq!(one, json!({ "core": "debug" }));
    assert_eq!(core.read("sys/loggers").await["audit"], "info");
    core.delete("sys/loggers/core").await;
    assert_eq!(core.read("sys/loggers").await, levels);

    core.write("sys/loggers", json!({ "level": "error" })).await;
    let levels_now = json!({ "audit": "error", "core": "error" });
    assert_eq!(core.read("sys/loggers").await, levels_now);
    core.delete("sys/loggers").await;
    assert_eq!(core.read("sys/loggers").await, levels);
    // As in Vault, what is not there has no level.
    assert_eq!(core.read("sys/loggers/nope").await, json!({}));
}

#[tokio::test]
async fn loggers_and_levels_that_there_are_not_are_refused() {
    let core = TestServer::builder().start_core().await;
    let root = Some(core.root_token.as_str());
    let check = async |path: &str, operation, body: Value, reason: &str, message: &str| {
        let refused = core.handle(operation, path, root, body).await.result;
        let error = refused.expect_err(path);
        assert_eq!(
            (error.reason(), error.to_string().as_str()),
            (reason, message)
        );
    };
    let (update, delete) = (Operation::Update, Operation::Delete);
    let required = "level is required";
    check(
        "sys/loggers",
        update,
        json!({}),
        "invalid_request",
        required,
    )
    .await;
    let empty = json!({ "level": "" });
    check(
        "sys/loggers/core",
        update,
        empty,
        "invalid_request",
        required,
    )
    .await;
    let expected = "invalid level provided: expected `trace`, `debug`, `info`, `warn` or `error`";
    for level in ["off", "info,hyper=trace", "9"] {
        let body = json!({ "level": level });
        check(
            "sys/loggers/core",
            update,
            body.clone(),
            "log_level_unknown",
            expected,
        )
        .await;
        check("sys/loggers", update, body, "log_level_unknown", expected).await;
    }
    let unknown = "logger \"nope\" not found";
    let body = json!({ "level": "info" });
    check("sys/loggers/nope", update, body, "logger_unknown", unknown).await;
    check(
        "sys/loggers/nope",
        delete,
        Value::Null,
        "logger_unknown",
        unknown,
    )
    .await;
    let levels = json!({ "audit": "info", "core": "info" });
    assert_eq!(
        core.read("sys/loggers").await,
        levels,
        "nothing was changed"
    );
}

#[tokio::test]
async fn the_machine_is_shown_to_who_has_sudo() {
    let server = TestServer::builder()
        .with_policy("all", "path \"sys/*\" { capabilities = [\"read\"] }")
        .start()
        .await;
    let answer = server.get("sys/host-info").token(&server.root_token);
    let answer = answer.send().await.expect(200).json();
    assert_eq!(answer["data"]["host"]["hostname"], "here");
    assert_eq!(
        answer["data"]["timestamp"],
        "2026-01-01T00:00:00.000000000Z"
    );
    assert_eq!(answer["warnings"], json!(["`disk` can't be read: no"]));
    let token = server.token_with(&["all"]).await;
    server
        .get("sys/host-info")
        .token(&token)
        .send()
        .await
        .expect(403);
    let state = server.get("sys/config/state/sanitized").token(&token);
    let state = state.send().await.expect(200).json();
    assert_eq!(state["data"], json!({ "log_level": "info" }));
}

#[tokio::test]
async fn requests_on_their_way_are_shown_without_what_they_carry() {
    let server = TestServer::builder().with_probes().start().await;
    let asked = || async {
        let ask = server.get("sys/in-flight-req").token(&server.root_token);
        let shown = ask.send().await.expect(200).json();
        shown.as_object().expect("an object").clone()
    };
    let only = asked().await;
    let paths: Vec<_> = only
        .values()
        .map(|request| &request["request_path"])
        .collect();
    assert_eq!(paths, ["/v1/sys/in-flight-req"], "the question itself");

    let body = json!({ "secret": "canary" });
    let waiting = server
        .post("probe/gate/in-flight", body)
        .token(&server.root_token);
    let waiting = spawn(waiting.send());
    gate("in-flight").entered().await;
    let shown = asked().await;
    assert_eq!(shown.len(), 2, "{shown:?}");
    let path = "/v1/probe/gate/in-flight";
    let found = shown
        .values()
        .find(|request| request["request_path"] == path);
    let found = found.expect("the request that waits");
    assert_eq!(found["request_method"], "PUT");
    assert_eq!(found["start_time"], "2026-01-01T00:00:00.000000000Z");
    let peer = found["client_remote_address"].as_str().expect("an address");
    assert!(peer.starts_with("127.0.0.1:"), "{peer}");
    let text = Value::Object(shown).to_string();
    assert!(!text.contains("canary") && !text.contains(&server.root_token));

    gate("in-flight").open();
    waiting.await.expect("no panic");
    assert_eq!(asked().await.len(), 1, "it has ended");
    // One that panics has ended, too.
    server.get("probe/panic").send().await.expect(500);
    assert_eq!(asked().await.len(), 1);
}
