//! Vault's own syntax in both of its modes: claims and policy paths.

use super::super::{Selector, SelectorError, decode_template, resolve_selector};
use super::{Entity, NOW, check, payment_api, refuse, sparse};

/// Checks what a directive prints as the claim `a`, for a full and a sparse entity.
#[track_caller]
fn gives(selector: &str, full: &str, empty: &str) {
    let source = format!("{{\"a\": {{{{{selector}}}}}}}");
    check(&source, &payment_api(), &format!("{{\"a\":{full}}}"));
    check(&source, &sparse(), &format!("{{\"a\":{empty}}}"));
}

#[test]
fn directives_print_json() {
    gives(
        "identity.entity.id",
        r#""entity-id-12345""#,
        r#""entity-id-12345""#,
    );
    gives(
        " identity.entity.name ",
        r#""my-app-entity""#,
        r#""entity_ff5e0892""#,
    );
    gives(
        "identity.entity.metadata",
        r#"{"environment":"production","service":"payment-api","team":"platform"}"#,
        "{}",
    );
    gives("identity.entity.metadata.team", r#""platform""#, r#""""#);
    gives(
        "identity.entity.groups.names",
        r#"["developers","payment-team"]"#,
        "null",
    );
    gives(
        "identity.entity.groups.ids",
        r#"["group-id-1","group-id-2"]"#,
        "null",
    );
    let alias = |field: &str| format!("identity.entity.aliases.auth_kubernetes_1.{field}");
    gives(&alias("id"), r#""alias-id-1""#, r#""""#);
    gives(&alias("name"), r#""payments/api""#, r#""""#);
    gives(
        &alias("metadata"),
        r#"{"service_account_name":"api"}"#,
        "{}",
    );
    gives(&alias("metadata.service_account_name"), r#""api""#, r#""""#);
    gives(&alias("metadata.nope"), r#""""#, r#""""#);
    gives(&alias("custom_metadata"), r#"{"cost.center":"42"}"#, "{}");
    gives(&alias("custom_metadata.cost.center"), r#""42""#, r#""""#);
    gives("time.now", "1772366400", "1772366400");
    gives("time.now.plus.1h", "1772370000", "1772370000");
    gives("time.now.plus.90", "1772366490", "1772366490");
    gives("time.now.minus.1h30m", "1772361000", "1772361000");
    gives("time.now.minus.1500ms", "1772366398", "1772366398");
    gives("time.now.plus.1.5s", "1772366401", "1772366401");
}

#[test]
fn values_are_escaped() {
    let mut entity = payment_api();
    entity.name = "a\"b\\\u{1}\u{2028}".to_owned();
    check(
        r#"{"a": {{identity.entity.name}}, "b": {{identity.entity.metadata.team}}}"#,
        &entity,
        "{\"a\":\"a\\\"b\\\\\\u0001\u{2028}\",\"b\":\"platform\"}",
    );
}

#[test]
fn braces() {
    check(
        r#"{"a":{"b":{{identity.entity.id}} } }"#,
        &sparse(),
        r#"{"a":{"b":"entity-id-12345"}}"#,
    );
    check(r#"{"a":{"b":1}}"#, &sparse(), r#"{"a":{"b":1}}"#);
    check(
        r#"{"a":{"b":{}},"c":{{time.now}}}"#,
        &sparse(),
        r#"{"a":{"b":{}},"c":1772366400}"#,
    );
    refuse(
        r#"{"a":{"b":{{identity.entity.id}}}}"#,
        "error parsing template: unbalanced templating characters: `}}` closes no directive; write `} }` to close two JSON objects (line 1, column 33)",
    );
    refuse(
        r#"{"a": {{identity.entity.id}"#,
        "error parsing template: unbalanced templating characters: a directive is not closed (line 1, column 7)",
    );
    refuse(
        r#"{"a": {{identity.entity.{{id}}}"#,
        "error parsing template: unbalanced templating characters: a directive is not closed (line 1, column 7)",
    );
}

#[test]
fn refused_directives() {
    for (selector, expected) in [
        (
            "identity.entity.foo",
            "no value could be found for one of the template directives: `identity.entity.foo`",
        ),
        (
            "identity.foo",
            "no value could be found for one of the template directives: `identity.foo`",
        ),
        (
            "identity.entity.aliases.a.foo",
            "no value could be found for one of the template directives: `identity.entity.aliases.a.foo`",
        ),
        ("identity.entity.aliases.a", "invalid alias selector"),
        ("identity.groups.foo", "invalid groups selector"),
        ("identity.groups.foo.bar", "invalid groups selector"),
        ("identity.groups.ids.foo", "invalid groups accessor"),
        (
            "identity.groups.ids.foo.bar",
            "no value could be found for one of the template directives: `identity.groups.ids.foo.bar`",
        ),
        (
            "identity.groups.names.dev.id",
            "string contains groups template directives but no groups were provided: a claim template reads groups as `identity.entity.groups.names` and `.ids`",
        ),
        ("time.later", "invalid time selector \"later\""),
        ("time.now.plus", "missing time operand"),
        ("time.now.times.1h", "invalid time operator \"times\""),
        (
            "identity.entity.name | toJSON",
            "`identity.entity.name | toJSON` mixes a Vault directive with a Go template pipe; a directive prints JSON already",
        ),
    ] {
        refuse(
            &format!("{{\"a\":\n {{{{{selector}}}}}}}"),
            &format!("error parsing template: {expected} (line 2, column 2)"),
        );
    }
    let error = Selector::parse("time.now.plus.soon").unwrap_err();
    assert!(matches!(error, SelectorError::InvalidDuration(_)));
    assert!(
        error.to_string().starts_with("invalid duration: "),
        "{error}"
    );
}

#[test]
fn a_quoted_directive_is_refused() {
    refuse(
        r#"{"a": "{{identity.entity.name}}"}"#,
        "error parsing template JSON: invalid character '\"' after object key:value pair: the directive brings its own quotes (line 1, column 8; tried with an entity that has no metadata, aliases and groups)",
    );
}

#[test]
fn mixtures_are_refused() {
    refuse(
        "{\"a\": {{identity.entity.name}},\n\"b\": {{.entity.name | toJSON}}}",
        "error parsing template: the template mixes a Vault directive (line 1, column 7) with a Go template action (line 2, column 6); use one syntax (line 2, column 6)",
    );
    refuse(
        "{{- /* note */ -}}{\"a\": {{time.now}}}",
        "error parsing template: the template mixes a Vault directive (line 1, column 25) with a Go template action (line 1, column 1); use one syntax (line 1, column 25)",
    );
    refuse(
        r#"{"a": {{- identity.entity.name }}}"#,
        "error parsing template: `identity` begins a Vault directive, written `{{identity.entity.name}}` and without trim markers or parentheses; in a Go template write `.entity.name` (line 1, column 11)",
    );
}

#[test]
fn base64_is_decoded_once() {
    assert_eq!(decode_template("eyJhIjogMX0="), r#"{"a": 1}"#);
    assert_eq!(decode_template("eyJhIjog\nMX0=\n"), r#"{"a": 1}"#);
    assert_eq!(decode_template(r#"{"a": 1}"#), r#"{"a": 1}"#);
    // Without its padding, or not text inside: taken as it is.
    assert_eq!(decode_template("eyJhIjogMX0"), "eyJhIjogMX0");
    assert_eq!(decode_template("gIGC"), "gIGC");
}

#[track_caller]
fn path_text(entity: &Entity, selector: &str, expected: Option<&str>) {
    let text = resolve_selector(&entity.subject(), NOW, selector);
    assert_eq!(text.as_deref(), expected, "{selector}");
}

#[test]
fn selectors_of_policy_paths() {
    let full = payment_api();
    for (selector, expected) in [
        ("identity.entity.id", Some("entity-id-12345")),
        (" identity.entity.name ", Some("my-app-entity")),
        ("identity.entity.metadata.team", Some("platform")),
        ("identity.entity.metadata.nope", None),
        ("identity.entity.metadata", None),
        ("identity.entity.groups.names", None),
        ("identity.entity.groups.ids", None),
        (
            "identity.entity.aliases.auth_kubernetes_1.id",
            Some("alias-id-1"),
        ),
        (
            "identity.entity.aliases.auth_kubernetes_1.name",
            Some("payments/api"),
        ),
        ("identity.entity.aliases.auth_kubernetes_1.metadata", None),
        (
            "identity.entity.aliases.auth_kubernetes_1.metadata.service_account_name",
            Some("api"),
        ),
        (
            "identity.entity.aliases.auth_kubernetes_1.custom_metadata.cost.center",
            Some("42"),
        ),
        ("identity.entity.aliases.auth_other.name", None),
        ("identity.groups.ids.group-id-1.name", Some("developers")),
        ("identity.groups.ids.group-id-1.metadata.tier", Some("1")),
        ("identity.groups.ids.group-id-9.name", None),
        ("identity.groups.names.payment-team.id", Some("group-id-2")),
        ("identity.groups.names.payment-team.metadata.tier", None),
        ("identity.groups.names.payment-team.foo", None),
        ("time.now", Some("1772366400")),
        ("time.now.minus.1m", Some("1772366340")),
        ("time.now.plus.x", None),
        ("entity.name", None),
        ("", None),
    ] {
        path_text(&full, selector, expected);
    }
}

#[test]
fn an_empty_value_makes_no_path() {
    let mut entity = payment_api();
    entity.name.clear();
    entity.metadata.insert("team".to_owned(), String::new());
    path_text(&entity, "identity.entity.name", None);
    path_text(&entity, "identity.entity.metadata.team", None);
}

#[test]
fn an_alias_is_found_by_its_mount_not_by_its_order() {
    let mut entity = payment_api();
    let mut second = entity.aliases[0].clone();
    second.mount_accessor = "auth_jwt_2".to_owned();
    second.name = "second".to_owned();
    entity.aliases.push(second);
    path_text(
        &entity,
        "identity.entity.aliases.auth_jwt_2.name",
        Some("second"),
    );
    path_text(
        &entity,
        "identity.entity.aliases.auth_kubernetes_1.name",
        Some("payments/api"),
    );
}

#[test]
fn times_do_not_overflow() {
    let subject = sparse();
    let subject = subject.subject();
    let far = Selector::parse("time.now.plus.2500000h").unwrap();
    assert_eq!(far.text(&subject, i64::MAX).unwrap(), i64::MAX.to_string());
    let past = Selector::parse("time.now.minus.2500000h").unwrap();
    assert_eq!(past.text(&subject, i64::MIN).unwrap(), i64::MIN.to_string());
}
