//! Tokens that work from some addresses only.

use serde_json::json;
use vouchsafe_logical::Operation;

use crate::harness::{TestCore, TestServer};

async fn works_from(core: &TestCore, token: &str, peer: Option<&str>) -> bool {
    let path = "auth/token/lookup-self";
    let mut request = core.request(Operation::Read, path, Some(token), json!({}));
    request.remote = peer.map(|peer| peer.parse().expect("an address"));
    core.core.handle(&request).await.result.is_ok()
}

#[tokio::test]
async fn a_bound_token_works_from_its_addresses_only() {
    let blocks = json!({ "token_bound_cidrs": ["10.1.0.0/16", "2001:db8::1"] });
    let builder = TestServer::builder().with("auth/token/roles/near", blocks);
    let core = builder.start_core().await;
    let made = core
        .write("auth/token/create/near", json!({ "policies": "default" }))
        .await;
    let token = made["auth"]["client_token"]
        .as_str()
        .expect("a token")
        .to_owned();
    for (peer, works) in [
        ("10.1.0.0:1", true),
        ("10.1.255.255:1", true),
        ("10.2.0.0:1", false),
        ("[::ffff:10.1.2.3]:1", true),
        ("[::ffff:10.2.2.3]:1", false),
        ("[2001:db8::1]:1", true),
        ("[2001:db8::2]:1", false),
        ("127.0.0.1:1", false),
    ] {
        assert_eq!(works_from(&core, &token, Some(peer)).await, works, "{peer}");
    }
    assert!(
        !works_from(&core, &token, None).await,
        "an unknown peer is not inside"
    );
}

/// The refusal has the words of every other bad token.
#[tokio::test]
async fn an_address_is_refused_like_a_bad_token() {
    let server = TestServer::builder()
        .with(
            "auth/token/roles/far",
            json!({ "token_bound_cidrs": "203.0.113.0/24" }),
        )
        .start()
        .await;
    let made = server.write("auth/token/create/far", json!({})).await;
    let token = made["auth"]["client_token"].as_str().expect("a token");
    let answer = server
        .get("auth/token/lookup-self")
        .token(token)
        .send()
        .await
        .expect(403);
    assert_eq!(answer.text, "{\"errors\":[\"permission denied\"]}\n");
    // Nor does it show on routes that serve everybody, but more to whoever has a token.
    let shown = server
        .get("sys/internal/ui/mounts")
        .token(token)
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(shown["data"], json!({ "auth": {}, "secret": {} }));
    server
        .get("sys/internal/ui/mounts/sys")
        .token(token)
        .send()
        .await
        .expect(403);
}

#[tokio::test]
async fn a_login_from_elsewhere_is_refused() {
    let server = TestServer::builder().with_probes().start().await;
    let login = |blocks: &str| {
        server
            .post(
                "auth/probe/login/bob",
                json!({ "token_bound_cidrs": blocks }),
            )
            .send()
    };
    login("203.0.113.0/24").await.expect(403);
    assert_eq!(server.list("auth/token/accessors").await.len(), 1);
    login("127.0.0.0/8").await.expect(200);
}
