//! The published documents, issuer addresses and payloads.

use serde_json::{Map, Value, json};
use vouchsafe_jose::{Algorithm, SigningKey};

use super::world::World;
use crate::issuer::{
    ALGORITHMS, DELIVERY_MARGIN_SECONDS, ISSUER_BYTES_MAX, IssuerError, KeyMaterial, KeySet,
    MAX_AGE_EMPTY_SECONDS, MAX_AGE_SECONDS_MAX, MAX_AGE_SECONDS_MIN, NamedKey, PROMISE_SECONDS_MAX,
    Promise, Publication, RegisteredClaims, Spares, UnixSeconds, discovery_document,
    effective_issuer, parse_issuer,
};

#[test]
fn the_discovery_document_is_vaults() {
    let document = discovery_document("https://id.test/v1/identity/oidc");
    assert_eq!(
        String::from_utf8(document).unwrap(),
        concat!(
            r#"{"issuer":"https://id.test/v1/identity/oidc","#,
            r#""jwks_uri":"https://id.test/v1/identity/oidc/.well-known/keys","#,
            r#""response_types_supported":["id_token"],"subject_types_supported":["public"],"#,
            r#""id_token_signing_alg_values_supported":["RS256","RS384","RS512","ES256","ES384","ES512","EdDSA"]}"#
        )
    );
}

#[test]
fn an_issuer_is_scheme_host_and_port() {
    let good = [
        "https://example.com",
        "http://example.com:8200",
        "https://127.0.0.1:1",
        "http://[::1]:8200",
        "http://[::1]",
        "https://vault.internal_1:65535",
    ];
    for text in good {
        assert_eq!(parse_issuer(text), Ok(text));
    }
    let bad = [
        "",
        "example.com",
        "https://",
        "ftp://example.com",
        "HTTPS://example.com",
        "https://example.com/",
        "https://example.com/path",
        "https://example.com?q",
        "https://example.com#f",
        "https://u@example.com",
        "https://u:p@example.com",
        "https://example.com:",
        "https://example.com:0",
        "https://example.com:65536",
        "https://example.com:+80",
        "https://example.com:80:90",
        "https://[::1",
        "https://[::1]x",
        "https://[nope]",
        "https://ex ample.com",
        "https://example.com\\",
        "https://:8200",
    ];
    for text in bad {
        assert_eq!(parse_issuer(text), Err(IssuerError), "{text}");
    }
    let longest = format!("https://{}", "a".repeat(ISSUER_BYTES_MAX - 8));
    assert_eq!(parse_issuer(&longest), Ok(longest.as_str()));
    assert_eq!(parse_issuer(&format!("{longest}a")), Err(IssuerError));
}

#[test]
fn the_issuer_in_force() {
    let path = "/v1/identity/oidc";
    assert_eq!(
        effective_issuer("", "http://a:1"),
        format!("http://a:1{path}")
    );
    assert_eq!(
        effective_issuer("https://b", "http://a:1"),
        format!("https://b{path}")
    );
    assert_eq!(
        effective_issuer("", "http://a:1/"),
        format!("http://a:1{path}")
    );
    assert_eq!(effective_issuer("", ""), path);
}

#[test]
fn members_of_a_key_are_in_vaults_order() {
    for algorithm in ALGORITHMS {
        let key = SigningKey::generate(algorithm).unwrap();
        let mut spares = Spares::default();
        spares.add(KeyMaterial::new(&key, "one".to_owned()).unwrap());
        spares.add(KeyMaterial::new(&key, "two".to_owned()).unwrap());
        let mut named_key = NamedKey::with_default_settings();
        named_key.algorithm = algorithm;
        let now = UnixSeconds(100);
        named_key
            .publish(now, Promise::default().publication(now), &mut spares)
            .unwrap();
        let set = KeySet::render([&named_key], now);
        let json: Value = serde_json::from_slice(set.json()).unwrap();
        assert_eq!(json.as_object().unwrap().len(), 1);
        for (index, key_id) in ["one", "two"].into_iter().enumerate() {
            let jwk = json["keys"][index].as_object().unwrap();
            let members: Vec<&str> = jwk.keys().map(String::as_str).collect();
            let expected: &[&str] = match algorithm {
                Algorithm::EdDsa => &["use", "kty", "kid", "crv", "alg", "x"],
                Algorithm::Es256 | Algorithm::Es384 | Algorithm::Es512 => {
                    &["use", "kty", "kid", "crv", "alg", "x", "y"]
                }
                _ => &["use", "kty", "kid", "alg", "n", "e"],
            };
            assert_eq!(members, expected);
            assert_eq!(
                (&jwk["kid"], &jwk["alg"]),
                (&json!(key_id), &json!(algorithm.as_str()))
            );
        }
        assert_eq!(set.keys().keys().len(), 2);
    }
}

