//! Every rule on both sides: an issuer that breaks none, and one change for each that breaks it.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use vouchsafe_jose::{Algorithm, Jwk, JwsSigner, KeyId, SigningKey};
use vouchsafe_logical::{FetchError, Fetched, Timestamp};
use vouchsafe_testing::FakeFetcher;

use super::observation::Observation;
use super::rule::{
    AWS_KEYS_MAX, CACHE_SECONDS_MAX, DOCUMENT_BYTES_MAX, RSA_BITS_MIN, RULES, apply,
};

const NOW: i64 = 1_767_225_600;

/// An issuer, and perhaps a token, before anybody asks.
struct World {
    issuer: String,
    discovery_url: String,
    discovery: Result<Fetched, FetchError>,
    metadata: Value,
    key_set: Result<Fetched, FetchError>,
    keys: Vec<Value>,
    claims: Value,
    signed_by: SigningKey,
    key_id: String,
}

fn served() -> Result<Fetched, FetchError> {
    Ok(Fetched {
        status: 200,
        media_type: "application/json".to_owned(),
        max_age: Some(Duration::from_secs(CACHE_SECONDS_MAX)),
        ..Fetched::default()
    })
}

/// An RSA key whose modulus has so many bits.
fn rsa(key_id: &str, bits: usize) -> Value {
    let mut modulus = vec![0xff; bits.div_ceil(8)];
    modulus[0] = 0xff >> (modulus.len() * 8 - bits);
    let modulus = URL_SAFE_NO_PAD.encode(modulus);
    json!({ "kty": "RSA", "alg": "RS256", "kid": key_id, "n": modulus, "e": "AQAB" })
}

impl World {
    fn new() -> Self {
        let signed_by = SigningKey::generate(Algorithm::Es256).unwrap();
        let key_id = KeyId::new("signer").unwrap();
        let jwk = Jwk::for_signing_key(&signed_by, Some(key_id));
        let issuer = "https://id.example";
        Self {
            issuer: issuer.to_owned(),
            discovery_url: format!("{issuer}/.well-known/openid-configuration"),
            discovery: served(),
            metadata: json!({
                "issuer": issuer,
                "jwks_uri": "https://id.example/.well-known/jwks.json",
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            }),
            key_set: served(),
            keys: vec![rsa("rsa", RSA_BITS_MIN), serde_json::to_value(jwk).unwrap()],
            claims: json!({ "iss": issuer, "aud": "sts.amazonaws.com", "exp": NOW + 60 }),
            signed_by,
            key_id: "signer".to_owned(),
        }
    }

    /// Moves everything to another issuer.
    fn at(&mut self, issuer: &str) {
        self.issuer = issuer.to_owned();
        let base = issuer.trim_end_matches('/');
        self.discovery_url = format!("{base}/.well-known/openid-configuration");
        self.metadata["issuer"] = issuer.into();
        self.claims["iss"] = issuer.into();
    }

    async fn codes(self) -> BTreeSet<&'static str> {
        let fetcher = FakeFetcher::default();
        let with = |answer: Result<Fetched, FetchError>, body: Value| {
            answer.map(|fetched| match fetched.body.is_empty() {
                true => Fetched {
                    body: body.to_string().into_bytes().into(),
                    ..fetched
                },
                false => fetched,
            })
        };
        if let Some(jwks_uri) = self.metadata["jwks_uri"].as_str() {
            let keys = json!({ "keys": self.keys });
            fetcher.answer(jwks_uri, with(self.key_set, keys));
        }
        fetcher.answer(&self.discovery_url, with(self.discovery, self.metadata));
        let mut observation = Observation::make(&self.issuer, None, &fetcher).await;
        let signer = JwsSigner::new(self.signed_by, KeyId::new(self.key_id).unwrap(), None);
        let token = signer.sign_compact(self.claims.to_string().as_bytes());
        let now = Timestamp::from_second(NOW).unwrap();
        observation.see_token(&token.unwrap(), now).unwrap();
        let findings = apply(&observation);
        assert!(findings.iter().all(|finding| !finding.text.is_empty()));
        findings.iter().map(|finding| finding.rule.code).collect()
    }
}

fn fetched(answer: &mut Result<Fetched, FetchError>) -> &mut Fetched {
    answer.as_mut().unwrap()
}

fn large(bytes: usize, document: &Value) -> Vec<u8> {
    let mut text = document.to_string();
    text.push_str(&" ".repeat(bytes - text.len()));
    text.into_bytes()
}

