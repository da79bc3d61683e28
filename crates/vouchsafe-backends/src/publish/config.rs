//! `config`: what applies to all services.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vouchsafe_logical::duration::format_duration;
use vouchsafe_logical::{
    Access, Answer, Attempts, Call, CommaList, Error, Method, Reply, Route, input,
};

use super::answer::data;
use super::issuer::is_label;
use super::record::CONFIG;
use super::{Publish, shortened};

/// How long caches keep the documents where nobody says otherwise: a change is visible within a
/// minute. Publishers add it to the time between a key's publication and its first use.
const MAX_AGE: Duration = Duration::from_secs(60);
/// The longest age of a document in caches. A key that is published must be old news before it signs.
pub(super) const MAX_AGE_MAX: Duration = Duration::from_secs(24 * 3_600);
/// How long a key stays that an upload leaves out, where nobody says otherwise: tokens of workloads
/// live for a day at most, as a rule.
const RETIRE_AFTER: Duration = Duration::from_secs(24 * 3_600);
/// The longest time that a key stays.
pub(super) const RETIRE_AFTER_MAX: Duration = Duration::from_secs(366 * 24 * 3_600);
/// The largest document, in bytes; verifiers take less, rather than more.
pub(super) const DOCUMENT_BYTES_MAX: usize = 256 * 1024;
/// The most keys of a service where nobody says otherwise. An issuer has two or three; with one
/// rotation an hour and keys that stay a day it has 26.
const KEYS: usize = 64;
/// The most keys of a service: what every verifier of ours takes.
pub(super) const KEYS_MAX: usize = vouchsafe_jose::limits::JWK_SET_KEYS_MAX;
/// The most key types that can be allowed besides.
pub(super) const ALLOWED_KEY_TYPES_MAX: usize = 16;

/// The engine's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Config {
    pub(super) base_domain: String,
    pub(super) metadata_max_age: Duration,
    pub(super) keys_max_age: Duration,
    pub(super) retire_after: Duration,
    pub(super) document_bytes_max: usize,
    pub(super) keys_max: usize,
    pub(super) allowed_key_types: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            base_domain: String::new(),
            metadata_max_age: MAX_AGE,
            keys_max_age: MAX_AGE,
            retire_after: RETIRE_AFTER,
            document_bytes_max: DOCUMENT_BYTES_MAX,
            keys_max: KEYS,
            allowed_key_types: Vec::new(),
        }
    }
}

input! {
    /// Body of a write. What is not sent stays.
    pub(super) struct ConfigInput {
        /// The domain below which services have their host, such as `oidc.example`. Empty: each service names its issuer.
        base_domain: Option<String>,
        /// How long caches may keep the provider metadata.
        metadata_max_age: Option<Duration>,
        /// How long caches may keep the keys.
        keys_max_age: Option<Duration>,
        /// How long a key stays published that an upload leaves out.
        retire_after: Option<Duration>,
        /// The largest document of an upload, in bytes.
        document_bytes_max: Option<i64>,
        /// The most keys of one service.
        keys_max: Option<i64>,
        /// Values of `kty` or `crv` that this server does not know and publishes all the same. `oct` is never one.
        allowed_key_types: Option<CommaList>,
    }
}

pub(super) const ROUTE: Route<Publish> = Route {
    pattern: "config",
    access: Access::Token,
    methods: &[Method::read(read), Method::update::<ConfigInput>(write)],
    exists: None,
    help: "The domain of the public issuers, how long caches keep what is published, and limits.",
};

fn read<'a>(publish: &'a Publish, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let config = publish.config().await?;
        Ok(Reply::data(data([
            ("allowed_key_types", config.allowed_key_types.into()),
            ("base_domain", config.base_domain.into()),
            ("document_bytes_max", config.document_bytes_max.into()),
            ("keys_max", config.keys_max.into()),
            ("keys_max_age", format_duration(config.keys_max_age).into()),
            (
                "metadata_max_age",
                format_duration(config.metadata_max_age).into(),
            ),
            ("retire_after", format_duration(config.retire_after).into()),
        ])))
    })
}

