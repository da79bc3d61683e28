//! What `auth` and `secrets` share: mounting, tuning and listing mounts.

use serde_json::{Map, Value, json};
use vouchsafe_api::{Envelope, Request};

use super::context::Context;
use super::duration::{self, Seconds};
use super::failure::{Exit, Stop};
use super::flags::{FormatFlags, HttpFlags, name_and_value};
use super::gotext;
use super::table::Table;

/// Settings of a mount that can be given when it is made and changed later.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct TuneFlags {
    /// Description for people
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// TTL of tokens and leases that ask for none. Default: the system's
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) default_lease_ttl: Option<Seconds>,
    /// Longest TTL of tokens and leases. Default: the system's
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) max_lease_ttl: Option<Seconds>,
    /// Key of a request that the audit log shows in plain text; may repeat
    #[arg(long, value_name = "KEY")]
    pub(crate) audit_non_hmac_request_keys: Vec<String>,
    /// Key of a response that the audit log shows in plain text; may repeat
    #[arg(long, value_name = "KEY")]
    pub(crate) audit_non_hmac_response_keys: Vec<String>,
    /// Whether the mount shows up without a token: `unauth`, or `hidden`
    #[arg(long, value_name = "VISIBILITY")]
    pub(crate) listing_visibility: Option<String>,
    /// Header of a request that the mount gets to see; may repeat
    #[arg(long, value_name = "NAME")]
    pub(crate) passthrough_request_headers: Vec<String>,
    /// Header of a response that the mount may set; may repeat
    #[arg(long, value_name = "NAME")]
    pub(crate) allowed_response_headers: Vec<String>,
    /// Option of the mount, as KEY=VALUE; may repeat
    #[arg(long, value_name = "KEY=VALUE", value_parser = name_and_value)]
    pub(crate) options: Vec<(String, String)>,
    /// Version of the mount's type, the same as -options=version=N
    #[arg(long, value_name = "NUMBER")]
    pub(crate) version: Option<i64>,
    /// Version of the plugin
    #[arg(long, value_name = "VERSION")]
    pub(crate) plugin_version: Option<String>,
    /// Kind of the tokens that the mount issues
    #[arg(long, value_name = "KIND")]
    pub(crate) token_type: Option<String>,
}

/// How mounts are listed.
#[derive(clap::Args)]
pub(crate) struct ListFlags {
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    format: FormatFlags,
    /// Show all settings
    #[arg(long)]
    detailed: bool,
}

impl ListFlags {
    /// Asks for the mounts of a kind, and prints them.
    pub(crate) fn print(
        &self,
        context: &mut Context,
        request: &Request,
        kind: Kind,
        fault: &str,
    ) -> Result<Exit, Stop> {
        let format = self.format.resolve(&context.environment)?;
        context.connect(&self.http)?;
        let mounts = of(context.envelope(request, fault)?);
        let value = Value::Object(mounts.clone());
        context.print_value(&value, format, || match self.detailed {
            true => detailed_table(&mounts, kind),
            false => table(&mounts, kind),
        });
        Ok(Exit::Success)
    }
}

/// Settings of a mount that are fixed when it is made.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct EnableFlags {
    /// Where to mount. Default: the type's name
    #[arg(long, value_name = "PATH")]
    pub(crate) path: Option<String>,
    /// Name of the plugin, when the type is `plugin`
    #[arg(long, value_name = "NAME")]
    pub(crate) plugin_name: Option<String>,
    /// Keep the mount out of replication
    #[arg(long)]
    pub(crate) local: bool,
    /// Encrypt the mount's data a second time, with the seal
    #[arg(long)]
    pub(crate) seal_wrap: bool,
    /// Let the mount use an outside source of randomness
    #[arg(long)]
    pub(crate) external_entropy_access: bool,
    /// Keep the mount's data out of the cache
    #[arg(long)]
    pub(crate) force_no_cache: bool,
    #[command(flatten)]
    pub(crate) tune: TuneFlags,
}

impl EnableFlags {
    /// The mount's path, without slashes around it.
    pub(crate) fn path_for<'a>(&'a self, kind: &'a str) -> &'a str {
        self.path
            .as_deref()
            .unwrap_or(self.type_for(kind))
            .trim_matches('/')
    }

    /// The mount's type: that of the plugin, if one is named.
    pub(crate) fn type_for<'a>(&'a self, kind: &'a str) -> &'a str {
        match (kind, &self.plugin_name) {
            ("plugin", Some(name)) => name,
            _ => kind,
        }
    }

    /// The body that makes the mount.
    pub(crate) fn body(&self, kind: &str) -> Value {
        let ttl = |ttl: Option<Seconds>| json!(ttl.unwrap_or_default().go());
        let mut config = Map::new();
        config.insert(
            "default_lease_ttl".to_owned(),
            ttl(self.tune.default_lease_ttl),
        );
        config.insert("max_lease_ttl".to_owned(), ttl(self.tune.max_lease_ttl));
        config.insert("force_no_cache".to_owned(), json!(self.force_no_cache));
        config.extend(self.tune.settings());
        json!({
            "type": self.type_for(kind),
            "description": self.tune.description.as_deref().unwrap_or_default(),
            "config": config,
            "local": self.local,
            "seal_wrap": self.seal_wrap,
            "external_entropy_access": self.external_entropy_access,
            "options": self.tune.options(),
        })
    }
}

