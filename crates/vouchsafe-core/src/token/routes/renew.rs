//! `renew`, `renew-self`, `renew-accessor`.

use std::time::Duration;

use vouchsafe_logical::{
    Access, Answer, Call, Error, Input, Method, Reply, Route, Timestamp, TokenParameters,
};

use super::{SubjectInput, invalid_accessor, own};
use crate::attach;
use crate::runtime::Runtime;
use crate::sys::Sys;
use crate::token::{Bounds, Found, Lifetime, TokenEntry, TokenType, end_of_life, lifetime};

pub(crate) const RENEW: Route<Sys> = Route {
    pattern: "renew",
    access: Access::Token,
    methods: &[Method::update::<SubjectInput>(renew)],
    exists: None,
    help: "Let a token live longer, within what its maker allows.",
};

pub(crate) const RENEW_SELF: Route<Sys> = Route {
    pattern: "renew-self",
    access: Access::Token,
    methods: &[Method::update::<SubjectInput>(renew_self)],
    exists: None,
    help: "Let the calling token live longer, within what its maker allows.",
};

pub(crate) const RENEW_ACCESSOR: Route<Sys> = Route {
    pattern: "renew-accessor",
    access: Access::Token,
    methods: &[Method::update::<SubjectInput>(renew_accessor)],
    exists: None,
    help: "Let the token of an accessor live longer.",
};

fn renew<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input = SubjectInput::parse(&call)?;
        let runtime = sys.runtime()?;
        let now = runtime.ports.clock.now();
        let token = input.token.unwrap_or_default();
        let found = runtime.tokens.find(&token, now).await?;
        let found =
            found.ok_or_else(|| Error::invalid_because("token_not_found", "token not found"))?;
        extend(&runtime, found, token, input.increment, now).await
    })
}

fn renew_self<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input = SubjectInput::parse(&call)?;
        let runtime = sys.runtime()?;
        let now = runtime.ports.clock.now();
        let found = own(&runtime, &call, now).await?;
        let token = call
            .request
            .token
            .as_ref()
            .map(|token| token.expose().clone());
        extend(
            &runtime,
            found,
            token.unwrap_or_default(),
            input.increment,
            now,
        )
        .await
    })
}

fn renew_accessor<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input = SubjectInput::parse(&call)?;
        let runtime = sys.runtime()?;
        let now = runtime.ports.clock.now();
        let accessor = input.accessor.unwrap_or_default();
        let found = runtime.tokens.find_by_accessor(&accessor, now).await?;
        let found = found.ok_or_else(invalid_accessor)?;
        extend(&runtime, found, String::new(), input.increment, now).await
    })
}

async fn extend(
    runtime: &Runtime,
    found: Found,
    token: String,
    increment: Option<Duration>,
    now: Timestamp,
) -> Result<Reply, Error> {
    if found.entry.token_type == TokenType::Batch {
        return Err(Error::invalid("batch tokens cannot be renewed"));
    }
    if !found.entry.renewable {
        return Err(Error::invalid_because(
            "not_renewable",
            "lease is not renewable",
        ));
    }
    let mount = {
        let table = runtime.mounts.table();
        found
            .entry
            .mount_accessor
            .as_ref()
            .and_then(|accessor| table.by_accessor(accessor).cloned())
    };
    let parameters = match &mount {
        Some(mount) => mount.renew(&found.entry.internal).await?,
        None => None,
    };
    let system = runtime.mounts.lease_ttl;
    let (mount_default, mount_max) = mount
        .as_ref()
        .map_or((system.default, system.max), |mount| {
            let summary = mount.summary();
            (summary.default_lease_ttl, summary.max_lease_ttl)
        });
    let renewed = runtime
        .tokens
        .update(&found.hash, |entry| {
            let life = renewed_life(
                entry,
                parameters.as_ref(),
                increment,
                mount_default,
                mount_max,
                now,
            );
            entry.expire_at = Some(end_of_life(now, life.ttl));
            entry.last_renewed_at = Some(now);
            Ok((entry.clone(), life.warnings))
        })
        .await?;
    let Some((entry, warnings)) = renewed else {
        return Err(Error::invalid_because("token_not_found", "token not found"));
    };
    let auth = attach::auth_of(runtime, &entry, token, false, now).await?;
    let mut reply = Reply::auth(auth);
    reply.warnings = warnings;
    Ok(reply)
}

fn renewed_life(
    entry: &TokenEntry,
    parameters: Option<&TokenParameters>,
    increment: Option<Duration>,
    mount_default: Duration,
    mount_max: Duration,
    now: Timestamp,
) -> Lifetime {
    let (ttl, max_ttl, period) = match parameters {
        Some(role) => (role.ttl, role.max_ttl, role.period),
        None => (entry.creation_ttl, entry.max_ttl, entry.period),
    };
    lifetime(
        Bounds {
            requested: increment
                .filter(|increment| !increment.is_zero())
                .unwrap_or(ttl),
            period,
            max_ttl,
            explicit_max_ttl: entry.explicit_max_ttl,
            mount_default,
            mount_max,
        },
        entry.created_at,
        now,
    )
}
