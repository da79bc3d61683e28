//! Capabilities, merging, and the conditions of rules.

use std::time::Duration;

use serde_json::{Map, Value};
use vouchsafe_logical::{Access, Operation};

use super::{acl, ask};
use crate::{Acl, Ask, Capability, permit_public};

const OPERATIONS: [Operation; 7] = [
    Operation::Create,
    Operation::Delete,
    Operation::Help,
    Operation::List,
    Operation::Patch,
    Operation::Read,
    Operation::Update,
];

/// The answer in words: `permit` or why not.
#[track_caller]
fn check(acl: &Acl, ask: Ask<'_>, expected: &str) {
    let answer = acl.decide(ask).map_or_else(
        |denial| {
            denial
                .to_string()
                .split_once(": ")
                .map(|(_, why)| why.to_owned())
                .unwrap()
        },
        |permit| {
            assert!(permit.is_for(ask.path, ask.operation));
            "permit".to_owned()
        },
    );
    assert_eq!(answer, expected, "{ask:?}");
}

#[test]
fn each_operation_needs_its_own_capability() {
    for granted in Capability::ALL
        .into_iter()
        .filter(|word| *word != Capability::Root)
    {
        let acl = acl(&[&format!("path \"a\" {{ capabilities = [\"{granted}\"] }}")]);
        for operation in OPERATIONS {
            let permitted = acl.decide(ask(operation, "a")).is_ok();
            let expected = operation == Operation::Help || operation.as_str() == granted.as_str();
            assert_eq!(permitted, expected, "{operation} with {granted}");
        }
    }
}

