//! One algorithm taken for another, one provider taken for another.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use vouchsafe_jose::Jwk;

use super::{ALLOWED, Idp, core_with, refusal_of};
use crate::harness::T0;

const GUIDE_TABLE: &str = include_str!("guide.toml");

pub(super) fn hmac_token<'k>(
    claims: &serde_json::Value,
    kid: impl Into<Option<&'k str>>,
    secret: &[u8],
) -> String {
    let header = match kid.into() {
        Some(kid) => json!({"alg": "HS256", "kid": kid}),
        None => json!({"alg": "HS256"}),
    };
    let header = header.to_string();
    let input = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
}

/// CVE-2015-9235, CVE-2026-48526 and their kin, with the guide's own RSA key.
#[tokio::test]
async fn no_form_of_a_public_key_is_a_secret() {
    let core = core_with(GUIDE_TABLE).await;
    let keys = GUIDE_TABLE
        .lines()
        .find(|line| line.starts_with("keys"))
        .expect("keys");
    let jwk: String = serde_json::from_str(keys.trim_start_matches("keys = ")).expect("a string");
    let public = Jwk::parse(jwk.as_bytes()).expect("a JWK");
    let pem = public.key().to_pem().expect("PEM");
    let claims = json!({
        "iss": "https://jwt.io/", "aud": "vault1", "sub": "x",
        "roles": ["VaultAdminRole"], "exp": T0 + 60,
    });
    let modulus = serde_json::from_str::<serde_json::Value>(&jwk).expect("JSON")["n"].clone();
    let modulus = modulus.as_str().expect("text").to_owned();
    for secret in [
        jwk.clone().into_bytes(),
        serde_json::to_vec(&public).expect("JSON"),
        pem.clone().into_bytes(),
        pem.trim_end().as_bytes().to_vec(),
        public.key().to_spki_der().expect("DER"),
        modulus.clone().into_bytes(),
        URL_SAFE_NO_PAD.decode(&modulus).expect("base64url"),
        Vec::new(),
    ] {
        let token = hmac_token(&claims, "abc", &secret);
        let reason = refusal_of(&core, "sys/pvlt/system/info/version", &token).await;
        assert_eq!(reason, "algorithm_not_allowed");
    }
}

#[tokio::test]
async fn a_shared_secret_verifies_its_provider_and_a_key_pair_does_not() {
    let secret = [9; 32];
    let oct =
        json!({"kty": "oct", "alg": "HS256", "kid": "s1", "k": URL_SAFE_NO_PAD.encode(secret)});
    let table = format!(
        "[idps.app1]\ntype = 'direct-jwt'\n[idps.app1.conf]\niss = 'https://idp.example/'\naud = 'vault'\nkeys = '{oct}'\n"
    );
    let core = core_with(&table).await;
    let claims = json!({
        "iss": "https://idp.example/", "aud": "vault", "sub": "ci", "roles": "App", "exp": T0 + 60,
    });
    let good = hmac_token(&claims, "s1", &secret);
    assert_eq!(refusal_of(&core, ALLOWED, &good).await, "");
    assert_eq!(refusal_of(&core, ALLOWED, &good).await, "");
    for (token, reason) in [
        (hmac_token(&claims, "s1", &[8; 32]), "signature_invalid"),
        (hmac_token(&claims, "s2", &secret), "key_not_found"),
        (Idp::new("s1").token(json!({})), "algorithm_not_allowed"),
    ] {
        assert_eq!(refusal_of(&core, ALLOWED, &token).await, reason);
    }
}

