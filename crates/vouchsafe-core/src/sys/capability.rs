//! `sys/capabilities`, `-self` and `-accessor`: what a token may do where.

use std::sync::Arc;

use serde_json::json;
use vouchsafe_logical::{
    Access, Answer, Call, CommaList, Data, Error, Method, Reply, Route, Secret, Timestamp, input,
};
use vouchsafe_policy::Acl;

use super::Sys;
use crate::authenticate::{acl_of, subject_of};
use crate::policy;
use crate::runtime::Runtime;
use crate::token::Found;

input! {
    /// Body of all three.
    pub(crate) struct CapabilitiesInput {
        /// The paths that are asked about.
        paths: Option<CommaList>,
        /// The older name of `paths`.
        path: Option<CommaList>,
        /// The token that is asked about.
        token: Option<String>,
        /// The accessor of the token that is asked about.
        accessor: Option<String>,
    }
}

/// The most paths of one question.
pub(crate) const PATHS_MAX: usize = 1_000;

pub(crate) const OF_TOKEN: Route<Sys> = Route {
    pattern: "capabilities",
    access: Access::Token,
    methods: &[Method::update::<CapabilitiesInput>(of_token)],
    exists: None,
    help: "Show what a token may do on paths.",
};

pub(crate) const OF_ACCESSOR: Route<Sys> = Route {
    pattern: "capabilities-accessor",
    access: Access::Token,
    methods: &[Method::update::<CapabilitiesInput>(of_accessor)],
    exists: None,
    help: "Show what the token of an accessor may do on paths.",
};

pub(crate) const OF_SELF: Route<Sys> = Route {
    pattern: "capabilities-self",
    access: Access::Token,
    methods: &[Method::update::<CapabilitiesInput>(of_self)],
    exists: None,
    help: "Show what the calling token may do on paths.",
};

fn invalid_token() -> Error {
    Error::invalid_because("token_invalid", "invalid token").wrapped()
}

fn of_token<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: CapabilitiesInput = call.input()?;
        let runtime = sys.runtime()?;
        let token = Secret::new(input.token.clone().unwrap_or_default());
        let now = runtime.ports.clock.now();
        let found = runtime.tokens.find(token.expose(), now).await?;
        let found = found.ok_or_else(invalid_token)?;
        let acl = acl_of_token(&runtime, &found, now).await?;
        answer(input, &acl)
    })
}

fn of_accessor<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: CapabilitiesInput = call.input()?;
        let runtime = sys.runtime()?;
        let accessor = input.accessor.clone().unwrap_or_default();
        if accessor.is_empty() {
            return Err(Error::invalid_because(
                "accessor_missing",
                "missing accessor",
            ));
        }
        let now = runtime.ports.clock.now();
        let found = runtime.tokens.find_by_accessor(&accessor, now).await?;
        let found = found.ok_or_else(|| {
            Error::invalid_because("accessor_invalid", "invalid accessor").wrapped()
        })?;
        let acl = acl_of_token(&runtime, &found, now).await?;
        answer(input, &acl)
    })
}

fn of_self<'a>(_: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: CapabilitiesInput = call.input()?;
        let acl = acl_of(call.caller);
        answer(input, &acl)
    })
}

/// What a token may do. As for the token of a request, a disabled entity refuses.
async fn acl_of_token(runtime: &Runtime, found: &Found, now: Timestamp) -> Result<Arc<Acl>, Error> {
    let subject = subject_of(runtime, found).await?;
    let names = policy::effective(&found.entry.policies, subject.as_deref());
    runtime.policies.acl(&names, subject.as_deref(), now).await
}

fn answer(input: CapabilitiesInput, acl: &Acl) -> Result<Reply, Error> {
    let paths = input.paths.or(input.path).unwrap_or_default().0;
    if paths.is_empty() {
        return Err(Error::invalid("paths must be supplied"));
    }
    if paths.len() > PATHS_MAX {
        return Err(Error::invalid(format!(
            "{} paths were asked about; at most {PATHS_MAX} are allowed",
            paths.len()
        )));
    }
    let mut data = Data::new();
    for path in &paths {
        data.insert(path.clone(), json!(words(acl, path)));
    }
    if let [path] = &paths[..] {
        data.insert("capabilities".to_owned(), json!(words(acl, path)));
    }
    Ok(Reply::data(data).at_top_level())
}

fn words(acl: &Acl, path: &str) -> Vec<&'static str> {
    if acl.is_root() {
        return vec!["root"];
    }
    let words: Vec<&'static str> = acl
        .capabilities(path.trim_start_matches('/'))
        .into_iter()
        .map(|c| c.as_str())
        .collect();
    if words.is_empty() {
        vec!["deny"]
    } else {
        words
    }
}
