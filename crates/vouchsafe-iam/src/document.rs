//! A TOML table while it is read: typed access that records faults instead of stopping at one.
//!
//! A [`Table`] knows where it stands in the file and which of its keys were asked for; what nobody
//! asked for is an unknown key, which is a fault too: a misspelled restriction must not be ignored.

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::fault::Collector;
use crate::limits::ENTRIES_MAX;

/// A value with its place.
pub(crate) struct Placed<T> {
    pub(crate) value: T,
    /// The path of its key.
    pub(crate) key: String,
    pub(crate) at: Range<usize>,
}

/// A table of the file.
pub(crate) struct Table<'d> {
    members: &'d DeTable<'d>,
    key: String,
    at: Range<usize>,
    asked: BTreeSet<&'static str>,
}

impl<'d> Table<'d> {
    pub(crate) fn root(members: &'d DeTable<'d>) -> Self {
        Self {
            members,
            key: String::new(),
            at: 0..0,
            asked: BTreeSet::new(),
        }
    }

    /// The path of the table's key.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    pub(crate) const fn at(&self) -> &Range<usize> {
        &self.at
    }

    /// The path of a member's key.
    pub(crate) fn path(&self, name: &str) -> String {
        let name = spelled(name);
        if self.key.is_empty() {
            name
        } else {
            format!("{}.{name}", self.key)
        }
    }

    fn member(&mut self, name: &'static str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.asked.insert(name);
        self.members.get(name)
    }

    /// Whether there is such a member, of whatever type.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// A member that is a table.
    pub(crate) fn table(&mut self, name: &'static str, faults: &mut Collector<'_>) -> Option<Self> {
        let found = self.member(name)?;
        self.sub(name, found, faults)
    }

    fn sub(
        &self,
        name: &str,
        found: &'d Spanned<DeValue<'d>>,
        faults: &mut Collector<'_>,
    ) -> Option<Self> {
        let key = self.path(name);
        match found.get_ref() {
            DeValue::Table(members) => Some(Table {
                members,
                key,
                at: found.span(),
                asked: BTreeSet::new(),
            }),
            other => {
                faults.add(&key, &found.span(), wrong_type(other, "a table"));
                None
            }
        }
    }

    /// The members of a table whose keys are names: each with its table.
    pub(crate) fn tables(&self, faults: &mut Collector<'_>) -> Vec<(&'d str, Self)> {
        self.check_count(faults);
        let members = self.members.iter().take(ENTRIES_MAX);
        members
            .filter_map(|(name, found)| {
                let name: &'d str = name.get_ref();
                let mut table = self.sub(name, found, faults)?;
                // A header `[idps.app1.conf]` alone gives `app1` no place of its own.
                if table.at.is_empty() {
                    table.at = self.at.clone();
                }
                Some((name, table))
            })
            .collect()
    }

    /// The members of a table whose keys are names and whose values are strings.
    pub(crate) fn strings(&self, faults: &mut Collector<'_>) -> Vec<(&'d str, Placed<String>)> {
        self.check_count(faults);
        let members = self.members.iter().take(ENTRIES_MAX);
        members
            .filter_map(|(name, found)| {
                let name: &'d str = name.get_ref();
                Some((name, text_of(self.path(name), found, faults)?))
            })
            .collect()
    }

    /// The members of a table whose keys are names and whose values are anything that JSON has too.
    pub(crate) fn values(&self, faults: &mut Collector<'_>) -> Vec<(&'d str, Placed<Value>)> {
        self.check_count(faults);
        let members = self.members.iter().take(ENTRIES_MAX);
        members
            .filter_map(|(name, found)| {
                let name: &'d str = name.get_ref();
                let (key, at) = (self.path(name), found.span());
                match json_of(found.get_ref()) {
                    Some(value) => Some((name, Placed { value, key, at })),
                    None => {
                        let expected = "a string, a number, a boolean or a list of these";
                        faults.add(&key, &at, wrong_type(found.get_ref(), expected));
                        None
                    }
                }
            })
            .collect()
    }

    fn check_count(&self, faults: &mut Collector<'_>) {
        if self.members.len() > ENTRIES_MAX {
            let found = self.members.len();
            let message = format!("{found} entries; at most {ENTRIES_MAX} are allowed");
            faults.add(&self.key, &self.at, message);
        }
    }

    /// A string.
    pub(crate) fn text(
        &mut self,
        name: &'static str,
        faults: &mut Collector<'_>,
    ) -> Option<Placed<String>> {
        let found = self.member(name)?;
        text_of(self.path(name), found, faults)
    }

    /// A string that must be there and not be empty.
    pub(crate) fn required_text(
        &mut self,
        name: &'static str,
        faults: &mut Collector<'_>,
    ) -> Option<Placed<String>> {
        if !self.has(name) {
            let message = format!("`{name}` is missing");
            faults.add(&self.key.clone(), &self.at.clone(), message);
            return None;
        }
        let text = self.text(name, faults)?;
        if text.value.is_empty() {
            faults.add(&text.key, &text.at, "must not be empty");
            return None;
        }
        Some(text)
    }

    /// `true` or `false`; absent is `false`.
    pub(crate) fn flag(&mut self, name: &'static str, faults: &mut Collector<'_>) -> bool {
        let Some(found) = self.member(name) else {
            return false;
        };
        match found.get_ref() {
            DeValue::Boolean(value) => *value,
            other => {
                let message = wrong_type(other, "`true` or `false`");
                faults.add(&self.path(name), &found.span(), message);
                false
            }
        }
    }

    /// A list of strings.
    pub(crate) fn list(
        &mut self,
        name: &'static str,
        faults: &mut Collector<'_>,
    ) -> Option<Vec<Placed<String>>> {
        let found = self.member(name)?;
        let key = self.path(name);
        let DeValue::Array(elements) = found.get_ref() else {
            let message = wrong_type(found.get_ref(), "a list of strings");
            faults.add(&key, &found.span(), message);
            return None;
        };
        if elements.len() > ENTRIES_MAX {
            let count = elements.len();
            let message = format!("{count} elements; at most {ENTRIES_MAX} are allowed");
            faults.add(&key, &found.span(), message);
        }
        let elements = elements.iter().take(ENTRIES_MAX).enumerate();
        let texts = elements
            .filter_map(|(place, element)| text_of(format!("{key}[{place}]"), element, faults));
        Some(texts.collect())
    }

    /// Reports the keys that nobody asked for.
    pub(crate) fn finish(self, faults: &mut Collector<'_>) {
        for (name, value) in self.members {
            let text: &str = name.get_ref();
            if !self.asked.contains(text) {
                let known: Vec<String> = self.asked.iter().map(|k| format!("`{k}`")).collect();
                let message = format!("unknown key; known here: {}", known.join(", "));
                let at = if name.span().is_empty() {
                    value.span()
                } else {
                    name.span()
                };
                faults.add(&self.path(text), &at, message);
            }
        }
    }
}

