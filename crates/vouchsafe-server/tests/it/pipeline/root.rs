//! Root tokens.

use serde_json::json;

use crate::harness::TestServer;

#[tokio::test]
async fn root_tokens_have_no_entity_and_no_end() {
    let core = TestServer::builder().start_core().await;
    let found = core.read("auth/token/lookup-self").await;
    assert_eq!(found["entity_id"], "");
    assert_eq!(found["policies"], json!(["root"]));
    assert_eq!(found["ttl"], 0);
    assert_eq!(found["expire_time"], json!(null));
    core.clock
        .advance(std::time::Duration::from_secs(100 * 365 * 86_400));
    core.core.tick().await;
    core.read("auth/token/lookup-self").await;
}

/// CVE-2025-5999: no spelling of `root` gets into a token but root's own.
#[tokio::test]
async fn no_spelling_of_root_is_given_away() {
    let everything =
        r#"path "*" { capabilities = ["create","read","update","delete","list","patch","sudo"] }"#;
    let server = TestServer::builder()
        .with_probes()
        .with_policy("all", everything)
        .start()
        .await;
    let sudo = server.token_with(&["all"]).await;
    for name in [
        "root",
        "Root",
        " root",
        "root ",
        "\troot\n",
        "ROOT",
        "r\u{6f}ot",
        " RoOt\u{a0}",
    ] {
        let refused = [
            server
                .post("auth/token/create", json!({ "policies": [name] }))
                .token(&sudo),
            server.post("auth/probe/login/bob", json!({ "token_policies": [name] })),
            server
                .post("identity/entity", json!({ "policies": [name] }))
                .token(&sudo),
            server
                .post("identity/group", json!({ "policies": [name] }))
                .token(&sudo),
            server
                .post("auth/token/roles/r", json!({ "allowed_policies": [name] }))
                .token(&sudo),
        ];
        for (place, ask) in refused.into_iter().enumerate() {
            let answer = ask.send().await;
            let body = answer.text.clone();
            if answer.status.is_success() && place < 2 {
                // A name that is not root by any reading is a policy without power.
                let policies = answer.json()["auth"]["policies"].to_string();
                assert!(!policies.contains("\"root\""), "{name:?} {place}: {body}");
            }
        }
        let role = server
            .post("auth/token/create/r", json!({ "policies": [name] }))
            .token(&sudo);
        let made = role.send().await;
        assert!(
            !made.text.contains("\"root\"") || !made.status.is_success(),
            "{made:?}"
        );
    }
}
