//! `userpass`: a person proves to know the password of a user of this mount.
//!
//! Users are written by operators, one record each, with a bcrypt hash in place of the password.
//! A user name has one normal form, made by [`user::UserName`] alone: the name that failures are
//! counted under is the name that is looked up and the name of the entity's alias.

mod login;
mod password;
mod user;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde_json::Value;
use vouchsafe_logical::backend::Renewal;
use vouchsafe_logical::{BackendKind, Duties, MountClass, Mounted, Route, Settings, System, View};

/// The catalog entry.
pub const METHOD: BackendKind = BackendKind {
    name: "userpass",
    class: MountClass::Auth,
    summary: "Log in with a user name and a password that are kept here.",
    locks_out: true,
    stands_for: None,
    open: |settings| Mounted::open(Userpass::open(settings), ROUTES),
};

const ROUTES: &[&Route<Userpass>] = &[
    &user::LIST,
    &user::ROUTE,
    &user::PASSWORD,
    &user::POLICIES,
    &login::ROUTE,
];

/// One mount of the method.
pub struct Userpass {
    view: View,
    system: Arc<dyn System>,
}

impl Userpass {
    fn open(settings: Settings) -> Self {
        Self {
            view: settings.view,
            system: settings.system,
        }
    }
}

impl Duties for Userpass {
    fn renew<'a>(&'a self, internal: &'a Value) -> Renewal<'a> {
        Box::pin(login::renew(self, internal))
    }
}
