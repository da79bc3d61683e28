//! Callers without stored tokens: JWTs of identity providers and API keys of the IAM file's users.

mod api_key;
mod audit;
mod bearer;
mod change;
mod claims;
mod codes;
mod confusion;
mod entity;
mod new_entity;
mod pvlt;
mod race;
mod raise;
mod refusal;

use serde_json::{Value, json};
use vouchsafe_jose::{Algorithm, Jwk, JwkSet, JwsSigner, KeyId, SigningKey};

use crate::harness::{T0, TestCore};

/// The tables that every file of these tests begins with.
pub(crate) const ROLES: &str = r#"
[users.Webapp]
role = "App"
[users.Gone]
role = "App"
disabled = true

[roles.App]
acl_policies = ["app"]
[roles.Other]
acl_policies = ["other"]
[roles.Reader]
capabilities = ["CapIAMReader"]
[roles.Writer]
capabilities = ["CapIAMWriter"]
[roles.VaultAdminRole]
capabilities = ["*"]
[roles.Person]
acl_policies = ["app"]
create_entity = true

[policies]
"#;

/// What the ACL policy `app` of these tests allows.
pub(crate) const APP_POLICY: &str = r#"
path "probe/echo/a" { capabilities = ["read"] }
path "identity/oidc/token/ci" { capabilities = ["read"] }
"#;

/// An identity provider with one key.
pub(crate) struct Idp {
    signer: JwsSigner,
    jwk: Jwk,
    issuer: &'static str,
}

impl Idp {
    pub(crate) fn new(kid: &str) -> Self {
        let key = SigningKey::generate(Algorithm::Es256).expect("a key");
        let kid = KeyId::new(kid).expect("a key id");
        let jwk = Jwk::for_signing_key(&key, Some(kid.clone()));
        Self {
            signer: JwsSigner::new(key, kid, Some("JWT")),
            jwk,
            issuer: "https://idp.example/",
        }
    }

    pub(crate) fn jwk(&self) -> String {
        serde_json::to_string(&self.jwk).expect("JSON")
    }

    pub(crate) fn jwks(&self) -> String {
        serde_json::to_string(&JwkSet::from_iter([self.jwk.clone()])).expect("JSON")
    }

    /// A token with these claims over the usual ones; `null` takes one away.
    pub(crate) fn token(&self, claims: Value) -> String {
        let mut all = json!({
            "iss": self.issuer,
            "aud": "vault",
            "sub": "ci",
            "roles": ["App"],
            "exp": T0 + 3_600,
        });
        for (name, value) in claims.as_object().expect("an object") {
            match value {
                Value::Null => drop(all.as_object_mut().expect("an object").remove(name)),
                value => all[name] = value.clone(),
            }
        }
        self.sign(all.to_string().as_bytes())
    }

    pub(crate) fn sign(&self, payload: &[u8]) -> String {
        self.signer.sign_compact(payload).expect("signed")
    }

    /// Its table in an IAM file; `head` stands beside `conf`, `conf` in it.
    pub(crate) fn table(&self, name: &str, head: &str, conf: &str) -> String {
        let (issuer, jwk) = (self.issuer, self.jwk());
        format!(
            "[idps.{name}]\ntype = 'direct-jwt'\n{head}\n[idps.{name}.conf]\niss = '{issuer}'\naud = 'vault'\nkeys = '{jwk}'\n{conf}\n"
        )
    }

    /// The same with keys behind an address.
    pub(crate) fn remote_table(&self, name: &str, uri: &str) -> String {
        let issuer = self.issuer;
        format!(
            "[idps.{name}]\ntype = 'direct-jwt'\n[idps.{name}.conf]\niss = '{issuer}'\naud = 'vault'\njwks_uri = '{uri}'\n"
        )
    }
}

/// A core with the probes, the policy `app`, and an IAM file that has [`ROLES`] and these tables.
pub(crate) async fn core_with(tables: &str) -> TestCore {
    let core = crate::harness::TestServer::builder()
        .with_probes()
        .with_policy("app", APP_POLICY)
        .start_core()
        .await;
    apply(&core, tables).await;
    core
}

/// Applies a file of [`ROLES`] and these tables.
pub(crate) async fn apply(core: &TestCore, tables: &str) {
    let conf = format!("{ROLES}{tables}");
    core.write("sys/pvlt/ctl/iam/conf", json!({ "conf": conf }))
        .await;
}

/// The reason for which a read is refused; empty where it is not.
pub(crate) async fn refusal_of(core: &TestCore, path: &str, credential: &str) -> String {
    let operation = vouchsafe_logical::Operation::Read;
    match core
        .handle(operation, path, Some(credential), json!({}))
        .await
        .result
    {
        Ok(_) => String::new(),
        Err(error) => error.reason().to_owned(),
    }
}

/// The path that the role `App` may read.
pub(crate) const ALLOWED: &str = "probe/echo/a";
