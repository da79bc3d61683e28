//! Whoever calls with a JWT gives the entity of its issuer and subject nothing that the caller does
//! not hold.

use serde_json::{Value, json};
use vouchsafe_logical::{Operation, Response};

use super::{Idp, core_with};
use crate::harness::TestCore;

const WRITER: &str = r#"
path "identity/*" { capabilities = ["create", "read", "update", "delete", "list"] }
"#;

async fn office(idp: &Idp) -> TestCore {
    let core = core_with(&idp.table("app1", "", "")).await;
    // All roles have it.
    core.write("sys/policies/acl/app", json!({ "policy": WRITER }))
        .await;
    core
}

/// The data of an answer, or the reason of a refusal.
async fn try_as(core: &TestCore, token: &str, path: &str, body: Value) -> Result<Value, String> {
    let outcome = core
        .handle(Operation::Update, path, Some(token), body)
        .await;
    match outcome.result.map(|reply| reply.response) {
        Ok(Response::Data(data)) => Ok(Value::Object(data)),
        Ok(_) => Ok(Value::Null),
        Err(error) => Err(error.reason().to_owned()),
    }
}

/// Gives an entity of these policies the alias of the subject `ci`.
async fn take_alias(core: &TestCore, token: &str, policies: &str) -> Result<Value, String> {
    let body = json!({ "policies": policies });
    let made = try_as(core, token, "identity/entity", body).await?;
    let accessor = core.read("sys/mounts").await["sys/"]["accessor"].clone();
    let name = "https://idp.example/#ci";
    let body = json!({ "name": name, "mount_accessor": accessor, "canonical_id": made["id"] });
    try_as(core, token, "identity/entity-alias", body).await
}

#[tokio::test]
async fn a_caller_without_an_entity_does_not_prepare_one_for_itself() {
    let idp = Idp::new("k1");
    let core = office(&idp).await;
    let token = idp.token(json!({}));
    let taken = take_alias(&core, &token, "other").await;
    assert_eq!(taken, Err("would_raise_own_policies".to_owned()));
    // Somebody else may be prepared for, and oneself with what one holds.
    let other = idp.token(json!({ "sub": "boss" }));
    assert!(take_alias(&core, &other, "other").await.is_ok());
    let core = office(&idp).await;
    let id = take_alias(&core, &token, "app").await.expect("an alias")["canonical_id"].clone();
    let path = format!("identity/entity/id/{}", id.as_str().expect("an id"));
    let raised = try_as(&core, &token, &path, json!({ "policies": "app,other" })).await;
    assert_eq!(raised, Err("would_raise_own_policies".to_owned()));
}

#[tokio::test]
async fn an_alias_that_was_deleted_is_still_the_caller_s() {
    let idp = Idp::new("k1");
    let core = office(&idp).await;
    let person = idp.token(json!({ "roles": "Person" }));
    let path = "identity/entity/name/x";
    try_as(&core, &person, path, json!({}))
        .await
        .expect("written");
    let ids = core.list("identity/entity-alias/id").await;
    let path = format!(
        "identity/entity-alias/id/{}",
        ids[0].as_str().expect("an id")
    );
    let deleted = core.handle(Operation::Delete, &path, Some(&person), json!({}));
    deleted.await.result.expect("deleted");
    let taken = take_alias(&core, &idp.token(json!({})), "other").await;
    assert_eq!(taken, Err("would_raise_own_policies".to_owned()));
}