/// The name of a key counts where both have one: a token without is tried with the keys that fit it,
/// and a key without with every token.
#[tokio::test]
async fn the_name_of_a_key_counts_where_both_have_one() {
    let idp = Idp::new("k1");
    let named = |kid: serde_json::Value| {
        let mut jwk: serde_json::Value = serde_json::from_str(&idp.jwk()).expect("JSON");
        match kid {
            serde_json::Value::Null => drop(jwk.as_object_mut().expect("an object").remove("kid")),
            kid => jwk["kid"] = kid,
        }
        idp.table("app1", "", "")
            .replace(&idp.jwk(), &jwk.to_string())
    };
    let token = idp.token(json!({}));
    for (kid, reason) in [
        (json!("k1"), ""),
        (json!(null), ""),
        (json!("k2"), "key_not_found"),
    ] {
        let core = core_with(&named(kid.clone())).await;
        assert_eq!(refusal_of(&core, ALLOWED, &token).await, reason, "{kid}");
    }
    let (first, second) = ([1; 32], [2; 32]);
    let oct = |kid: &str, secret: &[u8]| json!({"kty": "oct", "alg": "HS256", "kid": kid, "k": URL_SAFE_NO_PAD.encode(secret)});
    let keys = json!([oct("s1", &first), oct("s2", &second)]);
    let core = core_with(
        &idp.table("app1", "", "")
            .replace(&idp.jwk(), &keys.to_string()),
    )
    .await;
    let claims = json!({
        "iss": "https://idp.example/", "aud": "vault", "sub": "ci", "roles": "App", "exp": T0 + 60,
    });
    for (kid, secret, reason) in [
        (None, first, ""),
        (None, second, ""),
        (None, [3; 32], "signature_invalid"),
        (Some("s1"), first, ""),
        (Some("s1"), second, "signature_invalid"),
        (Some("s3"), first, "key_not_found"),
    ] {
        let token = hmac_token(&claims, kid, &secret);
        assert_eq!(refusal_of(&core, ALLOWED, &token).await, reason, "{kid:?}");
    }
}

/// A set that somebody publishes can't bring a shared secret.
#[tokio::test]
async fn a_secret_from_an_address_is_no_key() {
    let secret = [9; 32];
    let oct =
        json!({"kty": "oct", "alg": "HS256", "kid": "s1", "k": URL_SAFE_NO_PAD.encode(secret)});
    let idp = Idp::new("k1");
    let uri = "https://idp.example/jwks";
    let core = core_with(&idp.remote_table("app1", uri)).await;
    let own: serde_json::Value = serde_json::from_str(&idp.jwk()).expect("JSON");
    core.fetcher.serve(uri, json!({"keys": [oct, own]}));
    let claims = json!({
        "iss": "https://idp.example/", "aud": "vault", "sub": "ci", "roles": "App", "exp": T0 + 60,
    });
    let forged = hmac_token(&claims, "s1", &secret);
    assert_eq!(
        refusal_of(&core, ALLOWED, &forged).await,
        "algorithm_not_allowed"
    );
    assert_eq!(refusal_of(&core, ALLOWED, &idp.token(json!({}))).await, "");
}

/// Two providers with one issuer and two audiences: each is verified with its own keys and gives its
/// own roles, and a token for both is nobody's.
#[tokio::test]
async fn two_providers_of_one_issuer_are_kept_apart() {
    let (one, two) = (Idp::new("k1"), Idp::new("k1"));
    let second = two
        .table("app2", "allowed_roles = ['Reader']", "")
        .replace("aud = 'vault'", "aud = 'vault2'");
    let core = core_with(&format!("{}{second}", one.table("app1", "", ""))).await;
    let version = "sys/pvlt/system/info/version";
    assert_eq!(refusal_of(&core, ALLOWED, &one.token(json!({}))).await, "");
    for (token, reason) in [
        (two.token(json!({"aud": "vault2", "roles": "Reader"})), ""),
        (two.token(json!({"aud": "vault2"})), "role_not_allowed"),
        (two.token(json!({})), "signature_invalid"),
        (
            one.token(json!({"aud": "vault2", "roles": "Reader"})),
            "signature_invalid",
        ),
        (
            one.token(json!({"aud": ["vault", "vault2"]})),
            "idp_ambiguous",
        ),
        (
            two.token(json!({"aud": ["vault2", "vault"], "roles": "Reader"})),
            "idp_ambiguous",
        ),
    ] {
        assert_eq!(refusal_of(&core, version, &token).await, reason);
    }
}

/// No header of a token makes a key, or a request.
#[tokio::test]
async fn keys_that_come_with_the_token_are_not_looked_at() {
    let idp = Idp::new("k1");
    let uri = "https://idp.example/jwks";
    let core = core_with(&idp.remote_table("app1", uri)).await;
    core.fetcher.serve(uri, idp.jwks());
    let good = idp.token(json!({}));
    let (_, rest) = good.split_once('.').expect("three parts");
    for parameter in ["jwk", "jku", "x5u", "x5c"] {
        let header = json!({"alg": "ES256", "kid": "k1", parameter: "https://evil.example/"});
        let token = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()));
        assert_eq!(refusal_of(&core, ALLOWED, &token).await, "embedded_key");
    }
    assert_eq!(core.fetcher.requests().len(), 0);
}
