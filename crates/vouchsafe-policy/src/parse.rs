//! The text of a policy to a [`Policy`].
//!
//! Accepts what Vault accepts, in HCL 1 and in JSON, with Vault's error texts. Stricter where a
//! text could be understood in two ways: a key that is set twice in a rule, a `path` without label
//! or with two, and negative durations are errors; so is a key that would narrow a rule elsewhere
//! and has no meaning here. `mfa_methods`, `control_group` and `subscribe_event_types` are accepted
//! with a warning, since policies that are moved here often carry them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Number, Value as Json};
use vouchsafe_logical::duration::{DurationError, parse_duration};

use crate::capability::{Capability, CapabilitySet};
use crate::error::{InvalidKey, ParseError, RuleFault};
use crate::hcl::{self, Item, Key, Object, Position, Value, ValueKind};
use crate::parameter::ParameterLists;
use crate::rule::{PATH_BYTES_MAX, PathRule, Permissions, Policy, RULES_MAX};
use crate::template::PathTemplate;

/// Keys of a rule that are accepted and do nothing here.
const INERT_KEYS: [&str; 3] = ["mfa_methods", "control_group", "subscribe_event_types"];
/// Keys of a rule that narrow it on OpenBao and that no code here honours.
const UNSUPPORTED_KEYS: [&str; 3] = [
    "pagination_limit",
    "expiration",
    "list_scan_response_keys_filter_path",
];

impl Policy {
    /// Parses and checks a policy. `name` is the name under which it is stored.
    ///
    /// # Errors
    /// [`ParseError`] names the place or the path and what is wrong. Its text is what Vault writes
    /// after `failed to parse policy: `.
    pub fn parse(name: &str, text: &str) -> Result<Self, ParseError> {
        let root = hcl::parse(text)?;
        let unknown = invalid_keys(&root, |key| matches!(key, "name" | "path"));
        if !unknown.is_empty() {
            return Err(ParseError::TopLevelKeys(unknown));
        }
        let mut blocks = Vec::new();
        for item in &root.items {
            if item.key.text == "path" {
                path_blocks(item, &mut blocks)?;
            } else {
                check_name(item)?;
            }
        }
        if blocks.len() > RULES_MAX {
            return Err(ParseError::TooManyRules {
                found: blocks.len(),
            });
        }
        let mut policy = Self {
            name: name.into(),
            rules: Vec::new(),
            warnings: Vec::new(),
        };
        for (path, body) in blocks {
            // A path that is too long is not repeated whole.
            let shown = || path.text.chars().take(PATH_BYTES_MAX).collect();
            let at = |fault| ParseError::Rule {
                path: shown(),
                fault,
            };
            policy
                .rules
                .push(rule(path, body, &mut policy.warnings).map_err(at)?);
        }
        Ok(policy)
    }
}

/// The keys of `object` that are not `known`.
fn invalid_keys(object: &Object, known: impl Fn(&str) -> bool) -> Vec<InvalidKey> {
    let unknown = object.items.iter().filter(|item| !known(&item.key.text));
    unknown
        .map(|item| InvalidKey {
            key: item.key.text.clone(),
            line: item.key.position.line,
        })
        .collect()
}

fn shape(position: Position, found: &'static str, expected: &'static str) -> ParseError {
    ParseError::Shape {
        position,
        found,
        expected,
    }
}

/// `name` is ignored, but must look like one.
fn check_name(item: &Item) -> Result<(), ParseError> {
    match &item.value.kind {
        ValueKind::String(_) | ValueKind::Integer(_) if item.labels.is_empty() => Ok(()),
        kind => Err(shape(
            item.value.position,
            kind.describe(),
            "`name = \"...\"`",
        )),
    }
}

/// The rules of one `path` item: `path "a" { }`, or `path = { "a" = { } }` as JSON writes it, where
/// an object may be given as a list of objects.
fn path_blocks<'a>(
    item: &'a Item,
    blocks: &mut Vec<(&'a Key, &'a Object)>,
) -> Result<(), ParseError> {
    const EXPECTED: &str = "`path \"...\" { ... }`";
    match (item.labels.as_slice(), &item.value.kind) {
        ([label], ValueKind::Object(body)) => blocks.push((label, body)),
        ([], _) => {
            for paths in objects(&item.value, EXPECTED)? {
                for inner in &paths.items {
                    if let Some(label) = inner.labels.first() {
                        return Err(shape(label.position, "a label", EXPECTED));
                    }
                    for body in objects(&inner.value, "an object with the keys of a rule")? {
                        blocks.push((&inner.key, body));
                    }
                }
            }
        }
        _ => {
            return Err(shape(
                item.key.position,
                "a path with several labels",
                EXPECTED,
            ));
        }
    }
    Ok(())
}

