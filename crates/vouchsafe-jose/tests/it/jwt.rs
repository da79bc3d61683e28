//! JWT: the types of registered claims, NumericDate, and the rules for place and time.

use serde_json::{Value, json};
use vouchsafe_jose::limits::{NUMERIC_DATE_SECONDS_MAX, PAYLOAD_DEPTH_MAX};
use vouchsafe_jose::{
    Algorithm, AlgorithmSet, ClaimRules, Claims, ClaimsError, DecodedJwt, JsonError, JwsError,
    JwtError, NumericDate, NumericDateError, UnverifiedJwt, VerifiedJwt, jwt,
};

use crate::fixtures::{KEY_ID, encode, header, key, key_id, key_set, token};

const ALG: Algorithm = Algorithm::EdDsa;

fn verify(payload: &str) -> Result<VerifiedJwt, JwtError> {
    let token = token(ALG, &header(ALG), payload);
    let unverified = UnverifiedJwt::parse(&token);
    let verified = jwt::verify(&token, &key_set(ALG), AlgorithmSet::ALL);
    // Both ways to a verified token refuse the same payloads.
    match (&unverified, &verified) {
        (Ok(_), Ok(_)) => {}
        (Err(one), Err(other)) => assert_eq!(one, other),
        _ => panic!("{payload}: {unverified:?} but {verified:?}"),
    }
    verified
}

fn claims(payload: &Value) -> Claims {
    verify(&payload.to_string()).unwrap().into_claims()
}

fn at(seconds: u64) -> NumericDate {
    NumericDate::from_seconds(seconds).unwrap()
}

#[test]
fn registered_claims_are_read() {
    let claims = claims(&json!({
        "iss": "https://issuer.example", "sub": "web", "aud": ["a", "b"],
        "exp": 30, "nbf": 10, "iat": 20.5, "jti": "t1", "own": {"x": [1, null]},
    }));
    assert_eq!(claims.issuer(), Some("https://issuer.example"));
    assert_eq!(claims.subject(), Some("web"));
    assert_eq!(claims.audience().unwrap(), ["a", "b"]);
    assert_eq!(claims.expires_at(), Some(at(30)));
    assert_eq!(claims.not_before(), Some(at(10)));
    assert_eq!(claims.issued_at().unwrap().to_string(), "20.5");
    assert_eq!(claims.jwt_id(), Some("t1"));
    assert_eq!(claims.get("own"), Some(&json!({"x": [1, null]})));
    let names: Vec<_> = claims.all().keys().collect();
    assert_eq!(
        names,
        ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "own"]
    );
}

#[test]
fn absent_claims_are_absent() {
    let claims = claims(&json!({}));
    assert_eq!(
        (claims.issuer(), claims.subject(), claims.jwt_id()),
        (None, None, None)
    );
    assert_eq!(claims.audience(), None);
    assert_eq!((claims.expires_at(), claims.not_before()), (None, None));
    assert_eq!(claims.issued_at(), None);
}

