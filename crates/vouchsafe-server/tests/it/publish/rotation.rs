//! A day of rotations before a verifier that caches as the headers say: no valid token is refused.

use std::time::Duration;

use serde_json::{Value, json};
use vouchsafe_jose::{AlgorithmSet, JwkSet, JwsSigner, KeyId, SigningKey, jwt};

use super::{KEYS, get, jwk, own_issuer, pair, upload};
use crate::harness::{T0, TestServer};

/// How often the simulated world is looked at, in seconds.
const STEP: i64 = 60;
const DAY: i64 = 24 * 3_600;
/// How long tokens live.
const TOKEN_LIFE: i64 = 3_600;

/// Fetches keys when what it has is older than it was allowed to keep it, and never otherwise.
#[derive(Default)]
struct Verifier {
    keys: Option<(JwkSet, i64)>,
    fetches: usize,
}

impl Verifier {
    async fn verifies(
        &mut self,
        server: &TestServer,
        host: &str,
        path: &str,
        token: &str,
        now: i64,
    ) -> bool {
        if self.keys.as_ref().is_none_or(|(_, until)| *until <= now) {
            let answer = get(server, host, path).await.expect(200);
            let said = answer.header("cache-control").to_owned();
            let age = said.strip_prefix("public, max-age=").expect("an age");
            let keys = JwkSet::parse(answer.text.as_bytes()).expect("keys");
            self.keys = Some((keys, now + age.parse::<i64>().expect("seconds")));
            self.fetches += 1;
        }
        let (keys, _) = self.keys.as_ref().expect("fetched");
        jwt::verify(token, keys, AlgorithmSet::ALL).is_ok()
    }
}

fn signed(by: &str, issuer: &str, now: i64) -> String {
    let jwk = pair(by).to_private_jwk(None).expect("a key");
    let key = SigningKey::from_jwk(pair(by).algorithm(), jwk.as_bytes()).expect("a key");
    let signer = JwsSigner::new(key, KeyId::new(by).expect("a kid"), None);
    let claims = json!({ "iss": issuer, "exp": now + TOKEN_LIFE });
    signer
        .sign_compact(claims.to_string().as_bytes())
        .expect("a token")
}

/// An issuer that gives each key up the moment the next one signs, and shows the next one `lead`
/// seconds before.
struct Rotating {
    period: i64,
    lead: i64,
}

impl Rotating {
    fn signing(&self, at: i64) -> String {
        format!("day-{}", (at - T0) / self.period)
    }

    fn shown(&self, at: i64) -> Vec<String> {
        let mut shown = vec![self.signing(at)];
        let next = self.signing(at + self.lead);
        if next != shown[0] {
            shown.push(next);
        }
        shown
    }
}

/// Tokens of the last hour are presented all the time.
async fn a_day(server: &TestServer, rotating: &Rotating, mut arrive: impl AsyncFnMut(&[&str])) {
    let issuer = "https://a.example";
    let mut verifier = Verifier::default();
    let mut tokens: Vec<(i64, String)> = Vec::new();
    let (mut presented, mut now) = (0, T0);
    while now < T0 + DAY {
        let shown = rotating.shown(now);
        let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
        arrive(&shown).await;
        server.core.tick().await;
        tokens.retain(|(ends, _)| now < *ends);
        if (now - T0) % (5 * STEP) == 0 {
            let by = rotating.signing(now);
            tokens.push((now + TOKEN_LIFE, signed(&by, issuer, now)));
        }
        for (_, token) in [tokens.first(), tokens.last()].into_iter().flatten() {
            let good = verifier
                .verifies(server, "a.example", KEYS, token, now)
                .await;
            assert!(good, "refused {} s after the start", now - T0);
            presented += 1;
        }
        server
            .clock
            .advance(Duration::from_secs(STEP.unsigned_abs()));
        now += STEP;
    }
    assert!(
        presented > 2_000 && verifier.fetches > 100,
        "{presented} {}",
        verifier.fetches
    );
}

async fn server() -> TestServer {
    TestServer::builder()
        .with(
            "publish/services/a",
            json!({ "issuer": "https://a.example" }),
        )
        .with("publish/config", json!({ "keys_max_age": "5m" }))
        .start()
        .await
}

#[tokio::test]
async fn pushed_keys_verify_every_token_of_a_day() {
    let server = server().await;
    let rotating = Rotating {
        period: 7_200,
        lead: 420,
    };
    let mut last = Vec::new();
    a_day(&server, &rotating, async |shown: &[&str]| {
        if shown != last {
            server
                .write(
                    "publish/services/a/config",
                    upload("https://a.example", shown),
                )
                .await;
            last = shown
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<String>>();
        }
    })
    .await;
}

#[tokio::test]
async fn pulled_keys_verify_every_token_of_a_day() {
    let server = server().await;
    let source = "https://10.0.0.1";
    server
        .write("publish/services/a/source", json!({ "url": source }))
        .await;
    // The interval is added to what caches may hold.
    let rotating = Rotating {
        period: 7_200,
        lead: 900,
    };
    a_day(&server, &rotating, async |shown: &[&str]| {
        let keys: Vec<Value> = shown.iter().map(|name| jwk(name)).collect();
        server.fetcher.serve(
            &format!("{source}/.well-known/openid-configuration"),
            json!({ "issuer": source, "jwks_uri": format!("{source}/keys") }),
        );
        server
            .fetcher
            .serve(&format!("{source}/keys"), json!({ "keys": keys }));
        server.core.run_errands().await;
    })
    .await;
}

#[tokio::test]
async fn the_own_issuers_keys_verify_every_token_of_a_day() {
    let (server, token) = own_issuer(json!({
        "algorithm": "ES256", "allowed_client_ids": "*",
        "rotation_period": "2h", "verification_ttl": "2h",
    }))
    .await;
    let mut verifier = Verifier::default();
    let mut tokens: Vec<(i64, String)> = Vec::new();
    let mut now = T0;
    let mut key_ids = std::collections::BTreeSet::new();
    while now < T0 + DAY {
        server.core.tick().await;
        // An operator who rotates by hand, too.
        if (now - T0) % (5 * 3_600) == 3_600 {
            let body = json!({});
            server.write("identity/oidc/key/own/rotate", body).await;
        }
        tokens.retain(|(ends, _)| now < *ends);
        if (now - T0) % (5 * STEP) == 0 {
            let made = server
                .get("identity/oidc/token/own")
                .token(&token)
                .send()
                .await;
            let made = made.expect(200).json();
            let jwt = made["data"]["token"].as_str().expect("a token").to_owned();
            key_ids.insert(jwt.split('.').next().expect("a header").to_owned());
            tokens.push((now + TOKEN_LIFE, jwt));
        }
        for (_, token) in [tokens.first(), tokens.last()].into_iter().flatten() {
            let good = verifier
                .verifies(&server, "own.example", KEYS, token, now)
                .await;
            assert!(good, "refused {} s after the start", now - T0);
        }
        server
            .clock
            .advance(Duration::from_secs(STEP.unsigned_abs()));
        now += STEP;
    }
    assert!(key_ids.len() > 10, "{} keys signed", key_ids.len());
}
