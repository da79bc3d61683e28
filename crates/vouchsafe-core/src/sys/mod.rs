//! The core's own backends: `sys/`, one file per resource.
//!
//! What answers while the server is sealed (`sys/health` and its like) is in `status.rs` of the
//! crate: it has no token, no policy and no audit entry.

use std::sync::{Arc, Weak};

use vouchsafe_logical::{Duties, Error, Mounted, Route, View};

use crate::core::Core;
use crate::cubbyhole;
use crate::iam::routes as pvlt;
use crate::mount::Mounts;
use crate::runtime::Runtime;
use crate::token;
use crate::wrapping::routes as wrapping;

mod audit;
mod capability;
mod cluster;
mod cors;
mod counter;
mod host;
mod internal;
mod key;
mod lease;
mod lockout;
mod metric;
mod mount;
mod openapi;
mod plugin;
mod policy;
mod quota;
mod remount;
mod seal;
mod storage;
mod tool;
mod tune;
pub(crate) mod version_history;

/// The `sys/` endpoints.
pub(crate) struct Sys {
    core: Weak<Core>,
}

impl Sys {
    /// Endpoints of a core.
    pub(crate) const fn new(core: Weak<Core>) -> Self {
        Self { core }
    }

    /// The core.
    pub(crate) fn core(&self) -> Result<Arc<Core>, Error> {
        self.core.upgrade().ok_or_else(Error::sealed)
    }

    /// The running core. It is sealed only while it is going away.
    pub(crate) fn runtime(&self) -> Result<Arc<Runtime>, Error> {
        self.core
            .upgrade()
            .and_then(|core| core.runtime())
            .ok_or_else(Error::sealed)
    }
}

impl Duties for Sys {}

const ROUTES: &[&Route<Sys>] = &[
    &seal::SEAL,
    &storage::SNAPSHOT,
    &policy::POLICY,
    &policy::POLICIES,
    &policy::LEGACY_POLICY,
    &policy::LEGACY_POLICIES,
    &mount::MOUNTS,
    &tune::MOUNT_TUNE,
    &mount::MOUNT,
    &mount::AUTHS,
    &tune::AUTH_TUNE,
    &mount::AUTH,
    &remount::REMOUNT,
    &remount::REMOUNT_STATUS,
    &capability::OF_TOKEN,
    &capability::OF_ACCESSOR,
    &capability::OF_SELF,
    &internal::UI_MOUNTS,
    &internal::UI_MOUNT,
    &internal::RESULTANT_ACL,
    &openapi::DOCUMENT,
    &lockout::LOCKED,
    &lockout::UNLOCK,
    &tool::HASH,
    &tool::RANDOM,
    &key::STATUS,
    &key::ROTATE,
    &key::ROTATE_CONFIG,
    &key::ROTATE_KEYRING_CONFIG,
    &key::ROTATE_KEYRING,
    &lease::LOOKUP,
    &lease::LIST,
    &lease::RENEW,
    &lease::LEGACY_RENEW,
    &lease::REVOKE,
    &lease::LEGACY_REVOKE,
    &lease::REVOKE_PREFIX,
    &lease::LEGACY_REVOKE_PREFIX,
    &lease::REVOKE_FORCE,
    &lease::LEGACY_REVOKE_FORCE,
    &lease::IRREVOCABLE,
    &lease::COUNT,
    &lease::TIDY,
    &counter::ENTITIES,
    &counter::TOKENS,
    &metric::METRICS,
    &cors::CORS,
    &quota::CONFIG,
    &quota::RATE_LIMITS,
    &quota::RATE_LIMIT,
    &host::HOST_INFO,
    &host::LOGGERS,
    &host::LOGGER,
    &host::CONFIGURATION,
    &host::IN_FLIGHT,
    &cluster::HA_STATUS,
    &cluster::STEP_DOWN,
    &cluster::REPLICATION_STATUS,
    &version_history::HISTORY,
    &plugin::CATALOG,
    &plugin::KINDS,
    &plugin::KIND,
    &wrapping::WRAP,
    &wrapping::LOOKUP,
    &wrapping::UNWRAP,
    &wrapping::REWRAP,
    &audit::DEVICES,
    &audit::DEVICE,
    &audit::HASH,
    &audit::HEADERS,
    &audit::HEADER,
    &pvlt::VERSION,
    &pvlt::CONTROL_HEALTH,
    &pvlt::DATA_HEALTH,
    &pvlt::CONF,
    &pvlt::REGENERATE,
    &pvlt::UPDATE_EXPIRATION,
    &pvlt::USER,
    &pvlt::REST,
];

/// Gives the mount table the core's own backends.
pub(crate) fn provide(mounts: &Mounts, core: &Weak<Core>) {
    mounts.provide("system", Mounted::open(Sys::new(Weak::clone(core)), ROUTES));
    mounts.provide(
        "token",
        Mounted::open(Sys::new(Weak::clone(core)), token::ROUTES),
    );
    mounts.provide(
        "cubbyhole",
        Mounted::open(Sys::new(Weak::clone(core)), cubbyhole::ROUTES),
    );
}

/// Removes everything below a view, page by page.
///
/// # Errors
/// The store's.
pub(crate) async fn erase(view: &View) -> Result<(), Error> {
    loop {
        let page = view
            .list_page("", None, vouchsafe_logical::view::LIST_PAGE_MAX)
            .await?;
        if page.is_empty() {
            return Ok(());
        }
        let mut transaction = view.begin();
        for key in &page {
            transaction.delete(view, key);
        }
        transaction.commit().await?;
    }
}
