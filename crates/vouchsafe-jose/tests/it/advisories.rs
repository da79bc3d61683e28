//! Published failures of other JWT libraries, each as the test that would have caught it.
//!
//! Failures that other modules cover already are named there: wrong date types (`jwt`), embedded
//! keys and `crit` (`jws`), mismatched halves and factorable moduli (`keys`), psychic signatures
//! and padding oracles (`wycheproof_raw`).

use serde_json::json;
use vouchsafe_jose::{
    Algorithm, AlgorithmSet, Jwk, JwkError, JwkSet, JwsError, JwtError, UnverifiedJwt, jws, jwt,
};

use crate::fixtures::{encode, header, jwk, key, key_id, key_set, token};

/// HMAC-SHA256 of a signing input, as an attacker computes it.
fn hmac_token(secret: &[u8]) -> String {
    use aws_lc_rs::hmac;
    let input = format!(
        "{}.{}",
        encode(br#"{"alg":"HS256","kid":"k1"}"#),
        encode(b"{}")
    );
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
    format!("{input}.{}", encode(tag.as_ref()))
}

/// CVE-2015-9235, CVE-2016-10555, CVE-2024-33663, CVE-2024-54150, CVE-2026-48526: the text of a
/// public key, in whatever form, used as an HMAC secret.
#[test]
fn public_key_text_is_no_hmac_secret() {
    for algorithm in Algorithm::ALL {
        let public = key(algorithm).public_key();
        for secret in [
            public.to_pem().unwrap().into_bytes(),
            public.to_spki_der().unwrap(),
            serde_json::to_vec(&jwk(algorithm)).unwrap(),
            Vec::new(),
        ] {
            let error = jws::verify(&hmac_token(&secret), &key_set(algorithm), AlgorithmSet::ALL);
            assert!(matches!(error, Err(JwsError::UnknownAlgorithm(_))));
        }
    }
}

/// CVE-2026-45363, CVE-2026-44351, CVE-2026-49852, CVE-2026-114616, CVE-2026-102266: an empty or
/// missing key verifies.
#[test]
fn empty_or_missing_key_verifies_nothing() {
    let good = token(Algorithm::EdDsa, &header(Algorithm::EdDsa), "{}");
    let key_id = Some(key_id("k1"));
    let nothing = JwkSet::default();
    let error = jws::verify(&good, &nothing, AlgorithmSet::ALL).unwrap_err();
    assert_eq!(error, JwsError::KeyNotFound { key_id });

    for empty in [
        json!({"kty": "oct", "k": ""}),
        json!({"kty": "OKP", "crv": "Ed25519", "x": ""}),
        json!({"kty": "EC", "crv": "P-256", "x": "", "y": ""}),
        json!({"kty": "RSA", "n": "", "e": ""}),
    ] {
        assert!(
            Jwk::parse(&serde_json::to_vec(&empty).unwrap()).is_err(),
            "{empty}"
        );
    }
    // An RSA key without `alg` is not a key for HMAC either.
    let mut members = serde_json::to_value(jwk(Algorithm::Rs256)).unwrap();
    members.as_object_mut().unwrap().remove("alg");
    let keys = JwkSet::from_iter([Jwk::parse(&serde_json::to_vec(&members).unwrap()).unwrap()]);
    let error = jws::verify(&hmac_token(b""), &keys, AlgorithmSet::ALL).unwrap_err();
    assert!(matches!(error, JwsError::UnknownAlgorithm(_)));
}

/// CVE-2018-1000531, CVE-2021-22160: unsigned tokens, refused before the claims are looked at.
#[test]
fn unsigned_tokens_are_refused_before_their_claims() {
    for none in ["none", "None", "nOnE"] {
        let text = format!(r#"{{"alg":"{none}"}}"#);
        let unsigned = format!("{}.{}.", encode(text.as_bytes()), encode(b"not json"));
        let refused = JwtError::Jws(JwsError::Unsigned);
        assert_eq!(UnverifiedJwt::parse(&unsigned).unwrap_err(), refused);
        let keys = key_set(Algorithm::Es256);
        assert_eq!(
            jwt::verify(&unsigned, &keys, AlgorithmSet::ALL),
            Err(refused)
        );
    }
}

/// CVE-2018-0114, CVE-2026-27962: the attacker signs with a key of their own and sends it along.
#[test]
fn token_that_brings_its_key_is_refused_even_when_the_key_fits() {
    let own = serde_json::to_string(&jwk(Algorithm::Es256)).unwrap();
    let text = format!(r#"{{"alg":"ES256","kid":"k1","jwk":{own}}}"#);
    let token = token(Algorithm::Es256, &text, "{}");
    for keys in [
        key_set(Algorithm::Es256),
        key_set(Algorithm::EdDsa),
        JwkSet::default(),
    ] {
        let error = jws::verify(&token, &keys, AlgorithmSet::ALL).unwrap_err();
        assert_eq!(error, JwsError::EmbeddedKey { parameter: "jwk" });
    }
}

/// `kid` as a path, a query or a terminator: an opaque name that fits no key.
#[test]
fn key_id_is_opaque() {
    for kid in [
        "../../../../dev/null",
        "/etc/passwd",
        "k1' OR '1'='1",
        "k1\0",
        "\0k1",
        "K1",
        "k1 ",
        "",
        "https://issuer.example/k1",
        "k1\r\nx: y",
    ] {
        let header = json!({"alg": "EdDSA", "kid": kid}).to_string();
        let token = token(Algorithm::EdDsa, &header, "{}");
        let error = jws::verify(&token, &key_set(Algorithm::EdDsa), AlgorithmSet::ALL);
        let error = error.unwrap_err();
        assert_eq!(
            error,
            JwsError::KeyNotFound {
                key_id: Some(key_id(kid))
            }
        );
        // What lands in a log is one line.
        assert!(!error.to_string().contains(['\r', '\n', '\0']), "{error}");
    }
}

/// CVE-2022-21449: a signature of zeros.
#[test]
fn signatures_of_zeros_are_refused() {
    for algorithm in Algorithm::ALL {
        let good = token(algorithm, &header(algorithm), "{}");
        let (input, _) = good.rsplit_once('.').unwrap();
        let zeros = vec![0; key(algorithm).signature_bytes()];
        let forged = format!("{input}.{}", encode(&zeros));
        let error = jws::verify(&forged, &key_set(algorithm), AlgorithmSet::ALL);
        assert_eq!(error, Err(JwsError::SignatureMismatch), "{algorithm}");
    }
}

/// CVE-2024-28180, CVE-2024-33664, CVE-2023-51774, CVE-2026-34986: compressed, password-based and
/// empty-key JWE. There is no JWE.
#[test]
fn encrypted_tokens_are_refused_by_shape() {
    for header in [
        r#"{"alg":"dir","enc":"A256GCM","zip":"DEF"}"#,
        r#"{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483647,"p2s":"AAAA"}"#,
        r#"{"alg":"ECDH-ES","enc":"A128GCM","epk":{}}"#,
    ] {
        let five = format!("{}..AAAA.AAAA.AAAA", encode(header.as_bytes()));
        let error = jws::verify(&five, &JwkSet::default(), AlgorithmSet::ALL);
        assert_eq!(error, Err(JwsError::Encrypted));
        // The same header in three parts names an algorithm that does not exist here.
        let three = format!("{}.AAAA.AAAA", encode(header.as_bytes()));
        let error = jws::verify(&three, &JwkSet::default(), AlgorithmSet::ALL);
        assert!(matches!(error, Err(JwsError::UnknownAlgorithm(_))));
    }
    let password = json!({"kty": "oct", "alg": "PBES2-HS256+A128KW", "k": "cGFzcw"});
    let error = Jwk::parse(&serde_json::to_vec(&password).unwrap()).unwrap_err();
    assert!(matches!(error, JwkError::UnsupportedKeyType { .. }));
}

/// A signature moved to another header or payload does not fit there.
#[test]
fn parts_of_two_tokens_do_not_mix() {
    let one = token(
        Algorithm::Es256,
        &header(Algorithm::Es256),
        r#"{"sub":"a"}"#,
    );
    let other = token(
        Algorithm::Es256,
        &header(Algorithm::Es256),
        r#"{"sub":"b"}"#,
    );
    let (one, other): (Vec<_>, Vec<_>) = (one.split('.').collect(), other.split('.').collect());
    for mixed in [[one[0], other[1], one[2]], [one[0], one[1], other[2]]] {
        let error = jws::verify(
            &mixed.join("."),
            &key_set(Algorithm::Es256),
            AlgorithmSet::ALL,
        );
        assert_eq!(error, Err(JwsError::SignatureMismatch));
    }
}
