//! Random policies and questions, answered by the crate and by the oracle.
//!
//! `PROPTEST_CASES` sets the number of policy sets; each is asked every verb on several paths.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};
use vouchsafe_logical::Operation;

use super::oracle::{ModelPolicy, ModelRule, Question, answer, deciding, matches};
use crate::{Acl, Ask, Capability, DenialReason, NoSubject, Policy};

const OPERATIONS: [Operation; 7] = [
    Operation::Create,
    Operation::Delete,
    Operation::Help,
    Operation::List,
    Operation::Patch,
    Operation::Read,
    Operation::Update,
];

/// Few segments, so that rules and paths often meet.
fn any_rule_path() -> impl Strategy<Value = String> {
    let segment = select(vec!["a", "b", "ab", "+", "+", "", "a*b", "a+"]);
    let end = select(vec!["", "", "*", "/", "/*"]);
    (
        prop::bool::weighted(0.1),
        prop::collection::vec(segment, 1..5),
        end,
    )
        .prop_map(|(slash, segments, end)| {
            format!(
                "{}{}{end}",
                if slash { "/" } else { "" },
                segments.join("/")
            )
        })
        .prop_filter("`+*` is no policy", |path| !path.contains("+*"))
}

fn any_path() -> impl Strategy<Value = String> {
    let segment = select(vec!["a", "b", "ab", "abc", "", "+", "a*b"]);
    (prop::collection::vec(segment, 1..5), select(vec!["", "/"])).prop_map(|(segments, end)| {
        format!("{}{end}", segments.join("/"))
            .trim_start_matches('/')
            .to_owned()
    })
}

fn any_name() -> impl Strategy<Value = String> {
    select(vec!["x", "X", "y", "z", "*"]).prop_map(str::to_owned)
}

fn any_scalar() -> impl Strategy<Value = Value> {
    select(vec![
        json!("v"),
        json!("vw"),
        json!("v*"),
        json!("*w"),
        json!("*v*"),
        json!(1),
        json!(true),
    ])
}

fn any_lists() -> impl Strategy<Value = Vec<(String, Vec<Value>)>> {
    let list = (any_name(), prop::collection::vec(any_scalar(), 0..3));
    // Names are unique in one object: a policy can't be written otherwise.
    prop::collection::vec(list, 0..3).prop_map(|mut lists| {
        lists.sort_by_key(|(name, _)| name.to_lowercase());
        lists.dedup_by(|a, b| a.0.eq_ignore_ascii_case(&b.0));
        lists
    })
}

fn any_rule() -> impl Strategy<Value = ModelRule> {
    let capability = select(vec![
        "create", "read", "update", "patch", "delete", "list", "list", "sudo",
    ]);
    let capabilities = (
        prop::collection::vec(capability, 0..5),
        prop::bool::weighted(0.15),
    );
    let conditions = prop_oneof![
        4 => Just((Vec::new(), Vec::new(), Vec::new(), 0, 0)),
        1 => (any_lists(), any_lists(), prop::collection::vec(any_name(), 0..2), 0..3u64, 0..3u64)
            .prop_map(|(allowed, denied, required, min, more)| {
                (allowed, denied, required, min, if more == 0 { 0 } else { min + more })
            }),
    ];
    (any_rule_path(), capabilities, conditions).prop_map(
        |(path, (mut capabilities, deny), (allowed, denied, required, min, max))| {
            if deny {
                capabilities.push("deny");
            }
            ModelRule {
                path,
                capabilities,
                allowed,
                denied,
                required,
                min_wrapping_seconds: min,
                max_wrapping_seconds: max,
            }
        },
    )
}

fn any_policies() -> impl Strategy<Value = Vec<ModelPolicy>> {
    prop::collection::vec(prop::collection::vec(any_rule(), 0..6), 1..4)
}

fn any_parameters() -> impl Strategy<Value = Map<String, Value>> {
    let value = select(vec![
        json!("v"),
        json!("vw"),
        json!("wv"),
        json!(1),
        json!(true),
        json!(null),
    ]);
    prop::collection::vec((select(vec!["x", "X", "y", "z"]), value), 0..3).prop_map(|members| {
        members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    })
}

/// The model as a policy text.
fn written(policy: &ModelPolicy) -> String {
    let lists = |lists: &[(String, Vec<Value>)]| {
        let items: Vec<_> = lists
            .iter()
            .map(|(name, values)| format!("{name:?} = {}", json!(values)))
            .collect();
        items.join(" ")
    };
    policy
        .iter()
        .map(|rule| {
            format!(
                "path {:?} {{ capabilities = {} allowed_parameters {{ {} }} denied_parameters = \
                 {{ {} }} required_parameters = {} min_wrapping_ttl = {} max_wrapping_ttl = \
                 \"{}s\" }}\n",
                rule.path,
                json!(rule.capabilities),
                lists(&rule.allowed),
                lists(&rule.denied),
                json!(rule.required),
                rule.min_wrapping_seconds,
                rule.max_wrapping_seconds,
            )
        })
        .collect()
}

