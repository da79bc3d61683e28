//! Parameter lists of a rule: `allowed_parameters`, `denied_parameters`, `required_parameters`.
//!
//! Names are compared in lower case, values after JSON decoding: strings with a `*` at either end
//! (or both) as a glob, numbers by value, everything else for equality.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// The name that stands for all parameters.
const ANY: &str = "*";

/// Values per parameter name, in lower case. An empty list stands for every value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ParameterLists(BTreeMap<String, Vec<Value>>);

impl ParameterLists {
    pub(crate) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Adds a list for `name`: joined with a list that is there, where an empty one wins.
    pub(crate) fn add(&mut self, name: &str, values: &[Value]) {
        match self.0.entry(name.to_lowercase()) {
            Entry::Vacant(vacant) => {
                vacant.insert(values.to_vec());
            }
            Entry::Occupied(mut occupied) => {
                let held = occupied.get_mut();
                if held.is_empty() || values.is_empty() {
                    held.clear();
                } else {
                    // A repeated value costs a comparison; looking for it costs one for each.
                    held.extend_from_slice(values);
                }
            }
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (name, values) in &other.0 {
            self.add(name, values);
        }
    }

    /// As `denied_parameters`: the first parameter that is denied.
    pub(crate) fn denied<'a>(&self, parameters: &'a Map<String, Value>) -> Option<&'a str> {
        if self.0.is_empty() {
            return None;
        }
        let any = self.0.contains_key(ANY);
        parameters
            .iter()
            .find(|(name, value)| any || self.values(name).is_some_and(|list| holds(list, value)))
            .map(|(name, _)| name.as_str())
    }

    /// As `allowed_parameters`: the first parameter that is not allowed.
    pub(crate) fn not_allowed<'a>(&self, parameters: &'a Map<String, Value>) -> Option<&'a str> {
        if self.0.is_empty() {
            return None;
        }
        let any = self.0.contains_key(ANY);
        parameters
            .iter()
            .find(|(name, value)| !self.values(name).map_or(any, |list| holds(list, value)))
            .map(|(name, _)| name.as_str())
    }

    fn values(&self, name: &str) -> Option<&Vec<Value>> {
        // Most names are in lower case already: look before allocating.
        if name
            .chars()
            .any(|c| !c.is_ascii_lowercase() && !c.is_ascii_digit() && c != '_')
        {
            self.0.get(&name.to_lowercase())
        } else {
            self.0.get(name)
        }
    }
}

/// The first required name that is missing. The name must be sent in lower case: that is the
/// spelling which backends read.
pub(crate) fn missing<'a>(
    required: &'a BTreeSet<String>,
    parameters: Option<&Map<String, Value>>,
) -> Option<&'a str> {
    required
        .iter()
        .find(|name| !parameters.is_some_and(|sent| sent.contains_key(name.as_str())))
        .map(String::as_str)
}

/// Whether a value is in a list; every value is in an empty one.
fn holds(list: &[Value], value: &Value) -> bool {
    list.is_empty() || list.iter().any(|listed| equal(listed, value))
}

fn equal(listed: &Value, value: &Value) -> bool {
    match (listed, value) {
        (Value::String(pattern), Value::String(text)) => glob(pattern, text),
        // 1 and 1.0 are one number in JSON. Two integers are never compared as floats, which
        // can't tell large ones apart.
        (Value::Number(a), Value::Number(b)) if a.is_f64() != b.is_f64() => {
            a.as_f64() == b.as_f64()
        }
        (listed, value) => listed == value,
    }
}

/// `abc`, `abc*`, `*abc`, `*abc*`; `*` alone matches everything.
fn glob(pattern: &str, text: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(""), _) => true,
        (Some(rest), Some(_)) => text.contains(rest.strip_suffix('*').unwrap_or(rest)),
        (Some(end), None) => text.ends_with(end),
        (None, Some(start)) => text.starts_with(start),
        (None, None) => pattern == text,
    }
}
