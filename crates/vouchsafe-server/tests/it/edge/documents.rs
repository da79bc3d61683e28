//! Documents outside the envelope: discovery and key set, with their caching.

use crate::harness::{Ask, TestServer};

const DOCUMENTS: [&str; 3] = [
    "identity/oidc/.well-known/openid-configuration",
    "identity/oidc/.well-known/keys",
    "identity/oidc/.well-known/jwks.json",
];

#[tokio::test]
async fn a_known_document_is_not_sent_again() {
    let server = TestServer::builder().with_oidc_role("ci", "").start().await;
    for path in DOCUMENTS {
        let answer = server.get(path).send().await.expect(200);
        let etag = answer.header("etag").to_owned();
        assert!(
            etag.starts_with('"') && etag.ends_with('"') && etag.len() > 10,
            "{answer:?}"
        );
        assert!(
            answer.header("cache-control").contains("max-age="),
            "{answer:?}"
        );
        assert_eq!(
            answer.header("content-type").split(';').next(),
            Some("application/json")
        );
        assert_ne!(answer.header("strict-transport-security"), "");

        let with = |value: &str| -> Ask { server.get(path).header("if-none-match", value) };
        for value in [
            etag.clone(),
            format!("W/{etag}"),
            format!("\"x\", {etag}"),
            "*".to_owned(),
        ] {
            let again = with(&value).send().await.expect(304);
            assert_eq!(again.text, "", "{value}");
            assert_eq!(again.header("etag"), etag);
            assert_eq!(
                again.header("cache-control"),
                answer.header("cache-control")
            );
            assert_ne!(again.header("strict-transport-security"), "");
        }
        with("\"other\"").send().await.expect(200);
        with(&etag.to_uppercase().replace('"', "'"))
            .send()
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn a_rotation_changes_the_key_set_and_its_tag() {
    let server = TestServer::builder().with_oidc_role("ci", "").start().await;
    let before = server.get(DOCUMENTS[1]).send().await.expect(200);
    server
        .write("identity/oidc/key/ci/rotate", serde_json::json!({}))
        .await;
    let ask = server
        .get(DOCUMENTS[1])
        .header("if-none-match", before.header("etag"));
    let after = ask.send().await.expect(200);
    assert_ne!(after.header("etag"), before.header("etag"));
    assert_ne!(after.text, before.text);
}
