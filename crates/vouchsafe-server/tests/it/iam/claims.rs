//! The claims of a JWT are there for templates of identity tokens, as those of a login are.

use serde_json::{Value, json};
use vouchsafe_logical::CLAIMS_BYTES_MAX;

use super::{Idp, apply, entity, refusal_of};
use crate::harness::{T0, TestCore, TestServer};

const TEMPLATE: &str = r#"{"ref": {{.token.claims.ref | toJSON}}}"#;

async fn core(idp: &Idp) -> TestCore {
    let core = TestServer::builder()
        .with_probes()
        .with_policy("app", super::APP_POLICY)
        .with_oidc_role("ci", TEMPLATE)
        .start_core()
        .await;
    apply(&core, &idp.table("app1", "", "")).await;
    core
}

/// The `ref` of the identity token that a credential gets.
async fn minted(core: &TestCore, credential: &str) -> Value {
    let claims = entity::identity_token(core, credential).await;
    claims.expect("an identity token")["ref"].clone()
}

#[tokio::test]
async fn templates_read_the_claims_of_the_token_that_asks() {
    let idp = Idp::new("k1");
    let core = core(&idp).await;
    let token = |claims: Value| {
        let mut all = json!({"roles": "Person"});
        for (name, value) in claims.as_object().expect("an object") {
            all[name] = value.clone();
        }
        idp.token(all)
    };
    let (main, fork) = (
        token(json!({"ref": "main"})),
        token(json!({"ref": ["fork", 1]})),
    );
    // Each of one entity, and each again when it is remembered.
    for _ in 0..2 {
        assert_eq!(minted(&core, &main).await, "main");
        assert_eq!(minted(&core, &fork).await, json!(["fork", 1]));
        assert_eq!(minted(&core, &token(json!({}))).await, Value::Null);
    }
    // `extra_claims` of the provider are no claims of the token.
    let conf = "extra_claims = '{\"ref\": \"extra\"}'";
    apply(&core, &idp.table("app1", "", conf)).await;
    assert_eq!(minted(&core, &token(json!({}))).await, Value::Null);
    assert_eq!(minted(&core, &main).await, "main");
}

#[tokio::test]
async fn claims_that_are_too_large_are_not_kept_and_the_token_works_all_the_same() {
    let idp = Idp::new("k1");
    let core = core(&idp).await;
    let claims = |pad: usize| {
        json!({
            "iss": "https://idp.example/", "aud": "vault", "sub": "ci", "roles": "Person",
            "exp": T0 + 60, "ref": "main", "pad": "x".repeat(pad),
        })
    };
    let room = CLAIMS_BYTES_MAX - claims(0).to_string().len();
    let token = |pad| idp.sign(claims(pad).to_string().as_bytes());
    assert_eq!(minted(&core, &token(room)).await, "main");
    assert_eq!(minted(&core, &token(room + 1)).await, Value::Null);
    for pad in [room, room + 1] {
        assert_eq!(refusal_of(&core, super::ALLOWED, &token(pad)).await, "");
    }
}
