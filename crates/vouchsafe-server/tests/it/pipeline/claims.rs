//! Claims of a login are data of its token: templates read those of the token that asks, whatever
//! came later.

use base64::Engine as _;
use serde_json::{Value, json};
use vouchsafe_jose::{Algorithm, JwsSigner, KeyId, SigningKey};
use vouchsafe_logical::{Operation, Response};

use crate::harness::{T0, TestCore, TestServer};

struct World {
    core: TestCore,
    signer: JwsSigner,
}

async fn world() -> World {
    let key = SigningKey::generate(Algorithm::Es256).expect("a key");
    let pem = key.public_key().to_pem().expect("a public key");
    let template =
        r#"{"ref": {{.token.claims.ref | toJSON}}, "team": {{.entity.metadata.team | toJSON}}}"#;
    let role = |kind: &str| json!({ "user_claim": "sub", "bound_subject": "ci", "token_type": kind, "token_policies": "mint" });
    let core = TestServer::builder()
        .with_auth("jwt")
        .with("auth/jwt/config", json!({ "jwt_validation_pubkeys": pem }))
        .with("auth/jwt/role/service", role("service"))
        .with("auth/jwt/role/batch", role("batch"))
        .with_policy(
            "mint",
            r#"path "identity/oidc/token/*" { capabilities = ["read"] }"#,
        )
        .with_oidc_role("minted", template)
        .start_core()
        .await;
    let signer = JwsSigner::new(key, KeyId::new("k").expect("short"), None);
    World { core, signer }
}

impl World {
    /// Logs in, and returns the token with the warnings of the answer.
    async fn log_in(&self, role: &str, more: Value) -> (String, Vec<String>) {
        let mut claims = json!({ "sub": "ci", "iat": T0, "exp": T0 + 600 });
        for (name, value) in more.as_object().expect("an object") {
            claims[name] = value.clone();
        }
        let jwt = self.signer.sign_compact(claims.to_string().as_bytes());
        let body = json!({ "role": role, "jwt": jwt.expect("signed") });
        let outcome = self
            .core
            .handle(Operation::Update, "auth/jwt/login", None, body)
            .await;
        let reply = outcome.result.expect("a login");
        let Response::Auth(auth) = reply.response else {
            panic!("no token")
        };
        (auth.client_token, reply.warnings)
    }

    /// The `ref` of an identity token that `token` asks for.
    async fn minted(&self, token: &str) -> Value {
        let path = "identity/oidc/token/minted";
        let outcome = self
            .core
            .handle(Operation::Read, path, Some(token), Value::Null)
            .await;
        let Response::Data(data) = outcome.result.expect("a token").response else {
            panic!("no data")
        };
        let jwt = data["token"].as_str().expect("text");
        let payload = jwt.split('.').nth(1).expect("three parts");
        let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(payload)
            .expect("base64url");
        let claims: Value = serde_json::from_slice(&payload).expect("JSON");
        claims["ref"].clone()
    }
}

#[tokio::test]
async fn a_later_login_of_the_same_entity_changes_no_earlier_token() {
    let world = world().await;
    for kind in ["service", "batch"] {
        let (first, _) = world.log_in(kind, json!({ "ref": "main" })).await;
        let (second, _) = world.log_in(kind, json!({ "ref": "fork" })).await;
        let (without, _) = world.log_in(kind, json!({})).await;
        assert_eq!(world.minted(&first).await, "main", "{kind}");
        assert_eq!(world.minted(&second).await, "fork", "{kind}");
        assert_eq!(world.minted(&without).await, Value::Null, "{kind}");
    }
}

#[tokio::test]
async fn claims_that_are_too_large_are_not_kept_and_the_answer_says_so() {
    let world = world().await;
    // The other claims take the rest of the 4096 bytes.
    let others = json!({ "sub": "ci", "iat": T0, "exp": T0 + 600, "ref": "main", "pad": "" });
    let room = 4_096 - others.to_string().len();
    let padded = |bytes: usize| json!({ "ref": "main", "pad": "x".repeat(bytes) });
    let (token, warnings) = world.log_in("service", padded(room)).await;
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(world.minted(&token).await, "main");
    let (token, warnings) = world.log_in("service", padded(room + 1)).await;
    assert!(warnings[0].contains("kept_claims"), "{warnings:?}");
    assert_eq!(world.minted(&token).await, Value::Null);

    let role = json!({ "user_claim": "sub", "bound_subject": "ci", "token_policies": "mint", "kept_claims": "ref" });
    world.core.write("auth/jwt/role/service", role).await;
    let (token, warnings) = world.log_in("service", padded(room + 1)).await;
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(world.minted(&token).await, "main");
}

#[tokio::test]
async fn groups_of_the_token_are_joined_and_left_at_each_login() {
    let world = world().await;
    let core = &world.core;
    let role = json!({ "user_claim": "sub", "bound_subject": "ci", "groups_claim": "groups" });
    core.write("auth/jwt/role/service", role).await;
    let mut ids = Vec::new();
    for name in ["g1", "g2"] {
        let group = json!({ "name": name, "type": "external" });
        let id = core.write("identity/group", group).await["id"].clone();
        let accessor = core.accessor("auth/jwt/").await;
        let alias = json!({ "name": name, "mount_accessor": accessor, "canonical_id": id });
        core.write("identity/group-alias", alias).await;
        ids.push(id.as_str().expect("an id").to_owned());
    }
    for (groups, members) in [
        (json!(["g1"]), [1, 0]),
        (json!(["g1", "g2"]), [1, 1]),
        (json!("g2"), [0, 1]),
        (json!([]), [0, 0]),
    ] {
        world.log_in("service", json!({ "groups": groups })).await;
        for (id, expected) in ids.iter().zip(members) {
            let group = core.read(&format!("identity/group/id/{id}")).await;
            let found = group["member_entity_ids"].as_array().map_or(0, Vec::len);
            assert_eq!(found, expected, "{groups}");
        }
    }
}
