//! Compact JWS: every refusal has its own error, and the limits hold on both sides.

use vouchsafe_jose::limits::{
    HEADER_BYTES_MAX, HEADER_DEPTH_MAX, KEY_ID_BYTES_MAX, KEYS_TRIED_MAX, TOKEN_BYTES_MAX,
};
use vouchsafe_jose::{
    Algorithm, AlgorithmSet, JsonError, Jwk, JwkSet, JwsError, JwsPart, KeyIdTooLong, SigningKey,
    UnknownAlgorithm, UnverifiedJws, VerifiedJws, jws,
};

use crate::fixtures::{KEY_ID, encode, header, jwk, key, key_id, key_set, token};

const ALG: Algorithm = Algorithm::EdDsa;

fn verify(token: &str) -> Result<VerifiedJws, JwsError> {
    jws::verify(token, &key_set(ALG), AlgorithmSet::ALL)
}

#[track_caller]
fn check_header(header: &str, expected: JwsError) {
    assert_eq!(verify(&token(ALG, header, "{}")), Err(expected), "{header}");
}

#[test]
fn every_algorithm_verifies_what_it_signed() {
    for algorithm in Algorithm::ALL {
        let token = token(algorithm, &header(algorithm), "payload");
        let verified =
            jws::verify(&token, &key_set(algorithm), AlgorithmSet::only(algorithm)).unwrap();
        assert_eq!(verified.payload(), b"payload");
        assert_eq!(verified.header().algorithm(), algorithm);
        assert_eq!(verified.header().key_id(), Some(&key_id(KEY_ID)));
        assert_eq!(verified.header().typ(), None);
    }
}

#[test]
fn header_members_beside_the_known_ones_are_ignored() {
    let header = r#"{"typ":"JWT","x5t":"abc","cty":"x","alg":"EdDSA","own":{"a":[1]},"kid":"k1"}"#;
    let verified = verify(&token(ALG, header, "{}")).unwrap();
    assert_eq!(verified.header().typ(), Some("JWT"));
}

