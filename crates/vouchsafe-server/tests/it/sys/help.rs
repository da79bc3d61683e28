//! `?help=1` on every path.

use serde_json::Value;

use crate::harness::TestServer;

async fn help(server: &TestServer, path: &str) -> Value {
    let ask = server.get(&format!("{path}?help=1"));
    let help = ask.token(&server.root_token).send().await.expect(200);
    help.json()
}

#[tokio::test]
async fn a_route_says_what_it_takes_in_text_and_in_openapi() {
    let server = TestServer::start().await;
    let help = help(&server, "identity/oidc/role/r").await;
    let text = help["help"].as_str().expect("text");
    assert!(text.contains("client_id (string)"), "{text}");
    assert!(text.contains("## DELETE"), "{text}");
    let item = &help["openapi"]["paths"]["/identity/oidc/role/{name}"];
    assert!(item["post"]["summary"].is_string(), "{help}");
    let members: Vec<&String> = help.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["help", "see_also", "openapi"]);
}

#[tokio::test]
async fn a_mount_says_what_is_below_it() {
    let server = TestServer::start().await;
    for path in ["identity", "identity/", "sys/", "auth/token", "cubbyhole/"] {
        let help = help(&server, path).await;
        let text = help["help"].as_str().expect("text");
        assert!(text.contains("## PATHS"), "{text}");
        let paths = help["openapi"]["paths"].as_object().expect("paths");
        assert!(!paths.is_empty(), "{path}");
    }
    server.get("sys/?help=1").send().await.expect(403);
}

/// What it says is public, and whoever has to unseal the server may need it.
#[tokio::test]
async fn the_keepers_paths_have_help_while_sealed_and_without_a_token() {
    let server = TestServer::sealed().await;
    for path in [
        "sys/unseal",
        "sys/health",
        "sys/init",
        "sys/generate-root/attempt",
    ] {
        let answer = server.get(&format!("{path}?help=1")).send().await;
        let help = answer.expect(200).json();
        assert!(
            help["help"].as_str().expect("text").contains(path),
            "{help}"
        );
    }
    server.get("sys/mounts?help=1").send().await.expect(503);
}
