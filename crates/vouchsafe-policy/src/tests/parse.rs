//! Which texts are policies, and what is said about those that are not.

use crate::error::KEYS_SHOWN_MAX;
use crate::{CapabilitySet, PATH_BYTES_MAX, ParseError, Policy, RULES_MAX, RuleFault};

/// Parses and shows the rules: path, capabilities and whatever conditions are set.
#[track_caller]
fn check(text: &str, expected: &[(&str, &str)]) {
    let policy = Policy::parse("p", text)
        .map_err(|error| error.to_string())
        .expect(text);
    let rules: Vec<(String, String)> = policy
        .rules
        .iter()
        .map(|rule| {
            let path = rule
                .path
                .resolve(&crate::NoSubject)
                .expect("no template here");
            (
                path,
                format!("{:?}", rule.permissions.capabilities).replace('"', ""),
            )
        })
        .collect();
    let rules: Vec<_> = rules
        .iter()
        .map(|(path, set)| (path.as_str(), set.as_str()))
        .collect();
    assert_eq!(rules, expected, "{text}");
}

#[track_caller]
fn refuse(text: &str, expected: &str) {
    let error = Policy::parse("p", text).expect_err(text);
    assert_eq!(error.to_string(), expected, "{text}");
}

#[test]
fn every_notation_of_a_rule() {
    let read = &[("a/*", "{read}")];
    check(r#"path "a/*" { capabilities = ["read"] }"#, read);
    check(r#""path" "a/*" { "capabilities" = ["read"] }"#, read);
    check(
        r#"path "/a/*" { capabilities = ["read",], comment = "x" }"#,
        read,
    );
    check(
        "\u{feff}name = \"x\"\r\npath \"a/*\" {\r\n\tcapabilities = [\r\n\"read\"\r\n]\r\n}",
        read,
    );
    check(r#"{"path":{"a/*":{"capabilities":["read"]}}}"#, read);
    check(
        r#"{"path":[{"a/*":{"capabilities":["read"]}}],"name":"x"}"#,
        read,
    );
    check(r#"{"path":{"a/*":[{"capabilities":["read"]}]}}"#, read);
    check(r#"path = { "a/*" = { capabilities = ["read"] } }"#, read);
    check(
        "path \"secret/+/x*\" { capabilities = [\"create\"] allowed_parameters = { \"a\" = [] } }",
        &[("secret/+/x*", "{create}")],
    );
    check(
        r#"path "a" { capabilities = ["read"] } path "a" { policy = "write" } path "b" {}"#,
        &[
            ("a", "{read}"),
            ("a", "{create, delete, list, read, update}"),
            ("b", "{}"),
        ],
    );
    check("", &[]);
    check("# nothing yet", &[]);
    check("{}", &[]);
    check(
        r#"path "x/${y}" { capabilities = ["list"] }"#,
        &[("x/${y}", "{list}")],
    );
}

#[test]
fn capabilities() {
    check(
        r#"path "a" { capabilities = ["create", "read", "update", "patch", "delete", "list", "sudo"] }"#,
        &[("a", "{create, delete, list, patch, read, sudo, update}")],
    );
    check(
        r#"path "a" { capabilities = ["subscribe", "recover", "scan"] }"#,
        &[("a", "{recover, scan, subscribe}")],
    );
    check(
        r#"path "a" { capabilities = ["read", "deny", "sudo"] }"#,
        &[("a", "{deny}")],
    );
    check(
        r#"path "a" { policy = "deny" capabilities = ["read"] }"#,
        &[("a", "{deny}")],
    );
    check(r#"path "a" { policy = "read" }"#, &[("a", "{list, read}")]);
    check(
        r#"path "a" { policy = "sudo" capabilities = ["patch"] }"#,
        &[("a", "{create, delete, list, patch, read, sudo, update}")],
    );
    for word in ["fly", "Read", "root", "", " read"] {
        refuse(
            &format!(r#"path "a" {{ capabilities = ["read", "{word}"] }}"#),
            &format!(r#"path "a": path "a": invalid capability "{word}""#),
        );
    }
    refuse(
        r#"path "a" { capabilities = [1] }"#,
        r#"path "a": path "a": invalid capability "1""#,
    );
    refuse(
        r#"path "a" { policy = "x" }"#,
        r#"path "a": path "a": invalid policy "x""#,
    );
    assert!(!CapabilitySet::EMPTY.grants_anything() && !CapabilitySet::DENY.grants_anything());
}

#[test]
fn unknown_keys() {
    refuse(
        "foo = 1",
        "1 error occurred:\n\t* invalid key \"foo\" on line 1\n\n",
    );
    refuse(
        "path \"a\" {}\nfoo \"a\" {}\nPath \"b\" {}",
        "2 errors occurred:\n\t* invalid key \"foo\" on line 2\n\t* invalid key \"Path\" on line 3\n\n",
    );
    refuse(
        "path \"a\" {\n foo = 1\n bar = 2 }",
        "path \"a\": 2 errors occurred:\n\t* invalid key \"foo\" on line 2\n\t* invalid key \"bar\" on line 3\n\n",
    );
    refuse(
        r#"{"path":{"a":{"x":1}}}"#,
        "path \"a\": 1 error occurred:\n\t* invalid key \"x\" on line 1\n\n",
    );
    for key in [
        "pagination_limit",
        "expiration",
        "list_scan_response_keys_filter_path",
    ] {
        refuse(
            &format!("path \"a\" {{\n{key} = \"5\" }}"),
            &format!(
                "path \"a\": 1 error occurred:\n\t* key \"{key}\" on line 2 is not supported: \
                 ignoring it would grant more than the policy says\n\n"
            ),
        );
    }
}

#[test]
fn keys_without_effect_are_reported() {
    let text = "path \"a\" {\n mfa_methods = [\"x\"]\n control_group = { ttl = \"4h\" }\n \
                subscribe_event_types = [\"*\"]\n comment = 1 }";
    let policy = Policy::parse("p", text).unwrap();
    let expected = [
        "`mfa_methods` on line 2",
        "`control_group` on line 3",
        "`subscribe_event_types` on line 4",
    ]
    .map(|what| format!("path \"a\": {what} has no effect on this server"));
    assert_eq!(policy.warnings(), expected);
}

#[test]
fn wrong_kinds() {
    refuse(
        r#"path "a" { capabilities = "read" }"#,
        r#"path "a": path "a": At 1:27: capabilities: found a string; expected a list of strings"#,
    );
    refuse(
        r#"path "a" { capabilities = [true] }"#,
        r#"path "a": path "a": At 1:28: capabilities: found a boolean; expected a list of strings"#,
    );
    refuse(
        r#"path "a" { allowed_parameters = [] }"#,
        "path \"a\": path \"a\": At 1:33: allowed_parameters: found a list; expected an object with \
         a list of values for each parameter",
    );
    refuse(
        r#"path "a" { denied_parameters { "x" = "y" } }"#,
        "path \"a\": path \"a\": At 1:38: denied_parameters: found a string; expected an object \
         with a list of values for each parameter",
    );
    refuse(
        r#"{"path":{"a":{"denied_parameters":{"x":null}}}}"#,
        "path \"a\": path \"a\": At 1:40: denied_parameters: found null; expected an object with a \
         list of values for each parameter",
    );
    refuse(
        r#"path "a" { policy = ["read"] }"#,
        "path \"a\": path \"a\": At 1:21: policy: found a list; expected `deny`, `read`, `write` or \
         `sudo`",
    );
    refuse(
        r#"path "a" { allowed_parameters "x" { } }"#,
        r#"path "a": path "a": At 1:31: allowed_parameters: found a label; expected `=` or `{`"#,
    );
    refuse(
        "path \"a\" { capabilities = [\"read\"]\n capabilities = [\"list\"] }",
        r#"path "a": At 2:2: "capabilities" is already set; each key may be set once"#,
    );
    let expected = "`path \"...\" { ... }`";
    refuse(
        r#"path = "a""#,
        &format!("At 1:8: found a string; expected {expected}"),
    );
    refuse(
        r#"path "a" "b" {}"#,
        &format!("At 1:1: found a path with several labels; expected {expected}"),
    );
    refuse(
        r#"path { "a" "b" {} }"#,
        &format!("At 1:12: found a label; expected {expected}"),
    );
    refuse(
        r#"path { capabilities = 1 }"#,
        "At 1:23: found a number; expected an object with the keys of a rule",
    );
    refuse(
        r#"name "x" {}"#,
        "At 1:10: found an object; expected `name = \"...\"`",
    );
    refuse(
        "path {",
        "At 1:7: unexpected end of the text; expected a key, or the end of the object",
    );
}

#[test]
fn paths() {
    for path in ["a/+*", "+*", "a+*", "a/+*/b", "/+*"] {
        refuse(
            &format!("path \"{path}\" {{}}"),
            &format!(
                "path \"{path}\": path \"{path}\": invalid use of wildcards ('+*' is forbidden)"
            ),
        );
    }
    for path in ["{{a", "a}}", "{{a}}}}", "{{a{{b}}", "{{a}}b}}", "}}{{"] {
        refuse(
            &format!("path \"{path}\" {{}}"),
            &format!(
                "path \"{path}\": failed to validate policy templating: unbalanced templating \
                 characters"
            ),
        );
    }
    let longest = "x".repeat(PATH_BYTES_MAX);
    check(&format!("path \"{longest}\" {{}}"), &[(&longest, "{}")]);
    let error = Policy::parse("p", &format!("path \"{longest}x\" {{}}")).unwrap_err();
    let bytes = PATH_BYTES_MAX + 1;
    assert!(
        matches!(error, ParseError::Rule { fault: RuleFault::PathTooLong { bytes: b }, .. } if b == bytes)
    );
}

#[test]
fn rules_at_the_limit_and_one_past_it() {
    let most = "path \"a\" {}\n".repeat(RULES_MAX);
    assert_eq!(Policy::parse("p", &most).unwrap().rule_count(), RULES_MAX);
    let error = Policy::parse("p", &format!("{most}path \"a\" {{}}")).unwrap_err();
    assert_eq!(
        error,
        ParseError::TooManyRules {
            found: RULES_MAX + 1
        }
    );
}

#[test]
fn wrapping_ttls() {
    let ttl = |value: &str| format!("path \"a\" {{ min_wrapping_ttl = {value} }}");
    for (value, seconds) in [
        ("20", 20),
        ("\"90\"", 90),
        ("\"1h30m\"", 5_400),
        ("\"1.5s\"", 1),
    ] {
        let policy = Policy::parse("p", &ttl(value)).unwrap();
        let parsed = policy.rules[0].permissions.min_wrapping_ttl.unwrap();
        assert_eq!(parsed.as_secs(), seconds, "{value}");
    }
    for none in ["0", "\"\"", "\"0s\""] {
        let policy = Policy::parse("p", &ttl(none)).unwrap();
        assert_eq!(policy.rules[0].permissions.min_wrapping_ttl, None, "{none}");
    }
    let text = |value: &str| Policy::parse("p", &ttl(value)).unwrap_err().to_string();
    let prefix = "path \"a\": error parsing min_wrapping_ttl: time:";
    assert!(text("\"x\"").starts_with(&format!("{prefix} invalid duration \"x\"")));
    assert!(text("\"-1s\"").starts_with(&format!("{prefix} negative duration \"-1s\"")));
    assert!(text("-1").starts_with(&format!("{prefix} negative duration \"-1\"")));
    assert!(text("9223372037").contains("too long"));
    assert!(text("true").contains("found a boolean"));
    assert!(text("1.5").contains("found a number"));
    refuse(
        r#"path "a" { min_wrapping_ttl = 20 max_wrapping_ttl = "19s" }"#,
        "path \"a\": max_wrapping_ttl cannot be less than min_wrapping_ttl",
    );
    assert!(
        Policy::parse(
            "p",
            r#"path "a" { min_wrapping_ttl = 20 max_wrapping_ttl = 20 }"#
        )
        .is_ok()
    );
}

#[test]
fn the_name_in_the_text_is_ignored() {
    let policy = Policy::parse("stored", "name = \"root\"").unwrap();
    assert_eq!(policy.name(), "stored");
}

/// What is refused is not sent back whole.
#[test]
fn errors_stay_short() {
    let long = "x".repeat(500_000);
    for text in [
        format!("path \"{long}\" {{}}"),
        format!("path \"a\" {{ capabilities = [\"{long}\"] }}"),
        format!("path \"a\" {{ policy = \"{long}\" }}"),
        format!("path \"a\" {{ {long} = 1 }}"),
        format!("{long} = 1"),
        format!("a = {long}"),
        format!("a = 1{long}"),
        format!("{{\"{long}\":1,\"{long}\":1}}"),
        "k = 1 ".repeat(60_000),
    ] {
        let message = Policy::parse("p", &text).unwrap_err().to_string();
        assert!(
            message.len() < 3 * PATH_BYTES_MAX,
            "{} bytes",
            message.len()
        );
    }
    let message = Policy::parse("p", &"k = 1 ".repeat(KEYS_SHOWN_MAX + 1))
        .unwrap_err()
        .to_string();
    assert!(message.starts_with("21 errors occurred:"));
    assert_eq!(message.matches("invalid key").count(), KEYS_SHOWN_MAX);
}
