//! Subjects with which a template is tried when it is written.
//!
//! Each is one that may exist, so that a failure is the template's fault and never a false alarm.
//! Texts of the template itself are used as values: `{{if eq .entity.metadata.env "production"}}`
//! is tried with `production` as well, and what is wrong in that branch comes out at once.

use std::collections::BTreeSet;
use std::fmt;

use super::go::lex::Token;
use super::scan::Segment;
use super::subject::{Metadata, TemplateAlias, TemplateGroup, TemplateSubject};

/// How many texts of a template are tried as values.
const TEXTS_MAX: usize = 16;
/// A value that shows up a template which puts values between quotes by hand.
const AWKWARD: &str = "sample \"value\"";
/// The time of every trial, in Unix seconds: 2025-01-01T00:00:00Z.
pub(super) const NOW_SECONDS: i64 = 1_735_689_600;

/// Which subject a template was tried with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sample {
    /// An entity without name, metadata, aliases, groups and policies.
    Empty,
    /// An entity with two of everything, and values with spaces and quotes.
    Full,
    /// An entity whose name, metadata and group name are this text of the template.
    Text(String),
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("an entity that has no metadata, aliases and groups"),
            Self::Full => f.write_str("an entity that has metadata, two aliases and two groups"),
            Self::Text(text) => write!(f, "an entity whose name, metadata and group are {text:?}"),
        }
    }
}

/// Words of a template: its texts, and every name that may be a metadata key.
#[derive(Debug, Default)]
pub(super) struct Words {
    texts: BTreeSet<String>,
    keys: BTreeSet<String>,
}

impl Words {
    /// Collects the words of all actions.
    pub(super) fn of(segments: &[Segment<'_>]) -> Self {
        let mut words = Self::default();
        for segment in segments {
            if let Segment::Action { tokens, .. } = segment {
                for token in tokens {
                    words.add(token);
                }
            }
        }
        words
    }

    fn add(&mut self, token: &Token<'_>) {
        if let Some(text) = token.text() {
            self.texts.insert(text.to_owned());
            self.keys.insert(text.to_owned());
        } else if let Some(name) = token.field() {
            self.keys.insert(name.to_owned());
        }
    }

    /// Runs `trial` for each sample subject, up to the first failure.
    pub(super) fn try_each<E>(
        &self,
        mut trial: impl FnMut(&TemplateSubject<'_>) -> Result<(), E>,
    ) -> Result<(), (Sample, E)> {
        trial(&TemplateSubject::default()).map_err(|error| (Sample::Empty, error))?;
        self.try_with(AWKWARD, 2, &mut trial)
            .map_err(|error| (Sample::Full, error))?;
        for text in self.texts.iter().take(TEXTS_MAX) {
            self.try_with(text, 1, &mut trial)
                .map_err(|error| (Sample::Text(text.clone()), error))?;
        }
        Ok(())
    }

    /// Tries the subject in which every free value is `value`, with `count` aliases and groups.
    fn try_with<E>(
        &self,
        value: &str,
        count: usize,
        trial: &mut impl FnMut(&TemplateSubject<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let metadata: Metadata = self
            .keys
            .iter()
            .map(|key| (key.clone(), value.to_owned()))
            .collect();
        let policies = ["default".to_owned(), value.to_owned()];
        // Ids, accessors and group names are unique in a store, so that they make distinct keys.
        let unique: Vec<String> = (0..count).map(|n| format!("sample-{n}")).collect();
        let names: Vec<String> = (0..count)
            .map(|n| {
                if n == 0 {
                    value.to_owned()
                } else {
                    format!("{value} {n}")
                }
            })
            .collect();
        let alias = |id| TemplateAlias {
            id,
            name: value,
            mount_accessor: id,
            mount_type: "jwt",
            metadata: &metadata,
            custom_metadata: &metadata,
        };
        let group = |(id, name)| TemplateGroup {
            id,
            name,
            metadata: &metadata,
        };
        trial(&TemplateSubject {
            id: "sample-entity",
            name: value,
            metadata: &metadata,
            aliases: unique.iter().map(|id| alias(id.as_str())).collect(),
            groups: unique
                .iter()
                .map(String::as_str)
                .zip(names.iter().map(String::as_str))
                .map(group)
                .collect(),
            policies: &policies,
            // Any claim may be absent from the next token, so no trial has one.
            token_claims: None,
        })
    }
}
