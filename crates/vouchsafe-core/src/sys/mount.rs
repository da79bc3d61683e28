//! `sys/mounts` and `sys/auth`: what is mounted, and where.

use std::time::Duration;

use serde_json::{Value, json};
use vouchsafe_logical::field::FromField;
use vouchsafe_logical::{
    Access, Answer, Call, CommaList, Data, Error, KeyValues, Method, MountClass, Reply, Route,
    TokenKind, input,
};

use super::Sys;
use crate::mount::{Mount, MountConfig, NewMount, StoredClass, UserLockoutConfig, builtin_version};

input! {
    /// Body of `mounts/{path}` and `auth/{path}`.
    pub(crate) struct EnableInput {
        /// Where to mount.
        path: String,
        /// What to mount: `approle`, `userpass`, …
        r#type: Option<String>,
        /// For people.
        description: Option<String>,
        /// Tuning: `default_lease_ttl`, `max_lease_ttl`, `token_type`, `listing_visibility`, …
        config: Option<Data>,
        /// Options of the engine, e.g. `version`.
        options: Option<KeyValues>,
        /// Local to one cluster of several.
        local: Option<bool>,
        /// Accepted for compatibility; everything is encrypted.
        seal_wrap: Option<bool>,
        /// Accepted for compatibility; there are no external plugins.
        plugin_name: Option<String>,
        /// Accepted for compatibility; there are no external plugins.
        plugin_version: Option<String>,
        /// Accepted for compatibility; there is one source of entropy.
        external_entropy_access: Option<bool>,
    }
}

/// A lifetime of a mount: a duration, or `system` for the system's.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lease(pub(super) Duration);

impl FromField for Lease {
    const KIND: vouchsafe_logical::field::Kind = vouchsafe_logical::field::Kind::Duration;

    fn from_field(name: &str, value: Option<&Value>) -> Result<Self, Error> {
        match value {
            Some(Value::String(text)) if text == "system" => Ok(Self(Duration::ZERO)),
            other => Duration::from_field(name, other).map(Self),
        }
    }
}

pub(crate) const MOUNTS: Route<Sys> = Route {
    pattern: "mounts",
    access: Access::Token,
    methods: &[Method::read(list_secrets)],
    exists: None,
    help: "List the secrets engines that are mounted.",
};

pub(crate) const MOUNT: Route<Sys> = Route {
    pattern: "mounts/{path...}",
    access: Access::Token,
    methods: &[
        Method::read(read_secret),
        Method::update::<EnableInput>(enable_secret),
        Method::delete(disable_secret),
    ],
    exists: None,
    help: "Mount, show or unmount a secrets engine.",
};

pub(crate) const AUTHS: Route<Sys> = Route {
    pattern: "auth",
    access: Access::Token,
    methods: &[Method::read(list_auth)],
    exists: None,
    help: "List the auth methods that are mounted.",
};

pub(crate) const AUTH: Route<Sys> = Route {
    pattern: "auth/{path...}",
    access: Access::Sudo,
    methods: &[
        Method::read(read_auth),
        Method::update::<EnableInput>(enable_auth),
        Method::delete(disable_auth),
    ],
    exists: None,
    help: "Mount, show or unmount an auth method. Unmounting revokes its tokens.",
};

/// A mount as the API shows it.
pub(crate) fn describe(mount: &Mount) -> Value {
    let entry = mount.entry();
    let options = if entry.options.is_empty() {
        Value::Null
    } else {
        json!(entry.options)
    };
    json!({
        "accessor": entry.accessor,
        "config": describe_config(&entry.config, entry.class),
        "deprecation_status": "supported",
        "description": entry.description,
        "external_entropy_access": false,
        "local": entry.local,
        "options": options,
        "plugin_version": "",
        "running_plugin_version": builtin_version(),
        "running_sha256": "",
        "seal_wrap": entry.seal_wrap,
        "type": entry.kind,
        "uuid": entry.uuid,
    })
}

pub(super) fn describe_config(config: &MountConfig, class: StoredClass) -> Value {
    let mut shown = json!({
        "default_lease_ttl": config.default_lease_ttl.as_secs(),
        "force_no_cache": config.force_no_cache,
        "max_lease_ttl": config.max_lease_ttl.as_secs(),
    });
    let Some(members) = shown.as_object_mut() else {
        return shown;
    };
    if class == StoredClass::Auth {
        let kind = match config.token_type {
            TokenKind::Default => TokenKind::DefaultService,
            other => other,
        };
        members.insert("token_type".to_owned(), kind.as_str().into());
    }
    let lists = [
        (
            "audit_non_hmac_request_keys",
            &config.audit_non_hmac_request_keys,
        ),
        (
            "audit_non_hmac_response_keys",
            &config.audit_non_hmac_response_keys,
        ),
        (
            "passthrough_request_headers",
            &config.passthrough_request_headers,
        ),
        ("allowed_response_headers", &config.allowed_response_headers),
    ];
    for (name, list) in lists {
        if !list.is_empty() {
            members.insert(name.to_owned(), json!(list));
        }
    }
    if !config.listing_visibility.is_empty() {
        members.insert(
            "listing_visibility".to_owned(),
            config.listing_visibility.clone().into(),
        );
    }
    if let Some(lockout) = &config.user_lockout {
        members.insert("user_lockout_config".to_owned(), describe_lockout(lockout));
    }
    shown
}

pub(super) fn describe_lockout(lockout: &UserLockoutConfig) -> Value {
    json!({
        "lockout_counter_reset_duration": lockout.counter_reset.as_secs(),
        "lockout_disable": lockout.disable,
        "lockout_duration": lockout.duration.as_secs(),
        "lockout_threshold": lockout.threshold,
    })
}