fn write<'a>(publish: &'a Publish, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: ConfigInput = call.input()?;
        let checked = Checked::of(input)?;
        let mut attempts = Attempts::default();
        loop {
            let mut transaction = publish.view.begin();
            let stored: Option<Config> = transaction.read(&publish.view, CONFIG).await?;
            let mut config = stored.unwrap_or_default();
            checked.apply(&mut config);
            transaction.put_record(&publish.view, CONFIG, &config)?;
            if attempts.commit(transaction).await?.is_done() {
                break;
            }
        }
        publish.live.invalidate(CONFIG);
        publish.bring_up_to_date().await?;
        Ok(Reply::empty())
    })
}

/// An input whose every value is within its bounds.
struct Checked {
    input: ConfigInput,
    document_bytes_max: Option<usize>,
    keys_max: Option<usize>,
}

impl Checked {
    fn of(input: ConfigInput) -> Result<Self, Error> {
        if let Some(domain) = input.base_domain.as_deref().filter(|text| !text.is_empty()) {
            // A host's length is checked with the subdomain before it.
            if !domain.split('.').all(is_label) {
                return Err(out_of_bounds(
                    "base_domain",
                    &shortened(domain),
                    "a domain name in lower case",
                ));
            }
        }
        let ages = [
            ("metadata_max_age", input.metadata_max_age, MAX_AGE_MAX),
            ("keys_max_age", input.keys_max_age, MAX_AGE_MAX),
        ];
        for (name, age, max) in ages {
            check_duration(name, age, max)?;
        }
        check_duration("retire_after", input.retire_after, RETIRE_AFTER_MAX)?;
        if let Some(CommaList(types)) = &input.allowed_key_types {
            if types.len() > ALLOWED_KEY_TYPES_MAX {
                let expected = format!("at most {ALLOWED_KEY_TYPES_MAX} entries");
                return Err(out_of_bounds(
                    "allowed_key_types",
                    &types.len().to_string(),
                    &expected,
                ));
            }
            if types.iter().any(|name| name == "oct") {
                return Err(out_of_bounds(
                    "allowed_key_types",
                    "oct",
                    "types of public keys; a symmetric key is never published",
                ));
            }
        }
        Ok(Self {
            document_bytes_max: within(
                "document_bytes_max",
                input.document_bytes_max,
                DOCUMENT_BYTES_MAX,
            )?,
            keys_max: within("keys_max", input.keys_max, KEYS_MAX)?,
            input,
        })
    }

    fn apply(&self, config: &mut Config) {
        fn set<T: Clone>(place: &mut T, value: Option<&T>) {
            if let Some(value) = value {
                place.clone_from(value);
            }
        }
        let input = &self.input;
        set(&mut config.base_domain, input.base_domain.as_ref());
        set(
            &mut config.metadata_max_age,
            input.metadata_max_age.as_ref(),
        );
        set(&mut config.keys_max_age, input.keys_max_age.as_ref());
        set(&mut config.retire_after, input.retire_after.as_ref());
        set(
            &mut config.document_bytes_max,
            self.document_bytes_max.as_ref(),
        );
        set(&mut config.keys_max, self.keys_max.as_ref());
        let types = input.allowed_key_types.as_ref().map(|list| &list.0);
        set(&mut config.allowed_key_types, types);
    }
}

/// Checks a duration against its longest value.
pub(super) fn check_duration(
    name: &'static str,
    value: Option<Duration>,
    max: Duration,
) -> Result<(), Error> {
    match value {
        Some(value) if value > max => Err(out_of_bounds(
            name,
            &format_duration(value),
            &format!("at most {}", format_duration(max)),
        )),
        Some(_) | None => Ok(()),
    }
}

fn within(name: &'static str, value: Option<i64>, max: usize) -> Result<Option<usize>, Error> {
    let Some(value) = value else { return Ok(None) };
    match usize::try_from(value) {
        Ok(number) if (1..=max).contains(&number) => Ok(Some(number)),
        Ok(_) | Err(_) => Err(out_of_bounds(
            name,
            &value.to_string(),
            &format!("1 to {max}"),
        )),
    }
}

fn out_of_bounds(name: &'static str, found: &str, expected: &str) -> Error {
    Error::invalid_because(
        "config_invalid",
        format!("`{name}` is `{found}`; expected {expected}"),
    )
}

impl Publish {
    /// The settings in force.
    pub(super) async fn config(&self) -> Result<Config, Error> {
        Ok(self.view.read(CONFIG).await?.unwrap_or_default())
    }
}
