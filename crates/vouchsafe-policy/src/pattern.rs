//! Paths of rules: exact, prefix (`secret/*`) and with wildcard segments (`secret/+/x*`).
//!
//! `+` stands for one whole segment; inside a longer segment it is an ordinary character. `*` is
//! special as the last character only.

use std::cmp::Reverse;

/// A resolved rule path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Pattern {
    /// Matches this path.
    Exact(String),
    /// Matches every path that begins with this text (the path of the rule without its `*`).
    Prefix(String),
    /// Matches segment by segment.
    Wildcard(Wildcard),
}

impl Pattern {
    /// Classifies a resolved path. A leading `/` is not part of it.
    pub(crate) fn new(path: &str) -> Self {
        let (text, is_prefix) = match path.strip_suffix('*') {
            Some(text) => (text, true),
            None => (path, false),
        };
        if text.split('/').any(|segment| segment == "+") {
            Self::Wildcard(Wildcard::new(text, is_prefix))
        } else if is_prefix {
            Self::Prefix(text.to_owned())
        } else {
            Self::Exact(text.to_owned())
        }
    }
}

/// A path with at least one `+` segment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Wildcard {
    /// The path without its final `*`.
    text: String,
    /// Whether it had one: more may follow the last segment.
    is_prefix: bool,
    /// Where the first `+` is, in bytes.
    first: usize,
    /// How many `+` segments there are.
    count: usize,
}

impl Wildcard {
    fn new(text: &str, is_prefix: bool) -> Self {
        let before_first = text.split('/').take_while(|segment| *segment != "+");
        let first = before_first.map(|segment| segment.len() + 1).sum();
        let count = text.split('/').filter(|segment| *segment == "+").count();
        Self {
            text: text.to_owned(),
            is_prefix,
            first,
            count,
        }
    }

    /// The literal text before the first `+`, which every matching path begins with.
    pub(crate) fn head(&self) -> &str {
        self.text.get(..self.first).unwrap_or_default()
    }

    /// Whether a path matches. `+` also matches an empty segment, as in Vault.
    pub(crate) fn matches(&self, path: &str) -> bool {
        let Some(rest) = path.strip_prefix(self.head()) else {
            return false;
        };
        let tail = self.text.get(self.first..).unwrap_or_default();
        let mut wanted = tail.split('/').peekable();
        let mut found = rest.split('/');
        while let Some(pattern) = wanted.next() {
            let Some(segment) = found.next() else {
                return false;
            };
            let is_open = self.is_prefix && wanted.peek().is_none();
            let matches =
                pattern == "+" || pattern == segment || (is_open && segment.starts_with(pattern));
            if !matches {
                return false;
            }
        }
        self.is_prefix || found.next().is_none()
    }

    /// Whether some path that begins with `prefix` can match.
    pub(crate) fn reaches(&self, prefix: &str) -> bool {
        let mut wanted = self.text.split('/').peekable();
        let mut given = prefix.split('/').peekable();
        while let Some(segment) = given.next() {
            let Some(pattern) = wanted.next() else {
                return false;
            };
            let is_open = self.is_prefix && wanted.peek().is_none();
            if is_open && segment.starts_with(pattern) {
                return true;
            }
            // The last segment of the prefix may go on.
            let is_last = given.peek().is_none();
            let matches =
                pattern == "+" || pattern == segment || (is_last && pattern.starts_with(segment));
            if !matches {
                return false;
            }
        }
        true
    }

    pub(crate) fn priority(&self) -> Priority<'_> {
        Priority {
            first_wildcard: self.first,
            is_complete: !self.is_prefix,
            wildcards: Reverse(self.count),
            length: self.text.len(),
            text: &self.text,
        }
    }

    /// The path as it was written.
    pub(crate) fn written(&self) -> String {
        format!("{}{}", self.text, if self.is_prefix { "*" } else { "" })
    }
}

/// Which of two matching patterns decides: the greater one. The fields are compared in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Priority<'a> {
    /// Where the first wildcard is, in bytes: later is more specific.
    first_wildcard: usize,
    /// Whether the pattern does not end with `*`.
    is_complete: bool,
    /// Fewer `+` segments are more specific.
    wildcards: Reverse<usize>,
    /// Longer is more specific.
    length: usize,
    /// Only to have one order; later in byte order wins.
    text: &'a str,
}

impl<'a> Priority<'a> {
    /// The priority of a prefix rule.
    pub(crate) const fn of_prefix(prefix: &'a str) -> Self {
        Self {
            first_wildcard: prefix.len(),
            is_complete: false,
            wildcards: Reverse(0),
            length: prefix.len(),
            text: prefix,
        }
    }
    /// Whether this is more specific than every pattern whose first wildcard follows `head`.
    pub(crate) const fn is_beyond(&self, head: &str) -> bool {
        self.first_wildcard > head.len()
    }
}
