//! Mounting, as clients see it.

use serde_json::json;

use crate::harness::TestServer;

/// Clients read `options` to tell the versions of a key-value engine apart.
#[tokio::test]
async fn a_kind_that_stands_for_another_is_mounted_as_that_one() {
    let core = TestServer::builder().start_core().await;
    core.write("sys/mounts/team", json!({ "type": "kv-v2" }))
        .await;
    let mount = core.read("sys/mounts/team").await;
    assert_eq!(mount["type"], "kv");
    assert_eq!(mount["options"], json!({ "version": "2" }));
    let accessor = mount["accessor"].as_str().expect("an accessor");
    assert!(accessor.starts_with("kv_"), "{accessor}");
    core.write("team/data/a", json!({ "data": { "x": "1" } }))
        .await;
    assert_eq!(core.read("team/data/a").await["data"]["x"], "1");
}

#[tokio::test]
async fn the_status_of_a_move_is_that_of_a_move_that_was_made() {
    let server = TestServer::start().await;
    server
        .write("sys/mounts/one", json!({ "type": "kv" }))
        .await;
    let moved = server
        .write("sys/remount", json!({ "from": "one", "to": "two" }))
        .await;
    let id = moved["migration_id"].as_str().expect("an id");
    let status = server.read(&format!("sys/remount/status/{id}")).await;
    assert_eq!(status["migration_id"], id);
    assert_eq!(
        status["migration_info"],
        json!({ "source_mount": "one/", "target_mount": "two/", "status": "success" })
    );
    let unknown = server.get("sys/remount/status/none");
    unknown.token(&server.root_token).send().await.expect(404);
    let refused = server.post("sys/remount", json!({ "from": "two" }));
    let refused = refused.token(&server.root_token).send().await.expect(400);
    let expected = "both 'from' and 'to' path must be specified as a string";
    assert_eq!(refused.error(), expected);
}

#[tokio::test]
async fn tuning_is_shown_and_refused_as_in_vault() {
    let server = TestServer::start().await;
    server
        .write("sys/mounts/one", json!({ "type": "kv" }))
        .await;
    let ask = server.post("sys/mounts/one/tune", json!({ "token_type": "batch" }));
    let refused = ask.token(&server.root_token).send().await.expect(400);
    let expected = "'token_type' can only be modified on auth mounts";
    assert_eq!(refused.error(), expected);

    server
        .write("sys/auth/up", json!({ "type": "userpass" }))
        .await;
    let lockout = json!({ "user_lockout_config": { "lockout_threshold": 3 } });
    // The address that the command line uses for auth methods.
    server.write("sys/mounts/auth/up/tune", lockout).await;
    let shown = server.read("sys/auth/up/tune").await;
    assert_eq!(shown["user_lockout_threshold"], 3);
    assert_eq!(shown["user_lockout_disable"], false);
    assert!(shown["user_lockout_config"].is_null());
}
