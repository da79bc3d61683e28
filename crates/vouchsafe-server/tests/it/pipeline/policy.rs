//! What a policy says holds from the next request on.

use std::time::Duration;

use serde_json::{Value, json};
use vouchsafe_logical::Operation;

use crate::harness::{TestCore, TestServer};

async fn may(core: &TestCore, operation: Operation, path: &str, token: &str, data: Value) -> bool {
    match core.handle(operation, path, Some(token), data).await.result {
        Ok(_) => true,
        Err(error) => error.reason() != "policy_denied",
    }
}

async fn may_read(core: &TestCore, path: &str, token: &str) -> bool {
    may(core, Operation::Read, path, token, json!({})).await
}

const READ_A: &str = r#"path "probe/echo/a" { capabilities = ["read"] }"#;

#[tokio::test]
async fn a_change_of_a_policy_holds_at_once() {
    let core = TestServer::builder()
        .with_probes()
        .with_policy("p", READ_A)
        .start_core()
        .await;
    let token = core.token_with(&["p"]).await;
    assert!(may_read(&core, "probe/echo/a", &token).await);
    assert!(!may_read(&core, "probe/echo/b", &token).await);
    let policy = r#"path "probe/echo/b" { capabilities = ["read"] }"#;
    core.write("sys/policies/acl/p", json!({ "policy": policy }))
        .await;
    assert!(!may_read(&core, "probe/echo/a", &token).await);
    assert!(may_read(&core, "probe/echo/b", &token).await);
    core.delete("sys/policies/acl/p").await;
    assert!(!may_read(&core, "probe/echo/b", &token).await);
    // A policy that is written later gives the power to whoever has had its name all along.
    core.write("sys/policies/acl/P", json!({ "policy": READ_A }))
        .await;
    assert!(may_read(&core, "probe/echo/a", &token).await);
}

/// GHSA-m979-w9wj-qfj9: whoever leaves a group has lost its policies at the next request.
#[tokio::test]
async fn a_change_of_a_group_holds_at_once() {
    let core = TestServer::builder()
        .with_probes()
        .with_policy("p", READ_A)
        .start_core()
        .await;
    let auth = core.login("bob", json!({})).await;
    let token = &auth.client_token;
    assert!(!may_read(&core, "probe/echo/a", token).await);
    let members = |ids: Value| json!({ "name": "g", "policies": "p", "member_entity_ids": ids });
    core.write("identity/group", members(json!([auth.entity_id])))
        .await;
    assert!(may_read(&core, "probe/echo/a", token).await);
    core.write("identity/group", members(json!([]))).await;
    assert!(!may_read(&core, "probe/echo/a", token).await);
    // By way of a subgroup, and by the end of the group above.
    let inner = json!({ "name": "inner", "member_entity_ids": [auth.entity_id] });
    let inner = core.write("identity/group", inner).await;
    let outer = json!({ "name": "g", "member_group_ids": [inner["id"]] });
    core.write("identity/group", outer).await;
    assert!(may_read(&core, "probe/echo/a", token).await);
    core.delete("identity/group/name/g").await;
    assert!(!may_read(&core, "probe/echo/a", token).await);
}

/// Groups that a proof names hold for as long as proofs name them.
#[tokio::test]
async fn external_groups_follow_the_login() {
    let core = TestServer::builder()
        .with_probes()
        .with_policy("p", READ_A)
        .start_core()
        .await;
    let group = json!({ "name": "g", "type": "external", "policies": "p" });
    let group = core.write("identity/group", group).await;
    let accessor = core.accessor("auth/probe/").await;
    let alias = json!({ "name": "devs", "mount_accessor": accessor, "canonical_id": group["id"] });
    core.write("identity/group-alias", alias).await;
    let first = core
        .login("bob", json!({ "groups": ["devs"] }))
        .await
        .client_token;
    assert!(may_read(&core, "probe/echo/a", &first).await);
    let second = core
        .login("bob", json!({ "groups": [] }))
        .await
        .client_token;
    assert!(!may_read(&core, "probe/echo/a", &second).await);
    assert!(!may_read(&core, "probe/echo/a", &first).await);
}

