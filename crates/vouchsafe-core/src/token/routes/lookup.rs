//! `lookup`, `lookup-self`, `lookup-accessor` and the list of accessors.

use serde_json::{Value, json};
use vouchsafe_logical::login::show_cidr;
use vouchsafe_logical::{
    Access, Answer, Call, Data, Error, ErrorKind, Input, Method, Operation, Reply, Route,
    Timestamp, rfc3339,
};

use super::{SubjectInput, invalid_accessor, own};
use crate::runtime::Runtime;
use crate::sys::Sys;
use crate::token::{Found, TokenEntry};

pub(crate) const LOOKUP: Route<Sys> = Route {
    pattern: "lookup",
    access: Access::Token,
    methods: &[
        Method::update::<SubjectInput>(lookup),
        Method::with::<SubjectInput>(Operation::Read, lookup),
    ],
    exists: None,
    help: "Show what a token is and may do.",
};

pub(crate) const LOOKUP_SELF: Route<Sys> = Route {
    pattern: "lookup-self",
    access: Access::Token,
    methods: &[
        Method::read(lookup_self),
        Method::new(Operation::Update, &[], lookup_self),
    ],
    exists: None,
    help: "Show what the calling token is and may do.",
};

pub(crate) const LOOKUP_ACCESSOR: Route<Sys> = Route {
    pattern: "lookup-accessor",
    access: Access::Token,
    methods: &[Method::update::<SubjectInput>(lookup_accessor)],
    exists: None,
    help: "Show what the token of an accessor is and may do, without showing the token.",
};

pub(crate) const ACCESSORS: Route<Sys> = Route {
    pattern: "accessors",
    access: Access::Sudo,
    methods: &[Method::list(accessors)],
    exists: None,
    help: "List the accessors of all stored tokens.",
};

fn lookup<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input = SubjectInput::parse(&call)?;
        let runtime = sys.runtime()?;
        let now = runtime.ports.clock.now();
        let bad = || Error::new(ErrorKind::PermissionDenied, "token_invalid", "bad token");
        let token = match input.token {
            Some(token) if !token.is_empty() => token,
            Some(_) | None => return Err(bad()),
        };
        let found = runtime.tokens.find(&token, now).await?.ok_or_else(bad)?;
        describe(&runtime, &found, &token, now).await
    })
}

fn lookup_self<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let runtime = sys.runtime()?;
        let now = runtime.ports.clock.now();
        let token = call
            .request
            .token
            .as_ref()
            .map_or("", |token| token.expose().as_str());
        // The last use of a token may be this one: then its entry is gone already.
        let found = own(&runtime, &call, now).await?;
        describe(&runtime, &found, token, now).await
    })
}

fn lookup_accessor<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input = SubjectInput::parse(&call)?;
        let runtime = sys.runtime()?;
        let now = runtime.ports.clock.now();
        let accessor = input.accessor.unwrap_or_default();
        if accessor.is_empty() {
            return Err(Error::invalid("missing accessor_id"));
        }
        let found = runtime.tokens.find_by_accessor(&accessor, now).await?;
        describe(&runtime, &found.ok_or_else(invalid_accessor)?, "", now).await
    })
}

fn accessors<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move { Reply::keys(sys.runtime()?.tokens.accessors().await?) })
}

async fn describe(
    runtime: &Runtime,
    found: &Found,
    token: &str,
    now: Timestamp,
) -> Result<Reply, Error> {
    let entry = &*found.entry;
    let mut data = facts(entry, now);
    data.insert("id".to_owned(), token.into());
    if let Some(entity_id) = &entry.entity_id
        && let Some(subject) = runtime.directory.subject(entity_id).await?
        && !subject.policies().is_empty()
    {
        data.insert(
            "identity_policies".to_owned(),
            subject.policies().to_strings().into(),
        );
    }
    Ok(Reply::data(data))
}

/// What a lookup shows of an entry.
fn facts(entry: &TokenEntry, now: Timestamp) -> Data {
    let mut data = Data::new();
    let mut put = |name: &str, value: Value| drop(data.insert(name.to_owned(), value));
    put("accessor", entry.accessor.clone().into());
    put("creation_time", entry.created_at.as_second().into());
    put("creation_ttl", entry.creation_ttl.as_secs().into());
    put("display_name", entry.display_name.clone().into());
    put(
        "entity_id",
        entry.entity_id.clone().unwrap_or_default().into(),
    );
    put(
        "expire_time",
        entry
            .expire_at
            .map_or(Value::Null, |end| rfc3339(end).into()),
    );
    put("explicit_max_ttl", entry.explicit_max_ttl.as_secs().into());
    put("id", "".into());
    put(
        "meta",
        entry.meta.as_ref().map_or(Value::Null, |meta| json!(meta)),
    );
    put("num_uses", entry.num_uses.into());
    put("orphan", entry.is_orphan().into());
    put("path", entry.path.clone().into());
    put("policies", entry.policies.to_strings().into());
    put("ttl", entry.remaining_seconds(now).into());
    put("type", entry.token_type.as_str().into());
    if !entry.initial_root {
        put("issue_time", rfc3339(entry.created_at).into());
        put("renewable", entry.renewable.into());
    }
    if let Some(at) = entry.last_renewed_at {
        put("last_renewal", rfc3339(at).into());
        put("last_renewal_time", at.as_second().into());
    }
    if !entry.period.is_zero() {
        put("period", entry.period.as_secs().into());
    }
    if let Some(role) = &entry.role {
        put("role", role.clone().into());
    }
    if !entry.bound_cidrs.is_empty() {
        let blocks: Vec<String> = entry.bound_cidrs.iter().map(show_cidr).collect();
        put("bound_cidrs", blocks.into());
    }
    data
}
