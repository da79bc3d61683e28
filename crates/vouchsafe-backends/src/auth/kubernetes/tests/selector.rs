//! Label selectors.

use std::collections::BTreeMap;

use crate::auth::kubernetes::selector::{SELECTOR_BYTES_MAX, Selector};

#[track_caller]
fn check(selector: &str, labels: &[(&str, &str)], expected: bool) {
    let labels: BTreeMap<String, String> = labels
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    let selector = Selector::parse(selector).unwrap();
    assert_eq!(
        selector.matches(&labels),
        expected,
        "{selector:?} {labels:?}"
    );
}

#[test]
fn every_requirement_must_hold() {
    let both = r#"{"matchLabels": {"team": "core"}, "matchExpressions": [{"key": "tier", "operator": "Exists"}]}"#;
    check(both, &[("team", "core"), ("tier", "")], true);
    check(both, &[("team", "core")], false);
    check(both, &[("tier", "x")], false);
    check(both, &[("team", "Core"), ("tier", "x")], false);
}

#[test]
fn operators_mean_what_they_mean_in_kubernetes() {
    let one = |operator: &str, values: &str| {
        format!(
            r#"{{"matchExpressions": [{{"key": "t", "operator": "{operator}", "values": {values}}}]}}"#
        )
    };
    check(&one("In", r#"["a", "b"]"#), &[("t", "b")], true);
    check(&one("In", r#"["a", "b"]"#), &[("t", "c")], false);
    check(&one("In", r#"["a", "b"]"#), &[], false);
    check(&one("NotIn", r#"["a"]"#), &[("t", "b")], true);
    check(&one("NotIn", r#"["a"]"#), &[("t", "a")], false);
    check(&one("NotIn", r#"["a"]"#), &[], true);
    check(&one("Exists", "[]"), &[("t", "a")], true);
    check(&one("DoesNotExist", "[]"), &[("u", "a")], true);
    check(&one("DoesNotExist", "[]"), &[("t", "a")], false);
}

#[test]
fn what_is_no_selector_is_refused() {
    for text in [
        "x",
        "[]",
        "{}",
        r#"{"matchLabels": {}}"#,
        r#"{"matchLabel": {"a": "b"}}"#,
        r#"{"matchLabels": {"a": 1}}"#,
        r#"{"matchExpressions": [{"key": "t", "operator": "in", "values": ["a"]}]}"#,
        r#"{"matchExpressions": [{"key": "t", "operator": "In", "values": []}]}"#,
        r#"{"matchExpressions": [{"key": "t", "operator": "NotIn"}]}"#,
        r#"{"matchExpressions": [{"key": "t", "operator": "Exists", "values": ["a"]}]}"#,
        r#"{"matchExpressions": [{"operator": "Exists"}]}"#,
    ] {
        let error = Selector::parse(text).unwrap_err();
        assert_eq!(error.reason(), "selector_invalid", "{text}");
    }
}

#[test]
fn a_selector_is_bounded() {
    let padded = |length: usize| format!("{:length$}", r#"{"matchLabels": {"a": "b"}}"#);
    assert!(Selector::parse(&padded(SELECTOR_BYTES_MAX)).is_ok());
    assert!(Selector::parse(&padded(SELECTOR_BYTES_MAX + 1)).is_err());
}