#[tokio::test]
async fn templates_are_filled_from_the_callers_entity() {
    let policy = r#"
        path "probe/thing/{{identity.entity.id}}" { capabilities = ["create", "update"] }
        path "probe/echo/{{identity.entity.metadata.team}}/*" { capabilities = ["read"] }
    "#;
    let core = TestServer::builder()
        .with_probes()
        .with_policy("own", policy)
        .start_core()
        .await;
    let own = json!({ "token_policies": "own" });
    let bob = core.login("bob", own.clone()).await;
    let eve = core.login("eve", own).await;
    let write = async |token: &str, id: &str| {
        may(
            &core,
            Operation::Update,
            &format!("probe/thing/{id}"),
            token,
            json!({}),
        )
        .await
    };
    assert!(write(&bob.client_token, &bob.entity_id).await);
    assert!(!write(&bob.client_token, &eve.entity_id).await);
    assert!(write(&eve.client_token, &eve.entity_id).await);
    // A rule that can't be filled in grants nothing; once it can, it holds at once.
    assert!(!may_read(&core, "probe/echo/red/x", &bob.client_token).await);
    let entity = format!("identity/entity/id/{}", bob.entity_id);
    core.write(&entity, json!({ "metadata": { "team": "red" } }))
        .await;
    assert!(may_read(&core, "probe/echo/red/x", &bob.client_token).await);
    assert!(!may_read(&core, "probe/echo/red/x", &eve.client_token).await);
    core.write(&entity, json!({ "metadata": { "team": "blue" } }))
        .await;
    assert!(!may_read(&core, "probe/echo/red/x", &bob.client_token).await);
    // GHSA-59w7-v8rr-pr4p: a value can't widen the rule.
    core.write(&entity, json!({ "metadata": { "team": "+" } }))
        .await;
    assert!(!may_read(&core, "probe/echo/red/x", &bob.client_token).await);
}

#[tokio::test]
async fn parameters_are_part_of_the_question() {
    let policy = r#"
        path "probe/echo/a" {
            capabilities = ["update", "read"]
            allowed_parameters = { "kind" = ["x*", "y"], "note" = [] }
            denied_parameters = { "note" = ["secret"] }
            required_parameters = ["kind"]
        }
    "#;
    let core = TestServer::builder()
        .with_probes()
        .with_policy("p", policy)
        .start_core()
        .await;
    let token = core.token_with(&["p"]).await;
    for (data, allowed) in [
        (json!({ "kind": "xyz" }), true),
        (json!({ "kind": "y", "NOTE": "anything" }), true),
        (json!({ "kind": "y", "NOTE": "secret" }), false),
        (json!({ "kind": "y", "note": "anything" }), true),
        (json!({ "kind": "y", "note": "secret" }), false),
        (json!({ "kind": "z" }), false),
        (json!({ "kind": "y", "other": 1 }), false),
        (json!({ "note": "x" }), false),
        (json!({}), false),
    ] {
        for operation in [Operation::Update, Operation::Read] {
            let found = may(&core, operation, "probe/echo/a", &token, data.clone()).await;
            assert_eq!(found, allowed, "{operation} {data}");
        }
    }
}

/// A listing is asked about with a slash at its end, and rules without one hold too.
#[tokio::test]
async fn a_listing_and_its_slash() {
    let core = TestServer::builder().with_probes().start_core().await;
    for (rule, with_slash, path, allowed) in [
        ("probe/echo/a", "no", "probe/echo/a", true),
        ("probe/echo/a/", "yes", "probe/echo/a", true),
        ("probe/echo/a/*", "below", "probe/echo/a", true),
        ("probe/echo/+", "segment", "probe/echo/a", true),
        ("probe/echo/a", "other", "probe/echo/b", false),
    ] {
        let policy = json!({ "path": { rule: { "capabilities": ["list"] } } }).to_string();
        core.write(
            &format!("sys/policies/acl/{with_slash}"),
            json!({ "policy": policy }),
        )
        .await;
        let token = core.token_with(&[with_slash]).await;
        let found = may(&core, Operation::List, path, &token, json!({})).await;
        assert_eq!(found, allowed, "{rule} {path}");
        assert!(!may_read(&core, path, &token).await);
    }
    // GHSA-xp3c-3jw3-4vcr: the more specific deny holds for a listing as well.
    let policy = r#"
        path "probe/echo/*" { capabilities = ["list", "read"] }
        path "probe/echo/secret" { capabilities = ["deny"] }
    "#;
    core.write("sys/policies/acl/deny", json!({ "policy": policy }))
        .await;
    let token = core.token_with(&["deny"]).await;
    assert!(may(&core, Operation::List, "probe/echo/open", &token, json!({})).await);
    assert!(
        !may(
            &core,
            Operation::List,
            "probe/echo/secret",
            &token,
            json!({})
        )
        .await
    );
}

#[tokio::test]
async fn what_everybody_may() {
    let core = TestServer::builder().with_probes().start_core().await;
    let auth = core.login("bob", json!({})).await;
    let token = &auth.client_token;
    assert_eq!(auth.policies, ["default"]);
    let own = format!("identity/entity/id/{}", auth.entity_id);
    for (operation, path, data) in [
        (Operation::Read, "auth/token/lookup-self", json!({})),
        (Operation::Update, "auth/token/renew-self", json!({})),
        (
            Operation::Update,
            "sys/capabilities-self",
            json!({ "paths": "a" }),
        ),
        (Operation::Read, "sys/internal/ui/resultant-acl", json!({})),
        (Operation::Read, own.as_str(), json!({})),
        (Operation::Update, "auth/token/revoke-self", json!({})),
    ] {
        assert!(may(&core, operation, path, token, data).await, "{path}");
    }
    core.clock.advance(Duration::from_secs(1));
    let eve = core.login("eve", json!({})).await;
    assert!(!may_read(&core, &own, &eve.client_token).await);
    assert!(!may_read(&core, "sys/mounts", &eve.client_token).await);
}
