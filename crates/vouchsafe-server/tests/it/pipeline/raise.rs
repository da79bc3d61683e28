//! Nobody gives their own next login a policy by a write to the directory, however they log in.

use serde_json::{Value, json};
use vouchsafe_logical::{Operation, Response};

use super::inline::{PATH, WithField};
use crate::harness::{Answer, Ask, Builder, TestCore, TestServer};

const WRITER: &str = r#"
path "identity/*" { capabilities = ["create", "read", "update", "delete", "list"] }
path "auth/token/create" { capabilities = ["update"] }
"#;
const ADMIN: &str = r#"path "*" { capabilities = ["create", "read", "update", "delete", "list"] }"#;
const SUDO: &str = r#"path "identity/*" { capabilities = ["create", "update", "sudo"] }"#;

fn builder() -> Builder {
    TestServer::builder()
        .with_probes()
        .with_policy("writer", WRITER)
        .with_policy("admin", ADMIN)
        .with_policy("directory", SUDO)
}

/// A request that logs in as bob, whose proof names these groups.
fn as_bob(ask: Ask, groups: &str) -> Ask {
    let ask = ask.header(PATH, "auth/probe/login/bob");
    ask.field("token_policies", "writer")
        .field("groups", groups)
}

async fn write_as_bob(server: &TestServer, path: &str, groups: &str, body: Value) -> Answer {
    as_bob(server.post(path, body), groups).send().await
}

#[track_caller]
fn refused(answer: Answer) {
    let error = answer.expect(403).error();
    assert!(
        error.contains("\"admin\", which you do not hold"),
        "{error}"
    );
}

/// The data of an answer, or the reason of a refusal.
async fn try_as(
    core: &TestCore,
    token: &str,
    path: &str,
    body: Value,
) -> Result<Value, &'static str> {
    let outcome = core
        .handle(Operation::Update, path, Some(token), body)
        .await;
    match outcome.result.map(|reply| reply.response) {
        Ok(Response::Data(data)) => Ok(Value::Object(data)),
        Ok(_) => Ok(Value::Null),
        Err(error) => Err(error.reason()),
    }
}

const RAISES: Result<Value, &str> = Err("would_raise_own_policies");

