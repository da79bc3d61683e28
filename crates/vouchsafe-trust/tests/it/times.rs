//! The time rules at each limit and one second past it.

use serde_json::{Value, json};
use vouchsafe_jose::{AlgorithmSet, Claims, NumericDate, jwt};
use vouchsafe_trust::times::{Leeways, TimeFault, check, numeric_date};

use crate::issuer::{Key, set};

const NOW: i64 = 1_000_000;

/// Claims exist only after a signature was checked, so these are signed.
fn claims(claims: &Value) -> Claims {
    let key = Key::new("a");
    let token = key.sign(claims);
    let verified = jwt::verify(&token, &set(&[&key]), AlgorithmSet::ALL).unwrap();
    verified.into_claims()
}

fn judge(offsets: &Value, leeways: Leeways) -> &'static str {
    let mut all = json!({});
    for (name, offset) in offsets.as_object().unwrap() {
        all[name] = json!(NOW + offset.as_i64().unwrap());
    }
    let now = NumericDate::from_seconds(NOW.unsigned_abs()).unwrap();
    match check(&claims(&all), leeways, now) {
        Ok(()) => "in force",
        Err(fault) => fault.reason(),
    }
}

#[track_caller]
fn row(offsets: Value, expected: &str) {
    assert_eq!(judge(&offsets, Leeways::default()), expected, "{offsets}");
}

#[test]
fn an_expiry_counts_until_the_skew_is_over() {
    row(json!({"iat": -3_600, "exp": 1}), "in force");
    row(json!({"iat": -3_600, "exp": -60}), "in force");
    row(json!({"iat": -3_600, "exp": -61}), "expired");
}

#[test]
fn a_start_counts_from_the_skew_on() {
    row(json!({"nbf": 60, "exp": 600}), "in force");
    row(json!({"nbf": 61, "exp": 600}), "not_yet_valid");
}

#[test]
fn an_issue_ahead_is_refused_only_where_the_start_lies_before() {
    row(json!({"iat": 60, "nbf": 0, "exp": 600}), "in force");
    row(json!({"iat": 61, "nbf": 0, "exp": 600}), "issued_in_future");
    row(json!({"iat": 61, "exp": 600}), "not_yet_valid");
}

#[test]
fn an_absent_expiry_is_derived_from_the_later_of_issue_and_start() {
    row(json!({"iat": -210}), "in force");
    row(json!({"iat": -211}), "expired");
    row(json!({"nbf": -210}), "in force");
    row(json!({"nbf": -211}), "expired");
    row(json!({"iat": -9_999, "nbf": -210}), "in force");
    row(json!({"iat": -210, "nbf": -9_999}), "in force");
}

#[test]
fn an_absent_start_is_derived_from_issue_or_expiry() {
    row(json!({"exp": 210}), "in force");
    row(json!({"exp": 211}), "not_yet_valid");
    row(json!({"iat": 0, "exp": 99_999}), "in force");
}

#[test]
fn a_token_without_any_time_is_refused() {
    row(json!({}), "claim_missing");
}

#[test]
fn a_parameter_of_zero_is_the_default_and_a_negative_one_is_none() {
    assert_eq!(
        Leeways::from_parameters(0, 0, 0),
        Leeways {
            expiration: 150,
            not_before: 150,
            clock_skew: 60
        }
    );
    let none = Leeways::from_parameters(-1, -1, -1);
    assert_eq!(
        (none.expiration, none.not_before, none.clock_skew),
        (0, 0, 0)
    );
    for (offsets, expected) in [
        (json!({"iat": -9, "exp": 0}), "in force"),
        (json!({"iat": -9, "exp": -1}), "expired"),
        (json!({"nbf": 0, "exp": 9}), "in force"),
        (json!({"nbf": 1, "exp": 9}), "not_yet_valid"),
        (json!({"iat": 0}), "in force"),
        (json!({"iat": -1}), "expired"),
    ] {
        assert_eq!(judge(&offsets, none), expected, "{offsets}");
    }
    let ten = Leeways::from_parameters(10, 10, 10);
    for (offsets, expected) in [
        (json!({"iat": -20}), "in force"),
        (json!({"iat": -21}), "expired"),
        (json!({"exp": 20}), "in force"),
        (json!({"exp": 21}), "not_yet_valid"),
    ] {
        assert_eq!(judge(&offsets, ten), expected, "{offsets}");
    }
}

#[test]
fn the_words_are_those_that_clients_of_vault_know() {
    assert_eq!(
        TimeFault::Missing.to_string(),
        "no issued at (iat), not before (nbf), or expiration time (exp) claims in token"
    );
}

#[test]
fn a_clock_becomes_whole_seconds_and_never_less_than_0() {
    let at = |text: &str| numeric_date(text.parse().unwrap()).seconds();
    assert_eq!(at("1970-01-01T00:00:01.9Z"), 1);
    assert_eq!(at("1970-01-01T00:00:00Z"), 0);
    assert_eq!(at("1969-12-31T23:59:59Z"), 0);
    assert_eq!(at("9999-12-30T22:00:00Z"), 253_402_207_200);
}
