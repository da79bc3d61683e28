//! `sys/leases/*`: tokens by the lease that their making has.
//!
//! Nothing but tokens has leases here, and a lease is derived from its token's entry: the id is
//! the path that made the token and `h` with the token's keyed hash. There is no second store that
//! could disagree with the first. Tokens that never end have no lease, as in Vault.

use serde_json::Value;
use vouchsafe_logical::{
    Access, Answer, Call, Data, Error, Method, Operation, Reply, Route, Timestamp, input, rfc3339,
};

use super::Sys;
use crate::runtime::Runtime;
use crate::token::{Found, TokenEntry, TokenHash};

input! {
    /// A lease that a request is about.
    pub(crate) struct LeaseInput {
        /// The lease's id.
        lease_id: Option<String>,
        /// The lease's id, in the path.
        url_lease_id: Option<String>,
        /// How much longer it shall last.
        increment: Option<std::time::Duration>,
        /// Whether to wait for the end; it is always waited for.
        sync: Option<bool>,
    }
}

input! {
    /// Leases by the beginning of their ids.
    pub(crate) struct PrefixInput {
        /// The beginning of the ids, up to a `/`.
        prefix: Option<String>,
        /// Whether to wait for the end; it is always waited for.
        sync: Option<bool>,
    }
}

pub(crate) const LOOKUP: Route<Sys> = Route {
    pattern: "leases/lookup",
    access: Access::Token,
    methods: &[Method::update::<LeaseInput>(lookup), Method::list(list_all)],
    exists: None,
    help: "Show a lease; list all leases (with sudo).",
};

pub(crate) const LIST: Route<Sys> = Route {
    pattern: "leases/lookup/{prefix...}",
    access: Access::Sudo,
    methods: &[Method::list(list)],
    exists: None,
    help: "List the ids of leases under a prefix.",
};

const RENEWS: &[Method<Sys>] = &[Method::update::<LeaseInput>(renew)];
const REVOKES: &[Method<Sys>] = &[Method::update::<LeaseInput>(revoke)];
const REVOKES_PREFIX: &[Method<Sys>] = &[Method::update::<PrefixInput>(revoke_prefix)];

const fn renew_at(pattern: &'static str) -> Route<Sys> {
    Route {
        pattern,
        access: Access::Token,
        methods: RENEWS,
        exists: None,
        help: "Let a lease last longer. Tokens are renewed with auth/token/renew.",
    }
}

const fn revoke_at(pattern: &'static str) -> Route<Sys> {
    Route {
        pattern,
        access: Access::Token,
        methods: REVOKES,
        exists: None,
        help: "End a lease: revoke its token and everything that it made.",
    }
}

const fn revoke_under(pattern: &'static str) -> Route<Sys> {
    Route {
        pattern,
        access: Access::Sudo,
        methods: REVOKES_PREFIX,
        exists: None,
        help: "End all leases under a prefix.",
    }
}

pub(crate) const RENEW: Route<Sys> = renew_at("leases/renew/{url_lease_id?...}");
pub(crate) const LEGACY_RENEW: Route<Sys> = renew_at("renew/{url_lease_id?...}");
pub(crate) const REVOKE: Route<Sys> = revoke_at("leases/revoke/{url_lease_id?...}");
pub(crate) const LEGACY_REVOKE: Route<Sys> = revoke_at("revoke/{url_lease_id?...}");
pub(crate) const REVOKE_PREFIX: Route<Sys> = revoke_under("leases/revoke-prefix/{prefix...}");
pub(crate) const LEGACY_REVOKE_PREFIX: Route<Sys> = revoke_under("revoke-prefix/{prefix...}");
pub(crate) const REVOKE_FORCE: Route<Sys> = revoke_under("leases/revoke-force/{prefix...}");
pub(crate) const LEGACY_REVOKE_FORCE: Route<Sys> = revoke_under("revoke-force/{prefix...}");

input! {
    /// Which leases are asked about.
    pub(crate) struct LeaseTypeInput {
        /// `irrevocable`.
        r#type: Option<String>,
    }
}

pub(crate) const IRREVOCABLE: Route<Sys> = Route {
    pattern: "leases",
    access: Access::Sudo,
    methods: &[Method::with::<LeaseTypeInput>(Operation::Read, irrevocable)],
    exists: None,
    help: "List leases that can't be revoked. There is none: revoking is one write.",
};

pub(crate) const COUNT: Route<Sys> = Route {
    pattern: "leases/count",
    access: Access::Token,
    methods: &[Method::with::<LeaseTypeInput>(Operation::Read, count)],
    exists: None,
    help: "Count leases that can't be revoked. There is none: revoking is one write.",
};

pub(crate) const TIDY: Route<Sys> = Route {
    pattern: "leases/tidy",
    access: Access::Token,
    methods: &[Method::new(Operation::Update, &[], tidy)],
    exists: None,
    help: "Remove what is left of leases that have ended, now instead of within a minute.",
};

/// Only leases that can't be revoked are listed and counted, as in Vault.
fn check_type(call: &Call<'_>) -> Result<(), Error> {
    let input: LeaseTypeInput = call.input()?;
    match input.r#type.as_deref() {
        Some("irrevocable") => Ok(()),
        Some(other) => Err(Error::invalid(format!(
            "unknown \"type\" parameter {other:?}; expected `irrevocable`"
        ))),
        None => Err(Error::invalid("missing required type parameter")),
    }
}

