//! A slow evaluator, written from the rules alone: it shares no code with the crate.
//!
//! It works on a model of policies, walks all rules for every question, and decides between two
//! matching rules by comparing them in the order in which the rules name the criteria.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// A policy: its `path` blocks.
pub(super) type ModelPolicy = Vec<ModelRule>;

/// One `path` block.
#[derive(Clone, Debug, Default)]
pub(super) struct ModelRule {
    pub(super) path: String,
    pub(super) capabilities: Vec<&'static str>,
    pub(super) allowed: Vec<(String, Vec<Value>)>,
    pub(super) denied: Vec<(String, Vec<Value>)>,
    pub(super) required: Vec<String>,
    pub(super) min_wrapping_seconds: u64,
    pub(super) max_wrapping_seconds: u64,
}

/// A question.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) path: String,
    pub(super) operation: &'static str,
    pub(super) parameters: Map<String, Value>,
    pub(super) wrap_seconds: Option<u64>,
    pub(super) needs_sudo: bool,
}

/// The blocks that decide about a path: all those of the winning path, with their policy's number.
pub(super) fn deciding(
    policies: &[ModelPolicy],
    path: &str,
    list: bool,
) -> Vec<(usize, ModelRule)> {
    let blocks: Vec<(usize, &ModelRule)> = policies
        .iter()
        .enumerate()
        .flat_map(|(number, policy)| policy.iter().map(move |rule| (number, rule)))
        .collect();
    let of = |winner: &str| -> Vec<(usize, ModelRule)> {
        blocks
            .iter()
            .filter(|(_, rule)| normal(&rule.path) == winner)
            .map(|(number, rule)| (*number, (*rule).clone()))
            .collect()
    };
    let bare = path.strip_suffix('/').unwrap_or(path);
    let exact = |wanted: &str| {
        blocks
            .iter()
            .any(|(_, rule)| is_exact(normal(&rule.path)) && normal(&rule.path) == wanted)
    };
    if exact(path) {
        return of(path);
    }
    let best = |wanted: &str| -> Option<&str> {
        let mut winner: Option<&str> = None;
        for (_, rule) in &blocks {
            let candidate = normal(&rule.path);
            if !is_exact(candidate)
                && matches(candidate, wanted)
                && winner.is_none_or(|winner| beats(candidate, winner))
            {
                winner = Some(candidate);
            }
        }
        winner
    };
    let whole = best(path);
    if !list && whole.is_none() {
        return Vec::new();
    }
    if exact(bare) {
        return of(bare);
    }
    let without = if path.ends_with('/') {
        best(bare)
    } else {
        None
    };
    match (whole, without) {
        (Some(whole), Some(without)) => {
            let denies = of(without)
                .iter()
                .any(|(_, rule)| rule.capabilities.contains(&"deny"));
            if (denies || !list) && whole != without && beats(without, whole) {
                of(without)
            } else {
                of(whole)
            }
        }
        (Some(one), None) | (None, Some(one)) => of(one),
        (None, None) => Vec::new(),
    }
}

/// `permit:` and the granting policies, or the reason of the refusal.
pub(super) fn answer(policies: &[ModelPolicy], question: &Question) -> String {
    if question.operation == "help" {
        return "permit:".to_owned();
    }
    let rules = deciding(policies, &question.path, question.operation == "list");
    if rules.is_empty() {
        return "NoRule".to_owned();
    }
    let granted: BTreeSet<&str> = rules
        .iter()
        .flat_map(|(_, rule)| rule.capabilities.iter().copied())
        .collect();
    if granted.contains("deny") {
        return "Deny".to_owned();
    }
    if !granted.contains(question.operation) {
        return "MissingCapability".to_owned();
    }
    if question.needs_sudo && !granted.contains("sudo") {
        return "SudoRequired".to_owned();
    }
    let min = rules
        .iter()
        .map(|(_, rule)| rule.min_wrapping_seconds)
        .filter(|s| *s > 0)
        .min();
    let max = rules
        .iter()
        .map(|(_, rule)| rule.max_wrapping_seconds)
        .filter(|s| *s > 0)
        .min();
    let fits = |ttl: u64| min.is_none_or(|min| ttl >= min) && max.is_none_or(|max| ttl <= max);
    if (min.is_some() || max.is_some()) && !question.wrap_seconds.is_some_and(fits) {
        return "WrappingTtl".to_owned();
    }
    let takes_parameters = ["read", "update", "create", "patch"].contains(&question.operation);
    let refused = refused_parameters(&rules, &question.parameters);
    if let Some(refusal) = refused.filter(|_| takes_parameters) {
        return refusal.to_owned();
    }
    let names: BTreeSet<String> = rules
        .iter()
        .filter(|(_, rule)| rule.capabilities.contains(&question.operation))
        .map(|(number, _)| format!("p{number}"))
        .collect();
    format!("permit:{}", names.into_iter().collect::<Vec<_>>().join(","))
}

