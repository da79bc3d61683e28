//! JWK and JWK Set: what is read, what is skipped and why, and the exact text that is written.

use serde_json::{Value, json};
use vouchsafe_jose::limits::{
    JWK_BYTES_MAX, JWK_DEPTH_MAX, JWK_SET_BYTES_MAX, JWK_SET_KEYS_MAX, KEY_ID_BYTES_MAX,
};
use vouchsafe_jose::{
    Algorithm, JsonError, Jwk, JwkError, JwkSet, JwkSetError, KeyIdTooLong, KeyType, PublicKey,
    UnknownAlgorithm,
};

use crate::fixtures::{decode, encode, jwk, key, key_id, key_set};

fn members(algorithm: Algorithm) -> Value {
    serde_json::to_value(jwk(algorithm)).unwrap()
}

fn parse(members: &Value) -> Result<Jwk, JwkError> {
    Jwk::parse(&serde_json::to_vec(members).unwrap())
}

#[track_caller]
fn check(member: &str, value: Value, expected: JwkError) {
    let mut members = members(Algorithm::Es256);
    members[member] = value;
    assert_eq!(parse(&members), Err(expected));
}

#[test]
fn written_members_are_in_the_order_of_vault() {
    for (algorithm, expected) in [
        (
            Algorithm::Rs256,
            &["use", "kty", "kid", "alg", "n", "e"][..],
        ),
        (
            Algorithm::Es512,
            &["use", "kty", "kid", "crv", "alg", "x", "y"],
        ),
        (Algorithm::EdDsa, &["use", "kty", "kid", "crv", "alg", "x"]),
    ] {
        let written = members(algorithm);
        let names: Vec<_> = written.as_object().unwrap().keys().collect();
        assert_eq!(names, expected);
        assert_eq!(written["alg"], algorithm.as_str());
        assert_eq!(written["kty"], algorithm.key_type().kty());
        assert_eq!(
            written.get("crv").and_then(Value::as_str),
            algorithm.key_type().crv()
        );
    }
}

#[test]
fn absent_id_and_algorithm_are_not_written() {
    let der = key(Algorithm::Rs256).public_key().to_spki_der().unwrap();
    let bare = Jwk::new(PublicKey::from_spki_der(&der).unwrap(), None, None).unwrap();
    let written = serde_json::to_value(&bare).unwrap();
    let names: Vec<_> = written.as_object().unwrap().keys().collect();
    assert_eq!(names, ["use", "kty", "n", "e"]);
}

#[test]
fn print_parse_round_trip() {
    for algorithm in Algorithm::ALL {
        let text = serde_json::to_string(&jwk(algorithm)).unwrap();
        let again = Jwk::parse(text.as_bytes()).unwrap();
        assert_eq!(again, jwk(algorithm));
        assert_eq!(again.key().algorithms(), algorithm.into());
        assert_eq!(serde_json::to_string(&again).unwrap(), text);
        assert_eq!(again.thumbprint(), key(algorithm).public_key().thumbprint());
    }
}

#[test]
fn coordinates_are_padded_to_the_size_of_the_field() {
    for (algorithm, bytes) in [
        (Algorithm::Es256, 32),
        (Algorithm::Es384, 48),
        (Algorithm::Es512, 66),
    ] {
        for member in ["x", "y"] {
            assert_eq!(
                decode(members(algorithm)[member].as_str().unwrap()).len(),
                bytes
            );
        }
    }
}

#[test]
fn unknown_members_are_ignored() {
    let mut members = members(Algorithm::Rs256);
    members["x5c"] = json!(["MIIB"]);
    members["x5t"] = json!("abc");
    members["issuer"] = json!({"nested": true});
    assert_eq!(parse(&members).unwrap(), jwk(Algorithm::Rs256));
}

#[test]
fn symmetric_keys_are_refused_by_their_type() {
    for secret in ["", "AA", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"] {
        let oct = json!({"kty": "oct", "alg": "HS256", "k": secret});
        let found = "oct".to_owned();
        assert_eq!(parse(&oct), Err(JwkError::UnsupportedKeyType { found }));
    }
}

#[test]
fn unsupported_types_and_curves_are_refused() {
    let kty = |found: &str| JwkError::UnsupportedKeyType {
        found: found.to_owned(),
    };
    let crv = |found: &str| JwkError::UnsupportedCurve {
        found: found.to_owned(),
    };
    for found in ["", "rsa", "ec", "AKP", "RSA "] {
        check("kty", json!(found), kty(found));
    }
    for found in ["", "p-256", "P-224", "secp256k1", "Ed25519", "X25519"] {
        check("crv", json!(found), crv(found));
    }
    for found in ["P-256", "X25519", "Ed448"] {
        let mut members = members(Algorithm::EdDsa);
        members["crv"] = json!(found);
        assert_eq!(parse(&members), Err(crv(found)));
    }
    assert_eq!(parse(&json!({})), Err(JwkError::Missing { member: "kty" }));
    assert_eq!(
        parse(&json!({"kty": "EC"})),
        Err(JwkError::Missing { member: "crv" })
    );
}

