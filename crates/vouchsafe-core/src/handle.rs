//! The way of every request: authenticate, decide, audit, act, audit.
//!
//! Read `Core::pipeline` first. A refusal is a value until it is recorded: in the pipeline there is no
//! `?`, so that no early return can skip the record. Where an audit call fails, its error takes the
//! place of the result: what can't be recorded does not happen. A login that comes along
//! (`inline.rs`) has a record of its own before.

use std::sync::Arc;

use vouchsafe_logical::{
    Access, BoxFuture, Error, ErrorKind, Operation, Reply, Request, Response, Timestamp,
};
use vouchsafe_policy::{Ask, Denial, DenialReason, Permit, permit_public};

use crate::audit::Record;
use crate::authenticate::{self, Caller};
use crate::caught::caught;
use crate::core::Core;
use crate::door::{self, Door};
use crate::help;
use crate::iam;
use crate::inline::{self, InlineLogin};
use crate::login;
use crate::metric;
use crate::mount::{self, Target};
use crate::quota::Counted;
use crate::runtime::Runtime;
use crate::wrapping;

/// What becomes of a request: the HTTP edge makes the answer of it.
#[derive(Debug)]
pub struct Outcome {
    /// The answer, or why there is none.
    pub result: Result<Reply, Error>,
    /// The kind of the mount that answered, for the envelope.
    pub mount_type: String,
    /// What became of it under the rate limit quota that it counts against, if there is one.
    pub counted: Option<Counted>,
    /// The display name of who was refused; empty where nobody was, or nobody proved to be somebody.
    pub caller: String,
    /// Whether the result is that of the login which the request brought along: it was refused, and
    /// the request itself was not looked at.
    pub login_failed: bool,
}

impl Outcome {
    /// Of a request that was answered, or turned away, without a caller.
    #[must_use]
    pub fn without_caller(result: Result<Reply, Error>, mount_type: &str) -> Self {
        Self {
            result,
            mount_type: mount_type.to_owned(),
            counted: None,
            caller: String::new(),
            login_failed: false,
        }
    }
}

impl Core {
    /// Serves one request. Boxed here, so that the edge need not know what it waits for.
    pub fn handle<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Outcome> {
        Box::pin(self.pipeline(request))
    }

    /// What answers before the pipeline.
    async fn open(&self, door: &Door, request: &Request) -> Result<Reply, Error> {
        if let Some(help) = door::help(door, request) {
            return Ok(help);
        }
        if let Some(result) = self.keep(request).await {
            return result;
        }
        self.status(request).await
    }

    async fn pipeline(&self, request: &Request) -> Outcome {
        if let Some(door) = door::of(request) {
            let result = self.open(door, request).await;
            return self.at_the_door(request.operation, result);
        }
        let Some(runtime) = self.runtime() else {
            let result = Err(Error::sealed());
            metric::count(&self.ports.metrics, None, request.operation, &result);
            return Outcome::without_caller(result, "");
        };
        let now = runtime.ports.clock.now();
        let target = mount::route(&runtime.mounts, request);
        let login = InlineLogin::of(&runtime, request);
        let (counted, limited) = self.count_all(&runtime, &target, request, login.as_ref(), now);
        if let (Some(error), Some(counted)) = (&limited, counted)
            && !counted.audits_refusals
        {
            return self.turn_away(&target, request, error.clone(), counted);
        }
        let is_limited = limited.is_some();
        let caller = match limited {
            Some(error) => Err(error),
            None => identify(&runtime, &target, login.as_ref(), request, now).await,
        };
        let login_failed = login.is_some() && !is_limited && caller.is_err();
        let operation = caught(operation(&target, &caller, request))
            .await
            .and_then(|operation| operation);
        let verdict = decide(&target, &caller, &operation, request);
        let record = Record::of(request, &target, &caller, &operation, &verdict, now);
        let mount_type = record.mount_type();
        let result = match runtime.audit.record_request(&record).await {
            Err(error) => Err(error),
            Ok(()) => {
                let result = caught(act(&runtime, &target, &caller, verdict, request, now))
                    .await
                    .and_then(|result| result);
                let result = wrapping::wrap(&runtime, request, result, now).await;
                match runtime.audit.record_response(&record, &result).await {
                    Ok(()) => result,
                    Err(error) => Err(error),
                }
            }
        };
        retire(&runtime, &caller).await;
        let mount = mount::summary_of(&target);
        metric::count(&runtime.ports.metrics, mount, record.operation(), &result);
        report(request, &result);
        let caller = match (&result, &caller) {
            (Err(_), Ok(caller)) => caller.summary().display_name.clone(),
            (Ok(_), _) | (_, Err(_)) => String::new(),
        };
        Outcome {
            result,
            mount_type,
            counted,
            caller,
            login_failed,
        }
    }

