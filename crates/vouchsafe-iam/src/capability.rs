//! What a role may do on the REST API, by the names that the IAM file uses.
//!
//! Only the capabilities of calls that exist here have a meaning here. The others are taken by their
//! form, so that a file that was written for the whole API can be applied, and grant nothing.

use std::collections::BTreeSet;

/// Reads of `ctl/iam`.
const IAM_READER: &str = "CapIAMReader";
/// Writes to `ctl/iam`.
const IAM_WRITER: &str = "CapIAMWriter";
/// Everything; no role of a file can have it, only the built-in `Admin`.
const SYSTEM: &str = "CapSystem";
/// Every capability that a role can have.
const ALL: &str = "*";

/// The capabilities of a role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    names: BTreeSet<String>,
}

impl Capabilities {
    /// May read the IAM configuration and users.
    #[must_use]
    pub fn reads_iam(&self) -> bool {
        self.has(IAM_READER)
    }

    /// May apply an IAM configuration and make API keys.
    #[must_use]
    pub fn writes_iam(&self) -> bool {
        self.has(IAM_WRITER)
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    fn has(&self, name: &str) -> bool {
        self.names.contains(ALL) || self.names.contains(name)
    }

    pub(crate) fn insert(&mut self, name: String) {
        self.names.insert(name);
    }
}

/// Why a name is no capability that a role can have.
pub(crate) fn fault(name: &str) -> Option<String> {
    if name == SYSTEM {
        return Some(format!("`{SYSTEM}` belongs to the built-in `Admin` alone"));
    }
    let is_name = name.strip_prefix("Cap").is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    (name != ALL && !is_name)
        .then(|| format!("{name:?} is no capability; expected `*` or a name like `{IAM_READER}`"))
}
