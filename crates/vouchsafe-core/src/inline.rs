//! In-line login: a request that brings its own login, acts, and leaves no token behind.
//!
//! The login is a request of its own ([`Request::login`]). It goes the way of every login (route,
//! quota, lockout, audit entries) up to the proof; instead of a token it makes the [`Caller`] of the
//! request that brought it. Nothing is stored: an entity that a standard login would make is foreseen
//! for policies, and has no id that anybody could find.
//!
//! Only the login of an auth method can be asked for: what other routes answer is never shown.

use vouchsafe_logical::{Access, Auth, Error, ErrorKind, Reply, Request, Response, Timestamp};
use vouchsafe_policy::Permit;

use crate::attach;
use crate::audit::Record;
use crate::authenticate::{self, Caller};
use crate::caught::caught;
use crate::handle::{self, Refusal};
use crate::login::Guard;
use crate::metric;
use crate::mount::{self, Target};
use crate::runtime::Runtime;

/// The login that a request brings along, and where it goes.
pub(crate) struct InlineLogin<'r> {
    request: &'r Request,
    target: Result<Target<'r>, Error>,
}

impl<'r> InlineLogin<'r> {
    /// The login of a request, if it brings one.
    pub(crate) fn of(runtime: &Runtime, request: &'r Request) -> Option<Self> {
        let request = request.login.as_deref()?;
        let target = match mount::route(&runtime.mounts, request) {
            Ok(target) if matches!(target.info().access, Access::Login(_)) => Ok(target),
            Ok(_) | Err(_) => Err(no_login()),
        };
        Some(Self { request, target })
    }

    /// The login as a request.
    pub(crate) const fn request(&self) -> &'r Request {
        self.request
    }

    /// Where it goes; an error unless that is the login of an auth method.
    pub(crate) const fn target(&self) -> &Result<Target<'r>, Error> {
        &self.target
    }
}

/// The same for what is not there and for what is no login, so that it tells nothing of mounts.
fn no_login() -> Error {
    Error::new(
        ErrorKind::PermissionDenied,
        "inline_login_path",
        "permission denied: X-Vault-Inline-Auth-Path is not the login of an auth method, as auth/userpass/login/bob is",
    )
}

/// Who has logged in. Both ends of the login are audited before anything follows from it.
///
/// # Errors
/// The login's; no audit device takes its entries.
pub(crate) async fn log_in(
    runtime: &Runtime,
    login: &InlineLogin<'_>,
    now: Timestamp,
) -> Result<Caller, Error> {
    let InlineLogin { request, target } = login;
    // No entries of its own: the request's say that it was no login.
    let to = target.as_ref().map_err(Clone::clone)?;
    let nobody = Ok(authenticate::anonymous());
    let operation = Ok(request.operation);
    let verdict = handle::decide(target, &nobody, &operation, request);
    let record = Record::of(request, target, &nobody, &operation, &verdict, now);
    runtime.audit.record_request(&record).await?;
    let proved = caught(prove(runtime, to, verdict, request, now));
    let (caller, answer) = match proved.await.and_then(|proved| proved) {
        Ok(caller) => {
            let answer = Reply::auth(shown(&caller, now));
            (Ok(caller), Ok(answer))
        }
        Err(error) => (Err(error.clone()), Err(error)),
    };
    runtime.audit.record_response(&record, &answer).await?;
    let mount = Some(to.mount().summary());
    metric::count(&runtime.ports.metrics, mount, request.operation, &answer);
    caller
}

async fn prove(
    runtime: &Runtime,
    target: &Target<'_>,
    verdict: Result<Permit<'_>, Refusal>,
    request: &Request,
    now: Timestamp,
) -> Result<Caller, Error> {
    let permit = verdict.map_err(|refusal| refusal.error())?;
    let nobody = authenticate::anonymous();
    let guard = Guard::of(runtime, target, request, now);
    let reply = guard.dispatch(target, permit, request, &nobody).await?;
    let Response::Login(proposal) = reply.response else {
        return Err(Error::invalid_because(
            "inline_login_unproved",
            "X-Vault-Inline-Auth-Path answers without a proof of identity: a login of several steps can't be brought along",
        ));
    };
    let (entry, subject) =
        attach::without_token(runtime, target.mount(), &proposal, request, now).await?;
    let caller = authenticate::logged_in(runtime, entry, subject, now).await?;
    guard.succeeded(target);
    Ok(caller)
}

/// Who has logged in, as the audit entry of any other login has it.
fn shown(caller: &Caller, now: Timestamp) -> Auth {
    let policies = caller.summary().policies.clone();
    let identity_policies = caller.identity_policies().to_strings();
    let Some(entry) = caller.entry() else {
        return Auth::default();
    };
    Auth {
        policies,
        identity_policies,
        token_policies: entry.policies.to_strings(),
        metadata: entry.meta.clone(),
        lease_duration: entry.remaining_seconds(now),
        entity_id: entry.entity_id.clone().unwrap_or_default(),
        token_type: entry.token_type.as_str(),
        orphan: true,
        display_name: entry.display_name.clone(),
        ttl: entry.creation_ttl,
        ..Auth::default()
    }
}