fn refused_parameters(
    rules: &[(usize, ModelRule)],
    sent: &Map<String, Value>,
) -> Option<&'static str> {
    for (_, rule) in rules {
        if rule
            .required
            .iter()
            .any(|name| !sent.contains_key(&name.to_lowercase()))
        {
            return Some("ParameterRequired");
        }
    }
    let denied: Vec<_> = rules.iter().flat_map(|(_, rule)| &rule.denied).collect();
    let allowed: Vec<_> = rules.iter().flat_map(|(_, rule)| &rule.allowed).collect();
    for (name, value) in sent {
        let name = name.to_lowercase();
        let mut listed = denied.iter().filter(|(key, _)| key.to_lowercase() == name);
        if denied.iter().any(|(key, _)| key == "*")
            || listed.any(|(_, values)| values.is_empty() || values.iter().any(|v| same(v, value)))
        {
            return Some("ParameterDenied");
        }
        if allowed.is_empty() {
            continue;
        }
        let lists: Vec<_> = allowed
            .iter()
            .filter(|(key, _)| key.to_lowercase() == name)
            .collect();
        let permitted = if lists.is_empty() {
            allowed.iter().any(|(key, _)| key == "*")
        } else {
            lists
                .iter()
                .any(|(_, values)| values.is_empty() || values.iter().any(|v| same(v, value)))
        };
        if !permitted {
            return Some("ParameterDenied");
        }
    }
    None
}

fn same(listed: &Value, sent: &Value) -> bool {
    let (Value::String(pattern), Value::String(text)) = (listed, sent) else {
        return listed == sent;
    };
    let middle = pattern.trim_start_matches('*').trim_end_matches('*');
    match (pattern.starts_with('*'), pattern.ends_with('*')) {
        (true, true) => text.contains(middle),
        (true, false) => text.ends_with(middle),
        (false, true) => text.starts_with(middle),
        (false, false) => text == pattern,
    }
}

/// A rule's path without its leading slash.
fn normal(path: &str) -> &str {
    path.strip_prefix('/').unwrap_or(path)
}

fn is_exact(path: &str) -> bool {
    !path.ends_with('*') && plus_count(path) == 0
}

fn plus_count(path: &str) -> usize {
    path.trim_end_matches('*')
        .split('/')
        .filter(|segment| *segment == "+")
        .count()
}

/// Whether a rule with a wildcard matches. Recursive, one segment at a time.
pub(super) fn matches(rule: &str, path: &str) -> bool {
    match (rule.split_once('/'), path.split_once('/')) {
        (Some((head, rest)), Some((segment, others))) => {
            (head == "+" || head == segment) && matches(rest, others)
        }
        (Some(_), None) => false,
        (None, Some((segment, _))) => match rule.strip_suffix('*') {
            Some(beginning) => segment.starts_with(beginning),
            None => false,
        },
        (None, None) => match rule.strip_suffix('*') {
            Some(beginning) => path.starts_with(beginning),
            None => rule == "+" || rule == path,
        },
    }
}

/// Whether rule `a` is preferred to rule `b`, both matching: the five criteria in their order.
fn beats(a: &str, b: &str) -> bool {
    let first = |path: &str| {
        let glob = path.strip_suffix('*').map(str::len);
        let mut offset = 0;
        for segment in path.strip_suffix('*').unwrap_or(path).split('/') {
            if segment == "+" {
                return offset;
            }
            offset += segment.len() + 1;
        }
        glob.unwrap_or(usize::MAX)
    };
    if first(a) != first(b) {
        return first(a) > first(b);
    }
    if a.ends_with('*') != b.ends_with('*') {
        return b.ends_with('*');
    }
    if plus_count(a) != plus_count(b) {
        return plus_count(a) < plus_count(b);
    }
    if a.len() != b.len() {
        return a.len() > b.len();
    }
    a > b
}
