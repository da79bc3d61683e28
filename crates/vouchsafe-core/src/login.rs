//! Logins: a proof of identity, guarded against guessing, and what is made of it.
//!
//! A standard login makes a token. One in line with another request (`inline.rs`) proves the same
//! behind the same [`Guard`], and makes none.

use std::mem;

use vouchsafe_logical::{Error, Reply, Request, Response, Timestamp};
use vouchsafe_policy::Permit;

use crate::attach;
use crate::authenticate::Caller;
use crate::handle;
use crate::metric;
use crate::mount::{Target, UserLockoutConfig};
use crate::runtime::Runtime;

/// A login that makes a token.
///
/// # Errors
/// The proof's; the principal is locked out; what the method proposes is more than a login may have;
/// the store's.
pub(crate) async fn standard(
    runtime: &Runtime,
    target: &Target<'_>,
    permit: Permit<'_>,
    request: &Request,
    caller: &Caller,
    now: Timestamp,
) -> Result<Reply, Error> {
    let guard = Guard::of(runtime, target, request, now);
    let mut reply = guard.dispatch(target, permit, request, caller).await?;
    // A login of several steps answers with a proof at its last one only.
    if let Response::Login(proposal) = &mut reply.response {
        let proposal = mem::take(&mut **proposal);
        let made = attach::login(runtime, target.mount(), proposal, request, now).await?;
        reply.warnings.extend(made.warnings);
        reply.response = Response::Auth(Box::new(made.auth));
        guard.succeeded(target);
    } else if request.wrap_ttl.is_some() {
        // So far nobody has proved anything.
        return Err(handle::not_wrappable());
    }
    Ok(reply)
}

/// Stands between guesses and the method that judges them.
pub(crate) struct Guard<'a> {
    runtime: &'a Runtime,
    accessor: &'a str,
    lockout: UserLockoutConfig,
    /// Whom the login says it is, where failures are counted for each.
    principal: Option<String>,
    now: Timestamp,
}

impl<'a> Guard<'a> {
    pub(crate) fn of(
        runtime: &'a Runtime,
        target: &'a Target<'_>,
        request: &Request,
        now: Timestamp,
    ) -> Self {
        let mount = target.mount();
        let lockout = &mount.entry().config.user_lockout;
        Self {
            runtime,
            accessor: &mount.summary().accessor,
            lockout: lockout.clone().unwrap_or_default(),
            principal: if mount.locks_out() {
                target.principal(request)
            } else {
                None
            },
            now,
        }
    }

    /// Calls the method: refused while the principal is locked out, counted when the proof fails.
    ///
    /// # Errors
    /// The method's; the principal is locked out.
    pub(crate) async fn dispatch(
        &self,
        target: &Target<'_>,
        permit: Permit<'_>,
        request: &Request,
        caller: &Caller,
    ) -> Result<Reply, Error> {
        let locked_out = || Error::denied("principal_locked_out");
        if self.is_locked() {
            return Err(locked_out());
        }
        // Guesses that are sent all at once all come to here. Those that are judged after the lock
        // fell learn nothing, right or wrong.
        match target.dispatch(permit, request, caller).await {
            Ok(_) if self.is_locked() => Err(locked_out()),
            Ok(reply) => Ok(reply),
            Err(error) if self.count_failure(&error) => Err(error),
            Err(_) => Err(locked_out()),
        }
    }

    fn is_locked(&self) -> bool {
        self.principal.as_ref().is_some_and(|principal| {
            let lockouts = &self.runtime.lockouts;
            lockouts.is_locked(&self.lockout, self.accessor, principal, self.now)
        })
    }

    /// Counts a failed proof. False when the principal was locked out already.
    fn count_failure(&self, error: &Error) -> bool {
        match &self.principal {
            Some(principal) if error.is_failed_principal() => {
                let lockouts = &self.runtime.lockouts;
                lockouts.record_failure(&self.lockout, self.accessor, principal, self.now)
            }
            Some(_) | None => true,
        }
    }

    /// The proof was good, and what was made of it is there.
    pub(crate) fn succeeded(&self, target: &Target<'_>) {
        let summary = target.mount().summary();
        let labels = [summary.path.as_str(), summary.kind.as_str()];
        self.runtime
            .ports
            .metrics
            .increment(&metric::LOGINS, labels);
        if let Some(principal) = &self.principal {
            self.runtime.lockouts.clear(self.accessor, principal);
        }
    }
}
