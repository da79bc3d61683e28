//! `kubernetes`: a pod proves to be of a service account, with the token that its kubelet gave it.
//!
//! The proof is the API server's word: every login asks it (`TokenReview`), so that a token of a
//! deleted pod or account does not log in however long it says that it lives. What the token says
//! of itself only decides early whether asking is worth it, and must be what the answer says.
//!
//! Requests go out through the `Fetch` port and nowhere else. Nothing of the cluster is kept but the
//! files that the kubelet puts into this server's own pod, for [`local::REREAD_AFTER`].
//!
//! Storage, relative to the mount's view:
//!
//! ```text
//! config          the API server and how to ask it
//! role/<name>     which service accounts may log in, and what their tokens get
//! ```

mod account;
mod config;
mod local;
mod login;
mod review;
mod reviewer;
mod role;
mod selector;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use vouchsafe_logical::backend::Renewal;
use vouchsafe_logical::{BackendKind, Duties, MountClass, Mounted, Route, Settings, System, View};

/// The catalog entry.
pub const METHOD: BackendKind = BackendKind {
    name: "kubernetes",
    class: MountClass::Auth,
    summary: "Log in with the token of a Kubernetes service account.",
    locks_out: false,
    stands_for: None,
    open: |settings| Mounted::open(Kubernetes::open(settings), ROUTES),
};

const ROUTES: &[&Route<Kubernetes>] = &[&config::ROUTE, &role::LIST, &role::ROUTE, &login::ROUTE];

/// One mount of the method.
pub struct Kubernetes {
    view: View,
    system: Arc<dyn System>,
    local: local::LocalFiles,
}

impl Kubernetes {
    fn open(settings: Settings) -> Self {
        Self::with_folder(settings, Path::new(local::FOLDER))
    }

    fn with_folder(settings: Settings, folder: &Path) -> Self {
        Self {
            view: settings.view,
            system: settings.system,
            local: local::LocalFiles::new(folder),
        }
    }
}

impl Duties for Kubernetes {
    fn renew<'a>(&'a self, internal: &'a Value) -> Renewal<'a> {
        Box::pin(login::renew(self, internal))
    }
}
