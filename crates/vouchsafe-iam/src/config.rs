//! The configuration that a file stands for.

use std::collections::BTreeMap;
use std::sync::Arc;

use vouchsafe_logical::PolicyNames;

use crate::capability::Capabilities;
use crate::provider::{Lookup, Provider, Providers};

/// The role and the user that are always there and may do everything. A file can't define them.
pub const ADMIN: &str = "Admin";

/// A user: has an API key, which is kept elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name of its one role.
    pub role: String,
    /// Whether its key is refused.
    pub disabled: bool,
}

/// What callers may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its name in the file.
    pub name: String,
    /// What it may do on the REST API.
    pub capabilities: Capabilities,
    /// What it may do on every other path: names of ACL policies. Never `root`.
    pub acl_policies: PolicyNames,
    /// Whether an entity is made for a caller who has none.
    pub create_entity: bool,
    /// The data policies, `*` for all. Checked and kept.
    pub policies: Vec<String>,
    /// Roles that may act for this one. Checked and kept.
    pub trusted_roles: Vec<String>,
}

/// A policy about data. There is no data API, so that it is checked and kept and decides nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataPolicy {
    /// Whether it denies.
    pub denies: bool,
    /// What is done.
    pub operations: Vec<String>,
    /// What for.
    pub reasons: Vec<String>,
    /// To what.
    pub resources: Vec<String>,
}

/// An IAM file, checked as a whole.
#[derive(Debug)]
pub struct IamConfig {
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) roles: BTreeMap<String, Arc<Role>>,
    pub(crate) policies: BTreeMap<String, DataPolicy>,
    pub(crate) providers: Providers,
}

impl IamConfig {
    /// A user.
    #[must_use]
    pub fn user(&self, name: &str) -> Option<&User> {
        self.users.get(name)
    }

    /// All users, in the order of their names.
    pub fn users(&self) -> impl Iterator<Item = (&str, &User)> {
        self.users.iter().map(|(name, user)| (name.as_str(), user))
    }

    /// A role.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<&Arc<Role>> {
        self.roles.get(name)
    }

    /// A data policy.
    #[must_use]
    pub fn policy(&self, name: &str) -> Option<&DataPolicy> {
        self.policies.get(name)
    }

    /// All identity providers, in the order of their names.
    pub fn providers(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.providers.iter()
    }

    /// The provider of a token, by what it says of itself. Both are compared byte for byte.
    #[must_use]
    pub fn provider(&self, issuer: Option<&str>, audience: &[String]) -> Lookup<'_> {
        self.providers.find(issuer, audience)
    }
}
