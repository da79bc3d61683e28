//! `sys/plugins/catalog`: what can be mounted.

use serde_json::json;

use crate::harness::TestServer;

#[tokio::test]
async fn the_catalog_names_what_can_be_mounted() {
    let server = TestServer::start().await;
    let catalog = server.read("sys/plugins/catalog").await;
    let has = |class: &str, name: &str| {
        let names = catalog[class].as_array().expect("names");
        names.contains(&json!(name))
    };
    assert!(has("auth", "userpass") && has("secret", "kv"));
    assert!(!has("auth", "kv") && !has("secret", "userpass"));
    assert_eq!(catalog["database"], json!([]));
    let listed = server.list("sys/plugins/catalog/auth").await;
    assert_eq!(json!(listed), catalog["auth"]);
    let kv = server.read("sys/plugins/catalog/secret/kv").await;
    assert_eq!(kv["name"], "kv");
    assert_eq!(kv["builtin"], true);

    let refused = |path: &str| {
        let ask = server.get(&format!("sys/plugins/catalog/{path}"));
        ask.token(&server.root_token).send()
    };
    refused("auth/kv").await.expect(404);
    refused("zz/kv").await.expect(400);
}
