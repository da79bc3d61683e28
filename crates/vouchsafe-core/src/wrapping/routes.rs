//! `sys/wrapping/*`: wrap what is sent, look at a wrapping token, unwrap, wrap anew.
//!
//! A wrapping token is either the request's credential (`X-Vault-Token`), or a `token` in the data
//! that somebody with a token of their own presents.

use vouchsafe_logical::{
    Access, Answer, Call, Data, Error, Method, Operation, Reply, Request, Route, input, rfc3339,
};

use super::{invalid, keep, look, missing, take};
use crate::sys::Sys;

input! {
    /// A wrapping token.
    pub(crate) struct WrappingInput {
        /// The wrapping token. Without it the request's own token is taken for one.
        token: Option<String>,
    }
}

pub(crate) const WRAP: Route<Sys> = Route {
    pattern: "wrapping/wrap",
    access: Access::Token,
    methods: &[Method::open(Operation::Update, wrap_given)],
    exists: None,
    help: "Wrap the members of the body; needs the X-Vault-Wrap-TTL header.",
};

pub(crate) const LOOKUP: Route<Sys> = Route {
    pattern: "wrapping/lookup",
    access: Access::Public,
    methods: &[
        Method::update::<WrappingInput>(lookup),
        Method::with::<WrappingInput>(Operation::Read, lookup),
    ],
    exists: None,
    help: "Show when and from which path a wrapped answer was made, without unwrapping it.",
};

pub(crate) const UNWRAP: Route<Sys> = Route {
    pattern: "wrapping/unwrap",
    access: Access::Proof,
    methods: &[Method::update::<WrappingInput>(unwrap)],
    exists: None,
    help: "Take the answer that a wrapping token stands for; it works once.",
};

pub(crate) const REWRAP: Route<Sys> = Route {
    pattern: "wrapping/rewrap",
    access: Access::Token,
    methods: &[Method::update::<WrappingInput>(rewrap)],
    exists: None,
    help: "Exchange a wrapping token for a new one with the same answer and as long a life.",
};

/// The wrapping token of a request, if its data names one that is not its own credential.
pub(crate) fn presented(request: &Request) -> bool {
    let own = request.token.as_ref().map(|token| token.expose().as_str());
    request
        .data
        .get("token")
        .is_some_and(|token| token.as_str() != own)
}

fn token_of(call: &Call<'_>) -> Result<String, Error> {
    let input: WrappingInput = call.input()?;
    match (input.token, &call.request.token) {
        (Some(token), _) if token.is_empty() => Err(missing("empty token in request body")),
        (Some(token), _) => Ok(token),
        (None, Some(own)) => Ok(own.expose().clone()),
        (None, None) => Err(missing("token is empty")),
    }
}

fn wrap_given<'a>(_sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        if call.request.wrap_ttl.is_none() {
            return Err(Error::invalid_because(
                "wrapping_required",
                "endpoint requires response wrapping to be used",
            ));
        }
        Ok(Reply::data(call.request.data.clone()))
    })
}

fn lookup<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let runtime = sys.runtime()?;
        let token = token_of(&call)?;
        let wrapped = look(&runtime, &token, runtime.ports.clock.now()).await?;
        let mut data = Data::new();
        data.insert("creation_path".to_owned(), wrapped.creation_path.into());
        data.insert(
            "creation_time".to_owned(),
            rfc3339(wrapped.created_at).into(),
        );
        data.insert("creation_ttl".to_owned(), wrapped.ttl.as_secs().into());
        Ok(Reply::data(data))
    })
}

fn unwrap<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let runtime = sys.runtime()?;
        let token = token_of(&call)?;
        let wrapped = take(&runtime, &token, runtime.ports.clock.now()).await?;
        Ok(wrapped.answer.into_reply())
    })
}

fn rewrap<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        if !presented(call.request) {
            return Err(invalid());
        }
        let runtime = sys.runtime()?;
        let now = runtime.ports.clock.now();
        let mut wrapped = take(&runtime, &token_of(&call)?, now).await?;
        wrapped.created_at = now;
        keep(&runtime, &wrapped, call.request).await
    })
}
