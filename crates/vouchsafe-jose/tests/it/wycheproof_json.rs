//! Wycheproof's JSON Web vectors: 401 JWS, 26 JWK, 83 JOSE and 139 JWE cases.
//!
//! Every case is run. An invalid case must be refused; a valid case must be accepted, unless it
//! needs something that this crate refuses on purpose, which is then named and counted.

use std::collections::BTreeMap;

use serde_json::Value;
use vouchsafe_jose::hmac::{self, SymmetricKey, SymmetricKeyError};
use vouchsafe_jose::{AlgorithmSet, Jwk, JwkError, JwkSet, JwsError, KeyError, SigningKey, jws};

use crate::fixtures::shared_json;

/// How often each verdict was seen.
type Tally = BTreeMap<&'static str, usize>;

/// Valid cases whose key says otherwise than the token: Wycheproof's key for RFC 7520 §4.2 names
/// PS256 where the token has PS384, and the one for §4.3 names `ES521`, which is not registered.
const KEY_CONTRADICTS_TOKEN: [(u64, &str); 4] = [
    (346, "key alg differs"),
    (350, "key alg differs"),
    (347, "key alg unknown"),
    (351, "key alg unknown"),
];

/// Cases that are called invalid, yet whose MAC is good under the key that their `kid` names. Three
/// are about the set around that key (both families mixed, one `kid` twice), and sets are not what
/// [`hmac::verify`] is given; two are named for a padding that their text does not have.
const HMAC_GOOD_AFTER_ALL: [(u64, &str); 5] = [
    (1, "rejectsValid"),
    (4, "rejectsDuplicateKid"),
    (47, "rejectsValid"),
    (367, "invalidBase64Padding"),
    (370, "invalidBase64PaddingInPayload"),
];

/// Reads the keys as an issuer would publish them; a key on its own becomes a set of one.
fn key_set(key: &Value) -> Result<JwkSet, JwkError> {
    let json = serde_json::to_vec(key).unwrap();
    if key.get("keys").is_some() {
        return Ok(JwkSet::parse(&json).unwrap());
    }
    Ok(JwkSet::from_iter([Jwk::parse(&json)?]))
}

fn uses_symmetric_keys(key: &Value) -> bool {
    match key["keys"].as_array() {
        Some(keys) => keys.iter().any(|key| key["kty"] == "oct"),
        None => key["kty"] == "oct",
    }
}

/// The case's token: a string, or the JSON serialization as text.
fn token(case: &Value, member: &str) -> String {
    match &case[member] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What the verifier of shared secrets makes of a case. Its keys are only those that are symmetric
/// and sound.
fn check_hmac_case(key: &Value, case: &Value) -> &'static str {
    let keys = match key["keys"].as_array() {
        Some(keys) => keys.clone(),
        None => vec![key.clone()],
    };
    let parsed: Vec<_> = keys
        .iter()
        .map(|key| SymmetricKey::parse(&serde_json::to_vec(key).unwrap()))
        .collect();
    let secrets: Vec<_> = parsed.iter().flatten().cloned().collect();
    if secrets.is_empty() {
        return match &parsed[0] {
            Err(SymmetricKeyError::Jwk(JwkError::Missing { member: "alg" })) => "no alg, refused",
            Err(SymmetricKeyError::TooShort { .. }) => "short, refused",
            _ => "other, refused",
        };
    }
    match hmac::verify(&token(case, "jws"), &secrets) {
        Ok(_) => "valid, HMAC",
        Err(JwsError::NotBase64Url { .. }) => "HMAC, not canonical base64url",
        Err(_) => "other, refused",
    }
}

fn check_signature_case(key: &Value, case: &Value) -> &'static str {
    let number = case["tcId"].as_u64().unwrap();
    let accepted = match key_set(key) {
        Ok(keys) => jws::verify(&token(case, "jws"), &keys, AlgorithmSet::ALL).is_ok(),
        Err(_) => false,
    };
    if case["result"] == "invalid" {
        assert!(!accepted, "{number} {}: accepted", case["comment"]);
        let by_secret = check_hmac_case(key, case) == "valid, HMAC";
        let expected = HMAC_GOOD_AFTER_ALL.contains(&(number, case["comment"].as_str().unwrap()));
        assert_eq!(by_secret, expected, "{number} {}", case["comment"]);
        return "invalid, refused";
    }
    assert_eq!(case["result"], "valid");
    if uses_symmetric_keys(key) {
        assert!(!accepted, "{number}: HMAC accepted by public keys");
        return check_hmac_case(key, case);
    }
    match KEY_CONTRADICTS_TOKEN
        .iter()
        .find(|(known, _)| *known == number)
    {
        Some((_, reason)) => {
            assert!(!accepted, "{number}: accepted");
            reason
        }
        None => {
            assert!(accepted, "{number} {}: refused", case["comment"]);
            "valid, accepted"
        }
    }
}

/// Runs the cases that carry a signature; returns those that carry an encrypted token.
fn check_file(file: &str, tally: &mut Tally) -> Option<(usize, Vec<Value>)> {
    let document = shared_json(file)?;
    let mut encrypted = Vec::new();
    let mut signed = 0;
    for group in document["testGroups"].as_array().unwrap() {
        let key = group.get("public").unwrap_or(&group["private"]);
        for case in group["tests"].as_array().unwrap() {
            if case.get("jws").is_none() {
                encrypted.push(case.clone());
                continue;
            }
            signed += 1;
            *tally.entry(check_signature_case(key, case)).or_default() += 1;
        }
    }
    let total = usize::try_from(document["numberOfTests"].as_u64().unwrap()).unwrap();
    assert_eq!(signed + encrypted.len(), total);
    Some((total, encrypted))
}

