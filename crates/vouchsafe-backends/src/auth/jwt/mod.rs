//! `jwt` and `oidc`: a workload proves itself with a JWT that its own platform issued, and a person
//! by logging in at an OpenID provider ([`oidc`]).
//!
//! Both types are this one method. A mount trusts the issuer of its `config`, and besides any number
//! of issuers of their own settings (`issuer/<name>`), to which a token is routed by its exact `iss`.
//! What a token must be to log in is one list of checks ([`check`]), which the login and `explain`
//! go through alike.
//!
//! Storage, relative to the mount's view:
//!
//! ```text
//! config                 the mount's own issuer, and what holds for the whole mount
//! issuer/<name>          a further issuer
//! issuer-of/<iss>        the name of the issuer with this `iss`; the key is folded and escaped
//! role/<name>            a role
//! ```
//!
//! Logins of people that are under way lie in memory only. A JWT is never stored. Of its claims, the token of the login keeps what the role says.

mod bound_claims;
mod check;
mod claim;
mod config;
mod explain;
mod identity;
mod issuer;
mod key_config;
mod key_ring;
mod login;
mod oidc;
mod role;
mod trusted;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde_json::Value;
use vouchsafe_logical::backend::Renewal;
use vouchsafe_logical::{
    BackendKind, BoxFuture, Duties, Error, MountClass, Mounted, Route, Settings, System,
    VersionedCache, View,
};

/// The catalog entry.
pub const METHOD: BackendKind = BackendKind {
    name: "jwt",
    class: MountClass::Auth,
    summary: "Log in with a JWT of another issuer.",
    locks_out: false,
    stands_for: None,
    open: |settings| Mounted::open(Jwt::open(settings), ROUTES),
};

/// The catalog entry under the other name that Vault has for the method.
pub const OIDC_METHOD: BackendKind = BackendKind {
    name: "oidc",
    summary: "The `jwt` method under its other name.",
    ..METHOD
};

const ROUTES: &[&Route<Jwt>] = &[
    &config::ROUTE,
    &issuer::LIST,
    &issuer::ROUTE,
    &role::LIST,
    &role::ROUTE,
    &login::ROUTE,
    &explain::ROUTE,
    &oidc::AUTH_URL,
    &oidc::CALLBACK,
];

/// How many roles and issuers are kept parsed.
const CACHED_MAX: usize = 1_024;

/// One mount of the method.
pub struct Jwt {
    view: View,
    system: Arc<dyn System>,
    configs: VersionedCache<config::Config>,
    issuers: VersionedCache<issuer::Issuer>,
    issuer_names: VersionedCache<String>,
    roles: VersionedCache<role::Role>,
    ring: key_ring::KeyRing,
    pending: oidc::PendingLogins,
}

impl Jwt {
    fn open(settings: Settings) -> Self {
        Self {
            view: settings.view,
            system: settings.system,
            configs: VersionedCache::new(1),
            issuers: VersionedCache::new(CACHED_MAX),
            issuer_names: VersionedCache::new(CACHED_MAX),
            roles: VersionedCache::new(CACHED_MAX),
            ring: key_ring::KeyRing::default(),
            pending: oidc::PendingLogins::default(),
        }
    }
}

impl Duties for Jwt {
    fn errand(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            self.ring
                .refresh(self.system.fetcher(), self.system.clock())
                .await;
            Ok(())
        })
    }

    fn renew<'a>(&'a self, internal: &'a Value) -> Renewal<'a> {
        Box::pin(login::renew(self, internal))
    }
}
