//! The rules of an ACL, arranged for lookup.
//!
//! - Exact rules are in a hash map.
//! - Prefix rules are sorted; each knows the longest other prefix that it begins with. A path's
//!   longest prefix is then the nearest smaller rule or one of its ancestors: a binary search and a
//!   few comparisons, whatever the number of rules.
//! - Wildcard rules are a list, most specific first, so that the first match decides.

use std::collections::HashMap;

use crate::pattern::{Pattern, Priority, Wildcard};

/// Values by pattern.
#[derive(Clone, Debug)]
pub(crate) struct Index<T> {
    exact: HashMap<Box<str>, T>,
    /// Sorted by prefix.
    prefixes: Vec<PrefixEntry<T>>,
    /// Sorted by priority, greatest first.
    wildcards: Vec<(Wildcard, T)>,
}

#[derive(Clone, Debug)]
struct PrefixEntry<T> {
    prefix: Box<str>,
    /// The position of the longest other prefix that `prefix` begins with.
    ancestor: Option<usize>,
    value: T,
}

/// A match that is not exact, and how specific it is.
pub(crate) struct Match<'a, T> {
    pub(crate) priority: Priority<'a>,
    pub(crate) value: &'a T,
}

impl<T> Index<T> {
    /// Arranges values by pattern.
    pub(crate) fn new(values: HashMap<Pattern, T>) -> Self {
        let mut index = Self {
            exact: HashMap::new(),
            prefixes: Vec::new(),
            wildcards: Vec::new(),
        };
        let mut prefixes = Vec::new();
        for (pattern, value) in values {
            match pattern {
                Pattern::Exact(path) => {
                    index.exact.insert(path.into(), value);
                }
                Pattern::Prefix(prefix) => prefixes.push((prefix.into_boxed_str(), value)),
                Pattern::Wildcard(wildcard) => index.wildcards.push((wildcard, value)),
            }
        }
        prefixes.sort_by(|(a, _), (b, _)| a.cmp(b));
        // The prefixes of the entry before, shortest first: the candidates for the next one.
        let mut open: Vec<usize> = Vec::new();
        for (position, (prefix, value)) in prefixes.into_iter().enumerate() {
            let begins_with = |candidate: &usize| {
                index
                    .prefixes
                    .get(*candidate)
                    .is_some_and(|entry| prefix.starts_with(&*entry.prefix))
            };
            while open.last().is_some_and(|candidate| !begins_with(candidate)) {
                open.pop();
            }
            let ancestor = open.last().copied();
            open.push(position);
            index.prefixes.push(PrefixEntry {
                prefix,
                ancestor,
                value,
            });
        }
        index
            .wildcards
            .sort_by(|(a, _), (b, _)| b.priority().cmp(&a.priority()));
        index
    }

    pub(crate) fn exact(&self, path: &str) -> Option<&T> {
        self.exact.get(path)
    }

    /// The most specific match among prefixes and wildcards.
    pub(crate) fn best(&self, path: &str) -> Option<Match<'_, T>> {
        let prefix = self.longest_prefix(path);
        let floor = prefix.as_ref().map(|found| found.priority);
        self.wildcards
            .iter()
            .map(|(wildcard, value)| (wildcard, wildcard.priority(), value))
            .take_while(|(_, priority, _)| floor.is_none_or(|floor| *priority > floor))
            .find(|(wildcard, _, _)| wildcard.matches(path))
            .map(|(_, priority, value)| Match { priority, value })
            .or(prefix)
    }

    fn longest_prefix(&self, path: &str) -> Option<Match<'_, T>> {
        let following = self
            .prefixes
            .partition_point(|entry| *entry.prefix <= *path);
        let mut position = following.checked_sub(1)?;
        loop {
            let entry = self.prefixes.get(position)?;
            if path.starts_with(&*entry.prefix) {
                let priority = Priority::of_prefix(&entry.prefix);
                return Some(Match {
                    priority,
                    value: &entry.value,
                });
            }
            position = entry.ancestor?;
        }
    }

    /// Every rule that could match some path which begins with `prefix`, shadowed or not.
    pub(crate) fn reaching<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a T> {
        let exact = self
            .exact
            .iter()
            .filter(move |(path, _)| path.starts_with(prefix));
        let prefixes = self
            .prefixes
            .iter()
            .filter(move |entry| entry.prefix.starts_with(prefix));
        let wildcards = self
            .wildcards
            .iter()
            .filter(move |(wildcard, _)| wildcard.reaches(prefix));
        exact
            .map(|(_, value)| value)
            .chain(prefixes.map(|entry| &entry.value))
            .chain(wildcards.map(|(_, value)| value))
    }

    /// Exact rules, in no order.
    pub(crate) fn exact_rules(&self) -> impl Iterator<Item = (&str, &T)> {
        self.exact.iter().map(|(path, value)| (&**path, value))
    }

    /// Prefix rules, without their `*`.
    pub(crate) fn prefix_rules(&self) -> impl Iterator<Item = (&str, &T)> {
        self.prefixes
            .iter()
            .map(|entry| (&*entry.prefix, &entry.value))
    }

    /// Wildcard rules.
    pub(crate) fn wildcard_rules(&self) -> impl Iterator<Item = (&Wildcard, &T)> {
        self.wildcards
            .iter()
            .map(|(wildcard, value)| (wildcard, value))
    }
}