/// An object, or the objects of a list.
fn objects<'a>(value: &'a Value, expected: &'static str) -> Result<Vec<&'a Object>, ParseError> {
    let object = |value: &'a Value| match &value.kind {
        ValueKind::Object(object) => Ok(object),
        kind => Err(shape(value.position, kind.describe(), expected)),
    };
    match &value.kind {
        ValueKind::List(values) => values.iter().map(object).collect(),
        _ => Ok(vec![object(value)?]),
    }
}

fn rule(path: &Key, body: &Object, warnings: &mut Vec<String>) -> Result<PathRule, RuleFault> {
    if path.text.len() > PATH_BYTES_MAX {
        return Err(RuleFault::PathTooLong {
            bytes: path.text.len(),
        });
    }
    let template = PathTemplate::parse(path.text.strip_prefix('/').unwrap_or(&path.text))?;
    check_keys(body)?;
    if path.text.contains("+*") {
        return Err(RuleFault::Wildcard);
    }
    let permissions = permissions(body)?;
    for item in &body.items {
        if INERT_KEYS.contains(&item.key.text.as_str()) {
            warnings.push(format!(
                "path {:?}: `{}` on line {} has no effect on this server",
                path.text, item.key.text, item.key.position.line
            ));
        }
    }
    Ok(PathRule {
        path: template,
        permissions: Arc::new(permissions),
    })
}

/// Every key known, supported and set once.
fn check_keys(body: &Object) -> Result<(), RuleFault> {
    const KEYS: [&str; 8] = [
        "capabilities",
        "policy",
        "allowed_parameters",
        "denied_parameters",
        "required_parameters",
        "min_wrapping_ttl",
        "max_wrapping_ttl",
        "comment",
    ];
    let unknown = invalid_keys(body, |key| {
        KEYS.contains(&key) || INERT_KEYS.contains(&key) || UNSUPPORTED_KEYS.contains(&key)
    });
    if !unknown.is_empty() {
        return Err(RuleFault::InvalidKeys(unknown));
    }
    for (index, item) in body.items.iter().enumerate() {
        let Key { text, position } = &item.key;
        if UNSUPPORTED_KEYS.contains(&text.as_str()) {
            return Err(RuleFault::Unsupported {
                key: text.clone(),
                line: position.line,
            });
        }
        // At most fourteen distinct keys exist, so this loop ends early.
        if body
            .items
            .iter()
            .take(index)
            .any(|earlier| earlier.key.text == *text)
        {
            return Err(RuleFault::Repeated {
                key: text.clone(),
                position: *position,
            });
        }
        if let Some(label) = item.labels.first() {
            return Err(kind_fault(text, label.position, "a label", "`=` or `{`"));
        }
    }
    Ok(())
}

fn permissions(body: &Object) -> Result<Permissions, RuleFault> {
    let mut permissions = Permissions::default();
    let mut words = Vec::new();
    for item in &body.items {
        let (key, value) = (item.key.text.as_str(), &item.value);
        match key {
            "capabilities" => words.extend(strings(key, value)?),
            "policy" => {
                let legacy = legacy_policy(key, value)?;
                permissions.capabilities = permissions.capabilities.union(legacy);
            }
            "allowed_parameters" => permissions.allowed_parameters = parameter_lists(key, value)?,
            "denied_parameters" => permissions.denied_parameters = parameter_lists(key, value)?,
            "required_parameters" => {
                let names = strings(key, value)?;
                permissions.required_parameters =
                    names.iter().map(|name| name.to_lowercase()).collect();
            }
            "min_wrapping_ttl" => permissions.min_wrapping_ttl = wrapping_ttl(key, value)?,
            "max_wrapping_ttl" => permissions.max_wrapping_ttl = wrapping_ttl(key, value)?,
            _ => {}
        }
    }
    for word in words {
        let capability = Capability::parse(&word).ok_or(RuleFault::Capability(word))?;
        permissions.capabilities = permissions.capabilities.with(capability);
    }
    match (permissions.min_wrapping_ttl, permissions.max_wrapping_ttl) {
        (Some(min), Some(max)) if max < min => Err(RuleFault::WrappingTtlRange),
        _ => Ok(permissions),
    }
}

