//! Which rule decides about a path.

use vouchsafe_logical::Operation;

use super::{acl, ask};
use crate::pattern::Pattern;

/// Gives every path a rule; the rule that decides about `path` must be `expected` (empty: none).
#[track_caller]
fn check(rules: &[&str], operation: Operation, path: &str, expected: &str) {
    let text: String = rules
        .iter()
        .map(|rule| format!("path \"{rule}\" {{ capabilities = [\"sudo\"] }}\n"))
        .collect();
    let denial = acl(&[&text])
        .decide(ask(operation, path))
        .expect_err("sudo alone permits nothing");
    assert_eq!(
        denial.rule().unwrap_or_default(),
        expected,
        "{operation} {path} of {rules:?}"
    );
}

#[track_caller]
fn read(rules: &[&str], path: &str, expected: &str) {
    check(rules, Operation::Read, path, expected);
}

#[track_caller]
fn list(rules: &[&str], path: &str, expected: &str) {
    check(rules, Operation::List, path, expected);
}

#[test]
fn exact_rules() {
    read(&["a/b"], "a/b", "a/b");
    read(&["a/b"], "/a/b", "a/b");
    read(&["a/b"], "a/b/", "");
    read(&["a/b"], "a", "");
    read(&["a/b", "a/b*", "a/+", "*"], "a/b", "a/b");
    // `*` is special at the end only, `+` as a whole segment only.
    read(&["a/*/b"], "a/*/b", "a/*/b");
    read(&["a/*/b"], "a/x/b", "");
    read(&["a/x+"], "a/x+", "a/x+");
    read(&["a/x+"], "a/xy", "");
}

#[test]
fn prefix_rules() {
    read(&["a/*"], "a/b/c", "a/*");
    read(&["a/*"], "a/", "a/*");
    read(&["a/*"], "a", "");
    read(&["*"], "", "*");
    read(&["*", "a*", "ab*", "abc*", "abd*"], "abcd", "abc*");
    read(&["*", "a*", "ab*", "abc*", "abd*"], "abe", "ab*");
    read(&["*", "a*", "ab*", "abc*", "abd*"], "b", "*");
    read(&["a/*", "a/b/*", "a/b/c/*", "a/c/*"], "a/b/d", "a/b/*");
    read(&["a/*", "a/b/*", "a/c/*"], "a/bz", "a/*");
    read(&["a**"], "a*b", "a**");
    read(&["a**"], "ab", "");
}

#[test]
fn wildcard_rules() {
    read(&["a/+/c"], "a/b/c", "a/+/c");
    read(&["a/+/c"], "a/b/d", "");
    read(&["a/+/c"], "a/b/c/d", "");
    read(&["a/+/c"], "a/c", "");
    read(&["a/+/c*"], "a/b/cd/e", "a/+/c*");
    read(&["a/+/*"], "a/b", "");
    read(&["a/+/*"], "a/b/", "a/+/*");
    read(&["a/+"], "a/b", "a/+");
    read(&["a/+"], "a/b/c", "");
    read(&["+"], "a", "+");
    read(&["+/+"], "a/b", "+/+");
    // As in Vault, `+` also stands for an empty segment.
    read(&["a/+"], "a/", "a/+");
    read(&["a/+"], "a", "");
}

#[test]
fn the_most_specific_rule_decides() {
    // A later first wildcard wins.
    read(&["foo/a*", "foo/+"], "foo/ab", "foo/a*");
    read(
        &["foo/bar/+/baz", "foo/+/bar/baz"],
        "foo/bar/bar/baz",
        "foo/bar/+/baz",
    );
    // Then a rule that does not end with `*`.
    read(&["foo/+", "foo/*"], "foo/x", "foo/+");
    read(&["foo/+/ba*", "foo/+/bar"], "foo/x/bar", "foo/+/bar");
    // Then fewer wildcards.
    read(
        &["foo/+/+/baz", "foo/+/bar/baz"],
        "foo/x/bar/baz",
        "foo/+/bar/baz",
    );
    read(&["foo/+/*", "foo/*"], "foo/x/y", "foo/*");
    // Then the longer one.
    read(
        &["foo/+/bar/b*", "foo/+/bar/ba*"],
        "foo/x/bar/bax",
        "foo/+/bar/ba*",
    );
    read(&["+/+/ccc", "+/b/+"], "a/b/ccc", "+/+/ccc");
    // Then the last in byte order.
    read(&["+/+/c/d", "+/b/+/d", "+/b/c/+"], "a/b/c/d", "+/b/c/+");
    // A wildcard match below the longest prefix does not count.
    read(&["+/+/+", "a/*", "a/b/c*"], "a/b/c", "a/b/c*");
}

