//! `approle`: a machine proves to hold the secret id of a role.
//!
//! A role has a role id, which is its user name, and any number of secret ids, which are its
//! passwords: random, with a life, a number of uses and address ranges of their own. What is kept
//! of a secret id is a keyed hash (see [`hash`]).
//!
//! Storage, relative to the mount's view:
//!
//! ```text
//! hash-key                                the key of the hashes
//! role/<name>                             a role; it has a random `instance`
//! role-id/<hash>                          the name of the role with this role id
//! secret-id/<instance>/<hash>             a secret id
//! accessor/<instance>/<hash>              the secret id with this accessor
//! expiry/<time>/<instance>/<hash>         what becomes due when, in order of time
//! removed/<instance>                      a role that was deleted and may have left secret ids
//! ```
//!
//! Secret ids belong to an *instance* of a role. Deleting a role is one small commit that makes
//! all of them unreachable, however many there are; a role of the same name that is made later is
//! another instance and does not find them. [`sweep`] removes what is left.

mod hash;
mod login;
mod part;
mod role;
mod secret_id;
mod sweep;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use serde_json::Value;
use vouchsafe_logical::backend::Renewal;
use vouchsafe_logical::{
    BackendKind, BoxFuture, Duties, Error, MountClass, Mounted, Route, Settings, System, View,
};

/// The catalog entry.
pub const METHOD: BackendKind = BackendKind {
    name: "approle",
    class: MountClass::Auth,
    summary: "Log in with the role id and a secret id of a role.",
    locks_out: true,
    stands_for: None,
    open: |settings| Mounted::open(AppRole::open(settings), ROUTES),
};

const ROUTES: &[&Route<AppRole>] = &[
    &login::ROUTE,
    &role::LIST,
    &role::ROUTE,
    &role::ROLE_ID,
    &role::LOCAL_SECRET_IDS,
    &part::POLICIES.route,
    &part::BIND_SECRET_ID.route,
    &part::SECRET_ID_NUM_USES.route,
    &part::SECRET_ID_TTL.route,
    &part::SECRET_ID_BOUND_CIDRS.route,
    &part::BOUND_CIDR_LIST.route,
    &part::TOKEN_BOUND_CIDRS.route,
    &part::TOKEN_NUM_USES.route,
    &part::TOKEN_TTL.route,
    &part::TOKEN_MAX_TTL.route,
    &part::PERIOD.route,
    &secret_id::ROUTE,
    &secret_id::CUSTOM,
    &secret_id::LOOKUP,
    &secret_id::DESTROY,
    &secret_id::ACCESSOR_LOOKUP,
    &secret_id::ACCESSOR_DESTROY,
    &sweep::TIDY,
];

/// One mount of the method.
pub struct AppRole {
    view: View,
    system: Arc<dyn System>,
    hasher: ArcSwapOption<hash::Hasher>,
}

impl AppRole {
    fn open(settings: Settings) -> Self {
        Self {
            view: settings.view,
            system: settings.system,
            hasher: ArcSwapOption::empty(),
        }
    }
}

impl Duties for AppRole {
    fn invalidate(&self, key: &str) {
        if key.is_empty() || key == hash::KEY {
            self.hasher.store(None);
        }
    }

    fn tick(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.sweep(sweep::BATCHES_MAX))
    }

    fn renew<'a>(&'a self, internal: &'a Value) -> Renewal<'a> {
        Box::pin(login::renew(self, internal))
    }
}
