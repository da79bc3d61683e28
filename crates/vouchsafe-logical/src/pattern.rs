//! Patterns of route paths, and how a path is matched to one.
//!
//! A pattern is segments joined by `/`. A segment is literal text or one of
//! - `{name}`: one segment that is a Vault name: `[A-Za-z0-9_]` first and last, `-` and `.` also
//!   in between;
//! - `{name*}`: any one segment;
//! - `{name...}`: the rest of the path, at least one character, slashes included; at the end, or
//!   before literal segments with which the path must end (`mounts/{path...}/tune`);
//! - `{name?...}`: the rest of the path, may be empty; only at the end.
//!
//! The name of a capture may end with a mark that says that its backend takes several spellings
//! for one: `{name^}` is lower-cased, `{name~...}` is trimmed as well. A pattern has at most one.
//!
//! One `/` at the end of a path is not looked at, except by the rest captures.
//!
//! What is written in another way than the backend understands it is a way around policies, so
//! [`Captures::canonical_path`] tells the spelling that the backend sees.

/// The most captures of one pattern.
pub const CAPTURES_MAX: usize = 4;

/// What a pattern captured of a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Captures<'a> {
    entries: [(&'static str, &'a str); CAPTURES_MAX],
    count: usize,
    fold: Option<Fold>,
    /// Whether the path has a slash at the end that was not looked at.
    spare_slash: bool,
}

/// A part of a path of which the backend looks at another spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fold {
    start: usize,
    end: usize,
    trims: bool,
}

impl<'a> Captures<'a> {
    /// The capture called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.entries[..self.count]
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| *value)
    }

    /// The names of the captures.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.entries[..self.count].iter().map(|(name, _)| *name)
    }

    /// The path in the one spelling that the backend takes it for, with lower case and without
    /// what is not looked at; `None` where it is spelled so. `path` is the path that was matched.
    #[must_use]
    pub fn canonical_path(&self, path: &str) -> Option<String> {
        let end = path.len() - usize::from(self.spare_slash);
        let (before, value, after) = match self.fold {
            Some(fold) => (
                path.get(..fold.start)?,
                path.get(fold.start..fold.end)?,
                path.get(fold.end..end)?,
            ),
            None => (path.get(..end)?, "", ""),
        };
        let trims = self.fold.is_some_and(|fold| fold.trims);
        let kept = if trims { value.trim() } else { value };
        let folded = kept.chars().all(|c| c.to_lowercase().eq([c]));
        if folded && kept.len() == value.len() && !self.spare_slash {
            return None;
        }
        Some(format!("{before}{}{after}", kept.to_lowercase()))
    }

    /// Adds the capture that `declared` names, whose value begins at `start`.
    fn push(&mut self, declared: &'static str, value: &'a str, start: usize) {
        let (name, trims) = match declared.strip_suffix('^') {
            Some(name) => (name, Some(false)),
            None => match declared.strip_suffix('~') {
                Some(name) => (name, Some(true)),
                None => (declared, None),
            },
        };
        if let Some(trims) = trims {
            debug_assert!(self.fold.is_none(), "a route pattern folds two captures");
            self.fold = Some(Fold {
                start,
                end: start + value.len(),
                trims,
            });
        }
        debug_assert!(
            self.count < CAPTURES_MAX,
            "a route pattern has too many captures"
        );
        if let Some(entry) = self.entries.get_mut(self.count) {
            *entry = (name, value);
            self.count += 1;
        }
    }
}

/// Matches a path (without leading slash) to a pattern.
#[must_use]
pub fn matches<'a>(pattern: &'static str, path: &'a str) -> Option<Captures<'a>> {
    let mut captures = Captures::default();
    let mut pattern_rest = pattern;
    let mut path_rest = path;
    loop {
        let (segment, pattern_after) = split(pattern_rest);
        let start = path.len() - path_rest.len();
        if let Some(capture) = capture_of(segment) {
            if let Some(name) = capture.strip_suffix("?...") {
                captures.push(name, path_rest, start);
                return Some(captures);
            }
            if let Some(name) = capture.strip_suffix("...") {
                let rest = match pattern_after {
                    None => path_rest,
                    Some(end) => path_rest
                        .strip_suffix('/')
                        .unwrap_or(path_rest)
                        .strip_suffix(end)?
                        .strip_suffix('/')?,
                };
                if rest.is_empty() {
                    return None;
                }
                captures.push(name, rest, start);
                captures.spare_slash = pattern_after.is_some() && path_rest.ends_with('/');
                return Some(captures);
            }
        }
        let (value, path_after) = split(path_rest);
        match capture_of(segment) {
            Some(capture) => {
                let (name, fits) = match capture.strip_suffix('*') {
                    Some(name) => (name, !value.is_empty()),
                    None => (capture, is_name(value)),
                };
                if !fits {
                    return None;
                }
                captures.push(name, value, start);
            }
            None if segment == value => {}
            None => return None,
        }
        match (pattern_after, path_after) {
            (None, None) => return Some(captures),
            (None, Some("")) => {
                captures.spare_slash = true;
                return Some(captures);
            }
            (Some(pattern), Some(path)) => (pattern_rest, path_rest) = (pattern, path),
            (Some(pattern), None) if capture_of(pattern).is_some_and(|c| c.ends_with("?...")) => {
                (pattern_rest, path_rest) = (pattern, "");
            }
            _ => return None,
        }
    }
}