    /// Counts a request, and the login that it brings along as if that had come by itself. What is
    /// told is that of the request, unless there was no room for the login.
    fn count_all(
        &self,
        runtime: &Runtime,
        target: &Result<Target<'_>, Error>,
        request: &Request,
        login: Option<&InlineLogin<'_>>,
        now: Timestamp,
    ) -> (Option<Counted>, Option<Error>) {
        let counted = self.count(runtime, target, request, now);
        match login {
            Some(login) if counted.1.is_none() && login.target().is_ok() => {
                match self.count(runtime, login.target(), login.request(), now) {
                    limited @ (_, Some(_)) => limited,
                    (_, None) => counted,
                }
            }
            Some(_) | None => counted,
        }
    }

    /// Counts a request against the quota that fits it, before anybody looks at its credential: what
    /// became of it, and the refusal if there was no room.
    fn count(
        &self,
        runtime: &Runtime,
        target: &Result<Target<'_>, Error>,
        request: &Request,
        now: Timestamp,
    ) -> (Option<Counted>, Option<Error>) {
        let access = target.as_ref().map(|target| target.info().access);
        let is_login = matches!(access, Ok(Access::Login(_)));
        let metrics = &self.ports.metrics;
        let counted = runtime.quotas.count(request, is_login, now, metrics);
        let refusal = counted.and_then(|counted| counted.refusal(request));
        (counted, refusal)
    }

    /// A refusal that no audit entry tells of, since an outsider could fill the log with it: it has
    /// neither been looked at nor had an effect, and is counted.
    fn turn_away(
        &self,
        target: &Result<Target<'_>, Error>,
        request: &Request,
        error: Error,
        counted: Counted,
    ) -> Outcome {
        let result = Err(error);
        let mount = mount::summary_of(target);
        metric::count(&self.ports.metrics, mount, request.operation, &result);
        Outcome {
            counted: Some(counted),
            ..Outcome::without_caller(result, "")
        }
    }

    /// The outcome of a request that needs no pipeline.
    pub(crate) fn at_the_door(
        &self,
        operation: Operation,
        result: Result<Reply, Error>,
    ) -> Outcome {
        metric::count_door(&self.ports.metrics, operation, &result);
        Outcome::without_caller(result, "system")
    }
}

/// Who calls. On routes for everybody nobody has to say so; a login that is brought along must be
/// good there, too.
async fn identify(
    runtime: &Runtime,
    target: &Result<Target<'_>, Error>,
    login: Option<&InlineLogin<'_>>,
    request: &Request,
    now: Timestamp,
) -> Result<Caller, Error> {
    if let Some(login) = login {
        return inline::log_in(runtime, login, now).await;
    }
    match target {
        Ok(target) if matches!(target.info().access, Access::Optional) => {
            authenticate::recognize(runtime, request, now).await
        }
        Ok(target) if !needs_token(target.info().access, request) => Ok(authenticate::anonymous()),
        Ok(target) => match admitted(target, request, now).await {
            Some(caller) => caller,
            None => authenticate::authenticate(runtime, request, now).await,
        },
        Err(_) => authenticate::authenticate(runtime, request, now).await,
    }
}

/// The caller whom the called mount itself recognises.
async fn admitted(
    target: &Target<'_>,
    request: &Request,
    now: Timestamp,
) -> Option<Result<Caller, Error>> {
    let admission = target.admission(request)?;
    match caught(admission).await.and_then(|outcome| outcome) {
        Ok(None) => None,
        Ok(Some(guest)) => {
            let mount = &target.mount().summary().path;
            Some(authenticate::admitted(guest, mount, now))
        }
        Err(error) => Some(Err(error)),
    }
}

/// Whether a request needs a token that may make it. A proof that is the request's own credential
/// suffices; one in the data is presented by somebody, who must be allowed to.
fn needs_token(access: Access, request: &Request) -> bool {
    match access {
        Access::Proof => wrapping::routes::presented(request),
        Access::Token | Access::Sudo | Access::Public | Access::Optional | Access::Login(_) => {
            access.needs_token()
        }
    }
}

/// Create told from update, for callers who may be told.
async fn operation(
    target: &Result<Target<'_>, Error>,
    caller: &Result<Caller, Error>,
    request: &Request,
) -> Result<Operation, Error> {
    match (target, caller) {
        (Ok(target), Ok(caller)) => target.operation(request, caller).await,
        (Err(_), _) | (_, Err(_)) => Ok(request.operation),
    }
}

/// Whether the request may happen. What failed before is a refusal here.
pub(crate) fn decide<'a>(
    target: &Result<Target<'_>, Error>,
    caller: &'a Result<Caller, Error>,
    operation: &Result<Operation, Error>,
    request: &'a Request,
) -> Result<Permit<'a>, Refusal> {
    let caller = caller
        .as_ref()
        .map_err(|error| Refusal::Failed(error.clone()))?;
    let operation = *operation
        .as_ref()
        .map_err(|error| Refusal::Failed(error.clone()))?;
    let path = request.path.as_str();
    let access = target
        .as_ref()
        .map_or(Access::Token, |target| target.info().access);
    if !needs_token(access, request)
        && let Some(permit) = permit_public(access, path, operation)
    {
        return Ok(permit);
    }
    let permit = caller
        .acl()
        .decide(Ask {
            path,
            operation,
            parameters: Some(&request.data),
            wrap_ttl: request.wrap_ttl,
            needs_sudo: matches!(access, Access::Sudo),
        })
        .map_err(Refusal::Denied)?;
    let denial = target.as_ref().ok().and_then(|target| {
        let mut canonical = target.canonical_paths(operation);
        canonical.find_map(|path| explicit_denial(caller, &path, operation))
    });
    if let Some(denial) = denial {
        return Err(Refusal::Denied(denial));
    }
    Ok(permit)
}