#[test]
fn unsigned_tokens_are_refused_before_anything_else() {
    for none in ["none", "None", "NONE", "nOnE"] {
        let text = format!(r#"{{"alg":"{none}"}}"#);
        check_header(&text, JwsError::Unsigned);
        let unsigned = format!("{}.{}.", encode(text.as_bytes()), encode(b"{}"));
        assert_eq!(verify(&unsigned), Err(JwsError::Unsigned));
    }
}

#[test]
fn algorithms_outside_the_crate_are_refused() {
    for unknown in [
        "HS256", "HS384", "HS512", "", "RS1", "rs256", "ES256K", "ES521", "A128KW",
    ] {
        let expected = JwsError::UnknownAlgorithm(UnknownAlgorithm {
            found: unknown.to_owned(),
        });
        check_header(&format!(r#"{{"alg":"{unknown}","kid":"k1"}}"#), expected);
    }
    check_header(r#"{"kid":"k1"}"#, JwsError::AlgorithmMissing);
}

#[test]
fn header_parameters_of_the_wrong_type_are_refused() {
    for wrong in ["1", "null", "true", "[\"EdDSA\"]", "{}"] {
        check_header(
            &format!(r#"{{"alg":{wrong}}}"#),
            JwsError::HeaderParameterType { parameter: "alg" },
        );
        check_header(
            &format!(r#"{{"alg":"EdDSA","kid":{wrong}}}"#),
            JwsError::HeaderParameterType { parameter: "kid" },
        );
        check_header(
            &format!(r#"{{"alg":"EdDSA","typ":{wrong}}}"#),
            JwsError::HeaderParameterType { parameter: "typ" },
        );
    }
}

#[test]
fn critical_extensions_are_refused() {
    for crit in [
        r#"["exp"]"#,
        "[]",
        r#"["b64"]"#,
        r#"["exp","exp"]"#,
        r#"["alg"]"#,
        "null",
        "1",
    ] {
        let text = format!(r#"{{"alg":"EdDSA","kid":"k1","crit":{crit},"exp":1}}"#);
        check_header(&text, JwsError::CriticalExtension);
    }
}

#[test]
fn unencoded_payloads_are_refused() {
    for b64 in ["false", "true", "null"] {
        let text = format!(r#"{{"alg":"EdDSA","kid":"k1","b64":{b64}}}"#);
        check_header(&text, JwsError::UnencodedPayload);
    }
}

/// CVE-2018-0114: a key that arrives with the token is never used.
#[test]
fn embedded_keys_are_refused() {
    let own = serde_json::to_string(&jwk(ALG)).unwrap();
    for (parameter, value) in [
        ("jwk", own.as_str()),
        ("jku", "\"https://issuer.example/keys\""),
        ("x5u", "\"https://issuer.example/chain\""),
        ("x5c", "[\"MIIB\"]"),
        ("jwk", "null"),
    ] {
        let text = format!(r#"{{"alg":"EdDSA","kid":"k1","{parameter}":{value}}}"#);
        check_header(&text, JwsError::EmbeddedKey { parameter });
    }
}

#[test]
fn duplicate_members_are_refused_at_every_level() {
    for (text, name) in [
        (r#"{"alg":"EdDSA","alg":"EdDSA"}"#, "alg"),
        (r#"{"alg":"EdDSA","kid":"a","kid":"b"}"#, "kid"),
        (r#"{"alg":"EdDSA","crit":[],"crit":[]}"#, "crit"),
        (r#"{"alg":"EdDSA","own":{"x":1,"x":2}}"#, "x"),
        (r#"{"alg":"EdDSA","own":[{"deep":{"y":1,"y":1}}]}"#, "y"),
        // The same name, escaped differently.
        (r#"{"alg":"EdDSA","\u0061lg":"none"}"#, "alg"),
    ] {
        let expected = JsonError::DuplicateMember {
            name: name.to_owned(),
        };
        check_header(text, JwsError::HeaderJson(expected));
    }
}

#[test]
fn headers_that_are_not_one_json_object_are_refused() {
    for text in ["[]", "\"EdDSA\"", "null", "1"] {
        check_header(text, JwsError::HeaderJson(JsonError::NotAnObject));
    }
    for text in [
        "{",
        "{\"alg\":\"EdDSA\"}{}",
        "{\"alg\":\"EdDSA\",}",
        "\u{feff}{}",
        "{'alg':1}",
    ] {
        let error = verify(&token(ALG, text, "{}")).unwrap_err();
        assert!(
            matches!(error, JwsError::HeaderJson(JsonError::Syntax { .. })),
            "{error:?}"
        );
    }
    let latin1 = format!("{}..c2ln", encode(b"{\"alg\":\"EdDSA\",\"own\":\"\xe9\"}"));
    assert!(matches!(
        verify(&latin1),
        Err(JwsError::HeaderJson(JsonError::Syntax { .. }))
    ));
}

#[test]
fn header_depth_at_the_limit_and_past_it() {
    let nested = |levels: usize| {
        let inner = levels - 1;
        let (open, close) = ("[".repeat(inner), "]".repeat(inner));
        format!(r#"{{"alg":"EdDSA","kid":"k1","own":{open}{close}}}"#)
    };
    verify(&token(ALG, &nested(HEADER_DEPTH_MAX), "{}")).unwrap();
    let too_deep = JsonError::TooDeep {
        depth_max: HEADER_DEPTH_MAX,
    };
    check_header(
        &nested(HEADER_DEPTH_MAX + 1),
        JwsError::HeaderJson(too_deep.clone()),
    );
    check_header(&nested(1000), JwsError::HeaderJson(too_deep));
}

#[test]
fn header_length_at_the_limit_and_past_it() {
    let padded = |bytes: usize| {
        let frame = r#"{"alg":"EdDSA","kid":"k1","own":""}"#;
        frame.replace(r#""""#, &format!("\"{}\"", "x".repeat(bytes - frame.len())))
    };
    let longest = padded(HEADER_BYTES_MAX);
    assert_eq!(longest.len(), HEADER_BYTES_MAX);
    verify(&token(ALG, &longest, "{}")).unwrap();
    check_header(&padded(HEADER_BYTES_MAX + 1), JwsError::HeaderTooLong);
    check_header(&padded(HEADER_BYTES_MAX * 2), JwsError::HeaderTooLong);
}

#[test]
fn key_id_length_at_the_limit_and_past_it() {
    let longest = "k".repeat(KEY_ID_BYTES_MAX);
    let text = format!(r#"{{"alg":"EdDSA","kid":"{longest}"}}"#);
    let key_id = Some(key_id(&longest));
    check_header(&text, JwsError::KeyNotFound { key_id });
    let found_bytes = KEY_ID_BYTES_MAX + 1;
    let text = format!(r#"{{"alg":"EdDSA","kid":"{longest}k"}}"#);
    check_header(&text, JwsError::KeyIdTooLong(KeyIdTooLong { found_bytes }));
}

#[test]
fn token_length_at_the_limit_and_past_it() {
    // Four characters carry three bytes; `typ` makes up for what that leaves.
    let longest = (0..4)
        .map(|padding| {
            let typ = "x".repeat(padding);
            let header = format!(r#"{{"alg":"{ALG}","kid":"{KEY_ID}","typ":"{typ}"}}"#);
            let fixed = token(ALG, &header, "").len();
            token(ALG, &header, &"x".repeat((TOKEN_BYTES_MAX - fixed) * 3 / 4))
        })
        .find(|token| token.len() == TOKEN_BYTES_MAX)
        .unwrap();
    verify(&longest).unwrap();
    let found_bytes = TOKEN_BYTES_MAX + 1;
    assert_eq!(
        verify(&format!("{longest}A")),
        Err(JwsError::TooLong { found_bytes })
    );
    // CVE-2025-30204: millions of dots cost no more than their count.
    let dots = ".".repeat(1 << 20);
    assert_eq!(
        verify(&dots),
        Err(JwsError::TooLong {
            found_bytes: 1 << 20
        })
    );
}

#[test]
fn shapes_other_than_three_parts_are_refused() {
    let good = token(ALG, &header(ALG), "{}");
    for (text, found) in [
        (String::new(), 1),
        ("abc".to_owned(), 1),
        (good.rsplit_once('.').unwrap().0.to_owned(), 2),
        (format!("{good}."), 4),
        (format!("{good}.a.b.c"), 6),
    ] {
        assert_eq!(verify(&text), Err(JwsError::PartCount { found }), "{text}");
    }
    assert_eq!(verify(&format!("{good}.a.b")), Err(JwsError::Encrypted));
    assert_eq!(verify("...."), Err(JwsError::Encrypted));
}

#[test]
fn base64url_that_is_not_canonical_is_refused() {
    let good = token(ALG, &header(ALG), "ab");
    let parts: Vec<&str> = good.split('.').collect();
    for (position, part) in [JwsPart::Header, JwsPart::Payload, JwsPart::Signature]
        .into_iter()
        .enumerate()
    {
        let original = parts[position];
        for spoiled in [
            format!("{original}="),
            format!("{original}=="),
            format!("{original}\n"),
            format!(" {original}"),
            // A length that no number of bytes has.
            format!("{original}{}", "A".repeat((5 - original.len() % 4) % 4)),
            original.replacen(|_: char| true, "+", 1),
            original.replacen(|_: char| true, "/", 1),
            original.replacen(|_: char| true, "é", 1),
            with_trailing_bits(original),
        ] {
            let mut parts = parts.clone();
            parts[position] = &spoiled;
            let expected = JwsError::NotBase64Url { part };
            // Parts of a length that ends on a byte have no spare bits to set.
            if spoiled != original {
                assert_eq!(
                    verify(&parts.join(".")),
                    Err(expected),
                    "{part} {spoiled:?}"
                );
            }
        }
    }
}

/// The text with one of the unused bits of its last character set, if it has any.
fn with_trailing_bits(text: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    if text.len().is_multiple_of(4) {
        return text.to_owned();
    }
    let (body, last) = text.split_at(text.len() - 1);
    let position = ALPHABET.find(last).unwrap();
    format!("{body}{}", ALPHABET.chars().nth(position + 1).unwrap())
}

#[test]
fn missing_signature_is_refused() {
    let good = token(ALG, &header(ALG), "{}");
    let (input, _) = good.rsplit_once('.').unwrap();
    assert_eq!(
        verify(&format!("{input}.")),
        Err(JwsError::SignatureMissing)
    );
}

#[test]
fn algorithm_outside_the_configuration_is_refused() {
    let allowed = AlgorithmSet::from_iter([Algorithm::Rs256, Algorithm::Es256]);
    let error = jws::verify(&token(ALG, &header(ALG), "{}"), &key_set(ALG), allowed);
    let error = error.unwrap_err();
    assert_eq!(
        error,
        JwsError::AlgorithmNotAllowed {
            found: ALG,
            allowed
        }
    );
    assert_eq!(
        error.to_string(),
        "algorithm `EdDSA` is not allowed; allowed: `RS256`, `ES256`"
    );
}

/// The header cannot choose another algorithm of the same key.
#[test]
fn algorithm_other_than_that_of_the_key_is_refused() {
    for (signed_with, key_of) in [
        (Algorithm::Ps256, Algorithm::Rs256),
        (Algorithm::Rs512, Algorithm::Rs256),
    ] {
        let token = token(signed_with, &header(signed_with), "{}");
        let error = jws::verify(&token, &key_set(key_of), AlgorithmSet::ALL).unwrap_err();
        let key_id = Some(key_id(KEY_ID));
        assert_eq!(
            error,
            JwsError::KeyAlgorithmMismatch {
                found: signed_with,
                key_id
            }
        );
    }
}

#[test]
fn rsa_key_without_alg_serves_the_configured_algorithms() {
    let modulus = serde_json::to_value(jwk(Algorithm::Rs256)).unwrap();
    let mut modulus = modulus.as_object().unwrap().clone();
    modulus.remove("alg");
    let any = Jwk::parse(&serde_json::to_vec(&modulus).unwrap()).unwrap();
    let keys = JwkSet::from_iter([any]);
    for algorithm in [
        Algorithm::Rs256,
        Algorithm::Rs512,
        Algorithm::Ps256,
        Algorithm::Ps384,
    ] {
        let token = token(algorithm, &header(algorithm), "{}");
        jws::verify(&token, &keys, AlgorithmSet::only(algorithm)).unwrap();
    }
    // A signature is good for the algorithm that made it alone.
    let relabelled = token(Algorithm::Rs256, &header(Algorithm::Ps256), "{}");
    let error = jws::verify(&relabelled, &keys, AlgorithmSet::ALL).unwrap_err();
    assert_eq!(error, JwsError::SignatureMismatch);
}

#[test]
fn key_lookup_by_key_id() {
    let good = token(ALG, &header(ALG), "{}");
    let named = |text: &str| Jwk::for_signing_key(key(ALG), Some(key_id(text)));
    let stranger = SigningKey::generate(ALG).unwrap();
    let stranger = |id: Option<&str>| Jwk::for_signing_key(&stranger, id.map(key_id));
    let verify = |keys: JwkSet| jws::verify(&good, &keys, AlgorithmSet::ALL).map(|_| ());
    let not_found = Err(JwsError::KeyNotFound {
        key_id: Some(key_id(KEY_ID)),
    });

    assert_eq!(
        verify(JwkSet::from_iter([stranger(Some("k0")), named(KEY_ID)])),
        Ok(())
    );
    // The right key under another id is not tried.
    assert_eq!(verify(JwkSet::from_iter([named("K1")])), not_found);
    assert_eq!(verify(JwkSet::default()), not_found);
    // The same id twice: both are tried.
    assert_eq!(
        verify(JwkSet::from_iter([stranger(Some(KEY_ID)), named(KEY_ID)])),
        Ok(())
    );
    assert_eq!(
        verify(JwkSet::from_iter([stranger(Some(KEY_ID))])),
        Err(JwsError::SignatureMismatch)
    );
    // A key without an id, as from PEM, is tried for every token.
    let nameless = Jwk::for_signing_key(key(ALG), None);
    assert_eq!(
        verify(JwkSet::from_iter([stranger(None), nameless])),
        Ok(())
    );
}

#[test]
fn token_without_key_id_is_tried_with_every_key() {
    let nameless = token(ALG, r#"{"alg":"EdDSA"}"#, "{}");
    jws::verify(&nameless, &key_set(ALG), AlgorithmSet::ALL).unwrap();
    let error = jws::verify(&nameless, &JwkSet::default(), AlgorithmSet::ALL).unwrap_err();
    assert_eq!(error, JwsError::KeyNotFound { key_id: None });
}

#[test]
fn keys_tried_at_the_limit_and_past_it() {
    let nameless = token(ALG, r#"{"alg":"EdDSA"}"#, "{}");
    let strangers = |count: usize| {
        let stranger = SigningKey::generate(ALG).unwrap();
        std::iter::repeat_n(Jwk::for_signing_key(&stranger, None), count)
    };
    let keys: JwkSet = strangers(KEYS_TRIED_MAX - 1).chain([jwk(ALG)]).collect();
    jws::verify(&nameless, &keys, AlgorithmSet::ALL).unwrap();
    let keys: JwkSet = strangers(KEYS_TRIED_MAX).chain([jwk(ALG)]).collect();
    let error = jws::verify(&nameless, &keys, AlgorithmSet::ALL).unwrap_err();
    assert_eq!(
        error,
        JwsError::TooManyKeys {
            found: KEYS_TRIED_MAX + 1
        }
    );
    // Keys of other algorithms do not count.
    let others = std::iter::repeat_n(jwk(Algorithm::Es256), KEYS_TRIED_MAX);
    let keys: JwkSet = others.chain([jwk(ALG)]).collect();
    jws::verify(&nameless, &keys, AlgorithmSet::ALL).unwrap();
}

#[test]
fn unverified_token_shows_what_selects_a_key() {
    let good = token(ALG, &header(ALG), r#"{"secret":"s3cr3t"}"#);
    let unverified = UnverifiedJws::parse(&good).unwrap();
    assert_eq!(unverified.algorithm(), ALG);
    assert_eq!(unverified.key_id(), Some(&key_id(KEY_ID)));
    assert!(!format!("{unverified:?}").contains("s3cr3t"));
    let verified = unverified
        .verify_with_key(key(ALG).public_key(), AlgorithmSet::only(ALG))
        .unwrap();
    assert!(!format!("{verified:?}").contains("s3cr3t"));
}
