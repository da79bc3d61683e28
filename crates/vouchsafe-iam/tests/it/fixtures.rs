//! Files for tests, written so that one line of them can be exchanged.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use vouchsafe_iam::{Faults, IamConfig};
use vouchsafe_jose::{Algorithm, Jwk, KeyId, SigningKey};

/// A file with one user, two roles, one policy and no provider.
pub(crate) const BASE: &str = r#"
[users.Webapp]
role = "App"

[roles.App]
capabilities = ["CapDataReader"]
policies = ["PolReadAll"]
acl_policies = ["app-read"]

[roles.Ops]
capabilities = ["*"]
policies = ["*"]
trusted_roles = ["App"]
create_entity = true

[policies.PolReadAll]
policy_type = "allow"
operations = ["read"]
reasons = ["*"]
resources = ["*"]
"#;

/// A fresh public key as JSON.
pub(crate) fn public_jwk(kid: &str) -> String {
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let jwk = Jwk::for_signing_key(&key, Some(KeyId::new(kid).unwrap()));
    serde_json::to_string(&jwk).unwrap()
}

/// A shared secret as JSON.
pub(crate) fn oct_jwk(bytes: usize) -> String {
    let secret = URL_SAFE_NO_PAD.encode(vec![7; bytes]);
    format!(r#"{{"kty":"oct","alg":"HS256","kid":"s1","k":"{secret}"}}"#)
}

/// A provider's tables: `head` is what stands under `[idps.<name>]` besides the type, `conf` what
/// stands under its `conf` besides issuer, audience and a key.
pub(crate) fn provider(name: &str, head: &str, conf: &str) -> String {
    let key = public_jwk("k1");
    format!(
        "[idps.{name}]\ntype = \"direct-jwt\"\n{head}\n[idps.{name}.conf]\niss = \"https://idp/\"\naud = \"vault\"\nkeys = '{key}'\n{conf}\n"
    )
}

pub(crate) fn parse(text: &str) -> IamConfig {
    IamConfig::parse(text).unwrap_or_else(|faults| panic!("{faults}"))
}

pub(crate) fn faults(text: &str) -> Faults {
    match IamConfig::parse(text) {
        Err(faults) => faults,
        Ok(_) => panic!("a faulty file was taken:\n{text}"),
    }
}