fn kind_fault(
    key: &str,
    position: Position,
    found: &'static str,
    expected: &'static str,
) -> RuleFault {
    RuleFault::Kind {
        key: key.to_owned(),
        position,
        found,
        expected,
    }
}

/// A list of strings. Whole numbers count as their text, as in Vault.
fn strings(key: &str, value: &Value) -> Result<Vec<String>, RuleFault> {
    const EXPECTED: &str = "a list of strings";
    let ValueKind::List(values) = &value.kind else {
        return Err(kind_fault(
            key,
            value.position,
            value.kind.describe(),
            EXPECTED,
        ));
    };
    let text = |value: &Value| match &value.kind {
        ValueKind::String(text) => Ok(text.clone()),
        ValueKind::Integer(number) => Ok(number.to_string()),
        kind => Err(kind_fault(key, value.position, kind.describe(), EXPECTED)),
    };
    values.iter().map(text).collect()
}

/// The words of the first policy language.
fn legacy_policy(key: &str, value: &Value) -> Result<CapabilitySet, RuleFault> {
    use Capability::{Create, Delete, List, Read, Sudo, Update};
    let ValueKind::String(word) = &value.kind else {
        let expected = "`deny`, `read`, `write` or `sudo`";
        return Err(kind_fault(
            key,
            value.position,
            value.kind.describe(),
            expected,
        ));
    };
    match word.as_str() {
        // An empty word is the same as none, as in Vault.
        "" => Ok(CapabilitySet::EMPTY),
        "deny" => Ok(CapabilitySet::DENY),
        "read" => Ok([Read, List].into_iter().collect()),
        "write" => Ok([Create, Read, Update, Delete, List].into_iter().collect()),
        "sudo" => Ok([Create, Read, Update, Delete, List, Sudo]
            .into_iter()
            .collect()),
        _ => Err(RuleFault::LegacyPolicy(word.clone())),
    }
}

/// `{ "name" = [values] }`.
fn parameter_lists(key: &str, value: &Value) -> Result<ParameterLists, RuleFault> {
    const EXPECTED: &str = "an object with a list of values for each parameter";
    let ValueKind::Object(object) = &value.kind else {
        return Err(kind_fault(
            key,
            value.position,
            value.kind.describe(),
            EXPECTED,
        ));
    };
    let mut lists = ParameterLists::new();
    for item in &object.items {
        let ValueKind::List(values) = &item.value.kind else {
            let found = item.value.kind.describe();
            return Err(kind_fault(key, item.value.position, found, EXPECTED));
        };
        if let Some(label) = item.labels.first() {
            return Err(kind_fault(key, label.position, "a label", EXPECTED));
        }
        lists.add(&item.key.text, &values.iter().map(json).collect::<Vec<_>>());
    }
    Ok(lists)
}

/// A value as JSON would give it. Recursion is bounded by [`hcl::DEPTH_MAX`].
fn json(value: &Value) -> Json {
    match &value.kind {
        ValueKind::String(text) => Json::String(text.clone()),
        ValueKind::Integer(number) => Json::from(*number),
        ValueKind::Float(number) => Number::from_f64(*number).map_or(Json::Null, Json::Number),
        ValueKind::Bool(value) => Json::Bool(*value),
        ValueKind::Null => Json::Null,
        ValueKind::List(values) => Json::Array(values.iter().map(json).collect()),
        ValueKind::Object(object) => {
            let members = object
                .items
                .iter()
                .map(|item| (item.key.text.clone(), json(&item.value)));
            Json::Object(members.collect::<Map<_, _>>())
        }
    }
}

/// Seconds or a duration; zero is the same as no limit.
fn wrapping_ttl(key: &str, value: &Value) -> Result<Option<Duration>, RuleFault> {
    let fault = |fault| RuleFault::Duration {
        key: key.to_owned(),
        fault,
    };
    let duration = match &value.kind {
        ValueKind::String(text) => parse_duration(text).map_err(fault)?,
        ValueKind::Integer(seconds) => {
            let text = seconds.to_string();
            if *seconds < 0 {
                return Err(fault(DurationError::Negative { text }));
            }
            parse_duration(&text).map_err(fault)?
        }
        kind => {
            let expected = "a number of seconds or a duration such as `\"15m\"`";
            return Err(kind_fault(key, value.position, kind.describe(), expected));
        }
    };
    Ok(Some(duration).filter(|duration| !duration.is_zero()))
}
