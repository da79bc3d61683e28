//! `revoke` and its variants: the token with all that it made, or alone.

use vouchsafe_logical::{
    Access, Answer, Call, Error, Input, Method, Operation, Reply, Response, Route,
};

use super::{SubjectInput, own};
use crate::sys::Sys;
use crate::token::{BATCH_PREFIX, TokenType};

pub(crate) const REVOKE: Route<Sys> = Route {
    pattern: "revoke",
    access: Access::Token,
    methods: &[Method::update::<SubjectInput>(revoke)],
    exists: None,
    help: "Revoke a token and everything that it made.",
};

pub(crate) const REVOKE_SELF: Route<Sys> = Route {
    pattern: "revoke-self",
    access: Access::Token,
    methods: &[Method::new(Operation::Update, &[], revoke_self)],
    exists: None,
    help: "Revoke the calling token and everything that it made.",
};

pub(crate) const REVOKE_ACCESSOR: Route<Sys> = Route {
    pattern: "revoke-accessor",
    access: Access::Token,
    methods: &[Method::update::<SubjectInput>(revoke_accessor)],
    exists: None,
    help: "Revoke the token of an accessor and everything that it made.",
};

pub(crate) const REVOKE_ORPHAN: Route<Sys> = Route {
    pattern: "revoke-orphan",
    access: Access::Sudo,
    methods: &[Method::update::<SubjectInput>(revoke_orphan)],
    exists: None,
    help: "Revoke a token alone; what it made lives on.",
};

pub(crate) const TIDY: Route<Sys> = Route {
    pattern: "tidy",
    access: Access::Token,
    methods: &[Method::new(Operation::Update, &[], tidy)],
    exists: None,
    help: "Remove tokens that have ended now, instead of within a minute.",
};

fn named(input: SubjectInput) -> Result<String, Error> {
    match input.token {
        Some(token) if token.starts_with(BATCH_PREFIX) => {
            Err(Error::invalid("batch tokens cannot be revoked"))
        }
        Some(token) if !token.is_empty() => Ok(token),
        Some(_) | None => Err(Error::invalid("missing token ID")),
    }
}

fn revoke<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let token = named(SubjectInput::parse(&call)?)?;
        let runtime = sys.runtime()?;
        runtime.tokens.revoke(&runtime.tokens.hash(&token)).await?;
        Ok(Reply::empty())
    })
}

fn revoke_self<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let runtime = sys.runtime()?;
        let found = own(&runtime, &call, runtime.ports.clock.now()).await?;
        if found.entry.token_type == TokenType::Batch {
            return Err(Error::invalid("batch tokens cannot be revoked"));
        }
        runtime.tokens.revoke(&found.hash).await?;
        Ok(Reply::empty())
    })
}

fn revoke_accessor<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let accessor = SubjectInput::parse(&call)?.accessor.unwrap_or_default();
        let runtime = sys.runtime()?;
        let now = runtime.ports.clock.now();
        if accessor.is_empty() {
            return Err(Error::invalid_because(
                "accessor_missing",
                "missing accessor",
            ));
        }
        // Revoking is done when the token is gone, whoever did it.
        let Some(found) = runtime.tokens.find_by_accessor(&accessor, now).await? else {
            return Ok(Reply::empty().with_warning("No token found with this accessor"));
        };
        runtime.tokens.revoke(&found.hash).await?;
        Ok(Reply::empty())
    })
}

fn revoke_orphan<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let token = named(SubjectInput::parse(&call)?)?;
        let runtime = sys.runtime()?;
        let hash = runtime.tokens.hash(&token);
        if !runtime.tokens.revoke_orphan(&hash).await? {
            return Err(Error::invalid_because(
                "token_not_found",
                "token to revoke not found",
            ));
        }
        Ok(Reply::empty())
    })
}

fn tidy<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(sweep_now(sys))
}

/// Removes a batch of tokens that have ended, with what hangs on them.
///
/// # Errors
/// The store's.
pub(crate) async fn sweep_now(sys: &Sys) -> Result<Reply, Error> {
    let runtime = sys.runtime()?;
    runtime.tokens.sweep(runtime.ports.clock.now()).await?;
    let reply = Reply {
        response: Response::Accepted,
        ..Reply::default()
    };
    Ok(reply.with_warning(
        "Tidy operation successfully started. Any information from the operation will be printed to the server's logs.",
    ))
}
