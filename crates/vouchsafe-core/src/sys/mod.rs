//! The core's own backends: `sys/` and `auth/token/`.

use std::sync::{Arc, Weak};

use vouchsafe_logical::{Duties, Error, Mounted, Route};

use crate::core::Core;
use crate::mount::Mounts;
use crate::runtime::Runtime;

mod policy;

/// The `sys/` endpoints.
pub(crate) struct Sys {
    core: Weak<Core>,
}

impl Sys {
    /// The running core. It is sealed only while it is going away.
    pub(crate) fn runtime(&self) -> Result<Arc<Runtime>, Error> {
        self.core.upgrade().and_then(|core| core.runtime()).ok_or_else(Error::sealed)
    }
}

impl Duties for Sys {}

const SYS_ROUTES: &[&Route<Sys>] = &[
    &policy::POLICY,
    &policy::POLICIES,
    &policy::LEGACY_POLICY,
    &policy::LEGACY_POLICIES,
];

/// Gives the mount table the core's own backends.
pub(crate) fn provide(mounts: &Mounts, core: &Weak<Core>) {
    mounts.provide("system", Mounted::new(Sys { core: Weak::clone(core) }, SYS_ROUTES));
    mounts.provide("token", Mounted::new(Sys { core: Weak::clone(core) }, &[]));
}
