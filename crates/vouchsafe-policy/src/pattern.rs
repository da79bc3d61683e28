//! Paths of rules: exact, prefix (`secret/*`) and with wildcard segments (`secret/+/x*`).
//!
//! `+` stands for one whole segment; inside a longer segment it is an ordinary character. `*` is
//! special as the last character only.

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
            Self::Wildcard(Wildcard {
                text: text.to_owned(),
                is_prefix,
            })
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
}

impl Wildcard {
    /// Whether a path matches. `+` also matches an empty segment, as in Vault.
    pub(crate) fn matches(&self, path: &str) -> bool {
        let mut wanted = self.text.split('/').peekable();
        let mut found = path.split('/');
        while let Some(pattern) = wanted.next() {
            let Some(segment) = found.next() else {
                return false;
            };
            let is_last = wanted.peek().is_none();
            let matches = pattern == "+"
                || pattern == segment
                || (is_last && self.is_prefix && segment.starts_with(pattern));
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
        let mut first = 0;
        let mut count = 0;
        let mut offset = 0;
        for segment in self.text.split('/') {
            if segment == "+" {
                if count == 0 {
                    first = offset;
                }
                count += 1;
            }
            offset += segment.len() + 1;
        }
        Priority {
            first_wildcard: first,
            is_complete: !self.is_prefix,
            wildcards: std::cmp::Reverse(count),
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
    wildcards: std::cmp::Reverse<usize>,
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
            wildcards: std::cmp::Reverse(0),
            length: prefix.len(),
            text: prefix,
        }
    }
}
