//! Whether a role lets in more than its writer means, by what is known of the platform.
//!
//! Wildcards are looked at segment by segment, because the server's `*` stands for separators too:
//! `system:serviceaccount:team-*` also matches accounts of any name in `team-b`.

use serde_json::{Map, Value};
use vouchsafe_logical::glob;

use super::file::{Literal, Pin, Rule};

/// Separates the segments of a subject, on every platform that has segments.
const SEPARATOR: char = ':';

/// Something that is dangerous about a role.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// A stable name.
    pub(super) code: String,
    /// What goes wrong.
    pub(super) why: String,
    /// What to do.
    pub(super) fix: String,
}

impl Finding {
    fn new(code: &str, why: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            why: why.into(),
            fix: fix.into(),
        }
    }
}

/// Everything that is dangerous about a role of this issuer.
pub(super) fn lint(issuer: &str, role: &Map<String, Value>, rules: &[Rule]) -> Vec<Finding> {
    let bound = Bound::of(role);
    let mut findings = general(role, &bound);
    for rule in rules {
        if !rule.holds(issuer, role, &bound) {
            findings.push(Finding::new(&rule.code, &rule.why, &rule.fix));
        }
    }
    findings
}

/// What is dangerous on every platform.
fn general(role: &Map<String, Value>, bound: &Bound) -> Vec<Finding> {
    let mut findings = Vec::new();
    let audiences = role.get("bound_audiences").map(texts).unwrap_or_default();
    if audiences.is_empty() {
        findings.push(Finding::new(
            "audience_missing",
            "a token that was made for another service could be used here by that service",
            "set `bound_audiences` to what workloads ask for when they log in here",
        ));
    }
    if bound.claims.is_empty() {
        findings.push(Finding::new(
            "nothing_bound",
            "every workload of the issuer could log in",
            "set `bound_subject` or `bound_claims`",
        ));
    }
    for (claim, values) in &bound.claims {
        if values.iter().any(|value| is_anything(value)) {
            findings.push(Finding::new(
                "wildcard_alone",
                format!("`{claim}` may be anything: that binds nothing"),
                "leave it out, or write what it must be",
            ));
        }
        if !bound.is_glob(claim) && values.iter().any(|value| value.contains('*')) {
            findings.push(Finding::new(
                "wildcard_without_glob",
                format!("the `*` in `{claim}` is taken as it stands, so nobody could log in"),
                "set `bound_claims_type=glob`; `bound_subject` has no wildcards",
            ));
        }
    }
    findings
}

fn is_anything(value: &str) -> bool {
    !value.is_empty() && value.chars().all(|c| c == '*')
}

/// What claims must be: the subject, and the bound claims.
struct Bound {
    claims: Vec<(String, Vec<String>)>,
    glob: bool,
    by_bound_subject: bool,
}

impl Bound {
    fn of(role: &Map<String, Value>) -> Self {
        let mut claims: Vec<(String, Vec<String>)> = Vec::new();
        let subject = role.get("bound_subject").map(texts).unwrap_or_default();
        let by_bound_subject = !subject.is_empty();
        if by_bound_subject {
            claims.push(("sub".to_owned(), subject));
        }
        if let Some(Value::Object(bound)) = role.get("bound_claims") {
            let bound = bound
                .iter()
                .map(|(name, value)| (name.clone(), texts(value)));
            claims.extend(bound.filter(|(_, values)| !values.is_empty()));
        }
        let glob = role.get("bound_claims_type").and_then(Value::as_str) == Some("glob");
        Self {
            claims,
            glob,
            by_bound_subject,
        }
    }

    fn is_glob(&self, claim: &str) -> bool {
        self.glob && !(claim == "sub" && self.by_bound_subject)
    }

    fn values<'b>(&'b self, claim: &'b str) -> impl Iterator<Item = &'b [String]> {
        let named = self.claims.iter().filter(move |(name, _)| name == claim);
        named.map(|(_, values)| values.as_slice())
    }
}

/// The values of a setting: a list, or one.
fn texts(value: &Value) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match value {
        Value::Array(items) => items.iter().map(text).collect(),
        Value::Null => Vec::new(),
        Value::String(empty) if empty.is_empty() => Vec::new(),
        one => vec![text(one)],
    }
}

impl Rule {
    fn holds(&self, issuer: &str, role: &Map<String, Value>, bound: &Bound) -> bool {
        let user_claim = role
            .get("user_claim")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let pinned = self.pin.is_empty() || self.pin.iter().any(|pin| pin.holds(bound));
        let some = self.any_of.is_empty()
            || self
                .any_of
                .iter()
                .any(|claim| bound.values(claim).next().is_some());
        pinned
            && some
            && self
                .literal
                .as_ref()
                .is_none_or(|literal| literal.holds(bound))
            && !self.user_claim_not.iter().any(|claim| claim == user_claim)
            && !self
                .issuer_not
                .iter()
                .any(|part| issuer.contains(part.as_str()))
    }
}

impl Pin {
    fn holds(&self, bound: &Bound) -> bool {
        bound.values(&self.claim).any(|values| {
            values.iter().all(|value| {
                let form = self
                    .form
                    .as_deref()
                    .is_none_or(|form| glob::matches(form, value));
                form && literal_for(value, self.head)
            })
        })
    }
}

impl Literal {
    fn holds(&self, bound: &Bound) -> bool {
        let values = self.claims.iter().flat_map(|claim| bound.values(claim));
        values
            .flatten()
            .all(|value| literal_for(value, self.segments))
    }
}

/// Whether a value is without a wildcard, at least in its first segments.
fn literal_for(value: &str, segments: Option<usize>) -> bool {
    let Some(wildcard) = value.find('*') else {
        return true;
    };
    let before = value.get(..wildcard).unwrap_or_default();
    segments.is_some_and(|segments| before.matches(SEPARATOR).count() >= segments)
}