fn text_of(
    key: String,
    found: &Spanned<DeValue<'_>>,
    faults: &mut Collector<'_>,
) -> Option<Placed<String>> {
    let at = found.span();
    match found.get_ref() {
        DeValue::String(text) => Some(Placed {
            value: text.clone().into_owned(),
            key,
            at,
        }),
        other => {
            faults.add(&key, &at, wrong_type(other, "a string"));
            None
        }
    }
}

/// The type only: a value of the wrong type may be a secret in the wrong place.
fn wrong_type(found: &DeValue<'_>, expected: &str) -> String {
    format!("is of type {}; expected {expected}", found.type_str())
}

fn json_of(value: &DeValue<'_>) -> Option<Value> {
    match value {
        DeValue::String(text) => Some(Value::from(text.as_ref())),
        DeValue::Boolean(flag) => Some(Value::from(*flag)),
        DeValue::Integer(number) => {
            let digits = number.as_str().replace('_', "");
            i64::from_str_radix(&digits, number.radix())
                .ok()
                .map(Value::from)
        }
        DeValue::Array(elements) => {
            let values = elements.iter().map(|element| json_of(element.get_ref()));
            values.collect::<Option<Vec<_>>>().map(Value::Array)
        }
        DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => None,
    }
}

/// A key as it is written in TOML: bare where it can be.
fn spelled(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(is_bare) {
        name.to_owned()
    } else {
        format!("{name:?}")
    }
}