impl TuneFlags {
    /// The body that changes the mount: what was given alone.
    pub(crate) fn body(&self) -> Value {
        let mut body = Map::new();
        let ttls = [
            ("default_lease_ttl", self.default_lease_ttl),
            ("max_lease_ttl", self.max_lease_ttl),
        ];
        for (name, ttl) in ttls {
            if let Some(ttl) = ttl {
                body.insert(name.to_owned(), json!(ttl.go()));
            }
        }
        if let Some(description) = &self.description {
            body.insert("description".to_owned(), json!(description));
        }
        if let options @ Value::Object(_) = self.options() {
            body.insert("options".to_owned(), options);
        }
        body.extend(self.settings());
        Value::Object(body)
    }

    fn options(&self) -> Value {
        let mut options: Map<String, Value> = self
            .options
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        if let Some(version) = self.version {
            options.insert("version".to_owned(), json!(version.to_string()));
        }
        if options.is_empty() {
            Value::Null
        } else {
            Value::Object(options)
        }
    }

    fn settings(&self) -> Map<String, Value> {
        let lists = [
            (
                "audit_non_hmac_request_keys",
                &self.audit_non_hmac_request_keys,
            ),
            (
                "audit_non_hmac_response_keys",
                &self.audit_non_hmac_response_keys,
            ),
            (
                "passthrough_request_headers",
                &self.passthrough_request_headers,
            ),
            ("allowed_response_headers", &self.allowed_response_headers),
        ];
        let texts = [
            ("listing_visibility", &self.listing_visibility),
            ("token_type", &self.token_type),
            ("plugin_version", &self.plugin_version),
        ];
        let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
        let lists = lists.map(|(name, list)| (name.to_owned(), json!(list)));
        let texts = texts
            .into_iter()
            .filter_map(|(name, text)| text.as_ref().map(|text| (name.to_owned(), json!(text))));
        lists.chain(texts).collect()
    }
}

/// The mounts of an answer by path, in order. Older servers put them at the top level.
pub(crate) fn of(envelope: Option<Envelope>) -> Map<String, Value> {
    let data = envelope
        .and_then(|envelope| envelope.data)
        .unwrap_or_default();
    let mut mounts: Vec<(String, Value)> = data
        .into_iter()
        .filter(|(path, _)| path.ends_with('/'))
        .collect();
    mounts.sort_by(|(a, _), (b, _)| a.cmp(b));
    mounts.into_iter().collect()
}

/// Whether the table of mounts shows auth methods or secrets engines: their columns differ.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Auth methods.
    Auth,
    /// Secrets engines.
    Secrets,
}

/// A short table of mounts.
fn table(mounts: &Map<String, Value>, kind: Kind) -> String {
    let mut table = match kind {
        Kind::Auth => Table::with_columns(titles(&[
            "Path",
            "Type",
            "Accessor",
            "Description",
            "Version",
        ])),
        Kind::Secrets => Table::with_columns(titles(&["Path", "Type", "Accessor", "Description"])),
    };
    for (path, mount) in mounts {
        let text = |name: &str| mount.get(name).map(gotext::render).unwrap_or_default();
        let mut cells = vec![
            path.clone(),
            text("type"),
            text("accessor"),
            text("description"),
        ];
        if kind == Kind::Auth {
            cells.push(text("plugin_version"));
        }
        table.cells(cells.into_iter());
    }
    table.render()
}

/// A table of mounts with all their settings.
fn detailed_table(mounts: &Map<String, Value>, kind: Kind) -> String {
    let special = if kind == Kind::Auth {
        "Token Type"
    } else {
        "Force No Cache"
    };
    let mut table = Table::with_columns(titles(&[
        "Path",
        "Plugin",
        "Accessor",
        "Default TTL",
        "Max TTL",
        special,
        "Replication",
        "Seal Wrap",
        "External Entropy Access",
        "Options",
        "Description",
        "UUID",
        "Version",
        "Running Version",
        "Running SHA256",
        "Deprecation Status",
    ]));
    for (path, mount) in mounts {
        let text = |name: &str| mount.get(name).map(gotext::render).unwrap_or_default();
        let config = |name: &str| mount.get("config").and_then(|config| config.get(name));
        let ttl = |name: &str| match config(name).and_then(Value::as_i64) {
            _ if ["system", "cubbyhole"].contains(&text("type").as_str()) => String::new(),
            None | Some(0) => "system".to_owned(),
            Some(seconds) => seconds.to_string(),
        };
        let special = match kind {
            Kind::Auth => config("token_type"),
            Kind::Secrets => config("force_no_cache"),
        };
        let is_local = mount.get("local") == Some(&Value::Bool(true));
        let options = mount.get("options").filter(|options| !options.is_null());
        table.cells(
            [
                path.clone(),
                text("type"),
                text("accessor"),
                ttl("default_lease_ttl"),
                ttl("max_lease_ttl"),
                special.map(gotext::render).unwrap_or_default(),
                if is_local { "local" } else { "replicated" }.to_owned(),
                text("seal_wrap"),
                text("external_entropy_access"),
                options.map_or_else(|| "map[]".to_owned(), gotext::render),
                text("description"),
                text("uuid"),
                text("plugin_version"),
                text("running_plugin_version"),
                text("running_sha256"),
                text("deprecation_status"),
            ]
            .into_iter(),
        );
    }
    table.render()
}

fn titles(titles: &[&str]) -> impl Iterator<Item = String> {
    titles
        .iter()
        .map(|title| (*title).to_owned())
        .collect::<Vec<_>>()
        .into_iter()
}