#[test]
fn use_and_key_ops_must_permit_verification() {
    let wrong_use = |found: &str| JwkError::NotForSignatures {
        found: found.to_owned(),
    };
    check("use", json!("enc"), wrong_use("enc"));
    check("use", json!(""), wrong_use(""));
    check(
        "use",
        json!(1),
        JwkError::MemberType {
            member: "use",
            expected: "a string",
        },
    );

    let operations = JwkError::KeyOperations { expected: "verify" };
    for wrong in [json!([]), json!(["sign"]), json!(["verify", "verify"])] {
        check("key_ops", wrong, operations.clone());
    }
    for wrong in [json!("verify"), json!(null), json!(["verify", 1])] {
        let expected = "an array of strings";
        check(
            "key_ops",
            wrong,
            JwkError::MemberType {
                member: "key_ops",
                expected,
            },
        );
    }
    let mut good = members(Algorithm::Es256);
    good["key_ops"] = json!(["sign", "verify"]);
    assert!(parse(&good).is_ok());
    good.as_object_mut().unwrap().remove("use");
    assert!(parse(&good).is_ok());
}

#[test]
fn algorithm_must_be_a_signature_algorithm_for_the_key() {
    let key_type = KeyType::P256;
    for found in [Algorithm::Es384, Algorithm::Rs256, Algorithm::EdDsa] {
        check(
            "alg",
            json!(found),
            JwkError::AlgorithmMismatch { found, key_type },
        );
    }
    for unknown in ["none", "HS256", "ECDH-ES", "ES521", ""] {
        let error = UnknownAlgorithm {
            found: unknown.to_owned(),
        };
        check("alg", json!(unknown), JwkError::UnsupportedAlgorithm(error));
    }
    check(
        "alg",
        json!(null),
        JwkError::MemberType {
            member: "alg",
            expected: "a string",
        },
    );
}

#[test]
fn private_members_in_a_public_key_are_refused() {
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        check(member, json!("AQ"), JwkError::PrivateMember { member });
    }
}

#[test]
fn numbers_must_be_canonical() {
    let with = |member: &'static str, text: String| {
        let mut members = members(Algorithm::Rs256);
        members[member] = json!(text);
        parse(&members).unwrap_err()
    };
    for member in ["n", "e"] {
        let good = members(Algorithm::Rs256)[member]
            .as_str()
            .unwrap()
            .to_owned();
        let zero_first = encode(&[&[0], &decode(&good)[..]].concat());
        assert_eq!(with(member, zero_first), JwkError::NotMinimal { member });
        assert_eq!(with(member, String::new()), JwkError::NotMinimal { member });
        for spoiled in [format!("{good}="), format!(" {good}"), "AQAB\n".to_owned()] {
            assert_eq!(with(member, spoiled), JwkError::NotBase64Url { member });
        }
    }
    check("x", json!("A"), JwkError::NotBase64Url { member: "x" });
    check(
        "x",
        json!(1),
        JwkError::MemberType {
            member: "x",
            expected: "a string",
        },
    );
    let mut absent = members(Algorithm::Es256);
    absent.as_object_mut().unwrap().remove("y");
    assert_eq!(parse(&absent), Err(JwkError::Missing { member: "y" }));
}

#[test]
fn duplicate_members_and_deep_nesting_are_refused() {
    let text = r#"{"kty":"OKP","kty":"EC"}"#;
    let name = "kty".to_owned();
    let expected = JwkError::Json(JsonError::DuplicateMember { name });
    assert_eq!(Jwk::parse(text.as_bytes()), Err(expected));

    let nested = |levels: usize| {
        let mut members = members(Algorithm::EdDsa);
        members["own"] = (1..levels - 1).fold(json!([]), |inner, _| json!([inner]));
        parse(&members)
    };
    assert!(nested(JWK_DEPTH_MAX).is_ok());
    let expected = JwkError::Json(JsonError::TooDeep {
        depth_max: JWK_DEPTH_MAX,
    });
    assert_eq!(nested(JWK_DEPTH_MAX + 1), Err(expected));
}

#[test]
fn lengths_at_the_limits_and_past_them() {
    let padded = |bytes: usize| {
        let text = serde_json::to_string(&jwk(Algorithm::EdDsa)).unwrap();
        format!("{text}{}", " ".repeat(bytes - text.len()))
    };
    assert!(Jwk::parse(padded(JWK_BYTES_MAX).as_bytes()).is_ok());
    let found_bytes = JWK_BYTES_MAX + 1;
    let error = Jwk::parse(padded(found_bytes).as_bytes()).unwrap_err();
    assert_eq!(error, JwkError::TooLong { found_bytes });

    let mut good = members(Algorithm::EdDsa);
    good["kid"] = json!("k".repeat(KEY_ID_BYTES_MAX));
    assert!(parse(&good).is_ok());
    let found_bytes = KEY_ID_BYTES_MAX + 1;
    let too_long = JwkError::KeyIdTooLong(KeyIdTooLong { found_bytes });
    check("kid", json!("k".repeat(found_bytes)), too_long);
}

