//! The entity of a JWT's issuer and subject, and identity tokens for it.

use serde_json::{Value, json};
use vouchsafe_logical::{Operation, Response};

use super::{ALLOWED, Idp, core_with, refusal_of};
use crate::harness::TestCore;

const TOKEN: &str = "identity/oidc/token/ci";

async fn identity_core(idp: &Idp) -> TestCore {
    let core = core_with(&idp.table("app1", "", "")).await;
    let key = json!({"algorithm": "ES256", "allowed_client_ids": "*"});
    core.write("identity/oidc/key/ci", key).await;
    core.write("identity/oidc/role/ci", json!({"key": "ci"}))
        .await;
    core
}

/// The claims of the identity token that a credential gets.
pub(super) async fn identity_token(core: &TestCore, credential: &str) -> Result<Value, String> {
    use base64::Engine;
    let outcome = core
        .handle(Operation::Read, TOKEN, Some(credential), json!({}))
        .await;
    let reply = outcome.result.map_err(|error| error.reason().to_owned())?;
    let Response::Data(data) = reply.response else {
        panic!("no data");
    };
    let token = data["token"].as_str().expect("a token").to_owned();
    let payload = token.split('.').nth(1).expect("three parts");
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(payload)
        .expect("base64url");
    Ok(serde_json::from_slice(&payload).expect("JSON"))
}

/// The subject of the identity token that a credential gets.
async fn subject(core: &TestCore, credential: &str) -> Result<String, String> {
    let claims = identity_token(core, credential).await?;
    Ok(claims["sub"].as_str().expect("a subject").to_owned())
}

pub(super) async fn add_entity(core: &TestCore, name: &str, alias: &str) -> String {
    let accessor = core.read("sys/mounts").await["sys/"]["accessor"].clone();
    let entity = core.write("identity/entity", json!({"name": name})).await;
    let id = entity["id"].as_str().expect("an id").to_owned();
    let alias = json!({"name": alias, "canonical_id": id, "mount_accessor": accessor});
    core.write("identity/entity-alias", alias).await;
    id
}

#[tokio::test]
async fn an_entity_that_is_there_is_used_and_none_is_made() {
    let idp = Idp::new("k1");
    let core = identity_core(&idp).await;
    let token = idp.token(json!({}));
    let before = core.records().await;
    assert!(subject(&core, &token).await.is_err(), "there is no entity");
    assert_eq!(core.records().await, before);
    let id = add_entity(&core, "ci", "https://idp.example/#ci").await;
    let before = core.records().await;
    assert_eq!(subject(&core, &token).await, Ok(id));
    assert_eq!(core.records().await, before);
    // Another subject, and one that differs in case alone, is somebody else.
    for sub in ["other", "CI"] {
        let other = idp.token(json!({ "sub": sub }));
        assert!(subject(&core, &other).await.is_err(), "{sub}");
    }
}

