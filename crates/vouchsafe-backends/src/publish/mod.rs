//! The publishing engine: discovery documents and keys of private issuers, at a public address.
//!
//! Clusters, GitLab instances and Vaults inside a private network sign tokens that nobody outside can
//! verify, because verifiers can't reach their discovery documents. A *service* here is such an issuer:
//! its two documents come in (by upload, by pulling them, or from this server's own issuer), are checked,
//! and are served in public. Private keys never come here, and nothing else of the issuer gets out.
//!
//! Mounted once, at `publish/`. What may be published is decided in `metadata.rs`, `key_set.rs` and
//! `retirement.rs`, which are pure. The bytes that are served lie in
//! [`Publications`](vouchsafe_logical::Publications), outside the sealed state; `live.rs` keeps them current.
//!
//! Records:
//! - `config`: the settings of the engine.
//! - `service/<subdomain>`: a service with what it publishes now.
//! - `source/<subdomain>`: how the source of a service has been.
//! - `site/<host and path>`: whose documents are there. Uniqueness is this key.
//! - `account/<name>`: a service account; `account-key/<part of its token>` and
//!   `account-issuer/<digest of an issuer>/<name>` find it.
//! - `history/<subdomain>/<number>`: what was published, the last [`HISTORY_MAX`](history::HISTORY_MAX).

mod account;
mod answer;
mod bearer;
mod claim_rule;
mod config;
mod fault;
mod history;
mod issuer;
mod key_set;
mod live;
mod metadata;
mod private_issuer;
mod pull;
mod record;
mod render;
mod retirement;
mod service;
mod source;
mod store;
#[cfg(test)]
mod tests;
mod upload;

use std::sync::Arc;

use vouchsafe_logical::{
    Admission, BackendKind, BoxFuture, Duties, Error, MountClass, Mounted, Request, Route,
    Settings, System, Timestamp, View,
};

use fault::{Fault, shortened};
pub use key_set::private_member;
use live::Live;
pub use private_issuer::{Documents, PrivateIssuer, ReadFault};

/// The catalog entry.
pub const ENGINE: BackendKind = BackendKind {
    name: "publish",
    class: MountClass::Secret,
    summary: "Public discovery documents and keys of issuers that verifiers can't reach.",
    locks_out: false,
    stands_for: None,
    open: |settings| Mounted::open(Publish::open(settings), ROUTES),
};

/// Everything that the engine serves, in the order in which it is tried.
const ROUTES: &[&Route<Publish>] = &[
    &config::ROUTE,
    &service::ROUTE,
    &service::BY_SUBDOMAIN,
    &upload::ROUTE,
    &history::ROUTE,
    &history::DIFF,
    &history::ROLLBACK,
    &source::ROUTE,
    &account::ROUTE,
    &account::BY_NAME,
];

/// The publishing engine.
pub struct Publish {
    view: View,
    system: Arc<dyn System>,
    live: Live,
    issuers: bearer::Issuers,
}

impl Publish {
    fn open(settings: Settings) -> Self {
        Self {
            view: settings.view,
            system: settings.system,
            live: Live::default(),
            issuers: bearer::Issuers::default(),
        }
    }

    fn now(&self) -> Timestamp {
        self.system.clock().now()
    }
}

impl Duties for Publish {
    fn invalidate(&self, key: &str) {
        self.live.invalidate(key);
    }

    fn admit<'a>(&'a self, request: &'a Request) -> Option<Admission<'a>> {
        self.admission(request)
    }

    fn refresh(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.bring_up_to_date())
    }

    /// Takes away keys whose time is over, and catches up on what a failure left undone.
    fn tick(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.bring_up_to_date())
    }

    /// Asks the sources that are due.
    fn errand(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.pull_due())
    }
}
