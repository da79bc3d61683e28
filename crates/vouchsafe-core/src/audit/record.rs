//! What is known of a request when its audit entries are made.

use vouchsafe_logical::{Error, MountSummary, Operation, Request, Timestamp};
use vouchsafe_policy::Permit;

use crate::authenticate::Caller;
use crate::handle::Refusal;
use crate::mount::{MountConfig, Target};

/// The facts of a request after its decision. Building one costs nothing that no device asks for:
/// it borrows.
pub struct Record<'r> {
    /// The request as it came.
    pub request: &'r Request,
    /// When it came.
    pub at: Timestamp,
    /// The mount that it goes to, with its tuning.
    pub mount: Option<(MountSummary, MountConfig)>,
    /// The operation, create told from update.
    pub operation: Operation,
    /// Who calls, if that was proved.
    pub caller: Option<&'r Caller>,
    /// The policies that grant it, or the refusal.
    pub decision: Result<Vec<String>, Error>,
}

impl<'r> Record<'r> {
    pub(crate) fn of(
        request: &'r Request,
        target: &Result<Target<'_>, Error>,
        caller: &'r Result<Caller, Error>,
        operation: &Result<Operation, Error>,
        verdict: &Result<Permit<'_>, Refusal>,
        at: Timestamp,
    ) -> Self {
        let decision = match (verdict, target) {
            (Err(refusal), _) => Err(refusal.error()),
            (Ok(_), Err(error)) => Err(error.clone()),
            (Ok(permit), Ok(_)) => Ok(permit.granting_policies().map(str::to_owned).collect()),
        };
        let mount = target.as_ref().ok().map(|target| {
            (target.mount().summary().clone(), target.mount().entry().config.clone())
        });
        Self {
            request,
            at,
            mount,
            operation: *operation.as_ref().unwrap_or(&request.operation),
            caller: caller.as_ref().ok(),
            decision,
        }
    }

    /// The kind of the mount, for the envelope.
    #[must_use]
    pub fn mount_type(&self) -> String {
        self.mount.as_ref().map(|(mount, _)| mount.kind.clone()).unwrap_or_default()
    }
}