/// The `deny` that a path would have met in the spelling under which its backend takes it. Grants
/// are those of the path as it was sent, as in Vault; only a deny must not be escaped by writing
/// `ADMIN` for `admin`.
fn explicit_denial(caller: &Caller, canonical: &str, operation: Operation) -> Option<Denial> {
    let asked = caller.acl().decide(Ask {
        path: canonical,
        operation,
        parameters: None,
        wrap_ttl: None,
        needs_sudo: false,
    });
    asked
        .err()
        .filter(|denial| *denial.reason() == DenialReason::Deny)
}

/// Why a request does not reach its backend.
#[derive(Clone, Debug)]
pub(crate) enum Refusal {
    /// The credential, or the look at it, failed.
    Failed(Error),
    /// Policies do not allow it.
    Denied(Denial),
}

impl Refusal {
    /// The answer to the client.
    pub(crate) fn error(&self) -> Error {
        match self {
            Self::Failed(error) => error.clone(),
            Self::Denied(denial) => Error::denied("policy_denied")
                .with_detail(denial.to_string())
                .wrapped(),
        }
    }
}

/// Does what was permitted.
async fn act(
    runtime: &Arc<Runtime>,
    target: &Result<Target<'_>, Error>,
    caller: &Result<Caller, Error>,
    verdict: Result<Permit<'_>, Refusal>,
    request: &Request,
    now: Timestamp,
) -> Result<Reply, Error> {
    let permit = verdict.map_err(|refusal| refusal.error())?;
    if let Ok(caller) = caller {
        iam::make_entity(runtime, caller).await?;
    }
    if request.operation == Operation::Help
        && let Some(help) = help::of_mount(&runtime.mounts, request)
    {
        return Ok(help);
    }
    let target = target.as_ref().map_err(Clone::clone)?;
    let caller = caller.as_ref().map_err(Clone::clone)?;
    if request.operation == Operation::Help {
        return Ok(help::of_target(target));
    }
    if request.operation == Operation::Update && request.path.as_str().ends_with('/') {
        return Err(Error::invalid("cannot write to a path ending in '/'"));
    }
    if request.wrap_ttl.is_some()
        && matches!(target.info().access, Access::Public | Access::Optional)
    {
        return Err(not_wrappable());
    }
    let mut reply = dispatch(runtime, target, permit, request, caller, now).await?;
    let unused = target.unused_parameters(request);
    if reply.says_nothing() {
        // An answer without a body stays one, unless something that was sent had no effect at all.
        reply.warnings.extend(unused.ignored);
    } else {
        reply
            .warnings
            .extend(unused.ignored.into_iter().chain(unused.replaced));
    }
    Ok(reply)
}

/// Wrapping writes, and what nobody in particular asks for must not.
pub(crate) fn not_wrappable() -> Error {
    Error::invalid_because(
        "public_not_wrappable",
        "the answer is for everybody, so it can't be wrapped; leave X-Vault-Wrap-TTL out",
    )
}

/// Calls the backend; a login has a way of its own.
async fn dispatch(
    runtime: &Arc<Runtime>,
    target: &Target<'_>,
    permit: Permit<'_>,
    request: &Request,
    caller: &Caller,
    now: Timestamp,
) -> Result<Reply, Error> {
    if let Access::Login(_) = target.info().access {
        return login::standard(runtime, target, permit, request, caller, now).await;
    }
    let reply = target.dispatch(permit, request, caller).await?;
    match reply.response {
        Response::Login(_) => Err(Error::internal(
            "a route that is no login answered with a proof of identity",
        )),
        _ => Ok(reply),
    }
}

/// A token whose last use this was goes, with everything that it made.
async fn retire(runtime: &Runtime, caller: &Result<Caller, Error>) {
    let Ok(caller) = caller else { return };
    if caller.had_last_use()
        && let Some(token) = caller.token()
        && let Err(error) = runtime.tokens.revoke(&token.hash).await
    {
        tracing::warn!(
            reason = error.reason(),
            "a used-up token could not be revoked"
        );
    }
}

/// Failures that an operator should see; a client's mistakes are in the audit log only.
fn report(request: &Request, result: &Result<Reply, Error>) {
    let Err(error) = result else { return };
    if matches!(error.kind(), ErrorKind::Internal | ErrorKind::Unavailable) {
        tracing::error!(
            request_id = %request.id,
            path = %request.path.as_str(),
            reason = error.reason(),
            detail = error.detail().map(vouchsafe_logical::error::Detail::for_operator),
            "request failed"
        );
    } else {
        tracing::debug!(
            request_id = %request.id,
            path = %request.path.as_str(),
            reason = error.reason(),
            detail = error.detail().map(vouchsafe_logical::error::Detail::for_operator),
            "request refused"
        );
    }
}
