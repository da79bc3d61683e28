//! The mount table, and the way from a path to a backend.
//!
//! Invariants:
//! - No mount's path is a prefix of another's, so that a path belongs to at most one mount.
//! - [`Target::dispatch`] is the only way to a [`Backend`]'s handlers. It takes the [`Caller`] whom
//!   `authenticate` made out, and uses up the [`Permit`] that `policy` gave for this very path and
//!   operation.

mod change;
mod entry;
mod moved;
mod table;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use vouchsafe_logical::backend::{Captures, RouteInfo};
use vouchsafe_logical::{
    Admission, Backend, Call, CallerSummary, Error, ErrorKind, MountSummary, Operation, Reply,
    Request,
};
use vouchsafe_policy::Permit;

use crate::authenticate::Caller;
use crate::core::Core;

pub use change::{NewMount, Tuning};
pub use entry::{
    LeaseTtl, MountConfig, MountEntry, SYSTEM_LEASE_TTL, StoredClass, UserLockoutConfig,
};
pub use moved::Moved;
pub(crate) use table::TABLE_KEY;
pub use table::{Mount, MountTable, Mounts};

impl Core {
    /// All open mounts in order of path; none while sealed. Documents and the authorization matrix
    /// are made from their routes.
    #[must_use]
    pub fn mounts(&self) -> Vec<Arc<Mount>> {
        self.runtime().map_or_else(Vec::new, |runtime| {
            runtime.mounts.table().iter().cloned().collect()
        })
    }
}

/// How Vault writes the version of what is built in.
pub(crate) fn builtin_version() -> String {
    format!("v{}+builtin.vouchsafe", env!("CARGO_PKG_VERSION"))
}

/// Former names of paths, below their mount, and what they are called now.
const FORMER_PATHS: [(&str, &str, &str); 1] = [("sys/", "policy/", "policies/acl/")];

/// What to tell a caller about parameters that had no effect, in Vault's words.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Unused {
    /// Those that no operation of the route declares: most often a name that is misspelt.
    pub ignored: Option<String>,
    /// Those that the path gives already.
    pub replaced: Option<String>,
}

/// Where a request goes: a mount and one of its routes.
pub struct Target<'r> {
    mount: Arc<Mount>,
    path: &'r str,
    index: usize,
    info: RouteInfo,
    captures: Captures<'r>,
}

impl<'r> Target<'r> {
    /// The mount.
    #[must_use]
    pub fn mount(&self) -> &Mount {
        &self.mount
    }

    /// What is known of the route.
    #[must_use]
    pub const fn info(&self) -> &RouteInfo {
        &self.info
    }

