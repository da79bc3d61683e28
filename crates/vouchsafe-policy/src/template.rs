//! Templates in policy paths: `identity/entity/id/{{identity.entity.id}}`.
//!
//! What a selector means is the business of the [`Subject`]; this module splits the text when the
//! policy is written, and joins it with the values when an ACL is compiled.
//!
//! Invariant: a substituted value can't widen the path. A value that is empty, or that contains a
//! wildcard, a separator or a control character, makes the rule void (OpenBao GHSA-59w7-v8rr-pr4p
//! is what happens otherwise: an alias named `*` reads everything).

use crate::error::RuleFault;

/// Whose ACL is compiled: gives the values for selectors such as `identity.entity.id`.
pub trait Subject {
    /// The value of `selector`, the trimmed text between `{{` and `}}`; `None` if there is none.
    ///
    /// The value is not trusted: the caller checks that it is one literal path segment.
    fn resolve(&self, selector: &str) -> Option<String>;
}

/// The subject of a token without an entity: resolves nothing, so that templated rules are void.
#[derive(Clone, Copy, Debug)]
pub struct NoSubject;

impl Subject for NoSubject {
    fn resolve(&self, _selector: &str) -> Option<String> {
        None
    }
}

/// A path as written in a policy, split at its directives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathTemplate {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Selector(String),
}

impl PathTemplate {
    /// Splits `text` at `{{`: every piece after the first has exactly one `}}`, the first none.
    pub(crate) fn parse(text: &str) -> Result<Self, RuleFault> {
        let mut pieces = text.split("{{");
        let first = pieces.next().unwrap_or_default();
        if first.contains("}}") {
            return Err(RuleFault::Templating);
        }
        let mut parts = Vec::new();
        push_literal(&mut parts, first);
        for piece in pieces {
            let (selector, literal) = piece.split_once("}}").ok_or(RuleFault::Templating)?;
            if literal.contains("}}") {
                return Err(RuleFault::Templating);
            }
            parts.push(Part::Selector(selector.trim().to_owned()));
            push_literal(&mut parts, literal);
        }
        Ok(Self { parts })
    }

    /// Whether the path depends on the subject.
    pub(crate) fn is_templated(&self) -> bool {
        self.parts
            .iter()
            .any(|part| matches!(part, Part::Selector(_)))
    }

    /// The path for `subject`; `None` if a directive has no value or an unfit one.
    pub(crate) fn resolve(&self, subject: &dyn Subject) -> Option<String> {
        let mut path = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => path.push_str(text),
                Part::Selector(selector) => {
                    let value = subject.resolve(selector)?;
                    if !is_literal_segment(&value) {
                        return None;
                    }
                    path.push_str(&value);
                }
            }
        }
        Some(path)
    }
}

fn push_literal(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Literal(text.to_owned()));
    }
}

/// Whether a value stands for exactly one thing in a path.
fn is_literal_segment(value: &str) -> bool {
    !value.is_empty()
        && !value
            .chars()
            .any(|c| matches!(c, '*' | '+' | '/') || c.is_control())
}
