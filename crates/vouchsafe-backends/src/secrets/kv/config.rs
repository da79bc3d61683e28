//! `config`: what a mount prescribes to all of its keys.

use std::time::Duration;

use serde_json::Value;
use vouchsafe_logical::duration::format_duration;
use vouchsafe_logical::field::{FromField, Kind};
use vouchsafe_logical::{Access, Answer, Attempts, Call, Error, Method, Reply, Route, input};

use super::record::{Config, VersionLife};
use super::{Kv, answer, layout, limit};

/// The mount's configuration.
pub(super) const ROUTE: Route<Kv> = Route {
    pattern: "config",
    access: Access::Token,
    methods: &[Method::read(read), Method::update::<ConfigInput>(write)],
    exists: None,
    help: "Read or change what applies to all keys of the mount.",
};

input! {
    /// Body of a write. What is not sent stays.
    pub(super) struct ConfigInput {
        /// How many versions keys keep that don't say; 0 = 10.
        max_versions: Option<i64>,
        /// Whether each write must carry `cas`, whatever the key says.
        cas_required: Option<bool>,
        /// How long versions live at most; 0 = as the key says, less than 0 = for ever.
        delete_version_after: Option<VersionLife>,
        /// Whether each write of metadata must carry `metadata_cas`, whatever the key says.
        metadata_cas_required: Option<bool>,
    }
}

impl FromField for VersionLife {
    const KIND: Kind = Kind::Duration;

    fn from_field(name: &str, value: Option<&Value>) -> Result<Self, Error> {
        // A minus sign before any duration means the same: not at all.
        let below_zero = match value {
            Some(Value::String(text)) => text.trim().strip_prefix('-').map(str::to_owned),
            Some(Value::Number(seconds)) => seconds
                .as_i64()
                .filter(|s| *s < 0)
                .map(|s| s.unsigned_abs().to_string()),
            _ => None,
        };
        let life = match &below_zero {
            Some(text) => Duration::from_field(name, Some(&Value::String(text.clone())))?,
            None => Duration::from_field(name, value)?,
        };
        Ok(match (life, below_zero) {
            (Duration::ZERO, _) => Self::Unset,
            (_, Some(_)) => Self::Unlimited,
            (life, None) => Self::AtMost(life),
        })
    }
}

fn read<'a>(kv: &'a Kv, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let secrets = kv.versioned().await?;
        let config: Option<Config> = secrets.view().read(layout::CONFIG_KEY).await?;
        let config = config.unwrap_or_default();
        let life = match config.delete_version_after {
            VersionLife::Unset => format_duration(Duration::ZERO),
            VersionLife::Unlimited => "-1s".to_owned(),
            VersionLife::AtMost(life) => format_duration(life),
        };
        Ok(Reply::data(answer::data([
            ("cas_required", config.cas_required.into()),
            ("delete_version_after", life.into()),
            ("max_versions", config.max_versions.into()),
            ("metadata_cas_required", config.metadata_cas_required.into()),
        ])))
    })
}

fn write<'a>(kv: &'a Kv, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let secrets = kv.versioned().await?;
        let view = secrets.view();
        let input: ConfigInput = call.input()?;
        let max_versions = input.max_versions.map(limit::check_max_versions);
        let max_versions = max_versions.transpose()?;
        let mut attempts = Attempts::default();
        loop {
            let mut transaction = view.begin();
            let stored: Option<Config> = transaction.read(view, layout::CONFIG_KEY).await?;
            let stored = stored.unwrap_or_default();
            let config = Config {
                max_versions: max_versions.unwrap_or(stored.max_versions),
                cas_required: input.cas_required.unwrap_or(stored.cas_required),
                metadata_cas_required: input
                    .metadata_cas_required
                    .unwrap_or(stored.metadata_cas_required),
                delete_version_after: input
                    .delete_version_after
                    .unwrap_or(stored.delete_version_after),
            };
            transaction.put_record(view, layout::CONFIG_KEY, &config)?;
            if attempts.commit(transaction).await?.is_done() {
                return Ok(Reply::empty());
            }
        }
    })
}
