//! A mount, an issuer with keys of its own, and tokens of every kind.

mod config;
mod explain;
mod issuer;
mod login;
mod oidc;
mod role;
mod shape;

use serde_json::{Map, Value, json};
use vouchsafe_jose::{Algorithm, Jwk, JwkSet, JwsSigner, KeyId, SigningKey};
use vouchsafe_logical::{Error, Login};

use crate::auth::driver::Driver;

/// The time of the test system's clock, in seconds since 1970.
const NOW: i64 = 1_767_225_600;

/// Somebody else who signs tokens.
pub(super) struct Issuer {
    pub(super) iss: String,
    signer: JwsSigner,
    jwk: Jwk,
}

impl Issuer {
    pub(super) fn new(iss: &str) -> Self {
        Self::with_key(iss, "k1")
    }

    pub(super) fn with_key(iss: &str, key_id: &str) -> Self {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let key_id = KeyId::new(key_id).unwrap();
        Self {
            iss: iss.to_owned(),
            jwk: Jwk::for_signing_key(&key, Some(key_id.clone())),
            signer: JwsSigner::new(key, key_id, None),
        }
    }

    pub(super) fn pem(&self) -> String {
        self.jwk.key().to_pem().unwrap()
    }

    pub(super) fn jwks(&self) -> String {
        let set = JwkSet::from_iter([self.jwk.clone()]);
        serde_json::to_string(&set).unwrap()
    }

    /// Signs claims as they are.
    pub(super) fn sign(&self, claims: &str) -> String {
        self.signer.sign_compact(claims.as_bytes()).unwrap()
    }

    /// A token in force with `claims` beside `iss`, `iat` and `exp`; a null takes a claim away.
    pub(super) fn token(&self, claims: &Value) -> String {
        let mut all = json!({"iss": self.iss, "iat": NOW, "exp": NOW + 600});
        for (name, value) in claims.as_object().unwrap() {
            match value {
                Value::Null => {
                    all.as_object_mut().unwrap().remove(name);
                }
                value => all[name] = value.clone(),
            }
        }
        self.sign(&all.to_string())
    }

    /// Publishes discovery document and keys, as seen from the mount.
    pub(super) fn publish(&self, mount: &Driver) {
        let document = json!({"issuer": self.iss, "jwks_uri": self.jwks_url()});
        let base = self.iss.strip_suffix('/').unwrap_or(&self.iss);
        let url = format!("{base}/.well-known/openid-configuration");
        mount.system.fetcher.serve(&url, document);
        mount.system.fetcher.serve(&self.jwks_url(), self.jwks());
    }

    pub(super) fn jwks_url(&self) -> String {
        format!("{}/keys", self.iss.trim_end_matches('/'))
    }
}

/// A mount whose own issuer's keys are in its configuration.
pub(super) async fn mount() -> (Driver, Issuer) {
    let mount = Driver::open(&super::METHOD);
    let issuer = Issuer::new("https://issuer.example");
    mount
        .write(
            "config",
            json!({"jwt_validation_pubkeys": issuer.pem(), "bound_issuer": issuer.iss}),
        )
        .await;
    (mount, issuer)
}

/// Writes a role with `user_claim=sub` and these parameters besides.
pub(super) async fn role(mount: &Driver, name: &str, parameters: Value) {
    let mut body = json!({"role_type": "jwt", "user_claim": "sub"});
    for (parameter, value) in parameters.as_object().unwrap() {
        body[parameter] = value.clone();
    }
    mount.write(&format!("role/{name}"), body).await;
}

/// Logs in with a role.
pub(super) async fn log_in(mount: &Driver, role: &str, jwt: &str) -> Result<Login, Error> {
    mount
        .login("login", json!({"role": role, "jwt": jwt}))
        .await
}

/// How a login went: `ok`, or the reason of its refusal.
pub(super) async fn outcome(mount: &Driver, role: &str, jwt: &str) -> &'static str {
    match log_in(mount, role, jwt).await {
        Ok(_) => "ok",
        Err(error) => error.reason(),
    }
}

/// The verdict of `explain`, in the same words.
pub(super) async fn explained(mount: &Driver, role: &str, jwt: &str) -> String {
    let data = mount
        .write("explain", json!({"role": role, "jwt": jwt}))
        .await;
    match data["verdict"].as_str().unwrap() {
        "pass" => "ok".to_owned(),
        _ => data["reason"].as_str().unwrap().to_owned(),
    }
}

/// Asserts how a login goes, and that `explain` says the same.
pub(super) async fn check(mount: &Driver, role: &str, jwt: &str, expected: &str, what: &Value) {
    assert_eq!(outcome(mount, role, jwt).await, expected, "{what}");
    assert_eq!(
        explained(mount, role, jwt).await,
        expected,
        "explain: {what}"
    );
}

/// A member of an answer as a map.
pub(super) fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap()
}