async fn entity(core: &TestCore, token: &str, policies: &str) -> String {
    let made = try_as(
        core,
        token,
        "identity/entity",
        json!({ "policies": policies }),
    )
    .await;
    made.expect("an entity")["id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

/// The alias by which the mount knows somebody.
async fn alias(core: &TestCore, name: &str, canonical_id: &str) -> Value {
    let accessor = core.accessor("auth/probe/").await;
    json!({ "name": name, "mount_accessor": accessor, "canonical_id": canonical_id })
}

async fn alias_id(core: &TestCore, entity_id: &str) -> String {
    let entity = core.read(&format!("identity/entity/id/{entity_id}")).await;
    entity["aliases"][0]["id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

#[tokio::test]
async fn an_in_line_login_without_an_entity_does_not_prepare_one_for_itself() {
    let server = builder().start().await;
    let strong = entity(&server, &server.root_token, "admin").await;
    let weak = entity(&server, &server.root_token, "").await;
    for name in ["bob", "BOB"] {
        let body = alias(&server, name, &strong).await;
        refused(write_as_bob(&server, "identity/entity-alias", "", body).await);
    }
    // What is about others, or gives nothing new, passes.
    let body = alias(&server, "carol", &strong).await;
    let answer = write_as_bob(&server, "identity/entity-alias", "", body).await;
    answer.expect(200);
    let body = alias(&server, "bob", &weak).await;
    let answer = write_as_bob(&server, "identity/entity-alias", "", body).await;
    answer.expect(200);
    // The policy `default` lets nobody write the entity under the path of its own id.
    let path = "identity/entity";
    let raise = |policies: &str| json!({ "id": weak, "policies": policies });
    refused(write_as_bob(&server, path, "", raise("writer,admin")).await);
    let answer = write_as_bob(&server, path, "", raise("writer")).await;
    answer.expect(204);
}

#[tokio::test]
async fn an_in_line_login_does_not_fill_a_group_that_it_names() {
    let server = builder().start().await;
    let body = json!({ "type": "external", "policies": "admin" });
    let group = server.write("identity/group", body).await["id"].clone();
    let accessor = server.accessor("auth/probe/").await;
    let named = |name| json!({ "name": name, "mount_accessor": accessor, "canonical_id": group });
    refused(write_as_bob(&server, "identity/group-alias", "ops,devs", named("Devs")).await);
    let answer = write_as_bob(&server, "identity/group-alias", "ops,devs", named("others")).await;
    answer.expect(200);
}

#[tokio::test]
async fn an_in_line_login_does_not_hold_what_only_an_earlier_login_proved() {
    let server = builder().start().await;
    let body = json!({ "type": "external", "policies": "admin" });
    let group = server.write("identity/group", body).await["id"].clone();
    let accessor = server.accessor("auth/probe/").await;
    let body = json!({ "name": "devs", "mount_accessor": accessor, "canonical_id": group });
    server.write("identity/group-alias", body).await;
    let auth = server.login("bob", json!({ "groups": "devs" })).await;
    assert_eq!(auth.identity_policies, ["admin"]);

    let path = "identity/entity";
    let raise = json!({ "id": auth.entity_id, "policies": "admin" });
    refused(write_as_bob(&server, path, "", raise.clone()).await);
    let body = json!({ "policies": "admin", "member_entity_ids": auth.entity_id });
    refused(write_as_bob(&server, "identity/group", "", body).await);
    let harmless = json!({ "id": auth.entity_id, "metadata": { "team": "a" } });
    let answer = write_as_bob(&server, path, "", harmless).await;
    answer.expect(204);
    // Who still proves it holds it.
    let answer = write_as_bob(&server, path, "devs", raise).await;
    answer.expect(204);
}

/// The tokens that bob's login makes, and the one that such a token makes.
async fn tokens_of_bob(core: &TestCore) -> Vec<(String, String)> {
    let mut tokens = Vec::new();
    for kind in ["service", "batch"] {
        let body = json!({ "token_policies": "writer", "token_type": kind });
        let auth = core.login("bob", body).await;
        tokens.push((auth.client_token, auth.entity_id));
    }
    for kind in ["service", "batch"] {
        let (token, entity_id) = tokens[0].clone();
        let path = "auth/token/create";
        let body = json!({ "type": kind });
        let outcome = core.handle(Operation::Update, path, Some(&token), body);
        let Ok(Response::Auth(child)) = outcome.await.result.map(|reply| reply.response) else {
            panic!("no token");
        };
        assert_eq!(child.entity_id, entity_id);
        tokens.push((child.client_token, entity_id));
    }
    tokens
}

#[tokio::test]
async fn a_token_does_not_move_its_login_to_an_entity_that_is_raised_later() {
    let core = builder().start_core().await;
    for kind in 0..4 {
        let core = core.fork().await;
        let (token, _) = tokens_of_bob(&core).await.swap_remove(kind);
        let heir = entity(&core, &token, "").await;
        let moved = alias(&core, "bob", &heir).await;
        let path = "identity/entity-alias";
        assert!(try_as(&core, &token, path, moved).await.is_ok());
        let path = format!("identity/entity/id/{heir}");
        let raise = |policies: &str| json!({ "policies": policies });
        let raised = try_as(&core, &token, &path, raise("admin")).await;
        assert_eq!(raised, RAISES, "{kind}");
        let allowed = try_as(&core, &token, &path, raise("writer")).await;
        assert_eq!(allowed, Ok(Value::Null), "{kind}");
    }
}

#[tokio::test]
async fn a_token_does_not_give_up_its_alias_to_take_it_again_elsewhere() {
    let core = builder().start_core().await;
    for kind in 0..4 {
        for is_deleted in [true, false] {
            let core = core.fork().await;
            let (token, own) = tokens_of_bob(&core).await.swap_remove(kind);
            let path = format!("identity/entity-alias/id/{}", alias_id(&core, &own).await);
            if is_deleted {
                let deleted = core.handle(Operation::Delete, &path, Some(&token), json!({}));
                deleted.await.result.expect("deleted");
            } else {
                let renamed = try_as(&core, &token, &path, json!({ "name": "zoe" })).await;
                renamed.expect("renamed");
            }
            let strong = entity(&core, &token, "admin").await;
            let taken = alias(&core, "Bob", &strong).await;
            let path = "identity/entity-alias";
            assert_eq!(try_as(&core, &token, path, taken).await, RAISES, "{kind}");
            let weak = entity(&core, &token, "").await;
            let taken = alias(&core, "bob", &weak).await;
            assert!(try_as(&core, &token, path, taken).await.is_ok(), "{kind}");
            let again = core.login("bob", json!({})).await;
            assert_eq!(again.entity_id, weak);
            assert_eq!(again.policies, ["default"]);
        }
    }
}

#[tokio::test]
async fn a_token_does_not_fill_a_group_that_its_login_named() {
    let core = builder().start_core().await;
    let body = json!({ "token_policies": "writer", "groups": "devs" });
    let token = core.login("bob", body).await.client_token;
    let body = json!({ "type": "external", "policies": "admin" });
    let group = try_as(&core, &token, "identity/group", body).await;
    let group = group.expect("a group")["id"].clone();
    let accessor = core.accessor("auth/probe/").await;
    let body = json!({ "name": "devs", "mount_accessor": accessor, "canonical_id": group });
    let path = "identity/group-alias";
    assert_eq!(try_as(&core, &token, path, body).await, RAISES);
}

#[tokio::test]
async fn a_token_of_a_role_s_alias_is_that_alias_s_login() {
    let core = builder().start_core().await;
    let role = json!({ "allowed_entity_aliases": "svc", "allowed_policies": "writer" });
    core.write("auth/token/roles/ci", role).await;
    let path = "auth/token/create/ci";
    let body = json!({ "entity_alias": "svc", "policies": "writer" });
    let outcome = core.handle(Operation::Update, path, Some(&core.root_token), body);
    let Ok(Response::Auth(auth)) = outcome.await.result.map(|reply| reply.response) else {
        panic!("no token");
    };
    let token = auth.client_token;
    let path = format!(
        "identity/entity-alias/id/{}",
        alias_id(&core, &auth.entity_id).await
    );
    let deleted = core.handle(Operation::Delete, &path, Some(&token), json!({}));
    deleted.await.result.expect("deleted");
    let strong = entity(&core, &token, "admin").await;
    let accessor = core.accessor("auth/token/").await;
    let taken = json!({ "name": "svc", "mount_accessor": accessor, "canonical_id": strong });
    assert_eq!(
        try_as(&core, &token, "identity/entity-alias", taken).await,
        RAISES
    );
}

/// Operators with `sudo`, and tokens that are nobody's login, set up whom they like.
#[tokio::test]
async fn sudo_and_tokens_of_nobody_raise_whom_they_like() {
    let core = builder().start_core().await;
    let sudo = json!({ "token_policies": "directory" });
    let sudo = core.login("bob", sudo).await.client_token;
    let nobody = core.token_with(&["writer"]).await;
    for token in [&sudo, &nobody, &core.root_token] {
        let strong = entity(&core, token, "admin").await;
        let moved = alias(&core, "bob", &strong).await;
        let path = "identity/entity-alias";
        assert!(try_as(&core, token, path, moved).await.is_ok());
    }
}
