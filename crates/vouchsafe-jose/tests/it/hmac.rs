//! Shared secrets: what they verify, how short they may be, and that they never meet public keys.

use aws_lc_rs::hmac;
use serde_json::{Value, json};
use vouchsafe_jose::hmac::{HmacAlgorithm, SymmetricKey, SymmetricKeyError, UnverifiedHmacJwt};
use vouchsafe_jose::limits::KEYS_TRIED_MAX;
use vouchsafe_jose::{Algorithm, JwkError, JwkSet, JwsError, JwtError, UnverifiedJwt};

use crate::fixtures::{encode, header, jwk, token};

const CLAIMS: &[u8] = br#"{"iss":"https://idp","aud":["a","b"],"exp":1900000000}"#;

fn secret(bytes: usize) -> Vec<u8> {
    (0..=u8::MAX).cycle().take(bytes).collect()
}

fn oct(alg: &str, bytes: usize) -> Value {
    json!({"kty": "oct", "alg": alg, "kid": "s1", "k": encode(&secret(bytes))})
}

fn parse(jwk: &Value) -> Result<SymmetricKey, SymmetricKeyError> {
    SymmetricKey::parse(&serde_json::to_vec(jwk).unwrap())
}

fn signed(algorithm: HmacAlgorithm, kid: Option<&str>, secret: &[u8], payload: &[u8]) -> String {
    let mut header = json!({"alg": algorithm.as_str()});
    if let Some(kid) = kid {
        header["kid"] = kid.into();
    }
    let input = format!(
        "{}.{}",
        encode(header.to_string().as_bytes()),
        encode(payload)
    );
    let primitive = match algorithm {
        HmacAlgorithm::Hs256 => hmac::HMAC_SHA256,
        HmacAlgorithm::Hs384 => hmac::HMAC_SHA384,
        HmacAlgorithm::Hs512 => hmac::HMAC_SHA512,
    };
    let tag = hmac::sign(&hmac::Key::new(primitive, secret), input.as_bytes());
    format!("{input}.{}", encode(tag.as_ref()))
}

fn refusal(token: &str, keys: &[SymmetricKey]) -> JwtError {
    UnverifiedHmacJwt::parse(token)
        .and_then(|token| token.verify(keys))
        .unwrap_err()
}

#[test]
fn a_secret_as_long_as_its_output_verifies_and_one_byte_less_is_no_key() {
    for algorithm in HmacAlgorithm::ALL {
        let bytes = algorithm.key_bytes_min();
        let key = parse(&oct(algorithm.as_str(), bytes)).unwrap();
        let token = signed(algorithm, Some("s1"), &secret(bytes), CLAIMS);
        let parsed = UnverifiedHmacJwt::parse(&token).unwrap();
        assert_eq!(parsed.issuer(), Some("https://idp"));
        assert_eq!(parsed.audience(), ["a", "b"]);
        let verified = parsed.verify(&[key]).unwrap();
        assert_eq!(verified.header().algorithm(), algorithm);
        assert_eq!(verified.into_claims().issuer(), Some("https://idp"));

        let error = parse(&oct(algorithm.as_str(), bytes - 1)).unwrap_err();
        let found_bytes = bytes - 1;
        assert_eq!(
            error,
            SymmetricKeyError::TooShort {
                algorithm,
                found_bytes
            }
        );
    }
}

#[test]
fn a_secret_is_bound_to_the_algorithm_that_it_names() {
    let mut unbound = oct("HS256", 64);
    unbound.as_object_mut().unwrap().remove("alg");
    let missing = JwkError::Missing { member: "alg" };
    assert_eq!(
        parse(&unbound).unwrap_err(),
        SymmetricKeyError::Jwk(missing)
    );
    for alg in ["RS256", "none", "hs256", "A256KW", ""] {
        let error = parse(&oct(alg, 64)).unwrap_err();
        assert!(
            matches!(error, SymmetricKeyError::NotHmac(_)),
            "{alg}: {error}"
        );
    }
    // The same bytes under another algorithm of the family.
    let keys = [parse(&oct("HS256", 64)).unwrap()];
    let token = signed(HmacAlgorithm::Hs512, Some("s1"), &secret(64), CLAIMS);
    let found = HmacAlgorithm::Hs512;
    assert_eq!(
        refusal(&token, &keys),
        JwsError::HmacAlgorithmMismatch { found }.into()
    );
}

