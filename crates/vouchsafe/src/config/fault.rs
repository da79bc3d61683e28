//! What is wrong with a configuration, and where.

use std::fmt;

use vouchsafe_policy::hcl::Position;

/// Everything that is wrong with a configuration.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults(Vec<String>);

impl Faults {
    /// A fault at a place of a file.
    pub(super) fn at(&mut self, file: &str, position: Position, message: impl fmt::Display) {
        self.0.push(format!("{file}:{position}: {message}"));
    }

    /// A fault of a file, or of all of them.
    pub(super) fn general(&mut self, message: impl fmt::Display) {
        self.0.push(message.to_string());
    }

    /// Whether nothing is wrong.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0[..] {
            [one] => f.write_str(one),
            all => {
                write!(f, "the configuration has {} faults", all.len())?;
                all.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
            }
        }
    }
}

impl std::error::Error for Faults {}
