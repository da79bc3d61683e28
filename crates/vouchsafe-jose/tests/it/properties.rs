//! Properties: signing and verifying agree, every change is noticed, no input causes a panic.

use proptest::prelude::*;
use vouchsafe_jose::{
    Algorithm, AlgorithmSet, Jwk, JwkSet, KeyId, NumericDate, PublicKey, SigningKey, UnverifiedJws,
    UnverifiedJwt, jws, jwt,
};

use crate::fixtures::{encode, header, jwk, key, key_set, token};

const BASE64URL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn algorithm() -> impl Strategy<Value = Algorithm> {
    prop::sample::select(&Algorithm::ALL[..])
}

/// Feeds bytes to every parser; what they return is not of interest.
fn feed_every_parser(bytes: &[u8]) {
    let _ = Jwk::parse(bytes);
    let _ = JwkSet::parse(bytes);
    let _ = PublicKey::from_spki_der(bytes);
    for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
        let _ = SigningKey::from_pkcs8(algorithm, bytes);
        let _ = SigningKey::from_jwk(algorithm, bytes);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = UnverifiedJws::parse(text);
        let _ = UnverifiedJwt::parse(text);
        let _ = PublicKey::from_pem(text);
        let _ = KeyId::new(text);
        let _ = Algorithm::parse(text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_is_signed_verifies(
        algorithm in algorithm(),
        payload in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let input = format!("{}.{}", encode(header(algorithm).as_bytes()), encode(&payload));
        let signature = key(algorithm).sign(input.as_bytes()).unwrap();
        let token = format!("{input}.{}", encode(&signature));
        let verified = jws::verify(&token, &key_set(algorithm), algorithm.into()).unwrap();
        prop_assert_eq!(verified.payload(), &payload[..]);
    }

    #[test]
    fn a_changed_character_is_noticed(
        algorithm in algorithm(),
        place in any::<prop::sample::Index>(),
        to in 0_u8..128,
    ) {
        let mut bytes = token(algorithm, &header(algorithm), r#"{"sub":"web"}"#).into_bytes();
        let place = place.index(bytes.len());
        prop_assume!(bytes[place] != to);
        bytes[place] = to;
        let changed = String::from_utf8(bytes).unwrap();
        prop_assert!(jws::verify(&changed, &key_set(algorithm), AlgorithmSet::ALL).is_err());
    }

    #[test]
    fn a_signature_of_another_key_is_noticed(signer in algorithm(), verifier in algorithm()) {
        prop_assume!(signer != verifier);
        let token = token(signer, &header(verifier), "{}");
        prop_assert!(jws::verify(&token, &key_set(verifier), AlgorithmSet::ALL).is_err());
    }

    #[test]
    fn no_bytes_cause_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        feed_every_parser(&bytes);
    }

    #[test]
    fn no_header_or_payload_causes_a_panic(
        header in prop::collection::vec(any::<u8>(), 0..200),
        payload in prop::collection::vec(any::<u8>(), 0..200),
        signature in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let token = format!("{}.{}.{}", encode(&header), encode(&payload), encode(&signature));
        feed_every_parser(token.as_bytes());
        let keys: JwkSet = Algorithm::ALL.into_iter().map(jwk).collect();
        prop_assert!(jwt::verify(&token, &keys, AlgorithmSet::ALL).is_err());
    }

    #[test]
    fn no_almost_valid_key_causes_a_panic(
        algorithm in algorithm(),
        place in any::<prop::sample::Index>(),
        to in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let spki = key(algorithm).public_key().to_spki_der().unwrap();
        let pem = key(algorithm).public_key().to_pem().unwrap().into_bytes();
        let private = key(algorithm).to_private_jwk(None).unwrap().as_bytes().to_vec();
        let pkcs8 = key(algorithm).to_pkcs8().unwrap().to_vec();
        for mut bytes in [serde_json::to_vec(&jwk(algorithm)).unwrap(), spki, pem, private, pkcs8] {
            let place = place.index(bytes.len());
            bytes[place] = to;
            feed_every_parser(&bytes);
            feed_every_parser(&bytes[..cut.index(bytes.len())]);
        }
    }

    #[test]
    fn a_key_id_survives_header_and_jwk(text in ".{0,60}") {
        let key_id = KeyId::new(text.as_str()).unwrap();
        let jwk = Jwk::for_signing_key(key(Algorithm::EdDsa), Some(key_id.clone()));
        let again = Jwk::parse(&serde_json::to_vec(&jwk).unwrap()).unwrap();
        prop_assert_eq!(again.key_id(), Some(&key_id));
        let header = serde_json::json!({"alg": "EdDSA", "kid": text}).to_string();
        let token = token(Algorithm::EdDsa, &header, "{}");
        let keys = JwkSet::from_iter([jwk]);
        prop_assert!(jws::verify(&token, &keys, AlgorithmSet::ALL).is_ok());
    }

    #[test]
    fn whole_dates_are_exact(seconds in 0_u64..=vouchsafe_jose::limits::NUMERIC_DATE_SECONDS_MAX) {
        let date = NumericDate::from_json(&serde_json::json!(seconds)).unwrap();
        prop_assert_eq!(date, NumericDate::from_seconds(seconds).unwrap());
        prop_assert_eq!(date.to_string(), seconds.to_string());
    }

    #[test]
    fn dates_with_a_fraction_keep_their_order(one in 0.0..4e9_f64, other in 0.0..4e9_f64) {
        let date = |value: f64| NumericDate::from_json(&serde_json::json!(value)).unwrap();
        if one < other {
            prop_assert!(date(one) <= date(other));
        }
    }
}

/// Every position of one token, with every character that could stand there and some that cannot.
#[test]
fn every_single_character_change_is_noticed() {
    let good = token(
        Algorithm::EdDsa,
        &header(Algorithm::EdDsa),
        r#"{"sub":"web"}"#,
    );
    let keys = key_set(Algorithm::EdDsa);
    jws::verify(&good, &keys, AlgorithmSet::ALL).unwrap();
    for place in 0..good.len() {
        for to in BASE64URL.chars().chain("=. +/\n\0".chars()) {
            let changed = format!("{}{to}{}", &good[..place], &good[place + 1..]);
            if changed != good {
                assert!(
                    jws::verify(&changed, &keys, AlgorithmSet::ALL).is_err(),
                    "{place} {to:?}"
                );
            }
        }
        let shorter = format!("{}{}", &good[..place], &good[place + 1..]);
        assert!(
            jws::verify(&shorter, &keys, AlgorithmSet::ALL).is_err(),
            "{place}"
        );
    }
}