#[test]
fn what_is_no_symmetric_key_for_signatures_is_refused() {
    for algorithm in Algorithm::ALL {
        let public = serde_json::to_value(jwk(algorithm)).unwrap();
        let error = parse(&public).unwrap_err();
        assert!(matches!(error, SymmetricKeyError::NotSymmetric { .. }));
    }
    let mut encryption = oct("HS256", 32);
    encryption["use"] = "enc".into();
    assert!(parse(&encryption).is_err());
    let mut only_signs = oct("HS256", 32);
    only_signs["key_ops"] = json!(["sign"]);
    assert!(parse(&only_signs).is_err());
    let mut padded = oct("HS256", 32);
    padded["k"] = format!("{}=", encode(&secret(32))).into();
    let error = parse(&padded).unwrap_err();
    assert_eq!(
        error,
        SymmetricKeyError::Jwk(JwkError::NotBase64Url { member: "k" })
    );
}

#[test]
fn a_tag_that_is_wrong_cut_short_or_missing_verifies_nothing() {
    let keys = [parse(&oct("HS256", 32)).unwrap()];
    let good = signed(HmacAlgorithm::Hs256, Some("s1"), &secret(32), CLAIMS);
    let (input, tag) = good.rsplit_once('.').unwrap();
    let other = signed(HmacAlgorithm::Hs256, Some("s1"), &secret(33), CLAIMS);
    assert_eq!(refusal(&other, &keys), JwsError::SignatureMismatch.into());
    // 40 characters are 30 bytes: canonical base64url, two bytes short.
    let short = format!("{input}.{}", tag.get(..40).unwrap());
    assert_eq!(refusal(&short, &keys), JwsError::SignatureMismatch.into());
    assert_eq!(
        refusal(&format!("{input}."), &keys),
        JwsError::SignatureMissing.into()
    );
}

#[test]
fn the_key_id_selects_and_what_is_not_there_is_not_found() {
    let keys = [parse(&oct("HS256", 32)).unwrap()];
    let unnamed = signed(HmacAlgorithm::Hs256, None, &secret(32), CLAIMS);
    assert!(
        UnverifiedHmacJwt::parse(&unnamed)
            .unwrap()
            .verify(&keys)
            .is_ok()
    );
    let other = signed(HmacAlgorithm::Hs256, Some("s2"), &secret(32), CLAIMS);
    assert!(matches!(
        refusal(&other, &keys),
        JwtError::Jws(JwsError::KeyNotFound { .. })
    ));
    assert!(matches!(
        refusal(&unnamed, &[]),
        JwtError::Jws(JwsError::KeyNotFound { .. })
    ));
}

#[test]
fn as_many_keys_as_the_limit_are_tried_and_not_one_more() {
    let good = parse(&oct("HS256", 32)).unwrap();
    let wrong = parse(&json!({"kty": "oct", "alg": "HS256", "k": encode(&secret(40))})).unwrap();
    let unnamed = signed(HmacAlgorithm::Hs256, None, &secret(32), CLAIMS);
    let mut keys = vec![wrong.clone(); KEYS_TRIED_MAX - 1];
    keys.push(good);
    assert!(
        UnverifiedHmacJwt::parse(&unnamed)
            .unwrap()
            .verify(&keys)
            .is_ok()
    );
    keys.insert(0, wrong);
    let found = KEYS_TRIED_MAX + 1;
    assert_eq!(
        refusal(&unnamed, &keys),
        JwsError::TooManyKeys { found }.into()
    );
}

/// The confusion of families, from both sides.
#[test]
fn the_two_families_never_meet() {
    let hmac = signed(HmacAlgorithm::Hs256, Some("s1"), &secret(32), CLAIMS);
    let error = UnverifiedJwt::parse(&hmac).unwrap_err();
    assert!(matches!(
        error,
        JwtError::Jws(JwsError::UnknownAlgorithm(_))
    ));

    let public = token(Algorithm::EdDsa, &header(Algorithm::EdDsa), "{}");
    let error = UnverifiedHmacJwt::parse(&public).unwrap_err();
    assert!(matches!(
        error,
        JwtError::Jws(JwsError::UnknownAlgorithm(_))
    ));

    // A set that an issuer publishes skips a shared secret, whatever it says of itself.
    let set = json!({"keys": [oct("HS256", 32)]});
    let set = JwkSet::parse(&serde_json::to_vec(&set).unwrap()).unwrap();
    assert!(set.keys().is_empty());
}

#[test]
fn a_secret_can_not_be_shown() {
    let key = parse(&oct("HS256", 32)).unwrap();
    let shown = format!("{key:?}");
    assert!(!shown.contains(&encode(&secret(32))), "{shown}");
    assert!(shown.contains("s1") && shown.contains("Hs256"), "{shown}");
    let short = parse(&oct("HS256", 8)).unwrap_err().to_string();
    assert!(!short.contains(&encode(&secret(8))), "{short}");
}
