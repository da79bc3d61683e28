//! Why a template is refused, or yields no claims.
//!
//! Messages begin with Vault's words and end with the place in the template. They never contain a
//! value of the subject: what a template printed may be somebody's metadata.

use std::fmt;

use super::claims::RESERVED_CLAIMS;
use super::sample::Sample;
use super::{RENDERED_BYTES_MAX, TEMPLATE_BYTES_MAX};

/// A place in a template; both numbers count from one, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

impl Position {
    /// The place of byte `offset` of `source`; an offset past the end is the end.
    pub(super) fn of(source: &str, offset: usize) -> Self {
        let offset = source.floor_char_boundary(offset);
        let before = source.get(..offset).unwrap_or(source);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Why a template is refused when it is written. The caller answers 400 with this text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// The text is over [`TEMPLATE_BYTES_MAX`].
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The text is not a template.
    Syntax {
        /// What is wrong.
        fault: String,
        /// Where.
        position: Position,
    },
    /// The template fails for a subject that may well exist.
    Trial {
        /// Which subject it was tried with.
        sample: Sample,
        /// How it failed.
        error: RenderError,
    },
}

/// Why a template yields no claims for a subject. The caller answers 400 with this text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RenderError {
    /// An action cannot be carried out.
    Action {
        /// What is wrong.
        fault: String,
        /// Where.
        position: Position,
    },
    /// The result is not a JSON object.
    Json {
        /// What is wrong.
        fault: String,
        /// The place in the template that printed it.
        position: Position,
    },
    /// The result sets a claim that only the issuer sets.
    ReservedKey {
        /// The claim.
        key: &'static str,
    },
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes } => write!(
                f,
                "error parsing template: it has {bytes} bytes; at most {TEMPLATE_BYTES_MAX} are \
                 allowed"
            ),
            Self::Syntax { fault, position } => {
                write!(f, "error parsing template: {fault} ({position})")
            }
            Self::Trial {
                error: error @ RenderError::ReservedKey { .. },
                ..
            } => error.fmt(f),
            Self::Trial {
                sample,
                error: RenderError::Action { fault, position },
            } => {
                write!(
                    f,
                    "error parsing template: {fault} ({position}; tried with {sample})"
                )
            }
            Self::Trial {
                sample,
                error: RenderError::Json { fault, position },
            } => {
                write!(
                    f,
                    "error parsing template JSON: {fault} ({position}; tried with {sample})"
                )
            }
        }
    }
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Action { fault, position } => {
                write!(
                    f,
                    "the template fails for this entity: {fault} ({position})"
                )
            }
            Self::Json { fault, position } => {
                write!(
                    f,
                    "the template's result for this entity is not a JSON object: {fault} \
                     ({position})"
                )
            }
            Self::ReservedKey { key } => {
                write!(f, "top level key \"{key}\" not allowed. Restricted keys: ")?;
                f.write_str(&RESERVED_CLAIMS.join(", "))
            }
        }
    }
}

impl std::error::Error for TemplateError {}
impl std::error::Error for RenderError {}

/// A fault and the byte of the template where it is, before it is turned into a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: FaultKind,
    pub(super) at: usize,
    pub(super) text: String,
}

/// Which half of the work found the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaultKind {
    Action,
    Json,
}

impl Fault {
    pub(super) fn action(at: usize, text: impl Into<String>) -> Self {
        Self {
            kind: FaultKind::Action,
            at,
            text: text.into(),
        }
    }

    pub(super) fn json(at: usize, text: impl Into<String>) -> Self {
        Self {
            kind: FaultKind::Json,
            at,
            text: text.into(),
        }
    }

    pub(super) fn output_too_long(at: usize) -> Self {
        Self::action(at, format!("the result is over {RENDERED_BYTES_MAX} bytes"))
    }

    pub(super) fn into_syntax_error(self, source: &str) -> TemplateError {
        TemplateError::Syntax {
            fault: self.text,
            position: Position::of(source, self.at),
        }
    }

    pub(super) fn into_render_error(self, source: &str) -> RenderError {
        let position = Position::of(source, self.at);
        match self.kind {
            FaultKind::Action => RenderError::Action {
                fault: self.text,
                position,
            },
            FaultKind::Json => RenderError::Json {
                fault: self.text,
                position,
            },
        }
    }
}
