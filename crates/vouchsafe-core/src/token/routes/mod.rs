//! `auth/token/`: make, look up, renew and revoke tokens.

mod create;
mod lookup;
mod policies;
mod renew;
mod revoke;
mod role;

use vouchsafe_logical::{Call, Error, Route, Timestamp, input};

use super::store::Found;
use crate::runtime::Runtime;
use crate::sys::Sys;

pub(crate) use revoke::sweep_now;

/// The routes of the token method.
pub(crate) const ROUTES: &[&Route<Sys>] = &[
    &create::CREATE,
    &create::CREATE_ORPHAN,
    &create::CREATE_WITH_ROLE,
    &lookup::ACCESSORS,
    &lookup::LOOKUP,
    &lookup::LOOKUP_ACCESSOR,
    &lookup::LOOKUP_SELF,
    &renew::RENEW,
    &renew::RENEW_ACCESSOR,
    &renew::RENEW_SELF,
    &revoke::REVOKE,
    &revoke::REVOKE_ACCESSOR,
    &revoke::REVOKE_ORPHAN,
    &revoke::REVOKE_SELF,
    &role::ROLES,
    &role::ROLE,
    &revoke::TIDY,
];

input! {
    /// A token or an accessor that a request is about.
    pub(crate) struct SubjectInput {
        /// The token.
        token: Option<String>,
        /// The accessor.
        accessor: Option<String>,
        /// How much longer a renewed token shall live.
        increment: Option<std::time::Duration>,
    }
}

/// The token of the calling request.
async fn own(runtime: &Runtime, call: &Call<'_>, now: Timestamp) -> Result<Found, Error> {
    let denied = || Error::denied("token_invalid");
    if call.caller.token_hash.is_none() {
        return Err(Error::invalid_because(
            "credential_not_stored",
            "the request's credential is not a token of this server: it makes no tokens, and there is none to show, renew or revoke",
        ));
    }
    let token = call.request.token.as_ref().ok_or_else(denied)?;
    runtime
        .tokens
        .find_even_spent(token.expose(), now)
        .await?
        .ok_or_else(denied)
}

fn invalid_accessor() -> Error {
    Error::new(
        vouchsafe_logical::ErrorKind::PermissionDenied,
        "accessor_invalid",
        "invalid accessor",
    )
    .wrapped()
}