/// A JWE is refused for its shape, whatever the keys.
fn check_encrypted(cases: &[Value]) -> Tally {
    let mut tally = Tally::new();
    for case in cases {
        let error = jws::verify(&token(case, "jwe"), &JwkSet::default(), AlgorithmSet::ALL);
        let verdict = match error.unwrap_err() {
            JwsError::Encrypted => "five parts",
            JwsError::PartCount { .. } => "other part count",
            other => panic!("{}: {other:?}", case["tcId"]),
        };
        *tally.entry(verdict).or_default() += 1;
    }
    tally
}

#[test]
fn json_web_signature() {
    let mut tally = Tally::new();
    let Some((total, encrypted)) = check_file("json_web_signature_test.json", &mut tally) else {
        return;
    };
    assert_eq!((total, encrypted.len()), (401, 0));
    let expected = Tally::from([
        ("valid, accepted", 32),
        ("valid, HMAC", 8),
        // Cases 372 and 373 put a character into the text that base64 does not have.
        ("HMAC, not canonical base64url", 2),
        ("key alg differs", 2),
        ("key alg unknown", 2),
        ("invalid, refused", 355),
    ]);
    assert_eq!(tally, expected);
}

#[test]
fn json_web_key() {
    let mut tally = Tally::new();
    let Some((total, encrypted)) = check_file("json_web_key_test.json", &mut tally) else {
        return;
    };
    assert_eq!((total, encrypted.len()), (26, 0));
    let expected = Tally::from([
        ("valid, accepted", 1),
        ("valid, HMAC", 4),
        ("invalid, refused", 21),
    ]);
    assert_eq!(tally, expected);
}

#[test]
fn json_web_crypto() {
    let mut tally = Tally::new();
    let Some((total, encrypted)) = check_file("json_web_crypto_test.json", &mut tally) else {
        return;
    };
    assert_eq!((total, encrypted.len()), (83, 34));
    let expected = Tally::from([
        ("valid, accepted", 2),
        ("valid, HMAC", 2),
        ("invalid, refused", 45),
    ]);
    assert_eq!(tally, expected);
    assert_eq!(
        check_encrypted(&encrypted),
        Tally::from([("five parts", 23), ("other part count", 11)])
    );
}

#[test]
fn json_web_encryption() {
    let mut tally = Tally::new();
    let Some((total, encrypted)) = check_file("json_web_encryption_test.json", &mut tally) else {
        return;
    };
    assert_eq!((total, encrypted.len()), (139, 139));
    assert_eq!(
        check_encrypted(&encrypted),
        Tally::from([("five parts", 128), ("other part count", 11)])
    );
}

/// The invalid keys of the JWK file are refused for what is wrong with them, not by luck.
#[test]
fn unsound_keys_are_refused_for_their_fault() {
    let Some(document) = shared_json("json_web_key_test.json") else {
        return;
    };
    let check = |comment: &str, holds: fn(&JwkError) -> bool| {
        let group = document["testGroups"]
            .as_array()
            .unwrap()
            .iter()
            .find(|group| group["tests"][0]["comment"] == comment)
            .unwrap();
        let key = group.get("public").unwrap_or(&group["private"]);
        let set = JwkSet::parse(&serde_json::to_vec(key).unwrap()).unwrap();
        let reason = &set.skipped()[0].reason;
        assert!(holds(reason), "{comment}: {reason:?}");
    };
    check("rejectsKeyWithRocaVulnerability", |reason| {
        *reason == JwkError::Key(KeyError::RsaFactorable)
    });
    check("rejects1024bitRsaKey", |reason| {
        *reason == JwkError::Key(KeyError::RsaModulusSize { found_bits: 1024 })
    });
    check("rejectsPublicExponent1", |reason| {
        *reason == JwkError::Key(KeyError::RsaExponent)
    });
    check("rejectsWrongUse", |reason| {
        matches!(reason, JwkError::NotForSignatures { .. })
    });
    check("mismatchedAlgAndCurve", |reason| {
        matches!(reason, JwkError::UnsupportedAlgorithm(_))
    });
    check("empty_key", |reason| {
        matches!(reason, JwkError::UnsupportedKeyType { .. })
    });
}

/// The private halves sign, and what they sign verifies with the public halves.
#[test]
fn private_keys_of_the_signature_file_sign() {
    let Some(document) = shared_json("json_web_signature_test.json") else {
        return;
    };
    let mut signed = 0;
    for group in document["testGroups"].as_array().unwrap() {
        let Some(public) = group.get("public") else {
            continue;
        };
        let Ok(public) = Jwk::parse(&serde_json::to_vec(public).unwrap()) else {
            continue;
        };
        let algorithm = public.algorithm().unwrap();
        let private = serde_json::to_vec(&group["private"]).unwrap();
        let key = match SigningKey::from_jwk(algorithm, &private) {
            Ok(key) => key,
            // Two groups misspell the operation as `sign,`.
            Err(JwkError::KeyOperations { expected: "sign" }) => continue,
            Err(other) => panic!("{}: {other:?}", group["comment"]),
        };
        let signature = key.sign(b"message").unwrap();
        assert!(public.key().verifies(algorithm, b"message", &signature));
        signed += 1;
    }
    assert_eq!(signed, 12);
}
