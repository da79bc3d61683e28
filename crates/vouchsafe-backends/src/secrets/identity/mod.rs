//! The identity engine: entities, aliases, groups, and the OIDC issuer of identity tokens.
//!
//! Mounted once, at `identity/`. Entities and groups live in the [`Directory`] of
//! `vouchsafe-identity`, which the core reads too (logins, policies); what is in this folder turns
//! requests into its operations and answers.

mod answer;
mod entity;
mod entity_alias;
mod group;
mod group_alias;
mod lookup;
mod merge;
mod oidc;
#[cfg(test)]
mod tests;

use vouchsafe_identity::subject::Directory;
use vouchsafe_identity::subject::directory::RequestedMount;
use vouchsafe_logical::{
    BackendKind, BoxFuture, Duties, Error, MountClass, Mounted, Route, Settings, System,
};

/// The catalog entry.
pub const ENGINE: BackendKind = BackendKind {
    name: "identity",
    class: MountClass::Secret,
    summary: "Entities, groups, and signed identity tokens that anyone can verify.",
    locks_out: false,
    stands_for: None,
    open: |settings| Mounted::open(Identity::open(settings), ROUTES),
};

/// Everything that the engine serves, in the order in which it is tried.
const ROUTES: &[&Route<Identity>] = &[
    &entity::ROUTE,
    &entity::LIST_BY_ID,
    &entity::BY_ID,
    &entity::LIST_BY_NAME,
    &entity::BY_NAME,
    &merge::MERGE,
    &merge::BATCH_DELETE,
    &entity_alias::ROUTE,
    &entity_alias::LIST,
    &entity_alias::BY_ID,
    &group::ROUTE,
    &group::LIST_BY_ID,
    &group::BY_ID,
    &group::LIST_BY_NAME,
    &group::BY_NAME,
    &group_alias::ROUTE,
    &group_alias::LIST,
    &group_alias::BY_ID,
    &lookup::ENTITY,
    &lookup::GROUP,
    &oidc::config::ROUTE,
    &oidc::key::LIST,
    &oidc::key::ROUTE,
    &oidc::rotate::ROUTE,
    &oidc::role::LIST,
    &oidc::role::ROUTE,
    &oidc::token::ROUTE,
    &oidc::introspect::ROUTE,
    &oidc::well_known::DISCOVERY,
    &oidc::well_known::KEYS,
    &oidc::well_known::JWKS_JSON,
];

/// One identity mount.
pub struct Identity {
    pub(crate) directory: Directory,
    pub(crate) settings: Settings,
    oidc: oidc::Oidc,
}

impl Identity {
    fn open(settings: Settings) -> Self {
        Self {
            directory: Directory::new(settings.view.clone()),
            oidc: oidc::Oidc::open(&settings),
            settings,
        }
    }

    /// The core.
    pub(crate) fn system(&self) -> &dyn System {
        self.settings.system.as_ref()
    }

    /// The mount that a client names by its accessor; `None` where it names none.
    fn requested_mount(&self, accessor: String) -> Option<RequestedMount> {
        let found = self.system().mount_by_accessor(&accessor);
        (!accessor.is_empty()).then_some(RequestedMount { accessor, found })
    }
}

impl Duties for Identity {
    /// Entities and groups are proved current by their versions on each use; only the issuer
    /// holds what a write makes stale.
    fn invalidate(&self, key: &str) {
        self.oidc.invalidate(key);
    }

    fn refresh(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.oidc.offer())
    }

    fn tick(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.oidc.tick())
    }
}
