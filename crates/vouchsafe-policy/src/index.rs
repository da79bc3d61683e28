//! The rules of an ACL, arranged for lookup.
//!
//! - Exact rules are in a hash map.
//! - Prefix rules are in a [`PrefixMap`], of which the longest match counts.
//! - Wildcard rules are in a [`PrefixMap`] by the text before their first `+`. A later first
//!   wildcard is more specific, so the groups are asked from the longest such text to the shortest,
//!   and the rules of a group by their priority: the first match is the best.
//!
//! Rules whose literal beginning does not fit the path cost nothing but a binary search.

use std::collections::HashMap;

use crate::pattern::{Pattern, Priority, Wildcard};

/// Values by pattern.
#[derive(Clone, Debug)]
pub(crate) struct Index<T> {
    exact: HashMap<Box<str>, T>,
    prefixes: PrefixMap<T>,
    wildcards: PrefixMap<Vec<(Wildcard, T)>>,
}

/// A match that is not exact, and how specific it is.
pub(crate) struct Match<'a, T> {
    pub(crate) priority: Priority<'a>,
    pub(crate) value: &'a T,
}

impl<T> Index<T> {
    /// Arranges values by pattern.
    pub(crate) fn new(values: HashMap<Pattern, T>) -> Self {
        let mut exact = HashMap::new();
        let mut prefixes = HashMap::new();
        let mut wildcards: HashMap<Box<str>, Vec<(Wildcard, T)>> = HashMap::new();
        for (pattern, value) in values {
            match pattern {
                Pattern::Exact(path) => {
                    exact.insert(path.into_boxed_str(), value);
                }
                Pattern::Prefix(prefix) => {
                    prefixes.insert(prefix.into_boxed_str(), value);
                }
                Pattern::Wildcard(wildcard) => {
                    wildcards
                        .entry(wildcard.head().into())
                        .or_default()
                        .push((wildcard, value));
                }
            }
        }
        for group in wildcards.values_mut() {
            group.sort_by(|(a, _), (b, _)| b.priority().cmp(&a.priority()));
        }
        Self {
            exact,
            prefixes: PrefixMap::new(prefixes),
            wildcards: PrefixMap::new(wildcards),
        }
    }

    pub(crate) fn exact(&self, path: &str) -> Option<&T> {
        self.exact.get(path)
    }

    /// The most specific match among prefixes and wildcards.
    pub(crate) fn best<'a>(&'a self, path: &str) -> Option<Match<'a, T>> {
        let prefix = self
            .prefixes
            .beginning(path)
            .next()
            .map(|(prefix, value)| Match {
                priority: Priority::of_prefix(prefix),
                value,
            });
        let floor = prefix.as_ref().map(|found| found.priority);
        let wildcard = self
            .wildcards
            .beginning(path)
            .take_while(|(head, _)| floor.is_none_or(|floor| !floor.is_beyond(head)))
            .find_map(|(_, group)| group.iter().find(|(wildcard, _)| wildcard.matches(path)))
            .map(|(wildcard, value)| Match {
                priority: wildcard.priority(),
                value,
            });
        match (wildcard, prefix) {
            (Some(wildcard), Some(prefix)) if prefix.priority > wildcard.priority => Some(prefix),
            (wildcard, prefix) => wildcard.or(prefix),
        }
    }

    /// Every rule that could match some path which begins with `prefix`, shadowed or not, except
    /// for prefix rules that are shorter than `prefix`.
    pub(crate) fn reaching<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a T> {
        let exact = self
            .exact_rules()
            .filter(move |(path, _)| path.starts_with(prefix));
        let prefixes = self
            .prefix_rules()
            .filter(move |(rule, _)| rule.starts_with(prefix));
        let wildcards = self
            .wildcard_rules()
            .filter(move |(rule, _)| rule.reaches(prefix));
        exact
            .map(|(_, value)| value)
            .chain(prefixes.map(|(_, value)| value))
            .chain(wildcards.map(|(_, value)| value))
    }

    /// Exact rules, in no order.
    pub(crate) fn exact_rules(&self) -> impl Iterator<Item = (&str, &T)> {
        self.exact.iter().map(|(path, value)| (&**path, value))
    }

    /// Prefix rules, without their `*`.
    pub(crate) fn prefix_rules(&self) -> impl Iterator<Item = (&str, &T)> {
        self.prefixes
            .entries
            .iter()
            .map(|entry| (&*entry.key, &entry.value))
    }

    /// Wildcard rules.
    pub(crate) fn wildcard_rules(&self) -> impl Iterator<Item = (&Wildcard, &T)> {
        let groups = self.wildcards.entries.iter().flat_map(|entry| &entry.value);
        groups.map(|(wildcard, value)| (wildcard, value))
    }
}

/// Finds the keys that a text begins with.
///
/// The keys are sorted, and each knows the longest other key that it begins with. All texts between
/// a key and a longer text that begins with it begin with it too; so the keys that a text begins
/// with are found among the nearest smaller key and its ancestors.
#[derive(Clone, Debug)]
struct PrefixMap<T> {
    entries: Vec<Entry<T>>,
}

#[derive(Clone, Debug)]
struct Entry<T> {
    key: Box<str>,
    /// The position of the longest other key that `key` begins with.
    ancestor: Option<usize>,
    value: T,
}

impl<T> PrefixMap<T> {
    fn new(values: HashMap<Box<str>, T>) -> Self {
        let mut sorted: Vec<_> = values.into_iter().collect();
        sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut entries: Vec<Entry<T>> = Vec::with_capacity(sorted.len());
        for (key, value) in sorted {
            let begins_with = |position: &usize| {
                entries
                    .get(*position)
                    .is_some_and(|entry| key.starts_with(&*entry.key))
            };
            let mut ancestor = entries.len().checked_sub(1);
            while let Some(position) = ancestor.filter(|position| !begins_with(position)) {
                ancestor = entries.get(position).and_then(|entry| entry.ancestor);
            }
            entries.push(Entry {
                key,
                ancestor,
                value,
            });
        }
        Self { entries }
    }

    /// The entries whose key `text` begins with, longest key first.
    fn beginning<'a>(&'a self, text: &str) -> impl Iterator<Item = (&'a str, &'a T)> {
        let following = self.entries.partition_point(|entry| *entry.key <= *text);
        let nearest = following
            .checked_sub(1)
            .and_then(|position| self.entries.get(position));
        let ancestors = std::iter::successors(nearest, |entry| self.entries.get(entry.ancestor?));
        // Once a key fits, its ancestors fit as well.
        ancestors
            .skip_while(move |entry| !text.starts_with(&*entry.key))
            .map(|entry| (&*entry.key, &entry.value))
    }
}