#[test]
fn an_empty_key_set_is_kept_for_seconds() {
    let set = KeySet::render(&[], UnixSeconds(1));
    assert_eq!(set.json(), br#"{"keys":[]}"#);
    assert_eq!(set.max_age_seconds(UnixSeconds(1)), MAX_AGE_EMPTY_SECONDS);
}

#[test]
fn max_age_follows_the_next_change_and_the_shortest_period() {
    let mut world = World::new(86_400, 86_400, 0);
    world.set_role(60);
    let start = world.now;
    let set = KeySet::render([&world.key], start);
    let rotation = start.plus(86_400);
    let before = |seconds: u64| UnixSeconds(rotation.0 - seconds);
    assert_eq!(set.max_age_seconds(start), MAX_AGE_SECONDS_MAX);
    assert_eq!(
        set.max_age_seconds(before(MAX_AGE_SECONDS_MAX + 1)),
        MAX_AGE_SECONDS_MAX
    );
    assert_eq!(set.max_age_seconds(before(100)), 100);
    assert_eq!(set.max_age_seconds(before(1)), MAX_AGE_SECONDS_MIN);
    assert_eq!(set.max_age_seconds(rotation), MAX_AGE_SECONDS_MAX);
    // A day after the rotation the retired pair leaves, and the set is another.
    assert!(set.is_valid(UnixSeconds(rotation.0 + 86_399)));
    assert!(!set.is_valid(rotation.plus(86_400)));

    let mut world = World::new(200, 200, 0);
    world.set_role(60);
    assert_eq!(
        KeySet::render([&world.key], world.now).max_age_seconds(world.now),
        50
    );
}

#[test]
fn a_promise_is_extended_once_per_max_age() {
    let none = Promise::default();
    let now = UnixSeconds(1_000);
    let first = none.extended(now, 600).unwrap();
    assert_eq!(
        first,
        Promise {
            until: UnixSeconds(2_200),
            generation: 0
        }
    );
    assert_eq!(first.extended(UnixSeconds(1_600), 600), None);
    let second = first.extended(UnixSeconds(1_601), 600).unwrap();
    assert_eq!(second.until, UnixSeconds(2_801));
    // A shorter max-age never takes back what was promised.
    assert_eq!(second.extended(UnixSeconds(1_602), 10), None);
    assert_eq!(
        second.with_changed_keys(),
        Promise {
            generation: 1,
            ..second
        }
    );
}

#[test]
fn a_promise_of_a_clock_that_ran_ahead_binds_nobody_for_long() {
    let now = UnixSeconds(1_000_000);
    let at = |until: u64| {
        Promise {
            until: UnixSeconds(until),
            generation: 0,
        }
        .publication(now)
    };
    let known = |known_from: u64| Publication {
        at: now,
        known_from: UnixSeconds(known_from),
    };
    let farthest = now.0 + PROMISE_SECONDS_MAX;
    assert_eq!(at(farthest), known(farthest + DELIVERY_MARGIN_SECONDS));
    assert_eq!(at(farthest + 1), at(farthest));
    assert_eq!(at(u64::MAX), at(farthest));
    assert_eq!(at(now.0 - DELIVERY_MARGIN_SECONDS), known(now.0));
    assert_eq!(at(0), known(now.0));
}

#[test]
fn a_payload_is_written_as_go_writes_it() {
    let claims = RegisteredClaims {
        issuer: "https://id.test/?a&b",
        subject: "s",
        audience: "a",
        issued_at: UnixSeconds(1),
        expires_at: UnixSeconds(2),
        namespace: "root",
        jwt_id: "j",
    };
    let custom = json!({
        "z": {"b": [1, 2.5, null, true, false, {}], "a": "<\u{2028}>\u{7}\n\"\\é"},
        "&": [],
    });
    let custom: &Map<String, Value> = custom.as_object().unwrap();
    assert_eq!(
        String::from_utf8(claims.payload(custom)).unwrap(),
        concat!(
            r#"{"\u0026":[],"aud":"a","exp":2,"iat":1,"iss":"https://id.test/?a\u0026b","jti":"j","#,
            r#""namespace":"root","sub":"s","z":{"a":"\u003c\u2028\u003e\u0007\n\"\\é","b":[1,2.5,null,true,false,{}]}}"#
        )
    );
}

#[test]
fn seconds_are_counted_whole() {
    let at = vouchsafe_logical::Timestamp::new(5, 1).unwrap();
    assert_eq!(
        (UnixSeconds::floor(at), UnixSeconds::ceil(at)),
        (UnixSeconds(5), UnixSeconds(6))
    );
    let whole = vouchsafe_logical::Timestamp::new(5, 0).unwrap();
    assert_eq!(UnixSeconds::ceil(whole), UnixSeconds(5));
    assert_eq!(UnixSeconds(0).to_string(), "1970-01-01T00:00:00Z");
    assert_eq!(
        UnixSeconds(u64::MAX).to_string(),
        "18446744073709551615 seconds after 1970"
    );
}
