//! The listener that faces the internet: documents, and nothing else.

use vouchsafe_logical::Operation;
use vouchsafe_server::Forwarding;

use super::{KEYS, METADATA, key_ids, publishing};
use crate::authorization::every_request;

#[tokio::test]
async fn every_route_of_the_server_is_404_on_the_publish_listener() {
    let server = publishing().await;
    let serving = server.publish_listener(Forwarding::default()).await;
    let address = serving.address();
    let ask = |method: &str, path: &str| {
        let ask = server.ask_at(address, method, path);
        ask.header("host", "a.example").token(&server.root_token)
    };
    for path in [KEYS, METADATA] {
        ask("GET", path).send().await.expect(200);
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "LIST", "TRACE"] {
            ask(method, path).send().await.expect(404);
        }
    }
    let mut walked = 0;
    for (operation, path) in every_request().await {
        let method = match operation {
            Operation::Read | Operation::Help => "GET",
            Operation::List => "LIST",
            Operation::Create | Operation::Update => "POST",
            Operation::Patch => "PATCH",
            Operation::Delete => "DELETE",
        };
        let answer = ask(method, &format!("/v1/{path}")).json(serde_json::json!({}));
        let answer = answer.send().await.expect(404);
        assert_eq!(answer.text, "{\"errors\":[]}\n", "{method} {path}");
        walked += 1;
    }
    assert!(walked > 200, "only {walked} routes: the table is longer");
    for path in [
        "/",
        "/v1/",
        "/v1/sys/health",
        "/v1/sys/seal-status",
        "/v1/sys/init",
        "/v1/sys/leader",
        "/v1/sys/unseal",
        "/api/services",
        "/api/services/a/config",
        "/metrics",
        "/ui/",
        "/v1/identity/oidc/.well-known/openid-configuration",
    ] {
        for method in ["GET", "POST", "PUT", "DELETE"] {
            ask(method, path).send().await.expect(404);
        }
    }
    serving.stop().await;
}

#[tokio::test]
async fn a_proxy_says_which_host_it_was_asked_for_and_nobody_else_does() {
    let server = publishing().await;
    let proxy = Forwarding {
        authorized: vec!["127.0.0.1/32".parse().expect("a network")],
        reject_not_present: false,
        ..Forwarding::default()
    };
    let behind = server.publish_listener(proxy).await;
    let open = server.publish_listener(Forwarding::default()).await;
    let ask = |address, forwarded: &str| {
        let ask = server.ask_at(address, "GET", KEYS);
        ask.header("host", "a.example")
            .header("x-forwarded-host", forwarded)
    };
    let other = ask(behind.address(), "b.example").send().await;
    other.expect(404);
    let own = ask(behind.address(), "evil.example, a.example")
        .send()
        .await;
    assert_eq!(key_ids(&own.expect(200)), ["a"]);
    // The header of a client counts for nothing: the host it came to does.
    let own = ask(open.address(), "b.example").send().await;
    assert_eq!(key_ids(&own.expect(200)), ["a"]);
    behind.stop().await;
    open.stop().await;
}
