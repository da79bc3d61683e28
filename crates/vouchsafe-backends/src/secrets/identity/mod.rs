//! The identity engine: entities, aliases, groups, and the OIDC issuer of identity tokens.
//!
//! Mounted once, at `identity/`. Entities and groups live in the [`Directory`] of
//! `vouchsafe-identity`, which the core reads too (logins, policies); what is in this folder turns
//! requests into its operations and answers.

mod oidc;

use vouchsafe_identity::subject::Directory;
use vouchsafe_logical::{BackendKind, Duties, MountClass, Mounted, Settings};

/// The catalog entry.
pub const ENGINE: BackendKind = BackendKind {
    name: "identity",
    class: MountClass::Secret,
    summary: "Entities, groups, and signed identity tokens that anyone can verify.",
    locks_out: false,
    open: |settings| Mounted::new(Identity::open(settings), &[]),
};

/// One identity mount.
pub struct Identity {
    pub(crate) directory: Directory,
    pub(crate) settings: Settings,
}

impl Identity {
    fn open(settings: Settings) -> Self {
        Self { directory: Directory::new(settings.view.clone()), settings }
    }
}

impl Duties for Identity {}