/// One segment of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Itself.
    Literal(&'static str),
    /// A capture of this name.
    Capture(&'static str, Extent),
}

/// How much of a path a capture takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// One segment that is a Vault name.
    Name,
    /// Any one segment.
    Segment,
    /// The rest, slashes included.
    Rest,
    /// The rest, which may be empty.
    OptionalRest,
}

/// The segments of a pattern, for documents about it.
pub fn segments(pattern: &'static str) -> impl Iterator<Item = Segment> {
    pattern.split('/').map(|segment| {
        let Some(capture) = capture_of(segment) else {
            return Segment::Literal(segment);
        };
        let (marked, extent) = if let Some(name) = capture.strip_suffix("?...") {
            (name, Extent::OptionalRest)
        } else if let Some(name) = capture.strip_suffix("...") {
            (name, Extent::Rest)
        } else if let Some(name) = capture.strip_suffix('*') {
            (name, Extent::Segment)
        } else {
            (capture, Extent::Name)
        };
        Segment::Capture(marked.trim_end_matches(['^', '~']), extent)
    })
}

fn split(text: &str) -> (&str, Option<&str>) {
    match text.split_once('/') {
        Some((segment, rest)) => (segment, Some(rest)),
        None => (text, None),
    }
}

fn capture_of(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// Vault's generic name.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    match text.as_bytes() {
        [] => false,
        [only] => word(*only),
        [first, middle @ .., last] => {
            word(*first)
                && word(*last)
                && middle
                    .iter()
                    .all(|byte| word(*byte) || matches!(byte, b'-' | b'.'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &'static str, path: &str, expected: Option<&[(&str, &str)]>) {
        let found = matches(pattern, path);
        let found: Option<Vec<(&str, &str)>> =
            found.map(|captures| captures.entries[..captures.count].to_vec());
        assert_eq!(found.as_deref(), expected, "{pattern} {path}");
    }

    #[test]
    fn patterns() {
        check("oidc/config", "oidc/config", Some(&[]));
        check("oidc/config", "oidc/config/", Some(&[]));
        check("oidc/config", "oidc/configs", None);
        check(
            "oidc/key/{name}",
            "oidc/key/k-1.a",
            Some(&[("name", "k-1.a")]),
        );
        check("oidc/key/{name}", "oidc/key/-k", None);
        check("oidc/key/{name}", "oidc/key/", None);
        check(
            "oidc/key/{name}/rotate",
            "oidc/key/k/rotate",
            Some(&[("name", "k")]),
        );
        check("oidc/key/{name}", "oidc/key/k/rotate", None);
        check(
            "entity/name/{name...}",
            "entity/name/a b/c",
            Some(&[("name", "a b/c")]),
        );
        check("entity/name/{name...}", "entity/name/", None);
        check("entity/name/{name...}", "entity/name", None);
        check("m/{p...}/tune", "m/a/b/tune", Some(&[("p", "a/b")]));
        check("m/{p...}/tune", "m/tune", None);
        check("m/{p...}/tune", "m/x/atune", None);
        check("data/{path?...}", "data/", Some(&[("path", "")]));
        check("data/{path?...}", "data", Some(&[("path", "")]));
        check("{path?...}", "", Some(&[("path", "")]));
        check("x/{id*}/y", "x/%20-/y", Some(&[("id", "%20-")]));
        check("x/{id*}/y", "x//y", None);
    }

    #[test]
    fn segments_without_their_marks() {
        let found: Vec<Segment> = segments("a/{n^}/{i*}/{p~...}").collect();
        let expected = [
            Segment::Literal("a"),
            Segment::Capture("n", Extent::Name),
            Segment::Capture("i", Extent::Segment),
            Segment::Capture("p", Extent::Rest),
        ];
        assert_eq!(found, expected);
        let optional = Segment::Capture("p", Extent::OptionalRest);
        assert_eq!(segments("{p?...}").next(), Some(optional));
        let any = Segment::Capture("id", Extent::Segment);
        assert_eq!(segments("{id^*}").next(), Some(any));
    }

    #[track_caller]
    fn canonical(pattern: &'static str, path: &str, expected: Option<&str>) {
        let found = matches(pattern, path).unwrap().canonical_path(path);
        assert_eq!(found.as_deref(), expected, "{pattern} {path}");
    }

    #[test]
    fn spellings_that_a_backend_takes_for_one() {
        canonical("users/{name}", "users/BOB", None);
        canonical("users/{name^}", "users/bob", None);
        canonical("users/{name^}", "users/BOB", Some("users/bob"));
        canonical("users/{name^}/p", "users/Bob/p", Some("users/bob/p"));
        canonical("users/{name^}/p", "users/bob/p/", Some("users/bob/p"));
        canonical("users/{name}", "users/bob/", Some("users/bob"));
        canonical("m/{p...}/tune", "m/a/tune/", Some("m/a/tune"));
        canonical("m/{p...}/tune", "m/a/tune", None);
        canonical("e/{name^...}", "e/ Ä/B", Some("e/ ä/b"));
        canonical("e/{name^...}", "e/b/", None);
        canonical("acl/{name~...}", "acl/p 1", None);
        canonical("acl/{name~...}", "acl/ P1 ", Some("acl/p1"));
        check("acl/{name~...}", "acl/ P1", Some(&[("name", " P1")]));
        check("users/{name^}", "users/BOB", Some(&[("name", "BOB")]));
        check("x/{id^*}", "x/%", Some(&[("id", "%")]));
    }
}
