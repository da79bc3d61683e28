//! What a verifier sees of an issuer: two answers, and perhaps a token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Url;
use serde_json::{Map, Value};
use vouchsafe_jose::{AlgorithmSet, DecodedJwt, JwkSet, jwt};
use vouchsafe_logical::publication::PROVIDER_METADATA_PATH;
use vouchsafe_logical::{Fetch, FetchError, FetchRequest, Fetched, Timestamp};

use crate::cli::failure::Failure;

/// What came back for an address.
pub(super) struct Answer {
    pub(super) url: String,
    pub(super) fetched: Result<Fetched, FetchError>,
}

impl Answer {
    /// The answer, if it is a success.
    pub(super) fn success(&self) -> Option<&Fetched> {
        let fetched = self.fetched.as_ref().ok();
        fetched.filter(|fetched| fetched.status == 200)
    }
}

/// A token that is said to be of this issuer.
pub(super) struct SeenToken {
    pub(super) claims: Map<String, Value>,
    pub(super) verified: Result<(), String>,
    pub(super) now: Timestamp,
}

/// Everything that the rules look at.
pub(super) struct Observation {
    pub(super) issuer: String,
    pub(super) discovery: Answer,
    metadata: Option<Map<String, Value>>,
    pub(super) key_set: Option<Answer>,
    keys: Vec<Map<String, Value>>,
    token: Option<SeenToken>,
}

impl Observation {
    /// Asks as a verifier would: the document below the issuer, then the keys where it says.
    pub(super) async fn make(issuer: &str, ca_pem: Option<&str>, fetch: &dyn Fetch) -> Self {
        let get = async |url: String| {
            let request = FetchRequest {
                ca_pem: ca_pem.map(str::to_owned),
                ..FetchRequest::get(&url)
            };
            let fetched = fetch.fetch(request).await;
            Answer { url, fetched }
        };
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        let discovery = get(format!("{base}{PROVIDER_METADATA_PATH}")).await;
        let metadata: Option<Map<String, Value>> = discovery.success().and_then(object);
        let jwks_uri = metadata.as_ref().and_then(|found| found.get("jwks_uri"));
        let key_set = match jwks_uri.and_then(Value::as_str) {
            Some(jwks_uri) => Some(get(jwks_uri.to_owned()).await),
            None => None,
        };
        let keys = key_set.as_ref().and_then(Answer::success).and_then(object);
        let keys = keys.and_then(|keys| keys.get("keys").and_then(Value::as_array).cloned());
        let keys = keys.unwrap_or_default().into_iter();
        Self {
            issuer: issuer.to_owned(),
            discovery,
            metadata,
            key_set,
            keys: keys
                .filter_map(|key| match key {
                    Value::Object(key) => Some(key),
                    _ => None,
                })
                .collect(),
            token: None,
        }
    }

    /// Adds a token, and verifies it with the keys that were found.
    ///
    /// # Errors
    /// It is no JWT at all.
    pub(super) fn see_token(&mut self, token: &str, now: Timestamp) -> Result<(), Failure> {
        let decoded = DecodedJwt::parse(token)
            .map_err(|fault| Failure::local(format!("this is no JWT: {fault}")))?;
        let body = self.key_set.as_ref().and_then(Answer::success);
        let keys = match body.map(|fetched| JwkSet::parse(&fetched.body)) {
            Some(Ok(keys)) => Ok(keys),
            Some(Err(fault)) => Err(fault.to_string()),
            None => Err("there are no keys".to_owned()),
        };
        let verified = keys.and_then(|keys| {
            jwt::verify(token, &keys, AlgorithmSet::ALL)
                .map(drop)
                .map_err(|fault| fault.to_string())
        });
        self.token = Some(SeenToken {
            claims: decoded.claims,
            verified,
            now,
        });
        Ok(())
    }

    /// The discovery document.
    pub(super) const fn metadata(&self) -> Option<&Map<String, Value>> {
        self.metadata.as_ref()
    }

    /// A member of the discovery document that is a text.
    pub(super) fn said(&self, name: &str) -> Option<&str> {
        self.metadata.as_ref()?.get(name)?.as_str()
    }

    /// The issuer as a URL.
    pub(super) fn url(&self) -> Option<Url> {
        Url::parse(&self.issuer).ok()
    }

    /// The keys.
    pub(super) fn keys(&self) -> &[Map<String, Value>] {
        &self.keys
    }

    /// The token, if there is one.
    pub(super) const fn token(&self) -> Option<&SeenToken> {
        self.token.as_ref()
    }
}

fn object(fetched: &Fetched) -> Option<Map<String, Value>> {
    serde_json::from_slice(&fetched.body).ok()
}

/// A text member of a key.
pub(super) fn member<'k>(key: &'k Map<String, Value>, name: &str) -> Option<&'k str> {
    key.get(name).and_then(Value::as_str)
}

/// What a message calls a key.
pub(super) fn name(place: usize, key: &Map<String, Value>) -> String {
    match member(key, "kid") {
        Some(key_id) if !key_id.is_empty() => {
            format!("`{}`", key_id.chars().take(80).collect::<String>())
        }
        _ => format!("number {}", place + 1),
    }
}

/// The length of an RSA key's modulus, in bits.
pub(super) fn modulus_bits(key: &Map<String, Value>) -> Option<usize> {
    let modulus = URL_SAFE_NO_PAD.decode(member(key, "n")?).ok()?;
    let first = modulus.iter().position(|byte| *byte != 0)?;
    let zeros = modulus.get(first)?.leading_zeros() as usize;
    Some((modulus.len() - first) * 8 - zeros)
}
