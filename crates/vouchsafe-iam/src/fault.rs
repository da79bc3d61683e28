//! What is wrong with an IAM file: all of it, each with its key and its line.

use std::fmt;
use std::ops::Range;

use crate::limits::FAULTS_SHOWN_MAX;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The path of the key in TOML's spelling, e.g. `idps.app1.conf.iss`; empty for the whole file.
    pub key: String,
    /// The line, from 1.
    pub line: usize,
    /// What was found and what is expected. Never a secret.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// Every fault of a file, in the order of its lines. There is at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults {
    found: Vec<Fault>,
    more: usize,
}

impl Faults {
    /// The faults, at most [`FAULTS_SHOWN_MAX`].
    #[must_use]
    pub fn found(&self) -> &[Fault] {
        &self.found
    }

    /// How many more there are.
    #[must_use]
    pub const fn more(&self) -> usize {
        self.more
    }

    /// The one fault of a file that is not even looked at.
    pub(crate) fn whole(message: String) -> Self {
        let found = vec![Fault {
            key: String::new(),
            line: 1,
            message,
        }];
        Self { found, more: 0 }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, fault) in self.found.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        if self.more > 0 {
            write!(f, "\nand {} more", self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// Collects the faults of one text.
pub(crate) struct Collector<'t> {
    text: &'t str,
    found: Vec<(usize, Fault)>,
}

impl<'t> Collector<'t> {
    pub(crate) const fn new(text: &'t str) -> Self {
        Self {
            text,
            found: Vec::new(),
        }
    }

    /// Records a fault at a place in the text.
    pub(crate) fn add(&mut self, key: &str, at: &Range<usize>, message: impl Into<String>) {
        let fault = Fault {
            key: key.to_owned(),
            line: 1,
            message: message.into(),
        };
        self.found.push((at.start, fault));
    }

    /// The faults, if there are any.
    pub(crate) fn finish(mut self) -> Result<(), Faults> {
        if self.found.is_empty() {
            return Ok(());
        }
        self.found.sort_by_key(|(place, _)| *place);
        let more = self.found.len().saturating_sub(FAULTS_SHOWN_MAX);
        self.found.truncate(FAULTS_SHOWN_MAX);
        // Lines are counted for those alone that are shown: a file may have as many faults as bytes.
        let line_at = |place: usize| {
            let before = self.text.as_bytes().get(..place).unwrap_or_default();
            1 + before.iter().filter(|byte| **byte == b'\n').count()
        };
        let found = self.found.into_iter().map(|(place, fault)| Fault {
            line: line_at(place),
            ..fault
        });
        Err(Faults {
            found: found.collect(),
            more,
        })
    }
}
