//! The entity behind a token.

use serde_json::{Value, json};
use vouchsafe_logical::Operation;

use crate::harness::{TestCore, TestServer, spawn};

async fn lookup(core: &TestCore, token: &str) -> Result<(), &'static str> {
    let path = "auth/token/lookup-self";
    let outcome = core
        .handle(Operation::Read, path, Some(token), json!({}))
        .await;
    outcome.result.map(|_| ()).map_err(|error| error.reason())
}

#[tokio::test]
async fn a_disabled_entity_is_refused_at_the_next_request() {
    let server = TestServer::builder().with_probes().start().await;
    let auth = server.login("bob", json!({})).await;
    let entity = format!("identity/entity/id/{}", auth.entity_id);
    assert_eq!(lookup(&server, &auth.client_token).await, Ok(()));
    server.write(&entity, json!({ "disabled": true })).await;
    assert_eq!(
        lookup(&server, &auth.client_token).await,
        Err("entity_disabled")
    );
    // In the words of every other refused token; and a login gives no new one.
    let ask = server
        .get("auth/token/lookup-self")
        .token(&auth.client_token);
    assert_eq!(
        ask.send().await.expect(403).text,
        "{\"errors\":[\"permission denied\"]}\n"
    );
    let before = server.list("auth/token/accessors").await.len();
    server
        .post("auth/probe/login/bob", json!({}))
        .send()
        .await
        .expect(403);
    assert_eq!(server.list("auth/token/accessors").await.len(), before);
    server.write(&entity, json!({ "disabled": false })).await;
    assert_eq!(lookup(&server, &auth.client_token).await, Ok(()));
}

#[tokio::test]
async fn a_deleted_entity_is_refused_at_the_next_request() {
    let core = TestServer::builder().with_probes().start_core().await;
    let service = core.login("bob", json!({})).await;
    let batch = core.login("bob", json!({ "token_type": "batch" })).await;
    assert_eq!(service.entity_id, batch.entity_id);
    assert_eq!(lookup(&core, &batch.client_token).await, Ok(()));
    core.delete(&format!("identity/entity/id/{}", service.entity_id))
        .await;
    assert_eq!(
        lookup(&core, &service.client_token).await,
        Err("entity_gone")
    );
    assert_eq!(lookup(&core, &batch.client_token).await, Err("entity_gone"));
    // The next login is somebody new.
    let again = core.login("bob", json!({})).await;
    assert_ne!(again.entity_id, service.entity_id);
}

/// Sixty-four first logins at once are one person.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_first_logins_give_one_entity() {
    let server = TestServer::builder().with_probes().start().await;
    let spellings = ["bob", "BOB", "Bob", "boB"];
    let logins: Vec<_> = (0..64)
        .map(|n| format!("auth/probe/login/{}", spellings[n % spellings.len()]))
        .map(|path| spawn(server.post(&path, json!({})).send()))
        .collect();
    let mut entities = std::collections::BTreeSet::new();
    let mut tokens = std::collections::BTreeSet::new();
    for login in logins {
        let answer = login.await.expect("no panic").expect(200).json();
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        entities.insert(text(&answer["auth"]["entity_id"]));
        tokens.insert(text(&answer["auth"]["client_token"]));
    }
    assert_eq!(entities.len(), 1);
    assert_eq!(tokens.len(), 64);
    assert_eq!(server.list("identity/entity/id").await.len(), 1);
    assert_eq!(server.list("identity/entity-alias/id").await.len(), 1);
}

/// CVE-2022-40186: the same name at two mounts is two aliases, and neither sees the other's data.
#[tokio::test]
async fn one_name_at_two_mounts_is_two_people() {
    let core = TestServer::builder()
        .with_probes()
        .with("sys/auth/other", json!({ "type": "probe" }))
        .start_core()
        .await;
    let first = core
        .login("bob", json!({ "metadata": { "at": "probe" } }))
        .await;
    let path = "auth/other/login/bob";
    let body = json!({ "metadata": { "at": "other" } });
    let outcome = core.handle(Operation::Update, path, None, body).await;
    let Ok(vouchsafe_logical::Response::Auth(second)) = outcome.result.map(|r| r.response) else {
        panic!("no login");
    };
    assert_ne!(first.entity_id, second.entity_id);
    for (auth, at) in [(&first, "probe"), (&*second, "other")] {
        let entity = core
            .read(&format!("identity/entity/id/{}", auth.entity_id))
            .await;
        assert_eq!(entity["aliases"][0]["metadata"]["at"], at);
    }
}
