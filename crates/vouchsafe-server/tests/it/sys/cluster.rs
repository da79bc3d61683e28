//! `sys/ha-status`, `sys/step-down`, `sys/replication/status` and `sys/version-history`.

use serde_json::{Value, json};
use vouchsafe_logical::Operation;

use crate::harness::TestServer;

#[tokio::test]
async fn the_one_node_is_the_active_one() {
    let server = TestServer::start().await;
    server
        .core
        .set_api_address("https://vault.example.com:8200");
    let nodes = server.read("sys/ha-status").await["nodes"].clone();
    assert_eq!(nodes[0]["active_node"], true);
    assert_eq!(nodes[0]["hostname"], "vault.example.com:8200");
    assert_eq!(nodes[0]["api_address"], "https://vault.example.com:8200");
    assert_eq!(nodes.as_array().map(Vec::len), Some(1));

    let put = server.ask("PUT", "sys/step-down").token(&server.root_token);
    put.send().await.expect(204);
    let status = server.get("sys/replication/status").send().await;
    assert_eq!(
        status.expect(200).json()["data"],
        json!({ "mode": "disabled" })
    );
}

#[tokio::test]
async fn the_version_that_serves_is_in_the_history_once() {
    let server = TestServer::start().await;
    let fork = server.fork().await;
    for core in [&*server, &fork] {
        let outcome = core
            .handle(
                Operation::List,
                "sys/version-history",
                Some(&core.root_token),
                Value::Null,
            )
            .await;
        let reply = outcome.result.expect("a history");
        let vouchsafe_logical::Response::Data(data) = reply.response else {
            panic!("no data");
        };
        let keys = data["keys"].as_array().expect("keys");
        let [version] = &keys[..] else {
            panic!("{keys:?}")
        };
        let info = &data["key_info"][version.as_str().expect("text")];
        assert!(info["timestamp_installed"].is_string());
        assert_eq!(info["previous_version"], Value::Null);
    }
}
