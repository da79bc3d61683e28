//! Which version a mount is of, and the mount that is of none.

use std::collections::BTreeMap;
use std::sync::Arc;

use vouchsafe_logical::{
    Access, Answer, Backend, Call, Duties, Error, Method, Mounted, Operation, Route,
};

/// A version of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// Without a history.
    One,
    /// With a history.
    Two,
}

/// The version that a mount's options ask for; the error says what is wrong with them.
pub(super) fn of(options: &BTreeMap<String, String>) -> Result<Version, String> {
    match options.get("version").map(String::as_str) {
        None | Some("" | "1") => Ok(Version::One),
        Some("2") => Ok(Version::Two),
        Some(other) => Err(format!(
            "the mount's option version is {other:?}; expected \"1\" or \"2\""
        )),
    }
}

/// A mount whose options ask for a version that there is not: each request is told so.
pub(super) struct Unusable {
    fault: String,
}

impl Unusable {
    pub(super) fn open(fault: String) -> Arc<dyn Backend> {
        Mounted::open(Self { fault }, &[&ROUTE])
    }
}

impl Duties for Unusable {}

const ROUTE: Route<Unusable> = Route {
    pattern: "{path?...}",
    access: Access::Token,
    methods: &[
        Method::read(refuse),
        Method::open(Operation::Update, refuse),
        Method::open(Operation::Patch, refuse),
        Method::delete(refuse),
        Method::list(refuse),
    ],
    exists: None,
    help: "Say why the mount can't be used: its option version is not one that there is.",
};

fn refuse<'a>(mount: &'a Unusable, _call: Call<'a>) -> Answer<'a> {
    let fault = mount.fault.clone();
    Box::pin(async { Err(Error::invalid_because("kv_version_unknown", fault)) })
}
