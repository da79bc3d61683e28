//! Conversions of fields: as lenient as Vault's command line needs, and no more.

use std::time::Duration;

use serde_json::{Value, json};
use vouchsafe_logical::field::FromField;
use vouchsafe_logical::{CommaList, Data, KeyValues};

fn convert<T: FromField>(value: &Value) -> Option<T> {
    T::from_field("f", Some(value)).ok()
}

#[track_caller]
fn check<T: FromField + PartialEq + std::fmt::Debug>(value: Value, expected: Option<T>) {
    assert_eq!(convert::<T>(&value), expected, "{value}");
}

#[test]
fn scalars_become_strings() {
    check(json!("x"), Some("x".to_owned()));
    check(json!(1.5), Some("1.5".to_owned()));
    check(json!(true), Some("1".to_owned()));
    check(json!(false), Some("0".to_owned()));
    check::<String>(json!(null), None);
    check::<String>(json!(["x"]), None);
    check::<String>(json!({}), None);
}

#[test]
fn booleans_are_what_go_parses() {
    for yes in [
        json!(true),
        json!(1),
        json!(-1),
        json!("true"),
        json!("T"),
        json!("1"),
    ] {
        check(yes, Some(true));
    }
    for no in [
        json!(false),
        json!(0),
        json!("False"),
        json!("0"),
        json!(""),
    ] {
        check(no, Some(false));
    }
    for neither in [json!("yes"), json!("tRUE"), json!([]), json!(null)] {
        check::<bool>(neither, None);
    }
}

#[test]
fn whole_numbers_keep_to_64_bits() {
    check(json!(i64::MIN), Some(i64::MIN));
    check(json!(i64::MAX.to_string()), Some(i64::MAX));
    check(json!(" 7 "), Some(7_i64));
    check(json!(""), Some(0_i64));
    for refused in [
        json!(u64::MAX),
        json!(1.5),
        json!("9223372036854775808"),
        json!("0x7"),
    ] {
        check::<i64>(refused, None);
    }
}

#[test]
fn durations_are_seconds_or_go_text() {
    check(json!(90), Some(Duration::from_secs(90)));
    check(json!("90"), Some(Duration::from_secs(90)));
    check(json!("1m30s"), Some(Duration::from_secs(90)));
    check(json!(""), Some(Duration::ZERO));
    for refused in [
        json!(-1),
        json!("-1s"),
        json!("soon"),
        json!([90]),
        json!(true),
    ] {
        check::<Duration>(refused, None);
    }
}

#[test]
fn lists_are_trimmed_and_lose_what_is_empty() {
    let list = |items: &[&str]| Some(CommaList(items.iter().map(|&i| i.to_owned()).collect()));
    check(json!("a, b,,c "), list(&["a", "b", "c"]));
    check(json!([" a", "", 1]), list(&["a", "1"]));
    check(json!(["a,b"]), list(&["a,b"]));
    check(json!(7), list(&["7"]));
    check(json!(""), list(&[]));
    check::<CommaList>(json!({}), None);
    check::<CommaList>(json!([["a"]]), None);
}

#[test]
fn pairs_come_in_three_forms() {
    let pairs = |pairs: &[(&str, &str)]| {
        let pairs = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Some(KeyValues(pairs.collect()))
    };
    check(json!({"a": "1", "b": 2}), pairs(&[("a", "1"), ("b", "2")]));
    check(json!("a=1,b=2"), pairs(&[("a", "1,b=2")]));
    check(
        json!(["a=1", " b = x=y "]),
        pairs(&[("a", "1"), ("b", "x=y")]),
    );
    check(json!(["a=1", "a=2"]), pairs(&[("a", "2")]));
    check(json!(" "), pairs(&[]));
    for refused in [
        json!("a"),
        json!(["a"]),
        json!([1]),
        json!({"a": []}),
        json!(1),
    ] {
        check::<KeyValues>(refused, None);
    }
}

#[test]
fn an_object_may_be_sent_as_its_text() {
    let object = json!({"a": [1]});
    let expected = object.as_object().cloned();
    assert_eq!(convert::<Data>(&object), expected);
    assert_eq!(convert::<Data>(&json!("{\"a\":[1]}")), expected);
    assert_eq!(convert::<Data>(&json!("[1]")), None);
    assert_eq!(convert::<Data>(&json!([])), None);
}

#[test]
fn absence_is_told_from_a_wrong_value() {
    let absent = String::from_field("role_id", None).expect_err("it is required");
    assert_eq!(absent.reason(), "field_missing");
    assert_eq!(absent.messages(), ["missing role_id"]);
    let wrong = bool::from_field("flag", Some(&json!("s3cret"))).expect_err("it is no boolean");
    assert_eq!(wrong.reason(), "field_invalid");
    assert!(
        !wrong.to_string().contains("s3cret"),
        "values may be secret"
    );
    assert_eq!(Option::<i64>::from_field("f", None).ok(), Some(None));
    assert_eq!(
        Option::<i64>::from_field("f", Some(&json!(null))).ok(),
        Some(None)
    );
    assert!(Option::<i64>::from_field("f", Some(&json!("x"))).is_err());
}
