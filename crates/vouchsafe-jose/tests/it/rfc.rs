//! The examples of RFC 7515 Appendix A, RFC 7638 and RFC 8037.

use serde_json::Value;
use vouchsafe_jose::{Algorithm, AlgorithmSet, Jwk, JwkSet, JwsError, SigningKey, jws};

use crate::fixtures::committed;

/// The public part of a JWK.
fn public(jwk: &Value) -> Vec<u8> {
    let mut members = jwk.as_object().unwrap().clone();
    members.retain(|name, _| !["d", "p", "q", "dp", "dq", "qi"].contains(&name.as_str()));
    serde_json::to_vec(&members).unwrap()
}

#[track_caller]
fn check_accepted(cases: &Value) -> usize {
    let cases = cases.as_array().unwrap();
    for case in cases {
        let section = case["section"].as_str().unwrap();
        let algorithm = Algorithm::parse(case["alg"].as_str().unwrap()).unwrap();
        let token = case["token"].as_str().unwrap();
        let payload = case["payload"].as_str().unwrap().as_bytes();

        let keys = JwkSet::from_iter([Jwk::parse(&public(&case["jwk"])).unwrap()]);
        let verified = jws::verify(token, &keys, AlgorithmSet::only(algorithm)).unwrap();
        assert_eq!(verified.payload(), payload, "{section}");

        let jwk = serde_json::to_vec(&case["jwk"]).unwrap();
        let key = SigningKey::from_jwk(algorithm, &jwk).unwrap();
        assert_eq!(key.public_key(), keys.keys()[0].key(), "{section}");
        if case["deterministic"].as_bool().unwrap() {
            let (input, signature) = token.rsplit_once('.').unwrap();
            let made = crate::fixtures::encode(&key.sign(input.as_bytes()).unwrap());
            assert_eq!(made, signature, "{section}");
        }
    }
    cases.len()
}

#[test]
fn rfc_7515_appendix_a() {
    let document = committed("rfc7515.json");
    assert_eq!(check_accepted(&document["accepted"]), 3);

    let keys: JwkSet = document["accepted"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| Jwk::parse(&public(&case["jwk"])).unwrap())
        .collect();
    let refused = document["refused"].as_array().unwrap();
    assert_eq!(refused.len(), 5);
    for case in refused {
        let error = jws::verify(case["token"].as_str().unwrap(), &keys, AlgorithmSet::ALL);
        let found = match error.unwrap_err() {
            JwsError::UnknownAlgorithm(_) => "UnknownAlgorithm",
            JwsError::Unsigned => "Unsigned",
            JwsError::PartCount { .. } => "PartCount",
            other => panic!("{}: {other:?}", case["section"]),
        };
        assert_eq!(found, case["error"], "{}", case["section"]);
    }
}

#[test]
fn rfc_7638_thumbprint() {
    for case in committed("rfc7638.json").as_array().unwrap() {
        let jwk = Jwk::parse(&serde_json::to_vec(&case["jwk"]).unwrap()).unwrap();
        assert_eq!(jwk.thumbprint().to_string(), case["thumbprint"]);
        // `kid`, `alg` and `use` have no part in it.
        assert_eq!(jwk.key().thumbprint(), jwk.thumbprint());
    }
}

#[test]
fn rfc_8037_appendix_a() {
    let document = committed("rfc8037.json");
    assert_eq!(check_accepted(&document["accepted"]), 1);
    let jwk = Jwk::parse(&public(&document["accepted"][0]["jwk"])).unwrap();
    assert_eq!(jwk.thumbprint().to_string(), document["thumbprint"]);
}
