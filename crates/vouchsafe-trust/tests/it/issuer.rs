//! An issuer for tests: keys, tokens, and the documents that it would publish.

use std::time::Duration;

use serde_json::{Value, json};
use vouchsafe_jose::{Algorithm, Jwk, JwkSet, JwsSigner, KeyId, SigningKey, UnverifiedJwt};
use vouchsafe_logical::Fetched;
use vouchsafe_testing::{FakeFetcher, ManualClock};
use vouchsafe_trust::{Endpoint, FetchRules, IssuerKeys, KeySource, Refusal};

pub(crate) const ISSUER: &str = "https://issuer.example";
pub(crate) const DOCUMENT: &str = "https://issuer.example/.well-known/openid-configuration";
pub(crate) const KEYS: &str = "https://issuer.example/keys";

/// One signing key of an issuer.
pub(crate) struct Key {
    signer: JwsSigner,
    jwk: Jwk,
}

impl Key {
    pub(crate) fn new(id: &str) -> Self {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let id = KeyId::new(id).unwrap();
        let jwk = Jwk::for_signing_key(&key, Some(id.clone()));
        let signer = JwsSigner::new(key, id, None);
        Self { signer, jwk }
    }

    pub(crate) fn token(&self) -> String {
        self.sign(&json!({"iss": ISSUER, "sub": "a"}))
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        let claims = claims.to_string();
        self.signer.sign_compact(claims.as_bytes()).unwrap()
    }
}

pub(crate) fn set(keys: &[&Key]) -> JwkSet {
    keys.iter().map(|key| key.jwk.clone()).collect()
}

/// The world of a test: a time, servers, and what somebody holds of an issuer.
pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) servers: FakeFetcher,
    pub(crate) keys: IssuerKeys,
}

impl World {
    pub(crate) fn of(source: KeySource) -> Self {
        Self {
            clock: ManualClock::default(),
            servers: FakeFetcher::default(),
            keys: IssuerKeys::new(source, FetchRules::default()),
        }
    }

    pub(crate) fn with_jwks(urls: &[&str]) -> Self {
        Self::of(KeySource::Jwks(urls.iter().map(|url| at(url)).collect()))
    }

    pub(crate) fn with_discovery() -> Self {
        let world = Self::of(KeySource::Discovery(at(ISSUER)));
        let document = json!({"issuer": ISSUER, "jwks_uri": KEYS});
        world.servers.serve(DOCUMENT, document);
        world
    }

    pub(crate) fn publish(&self, url: &str, keys: &[&Key]) {
        self.publish_for(url, keys, None);
    }

    pub(crate) fn publish_for(&self, url: &str, keys: &[&Key], max_age: Option<u64>) {
        let body = serde_json::to_vec(&set(keys)).unwrap();
        let answer = Fetched {
            status: 200,
            media_type: "application/json".to_owned(),
            max_age: max_age.map(Duration::from_secs),
            body: body.into(),
        };
        self.servers.answer(url, Ok(answer));
    }

    pub(crate) fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) async fn verify(&self, token: &str) -> Result<String, Refusal> {
        let token = UnverifiedJwt::parse(token)?;
        let verified = self
            .keys
            .verify(
                token,
                vouchsafe_jose::AlgorithmSet::ALL,
                &self.servers,
                &self.clock,
            )
            .await?;
        Ok(verified.claims().subject().unwrap_or_default().to_owned())
    }

    /// The generation of the keys that verify a token.
    pub(crate) async fn generation_of(&self, token: &str) -> Result<u64, Refusal> {
        let (token, all) = (
            UnverifiedJwt::parse(token)?,
            vouchsafe_jose::AlgorithmSet::ALL,
        );
        let verified = self
            .keys
            .verify_noting(token, all, &self.servers, &self.clock);
        verified.await.map(|(_, generation)| generation)
    }

    pub(crate) async fn reason(&self, token: &str) -> &'static str {
        match self.verify(token).await {
            Ok(_) => "verified",
            Err(refusal) => refusal.reason(),
        }
    }
}

pub(crate) fn at(url: &str) -> Endpoint {
    Endpoint {
        url: url.to_owned(),
        ca_pem: None,
    }
}
