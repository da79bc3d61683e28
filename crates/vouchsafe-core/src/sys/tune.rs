//! `sys/mounts/:path/tune` and `sys/auth/:path/tune`: how a mount works.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use vouchsafe_logical::field::FromField;
use vouchsafe_logical::{
    Access, Answer, Call, CommaList, Data, Error, KeyValues, Method, Reply, Route, TokenKind, input,
};

use super::Sys;
use super::mount::{Lease, describe_config, describe_lockout, missing, named};
use crate::mount::{StoredClass, Tuning, UserLockoutConfig};

input! {
    /// Body of `…/tune`.
    #[derive(Default)]
    pub(crate) struct TuneInput {
        /// The mount.
        path: String,
        /// Life of tokens and leases where nobody says otherwise; `system` or 0 resets.
        default_lease_ttl: Option<Lease>,
        /// The longest life of tokens and leases; `system` or 0 resets.
        max_lease_ttl: Option<Lease>,
        /// For people.
        description: Option<String>,
        /// `unauth` shows the mount to callers without a token; `hidden` does not.
        listing_visibility: Option<String>,
        /// Request members that audit entries show in the clear.
        audit_non_hmac_request_keys: Option<CommaList>,
        /// Response members that audit entries show in the clear.
        audit_non_hmac_response_keys: Option<CommaList>,
        /// Headers that the backend may see.
        passthrough_request_headers: Option<CommaList>,
        /// Headers that the backend may set.
        allowed_response_headers: Option<CommaList>,
        /// Kind of token that logins make.
        token_type: Option<String>,
        /// Options of the engine.
        options: Option<KeyValues>,
        /// Lockout after failed logins: `lockout_threshold`, `lockout_duration`,
        /// `lockout_counter_reset`, `lockout_disable`.
        user_lockout_config: Option<Data>,
    }
}

pub(crate) const MOUNT_TUNE: Route<Sys> = Route {
    pattern: "mounts/{path...}/tune",
    access: Access::Token,
    methods: &[
        Method::read(read_secret_tune),
        Method::update::<TuneInput>(tune_secret),
    ],
    exists: None,
    help: "Read or change the tuning of a mount.",
};

pub(crate) const AUTH_TUNE: Route<Sys> = Route {
    pattern: "auth/{path...}/tune",
    access: Access::Sudo,
    methods: &[
        Method::read(read_auth_tune),
        Method::update::<TuneInput>(tune_auth),
    ],
    exists: None,
    help: "Read or change the tuning of an auth method.",
};

async fn read_tune(sys: &Sys, class: StoredClass, call: Call<'_>) -> Result<Reply, Error> {
    let path = named(class, &call);
    let runtime = sys.runtime()?;
    let table = runtime.mounts.table();
    let Some(mount) = table.at(&path) else {
        return Err(Error::invalid_because("no_mount", missing(class, &path)));
    };
    let entry = mount.entry();
    let Value::Object(mut data) = describe_config(&entry.config, entry.class) else {
        return Err(Error::internal("a mount's tuning is not an object"));
    };
    let lease_ttl = entry.config.lease_ttl(runtime.mounts.lease_ttl);
    data.insert(
        "default_lease_ttl".to_owned(),
        lease_ttl.default.as_secs().into(),
    );
    data.insert("max_lease_ttl".to_owned(), lease_ttl.max.as_secs().into());
    data.insert("description".to_owned(), entry.description.clone().into());
    data.remove("user_lockout_config");
    if let Some(lockout) = &entry.config.user_lockout
        && let Value::Object(members) = describe_lockout(lockout)
    {
        // The names that Vault has here and only here.
        let members = members.into_iter();
        data.extend(members.map(|(name, value)| (format!("user_{name}"), value)));
    }
    if !entry.options.is_empty() {
        data.insert("options".to_owned(), json!(entry.options));
    }
    Ok(Reply::data(data).at_top_level())
}

fn read_secret_tune<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(read_tune(sys, StoredClass::Secret, call))
}

fn read_auth_tune<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(read_tune(sys, StoredClass::Auth, call))
}

async fn tune(sys: &Sys, class: StoredClass, call: Call<'_>) -> Result<Reply, Error> {
    let input: TuneInput = call.input()?;
    if class == StoredClass::Secret
        && input.token_type.is_some()
        && !call.captured("path").starts_with("auth/")
    {
        return Err(Error::invalid(
            "'token_type' can only be modified on auth mounts",
        ));
    }
    let list = |list: Option<CommaList>| list.map(|list| list.0);
    let tuning = Tuning {
        default_lease_ttl: input.default_lease_ttl.map(|lease| lease.0),
        max_lease_ttl: input.max_lease_ttl.map(|lease| lease.0),
        description: input.description,
        listing_visibility: input.listing_visibility,
        audit_non_hmac_request_keys: list(input.audit_non_hmac_request_keys),
        audit_non_hmac_response_keys: list(input.audit_non_hmac_response_keys),
        passthrough_request_headers: list(input.passthrough_request_headers),
        allowed_response_headers: list(input.allowed_response_headers),
        token_type: input
            .token_type
            .map(|kind| TokenKind::parse(&kind))
            .transpose()?,
        options: input
            .options
            .map(|options| -> BTreeMap<String, String> { options.0 }),
        user_lockout: input
            .user_lockout_config
            .map(|sent| lockout(&sent))
            .transpose()?,
    };
    sys.runtime()?
        .mounts
        .tune(&named(class, &call), &tuning)
        .await?;
    Ok(Reply::empty())
}

fn lockout(sent: &Data) -> Result<UserLockoutConfig, Error> {
    let mut config = UserLockoutConfig::default();
    let threshold = Option::<i64>::from_field("lockout_threshold", sent.get("lockout_threshold"))?;
    if let Some(threshold) = threshold {
        config.threshold = u32::try_from(threshold)
            .ok()
            .filter(|n| *n > 0)
            .ok_or_else(|| {
                Error::invalid(format!(
                    "lockout_threshold is {threshold}; expected at least 1"
                ))
            })?;
    }
    let duration = |name: &str| Option::<Duration>::from_field(name, sent.get(name));
    config.duration = duration("lockout_duration")?.unwrap_or(config.duration);
    config.counter_reset = duration("lockout_counter_reset_duration")?
        .or(duration("lockout_counter_reset")?)
        .unwrap_or(config.counter_reset);
    config.disable = Option::<bool>::from_field("lockout_disable", sent.get("lockout_disable"))?
        .unwrap_or_default();
    Ok(config)
}

fn tune_secret<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(tune(sys, StoredClass::Secret, call))
}

fn tune_auth<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(tune(sys, StoredClass::Auth, call))
}