#[test]
fn without_a_rule_only_help_is_permitted() {
    for acl in [acl(&[]), acl(&[r#"path "b" { policy = "sudo" }"#])] {
        for operation in OPERATIONS {
            let protected = Ask {
                needs_sudo: true,
                ..ask(operation, "a")
            };
            assert_eq!(acl.decide(protected).is_ok(), operation == Operation::Help);
        }
    }
}

#[test]
fn root_may_do_everything() {
    let root = Acl::root();
    for operation in OPERATIONS {
        let permit = root
            .decide(Ask {
                needs_sudo: true,
                ..ask(operation, "a")
            })
            .unwrap();
        assert!(permit.is_root() && permit.has_sudo());
        assert_eq!(permit.granting_policies().collect::<Vec<_>>(), ["root"]);
    }
}

/// The name alone is worth nothing: names come from tokens and identities.
#[test]
fn a_policy_named_root_is_not_root() {
    let policy = std::sync::Arc::new(crate::Policy::parse("root", "").unwrap());
    let acl = Acl::compile(&[policy], &crate::NoSubject);
    assert!(!acl.is_root());
    assert!(acl.decide(ask(Operation::Read, "a")).is_err());
}

#[test]
fn sudo_comes_on_top_of_the_capability() {
    let texts = [
        r#"path "a" { capabilities = ["sudo"] } path "b" { capabilities = ["read"] }
           path "c" { capabilities = ["read", "sudo"] }"#,
    ];
    let acl = acl(&texts);
    let protected = |path| Ask {
        needs_sudo: true,
        ..ask(Operation::Read, path)
    };
    check(
        &acl,
        protected("a"),
        "rule `a` decides and does not grant capability `read`",
    );
    check(
        &acl,
        protected("b"),
        "the path is protected and rule `b` does not grant `sudo`",
    );
    check(&acl, protected("c"), "permit");
    assert!(acl.decide(protected("c")).unwrap().has_sudo());
    assert!(!acl.decide(ask(Operation::Read, "b")).unwrap().has_sudo());
    assert_eq!(
        acl.decide(protected("b")).unwrap_err().missing(),
        Capability::Sudo
    );
}

#[test]
fn the_same_path_in_several_policies_is_united() {
    let acl = acl(&[
        r#"path "a" { capabilities = ["read"] }"#,
        r#"path "/a" { capabilities = ["update", "read"] } path "a" { capabilities = ["list"] }"#,
        r#"path "a*" { capabilities = ["delete"] }"#,
    ]);
    let granting = |operation| {
        let permit = acl.decide(ask(operation, "a")).unwrap();
        permit
            .granting_policies()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(granting(Operation::Read), ["p0", "p1"]);
    assert_eq!(granting(Operation::Update), ["p1"]);
    assert_eq!(granting(Operation::List), ["p1"]);
    assert!(acl.decide(ask(Operation::Delete, "a")).is_err());
}

#[test]
fn deny_wins_over_every_policy() {
    let grant = r#"path "a" { policy = "sudo" allowed_parameters = { "x" = [] } }"#;
    let deny = r#"path "a" { capabilities = ["deny"] }"#;
    for texts in [[grant, deny], [deny, grant]] {
        let acl = acl(&texts);
        check(
            &acl,
            ask(Operation::Read, "a"),
            "rule `a` is an explicit deny",
        );
        assert_eq!(acl.capabilities("a"), [Capability::Deny]);
    }
}

#[test]
fn a_rule_without_capabilities_hides_wider_ones() {
    let acl = acl(&[r#"path "a/*" { policy = "read" } path "a/b" { }"#]);
    let why = "rule `a/b` decides and does not grant capability `read`";
    check(&acl, ask(Operation::Read, "a/b"), why);
}

#[test]
fn public_permits_name_no_policy() {
    let permit = permit_public(Access::Public, "sys/health", Operation::Read);
    let permit = permit.expect("the route is declared public");
    assert!(permit.is_for("sys/health", Operation::Read));
    assert!(!permit.is_for("sys/health", Operation::Update));
    assert!(!permit.is_for("sys/seal", Operation::Read));
    assert!(!permit.is_root() && !permit.has_sudo());
    assert_eq!(permit.granting_policies().count(), 0);
}

#[test]
fn a_route_that_asks_policies_has_no_public_permit() {
    for access in [Access::Token, Access::Sudo] {
        assert!(permit_public(access, "sys/seal", Operation::Update).is_none());
    }
    for access in [Access::Login(|_| None), Access::Optional, Access::Proof] {
        assert!(permit_public(access, "a", Operation::Update).is_some());
    }
}

#[test]
fn wrapping_ttl_ranges() {
    const WHY: &str =
        "rule `a` wants a wrapped response within its min_wrapping_ttl and max_wrapping_ttl";
    #[track_caller]
    fn wrapped(texts: &[&str], seconds: Option<u64>, expected: &str) {
        let wrap_ttl = seconds.map(Duration::from_secs);
        check(
            &acl(texts),
            Ask {
                wrap_ttl,
                ..ask(Operation::Read, "a")
            },
            expected,
        );
    }
    let range = r#"path "a" { policy = "read" min_wrapping_ttl = 10 max_wrapping_ttl = "20s" }"#;
    wrapped(&[range], None, WHY);
    wrapped(&[range], Some(9), WHY);
    wrapped(&[range], Some(10), "permit");
    wrapped(&[range], Some(20), "permit");
    wrapped(&[range], Some(21), WHY);
    // Smaller values win, both for the least and for the most.
    let other = r#"path "a" { min_wrapping_ttl = 5 max_wrapping_ttl = 30 }"#;
    wrapped(&[range, other], Some(5), "permit");
    wrapped(&[range, other], Some(21), WHY);
    // Merging may leave nothing.
    let late = r#"path "a" { policy = "read" min_wrapping_ttl = 40 }"#;
    let early = r#"path "a" { max_wrapping_ttl = 30 }"#;
    wrapped(&[late, early], Some(30), WHY);
    wrapped(&[late, early], Some(40), WHY);
    wrapped(
        &[r#"path "a" { policy = "read" min_wrapping_ttl = 0 }"#],
        None,
        "permit",
    );
}

/// Decides about an update of `a` with `conditions` and `parameters` (a JSON object).
#[track_caller]
fn with_parameters(conditions: &str, parameters: &str, expected: &str) {
    let text = format!("path \"a\" {{ capabilities = [\"update\"] {conditions} }}");
    let parameters: Map<String, Value> = serde_json::from_str(parameters).unwrap();
    let acl = acl(&[&text]);
    let ask = Ask {
        parameters: Some(&parameters),
        ..ask(Operation::Update, "a")
    };
    let expected = match expected.split_once(' ') {
        Some(("denied", name)) => {
            format!("rule `a` does not allow parameter `{name}` with this value")
        }
        Some(("required", name)) => format!("rule `a` requires parameter `{name}`"),
        _ => expected.to_owned(),
    };
    check(&acl, ask, &expected);
}

#[test]
fn required_parameters() {
    let required = r#"required_parameters = ["x", "Y"]"#;
    with_parameters(required, "{}", "required x");
    with_parameters(required, r#"{"x": 1}"#, "required y");
    with_parameters(required, r#"{"x": 1, "y": null}"#, "permit");
    // Backends read the lower-case name, so only that counts.
    with_parameters(required, r#"{"x": 1, "Y": 1}"#, "required y");
    let acl = acl(&[r#"path "a" { policy = "write" required_parameters = ["x"] }"#]);
    check(
        &acl,
        ask(Operation::Read, "a"),
        "rule `a` requires parameter `x`",
    );
    check(&acl, ask(Operation::List, "a"), "permit");
    check(&acl, ask(Operation::Delete, "a"), "permit");
}

#[test]
fn denied_parameters() {
    let denied = r#"denied_parameters = { "X" = [] "y" = ["v", 1, "p*", "*s", "*m*", true, 1.5] }"#;
    with_parameters(denied, "{}", "permit");
    with_parameters(denied, r#"{"z": 1}"#, "permit");
    with_parameters(denied, r#"{"z": 1, "x": 1}"#, "denied x");
    with_parameters(denied, r#"{"x": null}"#, "denied x");
    with_parameters(denied, r#"{"Y": "v"}"#, "denied Y");
    for value in [
        "1", "1.0", "\"pq\"", "\"p\"", "\"rs\"", "\"ama\"", "true", "1.5",
    ] {
        with_parameters(denied, &format!("{{\"y\": {value}}}"), "denied y");
    }
    for value in [
        "2", "\"1\"", "\"vv\"", "\"ap\"", "\"sa\"", "false", "null", "[\"v\"]", "{}",
    ] {
        with_parameters(denied, &format!("{{\"y\": {value}}}"), "permit");
    }
    with_parameters(
        r#"denied_parameters = { "*" = ["never"] }"#,
        r#"{"z": 1}"#,
        "denied z",
    );
    with_parameters(r#"denied_parameters = { "*" = [] }"#, "{}", "permit");
    with_parameters(
        r#"denied_parameters = { "y" = ["*"] }"#,
        r#"{"y": "any"}"#,
        "denied y",
    );
    with_parameters(
        r#"denied_parameters = { "y" = [["v"]] }"#,
        r#"{"y": ["v"]}"#,
        "denied y",
    );
}

#[test]
fn allowed_parameters() {
    let allowed = r#"allowed_parameters = { "X" = [] "y" = ["v", 9007199254740993, "p*"] }"#;
    with_parameters(allowed, "{}", "permit");
    with_parameters(allowed, r#"{"x": {"any": 1}, "Y": "v"}"#, "permit");
    with_parameters(allowed, r#"{"y": "pq"}"#, "permit");
    with_parameters(allowed, r#"{"y": "w"}"#, "denied y");
    with_parameters(allowed, r#"{"z": 1}"#, "denied z");
    with_parameters(allowed, r#"{"y": 9007199254740993}"#, "permit");
    // Compared as floats, both would be one number.
    with_parameters(allowed, r#"{"y": 9007199254740992}"#, "denied y");
    let others = r#"allowed_parameters = { "y" = ["v"] "*" = [] }"#;
    with_parameters(others, r#"{"z": 1, "y": "v"}"#, "permit");
    with_parameters(others, r#"{"z": 1, "y": "w"}"#, "denied y");
    with_parameters("allowed_parameters = { }", r#"{"z": 1}"#, "permit");
    let both = r#"allowed_parameters = { "*" = [] } denied_parameters = { "y" = [] }"#;
    with_parameters(both, r#"{"z": 1}"#, "permit");
    with_parameters(both, r#"{"z": 1, "y": 1}"#, "denied y");
}

#[test]
fn parameter_lists_are_joined_and_an_empty_one_wins() {
    let parameters: Map<String, Value> = serde_json::from_str(r#"{"x": "b", "y": "c"}"#).unwrap();
    let decide = |texts: [&str; 2]| {
        let acl = acl(&texts);
        acl.decide(Ask {
            parameters: Some(&parameters),
            ..ask(Operation::Update, "a")
        })
        .is_ok()
    };
    let x_is = |value: &str| {
        format!(
            r#"path "a" {{ policy = "write" allowed_parameters = {{ "x" = [{value}] "y" = [] }} }}"#
        )
    };
    let (a, b, any) = (x_is("\"a\""), x_is("\"b\""), x_is(""));
    assert!(!decide([&a, &a]));
    assert!(decide([&a, &b]) && decide([&b, &a]));
    assert!(decide([&a, &any]) && decide([&any, &a]));
    let deny_x = r#"path "a" { denied_parameters = { "x" = ["z"] } }"#;
    let deny_x_always = r#"path "a" { policy = "write" denied_parameters = { "x" = [] } }"#;
    assert!(decide([&b, deny_x]));
    assert!(!decide([deny_x, deny_x_always]) && !decide([deny_x_always, deny_x]));
    // A rule without a list does not widen the list of another.
    assert!(!decide([&a, r#"path "a" { policy = "write" }"#]));
}

#[test]
fn an_explanation_tells_no_value() {
    let parameters: Map<String, Value> = serde_json::from_str(r#"{"password": "canary"}"#).unwrap();
    let acl = acl(&[r#"path "a" { policy = "write" denied_parameters = { "password" = [] } }"#]);
    let ask = Ask {
        parameters: Some(&parameters),
        ..ask(Operation::Update, "a")
    };
    let denial = acl.decide(ask).unwrap_err();
    assert!(!format!("{denial} {denial:?}").contains("canary"));
    assert_eq!(
        denial.to_string(),
        "update on `a` is denied: rule `a` does not allow parameter `password` with this value"
    );
    let unmatched = acl.decide(super::ask(Operation::List, "b/")).unwrap_err();
    assert_eq!(
        unmatched.to_string(),
        "list on `b/` is denied: no rule matches the path; it needs capability `list`"
    );
}