fn irrevocable<'a>(_sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        check_type(&call)?;
        let mut data = Data::new();
        data.insert("lease_count".to_owned(), 0.into());
        data.insert("leases".to_owned(), Value::Array(Vec::new()));
        Ok(Reply::data(data))
    })
}

fn count<'a>(_sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        check_type(&call)?;
        let mut data = Data::new();
        data.insert("counts".to_owned(), Value::Object(Data::new()));
        data.insert("lease_count".to_owned(), 0.into());
        Ok(Reply::data(data))
    })
}

fn tidy<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(crate::token::sweep_now(sys))
}

/// The id of a token's lease; `None` for tokens that never end.
fn lease_id(hash: &TokenHash, entry: &TokenEntry) -> Option<String> {
    entry.expire_at?;
    Some(format!("{}/h{hash}", entry.path))
}

/// The token behind a lease id.
async fn find(runtime: &Runtime, id: &str, now: Timestamp) -> Result<Option<Found>, Error> {
    let Some((_, hash)) = id.rsplit_once("/h") else {
        return Ok(None);
    };
    // Storage is asked for names that it may have given, and nothing else.
    if hash.len() != TokenHash::DIGITS || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(None);
    }
    let hash = TokenHash::from_stored(hash.to_owned());
    let found = runtime.tokens.find_by_hash(&hash, now).await?;
    Ok(found.filter(|found| lease_id(&found.hash, &found.entry).as_deref() == Some(id)))
}

fn named(call: &Call<'_>) -> Result<String, Error> {
    let input: LeaseInput = call.input()?;
    let in_path = input.url_lease_id.filter(|id| !id.is_empty());
    in_path
        .or(input.lease_id)
        .filter(|id| !id.is_empty())
        .ok_or_else(|| Error::invalid("lease_id must be specified"))
}

fn lookup<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let id = named(&call)?;
        let runtime = sys.runtime()?;
        let now = runtime.ports.clock.now();
        let Some(found) = find(&runtime, &id, now).await? else {
            return Err(Error::invalid_because("lease_unknown", "invalid lease"));
        };
        let time = |at: Option<Timestamp>| at.map_or(Value::Null, |at| rfc3339(at).into());
        let entry = &*found.entry;
        let mut data = Data::new();
        data.insert("expire_time".to_owned(), time(entry.expire_at));
        data.insert("id".to_owned(), id.into());
        data.insert("issue_time".to_owned(), time(Some(entry.created_at)));
        data.insert("last_renewal".to_owned(), time(entry.last_renewed_at));
        data.insert("path".to_owned(), entry.path.clone().into());
        data.insert("renewable".to_owned(), entry.renewable.into());
        data.insert("ttl".to_owned(), entry.remaining_seconds(now).into());
        Ok(Reply::data(data))
    })
}

/// The leases whose ids begin with a prefix, in order.
async fn under(runtime: &Runtime, prefix: &str) -> Result<Vec<(String, TokenHash)>, Error> {
    let folder = format!("{}/", prefix.trim_matches('/'));
    let now = runtime.ports.clock.now();
    let mut leases = Vec::new();
    for hash in runtime.tokens.hashes().await? {
        let Some(found) = runtime.tokens.find_by_hash(&hash, now).await? else {
            continue;
        };
        if let Some(id) = lease_id(&hash, &found.entry)
            && (folder == "/" || id.starts_with(&folder))
        {
            leases.push((id, hash));
        }
    }
    leases.sort();
    Ok(leases)
}

async fn keys_under(sys: &Sys, prefix: &str) -> Result<Reply, Error> {
    let prefix = prefix.trim_matches('/');
    let skipped = if prefix.is_empty() {
        0
    } else {
        prefix.len() + 1
    };
    let mut keys: Vec<String> = Vec::new();
    for (id, _) in under(&*sys.runtime()?, prefix).await? {
        let rest = &id[skipped..];
        let name = rest.find('/').map_or(rest, |slash| &rest[..=slash]);
        if keys.last().map(String::as_str) != Some(name) {
            keys.push(name.to_owned());
        }
    }
    Reply::keys(keys)
}

fn list<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move { keys_under(sys, call.captured("prefix")).await })
}

fn list_all<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        // The path without a prefix is also that of the lookup, which needs no sudo.
        if !call.caller.has_sudo {
            return Err(Error::denied("policy_denied")
                .with_detail("the listing of all leases needs sudo")
                .wrapped());
        }
        keys_under(sys, "").await
    })
}

fn renew<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let id = named(&call)?;
        let runtime = sys.runtime()?;
        let now = runtime.ports.clock.now();
        Err(match find(&runtime, &id, now).await? {
            None => Error::invalid_because("lease_unknown", "lease not found"),
            Some(_) => Error::invalid_because(
                "lease_of_token",
                "tokens cannot be renewed through this endpoint; use auth/token/renew",
            ),
        })
    })
}

fn revoke<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let id = named(&call)?;
        let runtime = sys.runtime()?;
        let now = runtime.ports.clock.now();
        if let Some(found) = find(&runtime, &id, now).await? {
            runtime.tokens.revoke(&found.hash).await?;
        }
        Ok(Reply::empty())
    })
}

fn revoke_prefix<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let runtime = sys.runtime()?;
        for (_, hash) in under(&runtime, call.captured("prefix")).await? {
            runtime.tokens.revoke(&hash).await?;
        }
        Ok(Reply::empty())
    })
}