fn compiled(policies: &[ModelPolicy]) -> Acl {
    let parsed: Vec<_> = policies
        .iter()
        .enumerate()
        .map(|(number, policy)| {
            Arc::new(Policy::parse(&format!("p{number}"), &written(policy)).unwrap())
        })
        .collect();
    Acl::compile(&parsed, &NoSubject)
}

/// The crate's answer in the oracle's words.
fn ours(acl: &Acl, question: &Question, operation: Operation) -> String {
    let ask = Ask {
        path: &question.path,
        operation,
        parameters: Some(&question.parameters),
        wrap_ttl: question.wrap_seconds.map(Duration::from_secs),
        needs_sudo: question.needs_sudo,
    };
    match acl.decide(ask) {
        Ok(permit) => {
            format!(
                "permit:{}",
                permit.granting_policies().collect::<Vec<_>>().join(",")
            )
        }
        Err(denial) => match denial.reason() {
            DenialReason::NoRule => "NoRule",
            DenialReason::Deny => "Deny",
            DenialReason::MissingCapability => "MissingCapability",
            DenialReason::SudoRequired => "SudoRequired",
            DenialReason::WrappingTtl => "WrappingTtl",
            DenialReason::ParameterRequired { .. } => "ParameterRequired",
            DenialReason::ParameterDenied { .. } => "ParameterDenied",
        }
        .to_owned(),
    }
}

fn cases() -> ProptestConfig {
    // The default reads PROPTEST_CASES; 256 sets would be few for so many combinations.
    let mut config = ProptestConfig::default();
    if config.cases == 256 {
        config.cases = 2_000;
    }
    config.failure_persistence = None;
    config
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn decisions_are_those_of_the_oracle(
        policies in any_policies(),
        paths in prop::collection::vec(any_path(), 1..6),
        parameters in any_parameters(),
        wrap_seconds in prop::option::of(1..4u64),
        needs_sudo in prop::bool::weighted(0.2),
    ) {
        let acl = compiled(&policies);
        for path in paths {
            for operation in OPERATIONS {
                let question = Question {
                    path: path.clone(),
                    operation: operation.as_str(),
                    parameters: parameters.clone(),
                    wrap_seconds,
                    needs_sudo: needs_sudo && operation != Operation::Help,
                };
                prop_assert_eq!(
                    ours(&acl, &question, operation),
                    answer(&policies, &question),
                    "{:?}\n{}", question,
                    policies.iter().map(written).collect::<Vec<_>>().join("--\n")
                );
            }
            let rules = deciding(&policies, &path, true);
            let mut words: Vec<_> =
                rules.iter().flat_map(|(_, rule)| rule.capabilities.iter().copied()).collect();
            words.sort_unstable();
            words.dedup();
            if words.is_empty() || words.contains(&"deny") {
                words = vec!["deny"];
            }
            let capabilities: Vec<_> =
                acl.capabilities(&path).into_iter().map(Capability::as_str).collect();
            prop_assert_eq!(capabilities, words, "{}", path);
        }
    }

    /// The order in which a token's policies are listed has no meaning.
    #[test]
    fn the_order_of_policies_does_not_matter(
        policies in any_policies(),
        path in any_path(),
        parameters in any_parameters(),
        wrap_seconds in prop::option::of(1..4u64),
    ) {
        let mut reversed = policies.clone();
        reversed.reverse();
        reversed.iter_mut().for_each(|policy| policy.reverse());
        let (acl, reversed) = (compiled(&policies), compiled(&reversed));
        for operation in OPERATIONS {
            let question = Question {
                path: path.clone(),
                operation: operation.as_str(),
                parameters: parameters.clone(),
                wrap_seconds,
                needs_sudo: false,
            };
            let permitted = |acl: &Acl| {
                let answer = ours(acl, &question, operation);
                answer.split(':').next().map(str::to_owned)
            };
            prop_assert_eq!(permitted(&acl), permitted(&reversed));
        }
    }

    /// Whatever is permitted below a mount makes the mount visible.
    #[test]
    fn a_mount_with_a_permitted_path_is_visible(
        policies in any_policies(),
        mount in select(vec!["a/", "b/", "ab/", "a/b/"]),
        rest in any_path(),
    ) {
        let acl = compiled(&policies);
        let path = format!("{mount}{rest}");
        let permitted = acl.capabilities(&path) != [Capability::Deny];
        // A rule that begins above the mount may be hidden at the mount itself by a narrower one.
        let hidden = policies.iter().flatten().any(|rule| {
            rule.capabilities.contains(&"deny") || rule.capabilities.is_empty()
        });
        prop_assert!(!permitted || hidden || acl.grants_under(mount), "{} {}", mount, path);
    }

    /// The fast match of wildcards is the recursive one.
    #[test]
    fn wildcards_match_like_the_oracle(rule in any_rule_path(), path in any_path()) {
        if let crate::pattern::Pattern::Wildcard(wildcard) = crate::pattern::Pattern::new(&rule) {
            prop_assert_eq!(wildcard.matches(&path), matches(&rule, &path));
            for (end, _) in path.char_indices() {
                let prefix = &path[..end];
                prop_assert!(!wildcard.matches(&path) || wildcard.reaches(prefix), "{}", prefix);
            }
        }
    }
}
