//! Published documents over HTTP: who gets them, where, and how.

mod account;
mod history;
mod limits;
mod listener;
mod nodes;
mod rest;
mod rotation;
mod serving;
mod source;

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

use serde_json::{Value, json};
use vouchsafe_jose::{Algorithm, Jwk, KeyId, SigningKey};

use crate::harness::{Answer, TestServer};

pub(crate) const KEYS: &str = "/.well-known/jwks.json";
pub(crate) const METADATA: &str = "/.well-known/openid-configuration";

/// A server whose own issuer, with this key, is published, and a token that may have tokens of it.
pub(crate) async fn own_issuer(key: Value) -> (TestServer, String) {
    let server = TestServer::builder()
        .with_probes()
        .with("identity/oidc/key/own", key)
        .with(
            "identity/oidc/role/own",
            json!({ "key": "own", "ttl": "1h" }),
        )
        .with(
            "publish/services/own",
            json!({ "issuer": "https://own.example" }),
        )
        .with(
            "publish/services/own/source",
            json!({ "mount": "identity/oidc" }),
        )
        .with_policy(
            "own",
            r#"path "identity/oidc/token/own" { capabilities = ["read"] }"#,
        )
        .start()
        .await;
    let login = json!({ "token_policies": "own", "token_ttl": "30h" });
    let token = server.login("w", login).await.client_token;
    (server, token)
}

/// Key pairs by name, made once.
static PAIRS: LazyLock<Mutex<BTreeMap<String, std::sync::Arc<SigningKey>>>> =
    LazyLock::new(Mutex::default);

/// A key pair that has this `kid` in every test.
pub(crate) fn pair(name: &str) -> std::sync::Arc<SigningKey> {
    let mut pairs = PAIRS.lock().expect("not poisoned");
    let pair = pairs.entry(name.to_owned()).or_insert_with(|| {
        std::sync::Arc::new(SigningKey::generate(Algorithm::Es256).expect("a key pair"))
    });
    std::sync::Arc::clone(pair)
}

/// A public key as issuers publish it.
pub(crate) fn jwk(name: &str) -> Value {
    let key_id = KeyId::new(name).expect("a kid");
    let jwk = Jwk::for_signing_key(&pair(name), Some(key_id));
    serde_json::to_value(jwk).expect("JSON")
}

/// What an issuer with these keys uploads.
pub(crate) fn upload(issuer: &str, keys: &[&str]) -> Value {
    let keys: Vec<Value> = keys.iter().map(|name| jwk(name)).collect();
    json!({
        "openidConfiguration": {
            "issuer": issuer,
            "jwks_uri": "https://10.0.0.1/keys",
            "authorization_endpoint": "https://private.example/authorize",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        },
        "jwks": { "keys": keys },
    })
}

/// A server that publishes `https://a.example` and `https://shared.example/t/b`.
pub(crate) async fn publishing() -> TestServer {
    TestServer::builder()
        .with(
            "publish/services/a",
            json!({ "issuer": "https://a.example" }),
        )
        .with(
            "publish/services/b",
            json!({ "issuer": "https://shared.example/t/b" }),
        )
        .with(
            "publish/services/empty",
            json!({ "issuer": "https://empty.example" }),
        )
        .with(
            "publish/services/a/config",
            upload("https://a.example", &["a"]),
        )
        .with(
            "publish/services/b/config",
            upload("https://shared.example/t/b", &["b"]),
        )
        .start()
        .await
}

/// A GET as a verifier makes it.
pub(crate) async fn get(server: &TestServer, host: &str, path: &str) -> Answer {
    server
        .ask_outside("GET", path)
        .header("host", host)
        .send()
        .await
}

/// The `kid`s of a key set.
pub(crate) fn key_ids(answer: &Answer) -> Vec<String> {
    let body = answer.json();
    let keys = body["keys"].as_array().expect("keys");
    keys.iter()
        .map(|key| key["kid"].as_str().expect("a kid").to_owned())
        .collect()
}