    fn call<'a>(
        &'a self,
        request: &'a Request,
        caller: &'a CallerSummary,
        operation: Operation,
    ) -> Call<'a> {
        Call {
            request,
            operation,
            path: self.path,
            captures: self.captures,
            caller,
            mount: self.mount.summary(),
        }
    }

    /// What to tell a caller about parameters that had no effect.
    #[must_use]
    pub fn unused_parameters(&self, request: &Request) -> Unused {
        let mut ignored = Vec::new();
        let mut replaced = Vec::new();
        for name in request.data.keys() {
            if self.captures.get(name).is_some() {
                replaced.push(name.as_str());
            } else if !self.backend().declares(self.index, name) {
                ignored.push(name.as_str());
            }
        }
        let mut unused = Unused::default();
        if !ignored.is_empty() {
            ignored.sort_unstable();
            unused.ignored = Some(format!(
                "Endpoint ignored these unrecognized parameters: [{}]",
                ignored.join(" ")
            ));
        }
        if !replaced.is_empty() {
            replaced.sort_unstable();
            unused.replaced = Some(format!(
                "Endpoint replaced the value of these parameters with the values captured from the endpoint's path: [{}]",
                replaced.join(" ")
            ));
        }
        unused
    }

    /// The principal of a login, named before its proof is checked.
    #[must_use]
    pub fn principal(&self, request: &Request) -> Option<String> {
        let vouchsafe_logical::Access::Login(principal) = self.info.access else {
            return None;
        };
        principal(&self.call(request, &CallerSummary::default(), request.operation))
    }

    /// Create or update, where the route tells them apart; else the operation as asked.
    ///
    /// # Errors
    /// The backend can't look.
    pub async fn operation(&self, request: &Request, caller: &Caller) -> Result<Operation, Error> {
        if request.operation != Operation::Update || !self.info.has_existence_check {
            return Ok(request.operation);
        }
        let call = self.call(request, caller.summary(), Operation::Update);
        match self.backend().exists(self.index, call) {
            Some(exists) => Ok(if exists.await? {
                Operation::Update
            } else {
                Operation::Create
            }),
            None => Ok(Operation::Update),
        }
    }

    /// The request's path in the spelling under which the backend takes it, and under its present
    /// name, as far as these differ from what was sent. One slash at the end of a LIST is how it is
    /// spelled.
    pub fn canonical_paths(&self, operation: Operation) -> impl Iterator<Item = String> {
        let folded = match operation {
            Operation::List => None,
            _ => self.captures.canonical_path(self.path),
        };
        let mount = self.mount.summary().path.as_str();
        let path = folded.as_deref().unwrap_or(self.path);
        let present = FORMER_PATHS.iter().find_map(|(at, former, present)| {
            let rest = path.strip_prefix(former).filter(|_| mount == *at)?;
            Some(format!("{mount}{present}{rest}"))
        });
        let folded = folded.map(|path| format!("{mount}{path}"));
        folded.into_iter().chain(present)
    }

    /// Whom the mount recognises in the sender of a request, if it may be one of its own.
    pub(crate) fn admission<'a>(&'a self, request: &'a Request) -> Option<Admission<'a>> {
        self.backend().admit(request)
    }

    /// Hands the request to the backend. The permit is used up, and says whether the caller has
    /// `sudo` here.
    ///
    /// # Errors
    /// The backend's.
    pub async fn dispatch(
        &self,
        permit: Permit<'_>,
        request: &Request,
        caller: &Caller,
    ) -> Result<Reply, Error> {
        if permit.path() != request.path.as_str() {
            return Err(Error::internal(
                "a permit was used for a path that it was not given for",
            ));
        }
        let caller = CallerSummary {
            has_sudo: permit.has_sudo(),
            ..caller.summary().clone()
        };
        let call = self.call(request, &caller, permit.operation());
        self.backend().call(self.index, call).await
    }

    fn backend(&self) -> &dyn Backend {
        self.mount.backend()
    }
}

/// The route of a request, or why there is none.
///
/// # Errors
/// `no handler for route` without a mount, `unsupported path` without a route.
pub(crate) fn route<'r>(mounts: &Mounts, request: &'r Request) -> Result<Target<'r>, Error> {
    let full = request.path.as_str();
    let Some(mount) = mounts.table().find(full) else {
        return Err(Error::new(
            ErrorKind::NotFound,
            "no_mount",
            format!("no handler for route {full:?}. route entry not found."),
        ));
    };
    let path = full.get(mount.summary().path.len()..).unwrap_or("");
    let Some(matched) = mount.backend().find(path) else {
        return Err(Error::new(
            ErrorKind::UnsupportedPath,
            "unsupported_path",
            "unsupported path",
        )
        .wrapped());
    };
    Ok(Target {
        path,
        index: matched.index,
        info: matched.info,
        captures: matched.captures,
        mount,
    })
}

/// A mount's summary for audit entries, where a request has one.
#[must_use]
pub fn summary_of<'t>(target: &'t Result<Target<'_>, Error>) -> Option<&'t MountSummary> {
    target.as_ref().ok().map(|target| target.mount.summary())
}
