//! An OpenID provider through which the person `sample` logs in.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use vouchsafe_jose::{Algorithm, Jwk, JwkSet, JwsSigner, KeyId, SigningKey};
use vouchsafe_logical::Fetched;
use vouchsafe_testing::FakeFetcher;

use super::T0;

const ISSUER: &str = "https://provider.example";
pub(crate) const CLIENT_SECRET: &str = "s3cret-of-the-client";
pub(crate) const CODE: &str = "c0de-of-the-login";
const REDIRECT_URI: &str = "http://localhost:8250/oidc/callback";

pub(crate) struct Provider {
    signer: Arc<JwsSigner>,
    pem: String,
}

/// A mount's config with a client at the provider.
pub(crate) fn client() -> Value {
    json!({
        "oidc_discovery_url": ISSUER,
        "oidc_client_id": "sample",
        "oidc_client_secret": CLIENT_SECRET,
        "oidc_response_mode": "form_post",
    })
}

/// A role for people.
pub(crate) fn role() -> Value {
    json!({ "role_type": "oidc", "user_claim": "sub", "allowed_redirect_uris": REDIRECT_URI })
}

/// How a login begins.
pub(crate) fn beginning() -> Value {
    json!({ "role": "person", "redirect_uri": REDIRECT_URI, "client_nonce": "sample" })
}

impl Provider {
    /// A provider that is there for whoever fetches so.
    pub(crate) fn new(fetcher: &FakeFetcher) -> Self {
        let key = SigningKey::generate(Algorithm::Es256).expect("a key");
        let pem = key.public_key().to_pem().expect("a public key");
        let id = KeyId::new("k").expect("short");
        let keys = JwkSet::from_iter([Jwk::for_signing_key(&key, Some(id.clone()))]);
        let document = json!({
            "issuer": ISSUER,
            "jwks_uri": format!("{ISSUER}/keys"),
            "authorization_endpoint": format!("{ISSUER}/authorize"),
            "token_endpoint": format!("{ISSUER}/token"),
        });
        let well_known = format!("{ISSUER}/.well-known/openid-configuration");
        fetcher.serve(&well_known, document);
        fetcher.serve(&format!("{ISSUER}/keys"), json!(keys));
        let signer = Arc::new(JwsSigner::new(key, id, None));
        Self { signer, pem }
    }

    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        sign(&self.signer, claims)
    }

    /// The person logs in at the address, and agrees: how the login ends.
    pub(crate) fn agree(&self, fetcher: &FakeFetcher, auth_url: &str) -> Value {
        let (_, query) = auth_url.split_once('?').expect("a query");
        let asked: BTreeMap<&str, &str> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .collect();
        let claims = json!({
            "iss": ISSUER, "sub": "sample", "aud": "sample", "iat": T0, "exp": T0 + 600,
            "nonce": asked["nonce"],
        });
        let signer = Arc::clone(&self.signer);
        fetcher.respond(&format!("{ISSUER}/token"), move |_| {
            let tokens = json!({ "id_token": sign(&signer, &claims) });
            Ok(Fetched {
                status: 200,
                body: tokens.to_string().into_bytes().into(),
                ..Fetched::default()
            })
        });
        json!({ "state": asked["state"], "code": CODE, "client_nonce": "sample" })
    }
}

fn sign(signer: &JwsSigner, claims: &Value) -> String {
    let signed = signer.sign_compact(claims.to_string().as_bytes());
    signed.expect("signed")
}