/// CVE-2026-25537: a date of the wrong type is an error, never an absent claim.
#[test]
fn dates_of_the_wrong_type_are_refused() {
    use NumericDateError::{NotANumber, OutOfRange};
    for claim in ["exp", "nbf", "iat"] {
        for (value, reason) in [
            ("\"1900000000\"", NotANumber),
            ("true", NotANumber),
            ("null", NotANumber),
            ("[1900000000]", NotANumber),
            ("{}", NotANumber),
            ("-1", OutOfRange),
            ("-0.5", OutOfRange),
            ("1e300", OutOfRange),
            ("18446744073709551615", OutOfRange),
            ("9007199254740992", OutOfRange),
        ] {
            let expected = JwtError::ClaimDate {
                claim: name(claim),
                reason,
            };
            let payload = format!(r#"{{"{claim}":{value}}}"#);
            assert_eq!(verify(&payload).unwrap_err(), expected, "{payload}");
        }
        for value in ["1e400", "-1e400", "NaN", "Infinity", "0x10", "1_000", "01"] {
            let error = verify(&format!(r#"{{"{claim}":{value}}}"#)).unwrap_err();
            let syntax = matches!(error, JwtError::PayloadJson(JsonError::Syntax { .. }));
            assert!(syntax, "{value}: {error:?}");
        }
    }
}

fn name(claim: &str) -> &'static str {
    ["exp", "nbf", "iat"]
        .into_iter()
        .find(|known| *known == claim)
        .unwrap()
}

#[test]
fn strings_of_the_wrong_type_are_refused() {
    for claim in ["iss", "sub", "jti"] {
        for value in ["1", "true", "null", "[\"a\"]", "{}"] {
            let error = verify(&format!(r#"{{"{claim}":{value}}}"#)).unwrap_err();
            assert!(
                matches!(error, JwtError::ClaimType { claim: found, .. } if found == claim),
                "{claim} {value}: {error:?}"
            );
        }
    }
    // CVE-2020-26160: a list with anything but strings is not a list of audiences.
    for value in [
        "1",
        "true",
        "null",
        "{}",
        "[1]",
        "[\"a\",null]",
        "[[\"a\"]]",
    ] {
        let error = verify(&format!(r#"{{"aud":{value}}}"#)).unwrap_err();
        assert!(
            matches!(error, JwtError::ClaimType { claim: "aud", .. }),
            "{value}: {error:?}"
        );
    }
}

#[test]
fn duplicate_claims_are_refused_at_every_level() {
    for (payload, name) in [
        (r#"{"sub":"a","sub":"b"}"#, "sub"),
        (r#"{"exp":1,"exp":1}"#, "exp"),
        (r#"{"own":{"x":1,"x":1}}"#, "x"),
        (r#"{"own":[[{"x":1,"x":1}]]}"#, "x"),
    ] {
        let expected = JsonError::DuplicateMember {
            name: name.to_owned(),
        };
        assert_eq!(
            verify(payload),
            Err(JwtError::PayloadJson(expected)),
            "{payload}"
        );
    }
}

#[test]
fn payloads_that_are_not_one_json_object_are_refused() {
    for payload in ["[]", "null", "\"sub\"", "1"] {
        let expected = JwtError::PayloadJson(JsonError::NotAnObject);
        assert_eq!(verify(payload), Err(expected), "{payload}");
    }
    for payload in [
        "",
        "{",
        "{}{}",
        "{\"a\":1,}",
        "\u{feff}{}",
        "{\"a\":\"\\ud800\"}",
    ] {
        let error = verify(payload).unwrap_err();
        let syntax = matches!(error, JwtError::PayloadJson(JsonError::Syntax { .. }));
        assert!(syntax, "{payload:?}: {error:?}");
    }
}

#[test]
fn payload_depth_at_the_limit_and_past_it() {
    let nested = |levels: usize| {
        let inner = levels - 1;
        format!("{{\"own\":{}{}}}", "[".repeat(inner), "]".repeat(inner))
    };
    verify(&nested(PAYLOAD_DEPTH_MAX)).unwrap();
    let too_deep = JsonError::TooDeep {
        depth_max: PAYLOAD_DEPTH_MAX,
    };
    assert_eq!(
        verify(&nested(PAYLOAD_DEPTH_MAX + 1)),
        Err(JwtError::PayloadJson(too_deep.clone()))
    );
    assert_eq!(verify(&nested(4_000)), Err(JwtError::PayloadJson(too_deep)));
}

#[test]
fn faults_of_the_signature_come_before_faults_of_the_claims() {
    let bad = token(ALG, &header(ALG), "[]");
    let (input, _) = bad.rsplit_once('.').unwrap();
    let forged = format!("{input}.{}", "A".repeat(86));
    let error = jwt::verify(&forged, &key_set(ALG), AlgorithmSet::ALL).unwrap_err();
    assert_eq!(error, JwtError::Jws(JwsError::SignatureMismatch));
}

#[test]
fn unverified_token_shows_what_selects_a_key() {
    let good = token(
        ALG,
        &header(ALG),
        r#"{"iss":"https://i.example","sub":"s3cr3t"}"#,
    );
    let unverified = UnverifiedJwt::parse(&good).unwrap();
    assert_eq!(unverified.issuer(), Some("https://i.example"));
    assert_eq!(unverified.key_id(), Some(&key_id(KEY_ID)));
    assert_eq!(unverified.algorithm(), ALG);
    assert!(!format!("{unverified:?}").contains("s3cr3t"));

    let by_set = unverified.verify(&key_set(ALG), AlgorithmSet::ALL).unwrap();
    let by_key = UnverifiedJwt::parse(&good)
        .unwrap()
        .verify_with_key(key(ALG).public_key(), AlgorithmSet::ALL)
        .unwrap();
    assert_eq!(by_set, by_key);
    assert_eq!(
        by_set,
        jwt::verify(&good, &key_set(ALG), AlgorithmSet::ALL).unwrap()
    );
}

#[test]
fn numeric_date_at_the_limit_and_past_it() {
    let last = at(NUMERIC_DATE_SECONDS_MAX);
    assert_eq!(
        NumericDate::from_json(&json!(NUMERIC_DATE_SECONDS_MAX)),
        Ok(last)
    );
    assert_eq!(
        NumericDate::from_seconds(NUMERIC_DATE_SECONDS_MAX + 1),
        Err(NumericDateError::OutOfRange)
    );
    assert_eq!(last.plus_seconds(1), last);
    assert_eq!(at(5).minus_seconds(6), at(0));
    assert_eq!(at(5).plus_seconds(u64::MAX), last);
}

#[test]
fn numeric_date_keeps_the_fraction() {
    for (value, shown) in [
        (json!(0), "0"),
        (json!(-0.0), "0"),
        (json!(1.0), "1"),
        (json!(1_700_000_000.25), "1700000000.25"),
        (json!(1e9), "1000000000"),
        (json!(0.125), "0.125"),
    ] {
        assert_eq!(
            NumericDate::from_json(&value).unwrap().to_string(),
            shown,
            "{value}"
        );
    }
    let fraction = NumericDate::from_json(&json!(10.5)).unwrap();
    assert!(at(10) < fraction && fraction < at(11));
    assert_eq!(fraction.seconds(), 10);
    assert_eq!(fraction.plus_seconds(1).to_string(), "11.5");
    assert_eq!(fraction.minus_seconds(10).to_string(), "0.5");
}

#[track_caller]
fn check(rules: &ClaimRules, payload: Value, now: u64, expected: Result<(), ClaimsError>) {
    assert_eq!(
        rules.verify(&claims(&payload), at(now)),
        expected,
        "{payload} at {now}"
    );
}

#[test]
fn expiry() {
    let rules = ClaimRules::new();
    let expired = |exp: u64, now: u64| {
        Err(ClaimsError::Expired {
            expired_at: at(exp),
            now: at(now),
        })
    };
    check(&rules, json!({"exp": 100}), 99, Ok(()));
    check(&rules, json!({"exp": 100}), 100, expired(100, 100));
    check(&rules, json!({"exp": 100}), 101, expired(100, 101));
    check(&rules, json!({"exp": 100.5}), 100, Ok(()));
    check(&rules, json!({"exp": 0}), 0, expired(0, 0));
    check(&rules, json!({}), 0, Err(ClaimsError::ExpiryMissing));

    let lenient = ClaimRules::new().leeway_seconds(10);
    check(&lenient, json!({"exp": 100}), 109, Ok(()));
    check(&lenient, json!({"exp": 100}), 110, expired(100, 110));

    let optional = ClaimRules::new().expiry_optional();
    check(&optional, json!({}), 1_000, Ok(()));
    check(&optional, json!({"exp": 100}), 100, expired(100, 100));
}

#[test]
fn not_before_and_issued_at() {
    let rules = ClaimRules::new().expiry_optional();
    let early = |nbf: u64, now: u64| {
        Err(ClaimsError::NotYetValid {
            not_before: at(nbf),
            now: at(now),
        })
    };
    let future = |iat: u64, now: u64| {
        Err(ClaimsError::IssuedInFuture {
            issued_at: at(iat),
            now: at(now),
        })
    };
    check(&rules, json!({"nbf": 100}), 99, early(100, 99));
    check(&rules, json!({"nbf": 100}), 100, Ok(()));
    check(&rules, json!({"iat": 100}), 99, future(100, 99));
    check(&rules, json!({"iat": 100}), 100, Ok(()));

    let lenient = rules.leeway_seconds(10);
    check(&lenient, json!({"nbf": 100}), 90, Ok(()));
    check(&lenient, json!({"nbf": 100}), 89, early(100, 89));
    check(&lenient, json!({"iat": 100}), 90, Ok(()));
    check(&lenient, json!({"iat": 100}), 89, future(100, 89));
}

#[test]
fn leeway_cannot_overflow() {
    let rules = ClaimRules::new().leeway_seconds(u64::MAX);
    check(
        &rules,
        json!({"exp": 1, "nbf": 9_000_000_000_000_000_u64}),
        5,
        Ok(()),
    );
}

#[test]
fn issuer_is_compared_exactly() {
    let rules = ClaimRules::new()
        .expiry_optional()
        .issuer("https://i.example");
    let other = |found: Option<&str>| {
        Err(ClaimsError::IssuerMismatch {
            expected: "https://i.example".to_owned(),
            found: found.map(str::to_owned),
        })
    };
    check(&rules, json!({"iss": "https://i.example"}), 0, Ok(()));
    check(&rules, json!({}), 0, other(None));
    for found in [
        "https://i.example/",
        "HTTPS://i.example",
        "https://i.exampl",
        "",
    ] {
        check(&rules, json!({"iss": found}), 0, other(Some(found)));
    }
}

#[test]
fn audience_needs_one_exact_match() {
    let rules = ClaimRules::new().expiry_optional().audiences(["ci", "cd"]);
    let mismatch = |found: &[&str]| {
        Err(ClaimsError::AudienceMismatch {
            expected: vec!["ci".to_owned(), "cd".to_owned()],
            found: found.iter().map(|one| (*one).to_owned()).collect(),
        })
    };
    check(&rules, json!({"aud": "ci"}), 0, Ok(()));
    check(&rules, json!({"aud": ["other", "cd"]}), 0, Ok(()));
    check(&rules, json!({}), 0, mismatch(&[]));
    check(&rules, json!({"aud": []}), 0, mismatch(&[]));
    check(&rules, json!({"aud": "CI"}), 0, mismatch(&["CI"]));
    check(&rules, json!({"aud": "ci "}), 0, mismatch(&["ci "]));
    check(&rules, json!({"aud": ""}), 0, mismatch(&[""]));
}

#[test]
fn audience_without_a_rule_is_refused() {
    let rules = ClaimRules::new().expiry_optional();
    let found = vec!["ci".to_owned()];
    check(
        &rules,
        json!({"aud": "ci"}),
        0,
        Err(ClaimsError::AudienceUnexpected { found }),
    );
    check(&rules, json!({}), 0, Ok(()));
    check(&rules.audience_unchecked(), json!({"aud": "ci"}), 0, Ok(()));
    let none: [&str; 0] = [];
    let nobody = ClaimRules::new().expiry_optional().audiences(none);
    let mismatch = ClaimsError::AudienceMismatch {
        expected: vec![],
        found: vec![],
    };
    check(&nobody, json!({}), 0, Err(mismatch));
}

#[test]
fn messages_name_what_was_found_and_expected() {
    let rules = ClaimRules::new().issuer("a").audiences(["x"]);
    let message = |payload: Value| {
        rules
            .verify(&claims(&payload), at(50))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(message(json!({})), "token has no expiry (`exp`)");
    assert_eq!(
        message(json!({"exp": 40})),
        "token expired at 40 (now 50, seconds since 1970)"
    );
    assert_eq!(
        message(json!({"exp": 60, "iss": "b"})),
        r#"token issuer (`iss`) is Some("b"); expected "a""#
    );
}

#[test]
fn a_token_of_any_algorithm_can_be_looked_at() {
    let part = |text: &str| encode(text.as_bytes());
    for (header, signature) in [
        (r#"{"alg":"none"}"#, ""),
        (r#"{"alg":"HS256","kid":"k"}"#, "AAAA"),
        (r#"{"typ":"x"}"#, "not base64url at all!"),
    ] {
        let token = format!(
            "{}.{}.{signature}",
            part(header),
            part(r#"{"exp":"never"}"#)
        );
        let decoded = DecodedJwt::parse(&token).unwrap();
        assert_eq!(Value::from(decoded.header).to_string(), header);
        assert_eq!(Value::from(decoded.claims), json!({"exp": "never"}));
        assert!(UnverifiedJwt::parse(&token).is_err(), "{header}");
    }
}

#[test]
fn what_is_no_token_can_not_be_looked_at() {
    let object = encode(b"{}");
    for (token, fault) in [
        (String::new(), "token has 1 parts"),
        (format!("{object}.{object}"), "token has 2 parts"),
        (format!("{object}.{object}.a.b.c"), "token is encrypted"),
        (
            format!("{object}.e30=.a"),
            "payload is not canonical base64url",
        ),
        (
            format!("{object}.{}.a", encode(b"[]")),
            "expected a JSON object",
        ),
        (
            format!("{}.{object}.a", encode(b"1")),
            "expected a JSON object",
        ),
    ] {
        let error = DecodedJwt::parse(&token).unwrap_err().to_string();
        assert!(error.contains(fault), "{token}: {error}");
    }
}
