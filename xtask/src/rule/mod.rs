//! How each rule of [`crate::tidy`] is checked: functions from tables and data to faults.
//!
//! Nothing here reads a file or starts a program, so that the tests can plant a violation of
//! every rule and see it found: a check that cannot fail is worth less than none.

pub(crate) mod edge;
pub(crate) mod module;
pub(crate) mod package;
pub(crate) mod page;
pub(crate) mod size;
pub(crate) mod text;

#[cfg(test)]
mod tests;

use std::fmt;

/// One broken rule: where, and what is wrong there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    place: String,
    complaint: String,
}

impl Fault {
    pub(crate) fn new(place: impl Into<String>, complaint: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            complaint: complaint.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.complaint)
    }
}
