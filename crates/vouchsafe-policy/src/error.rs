//! Why a policy text is refused.
//!
//! The texts are those that clients of Vault match; the caller puts `failed to parse policy: `
//! before them.

use std::fmt;

use vouchsafe_logical::duration::DurationError;

use crate::hcl::{self, Position, SyntaxError};
use crate::rule::{PATH_BYTES_MAX, RULES_MAX};

/// How many invalid keys an error names; their number is always told.
pub(crate) const KEYS_SHOWN_MAX: usize = 20;

/// Why a text is not a policy.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// The text is neither HCL nor JSON, or exceeds a limit of the reader.
    Syntax(SyntaxError),
    /// Keys at the top level that no policy has.
    TopLevelKeys(Vec<InvalidKey>),
    /// A `path` that is not a block with one label, or a `name` that is not a text.
    Shape {
        /// Where.
        position: Position,
        /// What was found.
        found: &'static str,
        /// What was expected.
        expected: &'static str,
    },
    /// More than [`crate::RULES_MAX`] rules.
    TooManyRules {
        /// How many the text has.
        found: usize,
    },
    /// A rule of the policy is wrong.
    Rule {
        /// The path as written.
        path: String,
        /// What is wrong with it.
        fault: RuleFault,
    },
}

/// A key that does not belong where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidKey {
    /// The key.
    pub key: String,
    /// Its line, from 1.
    pub line: u32,
}

/// What is wrong with one rule.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleFault {
    /// Keys that no rule has.
    InvalidKeys(Vec<InvalidKey>),
    /// A key that narrows a rule on other servers and that this one can't honour: ignoring it
    /// would grant more than was written.
    Unsupported {
        /// The key.
        key: String,
        /// Its line, from 1.
        line: u32,
    },
    /// A key that is set twice.
    Repeated {
        /// The key.
        key: String,
        /// Where it is set again.
        position: Position,
    },
    /// A value of the wrong kind.
    Kind {
        /// The key.
        key: String,
        /// Where the value is.
        position: Position,
        /// What was found.
        found: &'static str,
        /// What was expected.
        expected: &'static str,
    },
    /// A word that is no capability.
    Capability(String),
    /// A word that is no legacy policy.
    LegacyPolicy(String),
    /// `+*`, which would match less than it seems to.
    Wildcard,
    /// `{{` and `}}` that do not pair.
    Templating,
    /// The path is longer than [`crate::PATH_BYTES_MAX`].
    PathTooLong {
        /// Its length.
        bytes: usize,
    },
    /// A wrapping TTL that is not a duration.
    Duration {
        /// The key.
        key: String,
        /// Why it is none.
        fault: DurationError,
    },
    /// `max_wrapping_ttl` below `min_wrapping_ttl`: no request could ever fit.
    WrappingTtlRange,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(error) => error.fmt(f),
            Self::TopLevelKeys(keys) => invalid_keys(f, keys),
            Self::Shape {
                position,
                found,
                expected,
            } => {
                write!(f, "At {position}: found {found}; expected {expected}")
            }
            Self::TooManyRules { found } => {
                write!(f, "{found} rules; at most {} are allowed", RULES_MAX)
            }
            Self::Rule { path, fault } => rule_fault(f, path, fault),
        }
    }
}

/// Vault names the path twice where the fault was found below the check of the keys.
fn rule_fault(f: &mut fmt::Formatter<'_>, path: &str, fault: &RuleFault) -> fmt::Result {
    write!(f, "path {path:?}: ")?;
    match fault {
        RuleFault::InvalidKeys(keys) => invalid_keys(f, keys),
        RuleFault::Unsupported { key, line } => write!(
            f,
            "1 error occurred:\n\t* key {key:?} on line {line} is not supported: \
             ignoring it would grant more than the policy says\n\n"
        ),
        RuleFault::Repeated { key, position } => {
            write!(
                f,
                "At {position}: {key:?} is already set; each key may be set once"
            )
        }
        RuleFault::Kind {
            key,
            position,
            found,
            expected,
        } => write!(
            f,
            "path {path:?}: At {position}: {key}: found {found}; expected {expected}"
        ),
        RuleFault::Capability(word) => write!(
            f,
            "path {path:?}: invalid capability {:?}",
            hcl::excerpt(word)
        ),
        RuleFault::LegacyPolicy(word) => {
            write!(f, "path {path:?}: invalid policy {:?}", hcl::excerpt(word))
        }
        RuleFault::Wildcard => {
            write!(
                f,
                "path {path:?}: invalid use of wildcards ('+*' is forbidden)"
            )
        }
        RuleFault::Templating => {
            f.write_str("failed to validate policy templating: unbalanced templating characters")
        }
        RuleFault::PathTooLong { bytes } => write!(
            f,
            "the path has {bytes} bytes; at most {} are allowed",
            PATH_BYTES_MAX
        ),
        RuleFault::Duration { key, fault } => write!(f, "error parsing {key}: {fault}"),
        RuleFault::WrappingTtlRange => {
            f.write_str("max_wrapping_ttl cannot be less than min_wrapping_ttl")
        }
    }
}

fn invalid_keys(f: &mut fmt::Formatter<'_>, keys: &[InvalidKey]) -> fmt::Result {
    match keys.len() {
        1 => f.write_str("1 error occurred:\n")?,
        count => writeln!(f, "{count} errors occurred:")?,
    }
    for InvalidKey { key, line } in keys.iter().take(KEYS_SHOWN_MAX) {
        writeln!(f, "\t* invalid key {:?} on line {line}", hcl::excerpt(key))?;
    }
    f.write_str("\n")
}

impl std::error::Error for ParseError {}

impl From<SyntaxError> for ParseError {
    fn from(error: SyntaxError) -> Self {
        Self::Syntax(error)
    }
}
