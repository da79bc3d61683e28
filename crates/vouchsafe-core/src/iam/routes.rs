//! `sys/pvlt/`: what the HTTP edge serves as Piiano Vault's `/api/pvlt/1.0`.
//!
//! The routes are ordinary ones, so that one pipeline authenticates, decides and audits. What that
//! API has beyond them (its data, schema and crypto parts) is answered by a route of its own: it is
//! not implemented, which nobody should have to find out by guessing.
//!
//! The file can hold shared secrets, and who may apply it can give every ACL policy but `root`: its
//! routes want `sudo`, which the capabilities of the file's own roles include.

use std::time::Duration;

use serde_json::json;
use vouchsafe_iam::ADMIN;
use vouchsafe_logical::response::Raw;
use vouchsafe_logical::{
    Access, Answer, Call, Error, ErrorKind, Method, Operation, Reply, Route, input, rfc3339,
};

use super::ApplyWhen;
use super::api_key::API_KEY_TTL_MAX;
use crate::sys::Sys;
use crate::token::end_of_life;

/// Where the routes stand below `sys/`: the edge maps its prefix to it.
pub const PREFIX: &str = "sys/pvlt/";
/// The media type of the IAM file.
const TOML: &str = "application/toml";
/// The layout of what is stored, as a date and time: a later one can't be read by an earlier server.
const DB_SCHEMA_VERSION: u64 = 20_261_126_000_000;

input! {
    /// Body of `ctl/iam/conf`.
    pub(crate) struct ConfInput {
        /// The IAM file, in TOML.
        conf: String,
    }
}

input! {
    /// Body of `ctl/iam/user/regen`.
    pub(crate) struct UserInput {
        /// The name of the user.
        name: String,
    }
}

input! {
    /// Body of `ctl/iam/user/update-expiration`.
    pub(crate) struct ExpirationInput {
        /// The name of the user.
        name: String,
        /// For how many seconds from now the API key works.
        expiration_secs: i64,
    }
}

pub(crate) const VERSION: Route<Sys> = Route {
    pattern: "pvlt/system/info/version",
    access: Access::Token,
    methods: &[Method::read(version).document()],
    exists: None,
    help: "Show the version of the server, for clients of the `/api/pvlt/1.0` API.",
};

pub(crate) const CONTROL_HEALTH: Route<Sys> = Route {
    pattern: "pvlt/ctl/info/health",
    access: Access::Public,
    methods: &[Method::read(health).document()],
    exists: None,
    help: "Say that the server serves.",
};

pub(crate) const DATA_HEALTH: Route<Sys> = Route {
    pattern: "pvlt/data/info/health",
    access: Access::Public,
    methods: &[Method::read(health).document()],
    exists: None,
    help: "Say that the server serves.",
};

pub(crate) const CONF: Route<Sys> = Route {
    pattern: "pvlt/ctl/iam/conf",
    access: Access::Sudo,
    methods: &[
        Method::read(conf).document(),
        Method::update::<ConfInput>(apply),
    ],
    exists: None,
    help: "Read the IAM file as it was applied, or apply one: users, roles, policies, identity providers.",
};

pub(crate) const REGENERATE: Route<Sys> = Route {
    pattern: "pvlt/ctl/iam/user/regen",
    access: Access::Sudo,
    methods: &[Method::update::<UserInput>(regenerate).document()],
    exists: None,
    help: "Make a new API key for a user of the IAM file; the old one ends.",
};

pub(crate) const UPDATE_EXPIRATION: Route<Sys> = Route {
    pattern: "pvlt/ctl/iam/user/update-expiration",
    access: Access::Sudo,
    methods: &[Method::update::<ExpirationInput>(update_expiration).document()],
    exists: None,
    help: "Set when the API key of a user ends.",
};

pub(crate) const USER: Route<Sys> = Route {
    pattern: "pvlt/ctl/iam/user/{name*}",
    access: Access::Token,
    methods: &[Method::with::<UserInput>(Operation::Read, user).document()],
    exists: None,
    help: "Show a user of the IAM file, and when the user's API key ends.",
};

pub(crate) const REST: Route<Sys> = Route {
    pattern: "pvlt/{path?...}",
    access: Access::Public,
    methods: &[
        Method::open(Operation::Read, absent),
        Method::open(Operation::Update, absent),
        Method::open(Operation::Delete, absent),
        Method::open(Operation::List, absent),
        Method::open(Operation::Patch, absent),
    ],
    exists: None,
    help: "Say that the rest of the `/api/pvlt/1.0` API is not implemented.",
};

fn version<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let core = sys.core()?;
        let cluster = core.cluster.load_full().ok_or_else(Error::sealed)?;
        Ok(Reply::raw_json(
            200,
            &json!({
                "vault_id": vault_id(&cluster.id),
                "vault_version": core.settings.version,
                "db_schema_version": DB_SCHEMA_VERSION,
            }),
        ))
    })
}

/// The cluster's id as that API shows ids: a decimal number of at most 19 digits.
fn vault_id(cluster_id: &str) -> String {
    let digits: String = cluster_id
        .chars()
        .filter(char::is_ascii_hexdigit)
        .take(15)
        .collect();
    u64::from_str_radix(&digits, 16).unwrap_or(0).to_string()
}

fn health<'a>(_sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async { Ok(Reply::raw_json(200, &json!({ "status": "pass" }))) })
}

fn conf<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let text = sys.runtime()?.iam.text().await?.ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                "iam_not_configured",
                "no IAM file has been applied yet",
            )
        })?;
        Ok(Reply::raw(Raw {
            status: 200,
            content_type: TOML,
            body: text.into(),
            cache_control: None,
            etag: None,
        }))
    })
}

fn apply<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: ConfInput = call.input()?;
        let iam = &sys.runtime()?.iam;
        iam.check_writable()?;
        iam.apply(&input.conf, ApplyWhen::Always).await?;
        Ok(Reply::empty())
    })
}

fn regenerate<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: UserInput = call.input()?;
        let runtime = sys.runtime()?;
        let now = runtime.ports.clock.now();
        let (key, end) = runtime.iam.regenerate(&runtime, &input.name, now).await?;
        let body = json!({ "api_key": key, "api_key_expiry": rfc3339(end) });
        Ok(Reply::raw_json(200, &body))
    })
}

fn update_expiration<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: ExpirationInput = call.input()?;
        let runtime = sys.runtime()?;
        let now = runtime.ports.clock.now();
        let seconds = u64::try_from(input.expiration_secs).unwrap_or(0);
        let life = Duration::from_secs(seconds);
        if seconds == 0 || life > API_KEY_TTL_MAX {
            return Err(Error::invalid(format!(
                "`expiration_secs` is {}; expected 1 to {}",
                input.expiration_secs,
                API_KEY_TTL_MAX.as_secs()
            )));
        }
        let end = end_of_life(now, life);
        runtime.iam.expire_at(&input.name, end).await?;
        let body = json!({ "name": input.name, "api_key_expiry": rfc3339(end) });
        Ok(Reply::raw_json(200, &body))
    })
}

fn user<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: UserInput = call.input()?;
        let runtime = sys.runtime()?;
        let expiry = if input.name == ADMIN {
            None
        } else {
            runtime.iam.expiry(&input.name).await?
        };
        let api_key = json!({ "expiry": expiry.map(rfc3339) });
        Ok(Reply::raw_json(
            200,
            &json!({ "name": input.name, "api_key": api_key }),
        ))
    })
}

fn absent<'a>(_sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async {
        Err(Error::new(
            ErrorKind::UnsupportedPath,
            "unsupported_path",
            "this part of the API is not implemented",
        ))
    })
}