#[test]
fn set_skips_what_it_cannot_use_and_says_why() {
    let document = json!({
        "keys": [
            members(Algorithm::Es256),
            {"kty": "oct", "kid": "hmac", "k": "AAAA"},
            {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA", "kid": 7},
            "not an object",
            members(Algorithm::EdDsa),
            {"kty": "RSA", "use": "enc", "n": "AQ", "e": "AQAB", "kid": "enc"},
        ],
        "issuer": "ignored",
    });
    let set = JwkSet::parse(&serde_json::to_vec(&document).unwrap()).unwrap();
    assert_eq!(set.keys(), [jwk(Algorithm::Es256), jwk(Algorithm::EdDsa)]);
    let skipped: Vec<_> = set
        .skipped()
        .iter()
        .map(|key| (key.position, key.key_id.as_deref(), key.reason.to_string()))
        .collect();
    let expected = [
        (
            1,
            Some("hmac"),
            r#"JWK has unsupported `kty` "oct"; supported: `RSA`, `EC`, `OKP`"#,
        ),
        (
            2,
            None,
            "JWK has unsupported `crv` \"secp256k1\"; \
             supported: `P-256`, `P-384`, `P-521`, `Ed25519`",
        ),
        (3, None, "JWK: expected a JSON object"),
        (5, Some("enc"), r#"JWK has `use` "enc"; expected `sig`"#),
    ];
    assert_eq!(
        skipped,
        expected.map(|(position, id, reason)| (position, id, reason.to_owned()))
    );
}

/// One key with a repeated member spoils itself, not its neighbours.
#[test]
fn set_skips_a_key_with_duplicate_members() {
    let good = serde_json::to_string(&jwk(Algorithm::Es256)).unwrap();
    let text = format!(r#"{{"keys":[{{"kty":"EC","kty":"RSA"}},{good}]}}"#);
    let set = JwkSet::parse(text.as_bytes()).unwrap();
    assert_eq!(set.keys(), [jwk(Algorithm::Es256)]);
    let name = "kty".to_owned();
    assert_eq!(
        set.skipped()[0].reason,
        JwkError::Json(JsonError::DuplicateMember { name })
    );
}

#[test]
fn set_tolerates_a_repeated_key_id() {
    let twice = json!({"keys": [members(Algorithm::Es256), members(Algorithm::EdDsa)]});
    let set = JwkSet::parse(&serde_json::to_vec(&twice).unwrap()).unwrap();
    let ids: Vec<_> = set
        .keys()
        .iter()
        .map(|jwk| jwk.key_id().unwrap().as_str())
        .collect();
    assert_eq!(ids, ["k1", "k1"]);
}

#[test]
fn set_of_no_keys_is_a_set() {
    assert_eq!(JwkSet::parse(br#"{"keys":[]}"#), Ok(JwkSet::default()));
    assert_eq!(
        serde_json::to_string(&JwkSet::default()).unwrap(),
        r#"{"keys":[]}"#
    );
}

#[test]
fn set_documents_that_are_not_sets_are_refused() {
    for text in [
        "",
        "[]",
        "{}",
        "null",
        r#"{"keys":null}"#,
        r#"{"keys":{}}"#,
        r#"{"keys":[],"keys":[]}"#,
        r#"{"keys":[]"#,
        r#"{"keys":[]} x"#,
        r#"{"Keys":[]}"#,
    ] {
        let error = JwkSet::parse(text.as_bytes()).unwrap_err();
        assert!(
            matches!(error, JwkSetError::Malformed { .. }),
            "{text}: {error:?}"
        );
    }
    let deep = format!(r#"{{"keys":[{}]}}"#, "[".repeat(500_000));
    let error = JwkSet::parse(deep.as_bytes()).unwrap_err();
    assert!(matches!(error, JwkSetError::Malformed { .. }));
}

#[test]
fn set_limits_at_the_limits_and_past_them() {
    let many = |count: usize| {
        let keys = vec![json!({}); count];
        JwkSet::parse(&serde_json::to_vec(&json!({"keys": keys})).unwrap())
    };
    assert_eq!(
        many(JWK_SET_KEYS_MAX).unwrap().skipped().len(),
        JWK_SET_KEYS_MAX
    );
    let found = JWK_SET_KEYS_MAX + 1;
    assert_eq!(many(found), Err(JwkSetError::TooManyKeys { found }));

    let padded = |bytes: usize| format!(r#"{{"keys":[]{}}}"#, " ".repeat(bytes - 11));
    assert!(JwkSet::parse(padded(JWK_SET_BYTES_MAX).as_bytes()).is_ok());
    let found_bytes = JWK_SET_BYTES_MAX + 1;
    assert_eq!(
        JwkSet::parse(padded(found_bytes).as_bytes()),
        Err(JwkSetError::TooLong { found_bytes })
    );
}

#[test]
fn set_round_trip() {
    let set: JwkSet = Algorithm::ALL.into_iter().map(jwk).collect();
    let text = serde_json::to_string(&set).unwrap();
    assert_eq!(JwkSet::parse(text.as_bytes()).unwrap(), set);
    assert_eq!(
        key_set(Algorithm::Es256).keys()[0].key_id(),
        Some(&key_id("k1"))
    );
}
