//! What is wrong with a configuration, and where.

use std::fmt;

use vouchsafe_policy::hcl::Position;

/// Everything that is wrong with a configuration.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults(Vec<Fault>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Fault {
    /// File and position; `None` for what no place can be named of.
    place: Option<(String, Position)>,
    message: String,
}

impl Faults {
    /// A fault at a place of a file.
    pub(super) fn at(&mut self, file: &str, position: Position, message: impl fmt::Display) {
        self.0.push(Fault {
            place: Some((file.to_owned(), position)),
            message: message.to_string(),
        });
    }

    /// A fault of a file, or of all of them.
    pub(super) fn general(&mut self, message: impl fmt::Display) {
        self.0.push(Fault {
            place: None,
            message: message.to_string(),
        });
    }

    /// Whether nothing is wrong.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same in the order of the text, what has no place first.
    pub(super) fn in_order(mut self) -> Self {
        self.0.sort_by(|a, b| a.place.cmp(&b.place));
        self
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0[..] {
            [one] => one.fmt(f),
            all => {
                write!(f, "the configuration has {} faults", all.len())?;
                all.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((file, position)) = &self.place {
            write!(f, "{file}:{position}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Faults {}
