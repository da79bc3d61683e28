//! RFC 7520 (JOSE cookbook), RFC 7797 and RFC 8037 examples, as the working group publishes them.
//!
//! Every file of the folder is looked at: asymmetric compact signatures must verify, everything
//! else must be refused with the error that fits.

use std::path::Path;

use serde_json::Value;
use vouchsafe_jose::{
    Algorithm, AlgorithmSet, Jwk, JwkError, JwkSet, JwsError, SigningKey, VerifiedJws, jws,
};

use crate::fixtures::shared;

#[derive(Default, Debug, PartialEq, Eq)]
struct Tally {
    keys_accepted: usize,
    keys_refused: usize,
    tokens_accepted: usize,
    tokens_refused: usize,
}

#[test]
fn every_file_of_the_cookbook() {
    let Some(folder) = shared("cookbook") else {
        return;
    };
    let mut tally = Tally::default();
    let mut files = 0;
    for section in std::fs::read_dir(folder).unwrap() {
        for file in std::fs::read_dir(section.unwrap().path()).unwrap() {
            check_file(&file.unwrap().path(), &mut tally);
            files += 1;
        }
    }
    assert_eq!(files, 18);
    let expected = Tally {
        keys_accepted: 4,
        keys_refused: 2,
        tokens_accepted: 4,
        tokens_refused: 27,
    };
    assert_eq!(tally, expected);
}

fn check_file(path: &Path, tally: &mut Tally) {
    let document: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    if document.get("kty").is_some() {
        return check_key(&document, tally);
    }
    let input = &document["input"];
    for (form, output) in document["output"].as_object().unwrap() {
        let token = output
            .as_str()
            .map_or_else(|| output.to_string(), str::to_owned);
        let verdict = jws::verify(&token, &key_set(&input["key"]), AlgorithmSet::ALL);
        if is_accepted(&verdict, form, path) {
            tally.tokens_accepted += 1;
        } else {
            tally.tokens_refused += 1;
        }
    }
}

fn check_key(jwk: &Value, tally: &mut Tally) {
    let json = serde_json::to_vec(jwk).unwrap();
    let accepted = match jwk["kty"].as_str().unwrap() {
        "oct" => {
            assert!(matches!(
                Jwk::parse(&json),
                Err(JwkError::UnsupportedKeyType { .. })
            ));
            false
        }
        kty if jwk.get("d").is_some() => {
            assert_eq!(
                Jwk::parse(&json),
                Err(JwkError::PrivateMember { member: "d" })
            );
            let algorithm = if kty == "EC" {
                Algorithm::Es512
            } else {
                Algorithm::Rs256
            };
            SigningKey::from_jwk(algorithm, &json).is_ok()
        }
        _ => Jwk::parse(&json).is_ok(),
    };
    if accepted {
        tally.keys_accepted += 1;
    } else {
        tally.keys_refused += 1;
    }
}

/// Whether the token verified; a refusal must be for a reason that fits the example.
fn is_accepted(verdict: &Result<VerifiedJws, JwsError>, form: &str, path: &Path) -> bool {
    let fits = match verdict {
        Ok(_) => return true,
        // The number of dots in JSON text is accidental.
        Err(JwsError::PartCount { .. } | JwsError::Encrypted) if form != "compact" => true,
        Err(JwsError::UnknownAlgorithm(unknown)) => unknown.found == "HS256",
        Err(JwsError::Encrypted) => path.ends_with("curve25519/ecdh-es.json"),
        Err(_) => false,
    };
    assert!(fits, "{}: {verdict:?}", path.display());
    false
}

/// The public part of the example's key; nothing for a symmetric key, or for several.
fn key_set(key: &Value) -> JwkSet {
    let Value::Object(members) = key else {
        return JwkSet::default();
    };
    let mut members = members.clone();
    members.retain(|name, _| !["d", "p", "q", "dp", "dq", "qi"].contains(&name.as_str()));
    Jwk::parse(&serde_json::to_vec(&members).unwrap())
        .into_iter()
        .collect()
}
