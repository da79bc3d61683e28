//! `sys/mounts`, `sys/auth` and their `tune`, and `sys/remount`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use vouchsafe_logical::field::FromField;
use vouchsafe_logical::{
    Access, Answer, Call, CommaList, Data, EntropyExt, Error, KeyValues, Method, MountClass,
    Operation, Reply, Route, TokenKind, input,
};

use super::Sys;
use crate::mount::{
    Mount, MountConfig, Moved, NewMount, StoredClass, Tuning, UserLockoutConfig, builtin_version,
};

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

input! {
    /// Body of `remount`.
    pub(crate) struct RemountInput {
        /// The mount's path now.
        from: Option<String>,
        /// The mount's path afterwards.
        to: Option<String>,
    }
}

/// A lifetime of a mount: a duration, or `system` for the system's.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lease(Duration);

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

pub(crate) const REMOUNT: Route<Sys> = Route {
    pattern: "remount",
    access: Access::Sudo,
    methods: &[Method::update::<RemountInput>(remount)],
    exists: None,
    help: "Move a mount to another path. Its data and tokens stay its own.",
};

pub(crate) const REMOUNT_STATUS: Route<Sys> = Route {
    pattern: "remount/status/{migration_id*}",
    access: Access::Token,
    methods: &[Method::read(remount_status)],
    exists: None,
    help: "Show what became of a move.",
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

fn describe_config(config: &MountConfig, class: StoredClass) -> Value {
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

fn describe_lockout(lockout: &UserLockoutConfig) -> Value {
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
fn named(class: StoredClass, call: &Call<'_>) -> String {
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

fn missing(class: StoredClass, path: &str) -> String {
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

fn remount<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        debug_assert_eq!(call.operation, Operation::Update);
        let input: RemountInput = call.input()?;
        let (Some(from), Some(to)) = (input.from, input.to) else {
            return Err(Error::invalid(
                "both 'from' and 'to' path must be specified as a string",
            ));
        };
        let runtime = sys.runtime()?;
        let path = |text: &str| format!("{}/", text.trim_matches('/'));
        let moved = Moved {
            id: runtime.ports.entropy.uuid(),
            from: path(&from),
            to: path(&to),
        };
        runtime.mounts.remount(&moved.from, &moved.to).await?;
        runtime.mounts.remember_move(&moved).await?;
        let data = Data::from_iter([("migration_id".to_owned(), moved.id.into())]);
        Ok(Reply::data(data)
            .at_top_level()
            .with_warning(format!("Mount move is done: {from} is {to} now")))
    })
}

fn remount_status<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let id = call.captured("migration_id");
        let moved = sys.runtime()?.mounts.moved(id).await?;
        let moved = moved.ok_or_else(Error::not_found)?;
        // A move is one transaction: one that is remembered is done.
        let info = json!({
            "source_mount": moved.from,
            "target_mount": moved.to,
            "status": "success",
        });
        let mut data = Data::new();
        data.insert("migration_id".to_owned(), moved.id.into());
        data.insert("migration_info".to_owned(), info);
        Ok(Reply::data(data))
    })
}