fn list(sys: &Sys, class: StoredClass) -> Result<Reply, Error> {
    let runtime = sys.runtime()?;
    let mut data = Data::new();
    for mount in runtime
        .mounts
        .table()
        .iter()
        .filter(|mount| mount.entry().class == class)
    {
        let path = &mount.entry().path;
        let shown = path
            .strip_prefix("auth/")
            .filter(|_| class == StoredClass::Auth);
        data.insert(shown.unwrap_or(path).to_owned(), describe(mount));
    }
    Ok(Reply::data(data).at_top_level())
}

fn list_secrets<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move { list(sys, StoredClass::Secret) })
}

fn list_auth<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move { list(sys, StoredClass::Auth) })
}

/// The whole path of a mount that a request names.
pub(super) fn named(class: StoredClass, call: &Call<'_>) -> String {
    let path = call.captured("path").trim_matches('/');
    match class {
        StoredClass::Auth => format!("auth/{path}/"),
        StoredClass::Secret => format!("{path}/"),
    }
}

async fn read(sys: &Sys, class: StoredClass, call: Call<'_>) -> Result<Reply, Error> {
    let path = named(class, &call);
    let runtime = sys.runtime()?;
    let table = runtime.mounts.table();
    match table.at(&path).filter(|mount| mount.entry().class == class) {
        Some(mount) => match describe(mount) {
            Value::Object(data) => Ok(Reply::data(data).at_top_level()),
            _ => Err(Error::internal("a mount is not an object")),
        },
        None => Err(Error::invalid_because("no_mount", missing(class, &path))),
    }
}

pub(super) fn missing(class: StoredClass, path: &str) -> String {
    match class {
        StoredClass::Auth => {
            format!(
                "No auth engine at {}",
                path.strip_prefix("auth/").unwrap_or(path)
            )
        }
        StoredClass::Secret => format!("No secret engine mount at {path}"),
    }
}

fn read_secret<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(read(sys, StoredClass::Secret, call))
}

fn read_auth<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(read(sys, StoredClass::Auth, call))
}

async fn enable(sys: &Sys, class: MountClass, call: Call<'_>) -> Result<Reply, Error> {
    let input: EnableInput = call.input()?;
    let kind = input
        .r#type
        .filter(|kind| !kind.is_empty())
        .or(input.plugin_name);
    let Some(kind) = kind.filter(|kind| !kind.is_empty()) else {
        return Err(Error::invalid("backend type must be specified as a string"));
    };
    let mut config = MountConfig::default();
    let mut options = input.options.unwrap_or_default().0;
    if let Some(sent) = input.config {
        apply_config(&mut config, &sent)?;
    }
    if class == MountClass::Auth && config.token_type == TokenKind::Default {
        config.token_type = TokenKind::DefaultService;
    }
    options.retain(|_, value| !value.is_empty());
    sys.runtime()?
        .mounts
        .enable(NewMount {
            path: input.path,
            kind,
            class,
            description: input.description.unwrap_or_default(),
            config,
            options,
            local: input.local.unwrap_or_default(),
            seal_wrap: input.seal_wrap.unwrap_or_default(),
        })
        .await?;
    Ok(Reply::empty())
}

/// Tuning that is sent with the mount itself.
fn apply_config(config: &mut MountConfig, sent: &Data) -> Result<(), Error> {
    fn field<T: FromField>(sent: &Data, name: &str) -> Result<Option<T>, Error> {
        Option::<T>::from_field(name, sent.get(name))
    }
    config.default_lease_ttl = field::<Lease>(sent, "default_lease_ttl")?
        .unwrap_or_default()
        .0;
    config.max_lease_ttl = field::<Lease>(sent, "max_lease_ttl")?.unwrap_or_default().0;
    if !config.max_lease_ttl.is_zero() && config.default_lease_ttl > config.max_lease_ttl {
        return Err(Error::invalid(
            "given default lease TTL greater than given max lease TTL",
        ));
    }
    config.force_no_cache = field(sent, "force_no_cache")?.unwrap_or_default();
    config.listing_visibility = field(sent, "listing_visibility")?.unwrap_or_default();
    if !matches!(config.listing_visibility.as_str(), "" | "hidden" | "unauth") {
        return Err(Error::invalid(format!(
            "invalid listing_visibility {:?}; expected `unauth` or `hidden`",
            config.listing_visibility
        )));
    }
    let list = |name| Ok::<_, Error>(field::<CommaList>(sent, name)?.unwrap_or_default().0);
    config.audit_non_hmac_request_keys = list("audit_non_hmac_request_keys")?;
    config.audit_non_hmac_response_keys = list("audit_non_hmac_response_keys")?;
    config.passthrough_request_headers = list("passthrough_request_headers")?;
    config.allowed_response_headers = list("allowed_response_headers")?;
    if let Some(kind) = field::<String>(sent, "token_type")? {
        config.token_type = TokenKind::parse(&kind)?;
    }
    Ok(())
}

fn enable_secret<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(enable(sys, MountClass::Secret, call))
}

fn enable_auth<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(enable(sys, MountClass::Auth, call))
}

async fn disable(sys: &Sys, class: StoredClass, call: Call<'_>) -> Result<Reply, Error> {
    let runtime = sys.runtime()?;
    if let Some(entry) = runtime.mounts.disable(class, &named(class, &call)).await? {
        runtime.tokens.revoke_of_mount(&entry.accessor).await?;
        super::erase(&runtime.mounts.storage_of(&entry)).await?;
    }
    Ok(Reply::empty())
}

fn disable_secret<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(disable(sys, StoredClass::Secret, call))
}

fn disable_auth<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(disable(sys, StoredClass::Auth, call))
}
