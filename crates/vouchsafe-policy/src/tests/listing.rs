//! Capabilities of a path, listed rules, and what is visible of a mount.

use super::acl;
use crate::{Acl, ListedKind};

#[track_caller]
fn capabilities(acl: &Acl, path: &str, expected: &str) {
    let words: Vec<_> = acl
        .capabilities(path)
        .into_iter()
        .map(|word| word.as_str())
        .collect();
    assert_eq!(words.join(" "), expected, "{path}");
}

#[test]
fn capabilities_of_a_path() {
    let acl = acl(&[
        r#"path "a" { policy = "sudo" capabilities = ["patch"] } path "b/*" { policy = "read" }
        path "b/c" { policy = "deny" } path "b/d" { } path "e" { capabilities = ["scan"] }"#,
    ]);
    capabilities(&acl, "a", "create delete list patch read sudo update");
    capabilities(&acl, "/a", "create delete list patch read sudo update");
    capabilities(&acl, "b/x", "list read");
    capabilities(&acl, "b/c", "deny");
    capabilities(&acl, "b/d", "deny");
    capabilities(&acl, "z", "deny");
    capabilities(&acl, "e", "scan");
    // As for a LIST, a rule without the slash counts.
    capabilities(&acl, "a/", "create delete list patch read sudo update");
    capabilities(&Acl::root(), "z", "root");
}

#[test]
fn rules_by_kind() {
    let acl = acl(&[
        r#"path "b" { policy = "sudo" capabilities = ["patch", "scan"] } path "a/*" { policy = "read" }
        path "c/+/d*" { capabilities = ["list"] } path "a" { } path "g" { policy = "deny" }"#,
    ]);
    let shown: Vec<String> = acl
        .rules()
        .iter()
        .map(|rule| {
            let words: Vec<_> = rule.capabilities.iter().map(|word| word.as_str()).collect();
            format!("{:?} {} {}", rule.kind, rule.path, words.join(" "))
        })
        .collect();
    assert_eq!(
        shown,
        [
            "Exact a deny",
            "Exact b create delete list read sudo update patch scan",
            "Exact g deny",
            "Prefix a/ list read",
            "Wildcard c/+/d* list",
        ]
    );
    assert!(ListedKind::Exact < ListedKind::Prefix);
    assert!(Acl::root().rules().is_empty());
}

#[test]
fn what_is_visible_of_a_mount() {
    #[track_caller]
    fn check(rules: &str, mount: &str, expected: bool) {
        assert_eq!(
            acl(&[rules]).grants_under(mount),
            expected,
            "{rules} {mount}"
        );
    }
    let read = |path: &str| format!("path \"{path}\" {{ policy = \"read\" }}");
    let deny = |path: &str| format!("path \"{path}\" {{ policy = \"deny\" }}");
    for path in [
        "*",
        "s*",
        "secret/*",
        "secret/a",
        "secret/a/b/*",
        "+/a",
        "secret/+/x",
        "+/+/+",
        "secret",
        "/secret/a",
    ] {
        check(&read(path), "secret/", true);
        check(&deny(path), "secret/", false);
    }
    for path in ["secre/*", "secret2/*", "other/+", "", "secret2", "+"] {
        check(&read(path), "secret/", path == "+");
    }
    check(&(read("*") + &deny("secret/*")), "secret/", false);
    check(&(read("*") + &deny("secret/")), "secret/", true);
    check(&(read("secret/a") + &deny("secret/*")), "secret/", true);
    check("path \"secret/a\" { }", "secret/", false);
    assert!(Acl::root().grants_under("secret/"));
    assert!(!acl(&[]).grants_under("secret/"));
}
