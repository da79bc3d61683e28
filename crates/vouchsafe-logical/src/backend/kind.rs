//! Kinds of backends: the entries of the catalog.

use std::sync::Arc;

use super::{Backend, Settings};

/// Auth method or secrets engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MountClass {
    /// Mounted below `auth/`.
    Auth,
    /// Mounted anywhere else.
    Secret,
}

/// Another kind of the catalog with an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandsFor {
    /// The kind.
    pub kind: &'static str,
    /// The option's name.
    pub option: &'static str,
    /// The option's value.
    pub value: &'static str,
}

/// One entry of the catalog.
pub struct BackendKind {
    /// The name in `auth enable NAME` or `secrets enable NAME`.
    pub name: &'static str,
    /// Where it may be mounted.
    pub class: MountClass,
    /// What it is for, in a sentence.
    pub summary: &'static str,
    /// Whether failed logins lock the principal out (Vault: userpass, approle, ldap).
    pub locks_out: bool,
    /// What a mount of this name is stored as, where the name only stands for another kind with
    /// an option: `kv-v2` is `kv` with `version=2`.
    pub stands_for: Option<StandsFor>,
    /// Opens a mount.
    pub open: fn(Settings) -> Arc<dyn Backend>,
}

/// Everything that can be mounted. The composition root makes it; the core is told nothing else.
pub type Catalog = &'static [&'static BackendKind];
