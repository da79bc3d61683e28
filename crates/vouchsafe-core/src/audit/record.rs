//! What is known of a request when its audit entries are made.

use vouchsafe_logical::{
    Access, CallerSummary, Error, MountSummary, Operation, PolicyNames, Request, Timestamp,
};
use vouchsafe_policy::Permit;

use crate::authenticate::Caller;
use crate::handle::Refusal;
use crate::mount::{MountEntry, Target};
use crate::token::TokenEntry;

/// The facts of a request after its decision. It borrows, so that making one costs next to nothing
/// where no device asks for it.
pub struct Record<'r> {
    /// The request as it came.
    pub(crate) request: &'r Request,
    /// When it came.
    pub(crate) at: Timestamp,
    /// The mount that it goes to, with its tuning.
    pub(crate) mount: Option<MountFacts<'r>>,
    /// The operation, create told from update.
    pub(crate) operation: Operation,
    /// Who calls, if that was asked and proved.
    pub(crate) caller: Option<CallerFacts<'r>>,
    /// The policies that grant it; `None` where it was not granted.
    pub(crate) granted_by: Option<Vec<String>>,
    /// Why it will not reach a backend, if it won't.
    pub(crate) refusal: Option<Error>,
    /// Whether its answer is a proof of identity, so that the answer says who calls.
    pub(crate) is_login: bool,
}

/// A mount, as far as entries show it.
#[derive(Clone, Copy)]
pub(crate) struct MountFacts<'r> {
    pub(crate) summary: &'r MountSummary,
    pub(crate) entry: &'r MountEntry,
}

/// A caller with a token, as far as entries show it.
#[derive(Clone, Copy)]
pub(crate) struct CallerFacts<'r> {
    pub(crate) summary: &'r CallerSummary,
    pub(crate) token: &'r TokenEntry,
    pub(crate) identity_policies: &'r PolicyNames,
    /// The entity, unless it is one that would have been made, had the request been granted.
    pub(crate) entity_id: Option<&'r str>,
    /// Whether the request makes the entity.
    pub(crate) entity_created: bool,
}

impl<'r> Record<'r> {
    pub(crate) fn of(
        request: &'r Request,
        target: &'r Result<Target<'_>, Error>,
        caller: &'r Result<Caller, Error>,
        operation: &Result<Operation, Error>,
        verdict: &Result<Permit<'_>, Refusal>,
        at: Timestamp,
    ) -> Self {
        let mount = target.as_ref().ok().map(|target| MountFacts {
            summary: target.mount().summary(),
            entry: target.mount().entry(),
        });
        let access = target.as_ref().ok().map(|target| target.info().access);
        Self {
            request,
            at,
            mount,
            operation: *operation.as_ref().unwrap_or(&request.operation),
            caller: caller
                .as_ref()
                .ok()
                .and_then(|caller| CallerFacts::of(caller, verdict.is_ok())),
            granted_by: granted_by(verdict),
            refusal: match (verdict, target) {
                (Err(refusal), _) => Some(refusal.error()),
                (Ok(_), Err(error)) => Some(error.clone()),
                (Ok(_), Ok(_)) => None,
            },
            is_login: matches!(access, Some(Access::Login(_))),
        }
    }

    /// The operation, create told from update.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        self.operation
    }

    /// The kind of the mount, for the envelope.
    #[must_use]
    pub fn mount_type(&self) -> String {
        self.mount
            .map(|mount| mount.summary.kind.clone())
            .unwrap_or_default()
    }
}

fn granted_by(verdict: &Result<Permit<'_>, Refusal>) -> Option<Vec<String>> {
    let permit = verdict.as_ref().ok()?;
    Some(permit.granting_policies().map(str::to_owned).collect())
}

impl<'r> CallerFacts<'r> {
    fn of(caller: &'r Caller, is_granted: bool) -> Option<Self> {
        let token = caller.entry()?;
        let is_foreseen = caller.foreseen().is_some();
        let entity_id = token.entity_id.as_deref();
        Some(Self {
            entity_id: entity_id.filter(|_| is_granted || !is_foreseen),
            entity_created: is_granted && is_foreseen,
            token,
            summary: caller.summary(),
            identity_policies: caller.identity_policies(),
        })
    }
}