#[tokio::test]
async fn an_entity_is_made_once_where_the_role_says_so() {
    let idp = Idp::new("k1");
    let core = identity_core(&idp).await;
    let first = idp.token(json!({"roles": "Person"}));
    let id = subject(&core, &first).await.expect("an identity token");
    let before = core.records().await;
    let second = idp.token(json!({"roles": "Person", "jti": "2"}));
    assert_eq!(subject(&core, &second).await.as_ref(), Ok(&id));
    assert_eq!(
        subject(&core, &idp.token(json!({}))).await.as_ref(),
        Ok(&id)
    );
    assert_eq!(core.records().await, before);
    let entity = core.read(&format!("identity/entity/id/{id}")).await;
    assert_eq!(entity["aliases"][0]["name"], "https://idp.example/#ci");
    let other = subject(
        &core,
        &idp.token(json!({"roles": "Person", "sub": "other"})),
    )
    .await;
    assert_ne!(other.expect("an identity token"), id);
    // In another case it is somebody else, whom the directory can't hold beside the first.
    assert!(
        subject(&core, &idp.token(json!({"roles": "Person", "sub": "CI"})))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn an_entity_gives_its_policies_and_a_disabled_one_refuses() {
    let idp = Idp::new("k1");
    let core = identity_core(&idp).await;
    let token = idp.token(json!({}));
    let id = add_entity(&core, "ci", "https://idp.example/#ci").await;
    assert_eq!(
        refusal_of(&core, "probe/echo/b", &token).await,
        "policy_denied"
    );
    let policy = r#"path "probe/echo/b" { capabilities = ["read"] }"#;
    core.write("sys/policies/acl/extra", json!({ "policy": policy }))
        .await;
    core.write(
        &format!("identity/entity/id/{id}"),
        json!({"policies": ["extra"]}),
    )
    .await;
    assert_eq!(refusal_of(&core, "probe/echo/b", &token).await, "");
    core.write(
        &format!("identity/entity/id/{id}"),
        json!({"disabled": true}),
    )
    .await;
    assert_eq!(refusal_of(&core, ALLOWED, &token).await, "entity_disabled");
}

/// What a request with a remembered token and an entity needs is proved, not read and decrypted again.
#[tokio::test]
async fn a_repeated_request_decrypts_nothing() {
    let idp = Idp::new("k1");
    let core = core_with(&idp.table("app1", "", "")).await;
    let group = |id: &str| json!({"name": "g", "member_entity_ids": [id], "policies": ["app"]});
    for (token, alias) in [
        (idp.token(json!({})), "https://idp.example/#ci"),
        (idp.token(json!({"sub": "none"})), ""),
    ] {
        if !alias.is_empty() {
            let id = add_entity(&core, "ci", alias).await;
            core.write("identity/group", group(&id)).await;
        }
        assert_eq!(refusal_of(&core, ALLOWED, &token).await, "");
        core.take_decrypted();
        for _ in 0..3 {
            assert_eq!(refusal_of(&core, ALLOWED, &token).await, "");
            assert_eq!(core.take_decrypted(), 0, "{alias}");
        }
    }
}

/// Whose alias it is counts from the very next request on, on every node.
#[tokio::test]
async fn an_alias_that_moves_goes_or_comes_holds_at_once() {
    let idp = Idp::new("k1");
    let here = core_with(&idp.table("app1", "", "")).await;
    let there = here.beside().await;
    let token = idp.token(json!({}));
    for (policy, path) in [("a", "probe/echo/x"), ("b", "probe/echo/y")] {
        let text = format!("path \"{path}\" {{ capabilities = [\"read\"] }}");
        here.write(
            &format!("sys/policies/acl/{policy}"),
            json!({ "policy": text }),
        )
        .await;
    }
    let reach = async |a: bool, b: bool| {
        for core in [&here, &there] {
            for (path, is_allowed) in [("probe/echo/x", a), ("probe/echo/y", b)] {
                let expected = if is_allowed { "" } else { "policy_denied" };
                assert_eq!(refusal_of(core, path, &token).await, expected, "{path}");
            }
        }
    };
    reach(false, false).await;
    let first = add_entity(&here, "a", "https://idp.example/#ci").await;
    let policies = |policy: &str| json!({ "policies": [policy] });
    here.write(&format!("identity/entity/id/{first}"), policies("a"))
        .await;
    reach(true, false).await;
    let second = here.write("identity/entity", json!({"name": "b"})).await;
    let second = second["id"].as_str().expect("an id").to_owned();
    here.write(&format!("identity/entity/id/{second}"), policies("b"))
        .await;
    let accessor = here.accessor("sys/").await;
    let moved = json!({
        "name": "https://idp.example/#ci", "canonical_id": second, "mount_accessor": accessor,
    });
    here.write("identity/entity-alias", moved).await;
    reach(false, true).await;
    here.delete(&format!("identity/entity/id/{second}")).await;
    reach(false, false).await;
    let moved = json!({
        "name": "https://idp.example/#ci", "canonical_id": first, "mount_accessor": accessor,
    });
    there.write("identity/entity-alias", moved).await;
    reach(true, false).await;
    there
        .write(
            &format!("identity/entity/id/{first}"),
            json!({"disabled": true}),
        )
        .await;
    for core in [&here, &there] {
        assert_eq!(refusal_of(core, ALLOWED, &token).await, "entity_disabled");
    }
    there
        .write(
            &format!("identity/entity/id/{first}"),
            json!({"disabled": false}),
        )
        .await;
    let alias =
        there.read(&format!("identity/entity/id/{first}")).await["aliases"][0]["id"].clone();
    let alias = alias.as_str().expect("an id");
    there
        .delete(&format!("identity/entity-alias/id/{alias}"))
        .await;
    reach(false, false).await;
}