/// A rule's code, and a change that breaks it.
type Break = (&'static str, fn(&mut World));

/// For each rule a change that breaks it, and nothing but what follows from it.
const BREAKS: &[Break] = &[
    ("issuer_not_https", |world| world.at("http://id.example")),
    ("issuer_has_query", |world| {
        world.at("https://user@id.example")
    }),
    ("issuer_has_port", |world| {
        world.at("https://id.example:8443")
    }),
    ("issuer_ends_with_slash", |world| {
        world.at("https://id.example/")
    }),
    ("issuer_has_path", |world| {
        world.at("https://id.example/k8s")
    }),
    ("discovery_unreachable", |world| {
        world.discovery = Err(FetchError::Connect("certificate expired".to_owned()));
    }),
    ("discovery_redirects", |world| {
        fetched(&mut world.discovery).status = 302
    }),
    ("discovery_status", |world| {
        fetched(&mut world.discovery).status = 404
    }),
    ("discovery_not_json", |world| {
        fetched(&mut world.discovery).body = "<html>".as_bytes().to_vec().into();
    }),
    ("discovery_content_type", |world| {
        fetched(&mut world.discovery).media_type = "text/plain".to_owned();
    }),
    ("issuer_differs", |world| {
        world.metadata["issuer"] = "https://id.example/".into()
    }),
    ("jwks_uri_missing", |world| {
        world.metadata["jwks_uri"] = Value::Null
    }),
    ("jwks_uri_not_https", |world| {
        world.metadata["jwks_uri"] = "http://id.example/jwks".into();
    }),
    ("members_missing", |world| {
        let members = world.metadata.as_object_mut().unwrap();
        members.remove("subject_types_supported");
    }),
    ("keys_unreachable", |world| {
        fetched(&mut world.key_set).status = 401
    }),
    ("keys_absent", |world| world.keys.clear()),
    ("key_not_public", |world| {
        world.keys[0]["d"] = "c2VjcmV0".into()
    }),
    ("key_id_missing", |world| world.keys[0]["kid"] = "".into()),
    ("key_id_twice", |world| {
        world.keys.push(rsa("rsa", RSA_BITS_MIN + 1))
    }),
    ("rsa_too_short", |world| {
        world.keys.push(rsa("short", RSA_BITS_MIN - 1))
    }),
    ("keys_too_many", |world| {
        let more = (0..AWS_KEYS_MAX).map(|n| rsa(&n.to_string(), RSA_BITS_MIN));
        world.keys.extend(more);
    }),
    ("algorithm_aws_kubernetes", |world| {
        world.keys = vec![json!({ "kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": "" })];
    }),
    ("algorithm_gcp", |world| {
        world.keys = vec![json!({ "kty": "EC", "crv": "P-384", "kid": "ec", "x": "", "y": "" })];
    }),
    ("algorithm_azure", |world| drop(world.keys.remove(0))),
    ("document_too_large", |world| {
        let body = large(DOCUMENT_BYTES_MAX + 1, &world.metadata);
        fetched(&mut world.discovery).body = body.into();
    }),
    ("cache_too_long", |world| {
        fetched(&mut world.key_set).max_age = Some(Duration::from_secs(CACHE_SECONDS_MAX + 1));
    }),
    ("cache_unstated", |world| {
        fetched(&mut world.key_set).max_age = None
    }),
    ("token_issuer_differs", |world| {
        world.claims["iss"] = "https://id.example/".into()
    }),
    ("token_not_verified", |world| {
        world.signed_by = SigningKey::generate(Algorithm::Es256).unwrap();
    }),
    ("token_expired", |world| world.claims["exp"] = NOW.into()),
    ("token_without_audience", |world| {
        world.claims.as_object_mut().unwrap().remove("aud");
    }),
];

#[tokio::test]
async fn an_issuer_as_it_should_be_breaks_no_rule() {
    assert_eq!(World::new().codes().await, BTreeSet::new());
}

#[tokio::test]
async fn every_rule_is_broken_by_the_change_that_it_is_about() {
    for (code, change) in BREAKS {
        let mut world = World::new();
        change(&mut world);
        let codes = world.codes().await;
        assert!(codes.contains(code), "{code}: {codes:?}");
    }
    let tried: BTreeSet<&str> = BREAKS.iter().map(|(code, _)| *code).collect();
    let all: BTreeSet<&str> = RULES.iter().map(|rule| rule.code).collect();
    assert_eq!(
        tried, all,
        "a rule without a test, or a test without a rule"
    );
    assert_eq!(all.len(), RULES.len(), "two rules with one code");
}

/// The other side of each limit; those of keys and caches are in the good world itself.
#[tokio::test]
async fn what_is_just_within_a_limit_is_fine() {
    let mut world = World::new();
    let more = (1..AWS_KEYS_MAX).map(|n| rsa(&n.to_string(), RSA_BITS_MIN));
    world.keys.extend(more);
    let body = large(DOCUMENT_BYTES_MAX, &world.metadata);
    fetched(&mut world.discovery).body = body.into();
    world.claims["exp"] = (NOW + 1).into();
    assert_eq!(world.codes().await, BTreeSet::new());
}

#[tokio::test]
async fn a_failed_step_is_not_held_against_the_steps_after_it() {
    let mut world = World::new();
    world.discovery = Err(FetchError::Timeout(Duration::from_secs(5)));
    let expected = ["discovery_unreachable", "token_not_verified"];
    assert_eq!(world.codes().await, BTreeSet::from(expected));
}