#[test]
fn a_list_also_finds_rules_without_its_slash() {
    list(&["a/b"], "a/b/", "a/b");
    list(&["a/b/", "a/b"], "a/b/", "a/b/");
    list(&["a/b", "a/b/*"], "a/b/", "a/b");
    list(&["a/b*"], "a/b/", "a/b*");
    list(&["a/+"], "a/b/", "a/+");
    list(&["a/+", "a/*"], "a/b/", "a/*");
    list(&["+/b", "a/b/*"], "a/b/", "a/b/*");
    read(&["a/b"], "a/b/", "");
    read(&["+/b"], "a/b/", "");
    // One slash is taken away, not all.
    list(&["a/b"], "a/b//", "");
}

/// GHSA-xp3c-3jw3-4vcr: the wide grant matched the path without slash, and the deny was not asked.
#[test]
fn a_list_does_not_escape_a_more_specific_deny() {
    #[track_caller]
    fn denied(grant: &str, deny: &str, path: &str) {
        let text = format!(
            "path \"{grant}\" {{ capabilities = [\"list\"] }} path \"{deny}\" {{ policy = \"deny\" }}"
        );
        let acl = acl(&[&text]);
        let denial = acl.decide(ask(Operation::List, path)).expect_err(deny);
        assert_eq!(denial.rule(), Some(deny));
        assert_eq!(acl.capabilities(path), [crate::Capability::Deny]);
    }
    denied("kv/*", "kv/team/*", "kv/team/");
    denied("kv/*", "kv/team", "kv/team/");
    denied("kv/*", "kv/team/", "kv/team/");
    denied("kv/*", "kv/team*", "kv/team/");
    denied("kv/+", "kv/team/*", "kv/team/");
    denied("kv/+", "kv/+/*", "kv/team/");
    denied("kv/*", "kv/+", "kv/team/");
    denied("kv/*", "kv/+/", "kv/team/");
}

/// `DELETE users/boss/` reaches the same route as `DELETE users/boss`.
#[test]
fn a_final_slash_escapes_no_rule_that_is_more_specific() {
    read(&["kv/*", "kv/boss"], "kv/boss/", "kv/boss");
    read(&["kv/*", "kv/+"], "kv/boss/", "kv/+");
    read(&["kv/*", "kv/b*"], "kv/boss/", "kv/b*");
    read(&["kv/*", "kv/boss/"], "kv/boss/", "kv/boss/");
    read(&["+/+", "+/*"], "kv/boss/", "+/+");
    let acl = acl(&[
        r#"path "kv/*" { capabilities = ["read", "delete"] } path "kv/boss" { policy = "deny" }
        path "kv/+" { capabilities = ["read"] }"#,
    ]);
    for (operation, path) in [
        (Operation::Read, "kv/boss"),
        (Operation::Read, "kv/boss/"),
        (Operation::Delete, "kv/boss/"),
        (Operation::Delete, "kv/other/"),
    ] {
        assert!(
            acl.decide(ask(operation, path)).is_err(),
            "{operation:?} {path}"
        );
    }
    assert!(acl.decide(ask(Operation::Read, "kv/other/")).is_ok());
}

#[test]
fn a_less_specific_deny_does_not_stop_a_list() {
    let acl = acl(&[r#"path "kv/team/*" { capabilities = ["list"] }
        path "kv/+" { policy = "deny" } path "kv/team*" { policy = "deny" }"#]);
    assert!(acl.decide(ask(Operation::List, "kv/team/")).is_ok());
}

#[test]
fn what_a_wildcard_can_reach() {
    #[track_caller]
    fn check(rule: &str, prefix: &str, expected: bool) {
        let Pattern::Wildcard(wildcard) = Pattern::new(rule) else {
            panic!("{rule}")
        };
        assert_eq!(wildcard.reaches(prefix), expected, "{rule} {prefix}");
    }
    check("+/a", "", true);
    check("+/a", "kv/", true);
    check("+", "kv/", false);
    check("kv/+", "kv/", true);
    check("kv/+", "other/", false);
    check("kv/+/x", "kv/a/x/", false);
    check("kv/+/x*", "kv/a/xyz/", true);
    check("kv/+/x*", "kv/a/b/", false);
    check("+/*", "kv/", true);
    check("kv/+", "k", true);
    check("kv/+", "v", false);
    check("kv/+/x*", "kv/a/xy", true);
}
