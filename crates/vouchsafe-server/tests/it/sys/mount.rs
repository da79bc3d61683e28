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
