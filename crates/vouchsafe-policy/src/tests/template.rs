//! Templates in paths: what they resolve to, and what they must not become.

use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;
use vouchsafe_logical::Operation;

use super::ask;
use crate::{Acl, NoSubject, Policy, Subject};

struct Entity(HashMap<&'static str, String>);

impl Subject for Entity {
    fn resolve(&self, selector: &str) -> Option<String> {
        self.0.get(selector).cloned()
    }
}

fn entity(id: &str) -> Entity {
    Entity(HashMap::from([
        ("id", id.to_owned()),
        ("name", "bob".to_owned()),
    ]))
}

fn policy(path: &str) -> Arc<Policy> {
    let text = format!("path \"{path}\" {{ capabilities = [\"read\"] }}");
    Arc::new(Policy::parse("p", &text).expect(path))
}

/// The paths of the rules that are left for an entity whose id is `id`.
#[track_caller]
fn check(path: &str, id: &str, expected: &[&str]) {
    let rules = Acl::compile(&[policy(path)], &entity(id)).rules();
    let paths: Vec<_> = rules.iter().map(|rule| rule.path.as_str()).collect();
    assert_eq!(paths, expected, "{path} for {id:?}");
}

#[test]
fn directives_are_replaced() {
    check("entity/{{id}}", "7", &["entity/7"]);
    check("/entity/{{ id\t}}/{{name}}", "7", &["entity/7/bob"]);
    check("{{id}}{{name}}", "7", &["7bob"]);
    check("a/{{id}}/*", "7", &["a/7/"]);
    check("a/+/{{id}}", "7", &["a/+/7"]);
    check("a/{{id}}}", "7", &["a/7}"]);
    check("a/{{id}}", "naïve user@host", &["a/naïve user@host"]);
    check("a/{id}", "7", &["a/{id}"]);
}

#[test]
fn a_rule_with_an_unknown_directive_is_left_out() {
    check("a/{{group}}", "7", &[]);
    check("a/{{}}", "7", &[]);
    check("a/{{id}}/{{group}}", "7", &[]);
    let rules = Acl::compile(&[policy("a/{{id}}"), policy("b")], &NoSubject).rules();
    assert_eq!(rules.len(), 1);
}

/// GHSA-59w7-v8rr-pr4p: a name with a metacharacter read more than its own.
#[test]
fn a_value_that_could_widen_the_path_voids_the_rule() {
    for value in [
        "", "*", "+", "a*", "a+b", "a/b", "/", "a\n", "\u{0}", "\u{7f}", "\u{85}",
    ] {
        check("a/{{id}}", value, &[]);
        check("a/{{id}}/*", value, &[]);
    }
}

#[test]
fn a_template_joins_the_rule_of_the_same_path() {
    let deny = Arc::new(Policy::parse("d", "path \"a/7\" { policy = \"deny\" }").unwrap());
    let acl = Acl::compile(&[policy("a/{{id}}"), deny], &entity("7"));
    assert!(acl.decide(ask(Operation::Read, "a/7")).is_err());
}

#[test]
fn policies_know_whether_they_depend_on_the_subject() {
    assert!(policy("a/{{id}}").is_templated());
    assert!(!policy("a/{id}/${x}").is_templated());
}

proptest! {
    /// Whatever a value is, the rule grants exactly the path with that one segment, or nothing.
    #[test]
    fn a_value_grants_one_literal_segment_or_nothing(
        value in "[*+/,{}a-c\\n .]{0,4}|\\PC{0,4}",
        probe in "[*+/a-c]{0,6}",
    ) {
        let acl = Acl::compile(&[policy("kv/{{id}}/x")], &entity(&value));
        let own = format!("kv/{value}/x");
        let probed = format!("kv/{probe}/x");
        prop_assert!(acl.rules().len() <= 1);
        for path in [own.as_str(), probed.as_str(), probe.as_str()] {
            if acl.decide(ask(Operation::Read, path)).is_ok() {
                prop_assert_eq!(path, own.as_str());
                prop_assert_eq!(path.split('/').count(), 3);
            }
        }
    }
}
