//! Signing: the exact header, the two halves, and the limit on what is made.

use vouchsafe_jose::limits::TOKEN_BYTES_MAX;
use vouchsafe_jose::{Algorithm, AlgorithmSet, JwsSigner, SignError, SigningKey, jws};

use crate::fixtures::{KEY_ID, decode, key, key_id, key_set};

fn signer(algorithm: Algorithm, typ: Option<&str>) -> JwsSigner {
    let pkcs8 = key(algorithm).to_pkcs8().unwrap();
    JwsSigner::new(
        SigningKey::from_pkcs8(algorithm, &pkcs8).unwrap(),
        key_id(KEY_ID),
        typ,
    )
}

fn header_text(token: &str) -> String {
    String::from_utf8(decode(token.split('.').next().unwrap())).unwrap()
}

#[test]
fn header_is_exactly_that_of_vault() {
    let token = signer(Algorithm::Es256, None).sign_compact(b"{}").unwrap();
    assert_eq!(header_text(&token), r#"{"alg":"ES256","kid":"k1"}"#);
    let token = signer(Algorithm::EdDsa, Some("at+jwt"))
        .sign_compact(b"{}")
        .unwrap();
    assert_eq!(
        header_text(&token),
        r#"{"alg":"EdDSA","kid":"k1","typ":"at+jwt"}"#
    );
}

#[test]
fn key_id_is_escaped_in_the_header() {
    let pkcs8 = key(Algorithm::EdDsa).to_pkcs8().unwrap();
    let key = SigningKey::from_pkcs8(Algorithm::EdDsa, &pkcs8).unwrap();
    let signer = JwsSigner::new(key, key_id("a\",\"alg\":\"none"), None);
    let token = signer.sign_compact(b"{}").unwrap();
    assert_eq!(
        header_text(&token),
        r#"{"alg":"EdDSA","kid":"a\",\"alg\":\"none"}"#
    );
}

#[test]
fn the_two_halves_make_the_same_token() {
    for algorithm in [Algorithm::Rs256, Algorithm::EdDsa] {
        let signer = signer(algorithm, None);
        let input = signer.signing_input(b"payload").unwrap();
        let signature = signer.key().sign(input.as_bytes()).unwrap();
        let token = signer.finish(input, &signature);
        // Both algorithms are deterministic.
        assert_eq!(token, signer.sign_compact(b"payload").unwrap());
    }
}

#[test]
fn every_algorithm_signs_what_verifies() {
    for algorithm in Algorithm::ALL {
        let signer = signer(algorithm, None);
        for payload in [&b""[..], b"{}", &[0xff; 300]] {
            let token = signer.sign_compact(payload).unwrap();
            let allowed = AlgorithmSet::only(algorithm);
            let verified = jws::verify(&token, &key_set(algorithm), allowed).unwrap();
            assert_eq!(verified.payload(), payload);
        }
    }
}

#[test]
fn length_of_what_is_made_at_the_limit_and_past_it() {
    for algorithm in [Algorithm::Rs256, Algorithm::Es512] {
        let signer = signer(algorithm, None);
        let fixed = signer.sign_compact(b"").unwrap().len();
        let payload = vec![b'x'; (TOKEN_BYTES_MAX - fixed) * 3 / 4];
        let longest = signer.sign_compact(&payload).unwrap();
        assert!(TOKEN_BYTES_MAX - longest.len() < 2);
        jws::verify(&longest, &key_set(algorithm), AlgorithmSet::ALL).unwrap();

        let payload = [&payload[..], b"xx"].concat();
        let bytes = fixed + (payload.len() * 4).div_ceil(3);
        assert!(bytes > TOKEN_BYTES_MAX);
        assert_eq!(
            signer.sign_compact(&payload),
            Err(SignError::TooLong { bytes })
        );
        assert_eq!(
            signer.signing_input(&payload),
            Err(SignError::TooLong { bytes })
        );
    }
}

#[test]
fn debug_shows_no_private_numbers() {
    let shown = format!("{:?}", signer(Algorithm::Es256, None));
    assert!(shown.contains("redacted"), "{shown}");
}
