//! What a request wants to do: Vault's operations.

use std::fmt;

/// The operation of a request, as the HTTP edge derives it from method and query.
///
/// The edge never says [`Operation::Create`]: a write arrives as [`Operation::Update`], and the
/// pipeline makes it a `Create` when the route's existence check says that the object is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// Write of an object that does not exist, on routes with an existence check.
    Create,
    /// `DELETE`.
    Delete,
    /// `?help=1`; allowed to everyone who may send requests at all.
    Help,
    /// The custom verb `LIST`, or `GET` with `list=true`.
    List,
    /// `PATCH` with a JSON merge patch.
    Patch,
    /// `GET`.
    Read,
    /// `POST` or `PUT`.
    Update,
}

impl Operation {
    /// The word that audit entries and messages use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Delete => "delete",
            Self::Help => "help",
            Self::List => "list",
            Self::Patch => "patch",
            Self::Read => "read",
            Self::Update => "update",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
