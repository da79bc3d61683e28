//! `oidc/key/{name}`: named keys.

use std::time::Duration;

use serde_json::json;
use vouchsafe_identity::issuer::{
    ALGORITHMS, NamedKey, ROTATION_PERIOD_SECONDS_MIN, Spares, UnixSeconds,
    VERIFICATION_PERIODS_MAX,
};
use vouchsafe_jose::Algorithm;
use vouchsafe_logical::{Access, Call, CommaList, Data, Error, Method, Reply, Route, input};

use super::records::{DEFAULT_KEY, KEYS, Records, References};
use super::rotate::dropped_warning;
use super::write::Undecided;
use super::{NAME_BYTES_MAX, Oidc};
use crate::secrets::identity::Identity;

/// The most client ids that a key lists. More are better served by `*` and a key of their own.
pub(super) const ALLOWED_CLIENT_IDS_MAX: usize = 1_024;

input! {
    /// Body of `oidc/key/{name}`.
    pub(super) struct KeyInput {
        /// How long a key pair signs before the next one takes over; at least a minute.
        rotation_period: Option<Duration>,
        /// How long a key pair stays published after it has signed its last token; the longest TTL that a role of this key can have.
        verification_ttl: Option<Duration>,
        /// `RS256`, `RS384`, `RS512`, `ES256`, `ES384`, `ES512` or `EdDSA`.
        algorithm: Option<String>,
        /// Client ids of the roles that may use the key; `*` for all, nobody by default.
        allowed_client_ids: Option<CommaList>,
    }
}

pub(in crate::secrets::identity) const LIST: Route<Identity> = Route {
    pattern: "oidc/key",
    access: Access::Token,
    methods: &[Method::list(|identity, _| {
        Box::pin(identity.oidc.list_keys())
    })],
    exists: None,
    help: "The named keys.",
};

pub(in crate::secrets::identity) const ROUTE: Route<Identity> = Route {
    pattern: "oidc/key/{name}",
    access: Access::Token,
    methods: &[
        Method::read(|identity, call| {
            Box::pin(async move { identity.oidc.read_key(call.captured("name")).await })
        }),
        Method::update::<KeyInput>(|identity, call| {
            Box::pin(async move { identity.oidc.write_key(&call).await })
        }),
        Method::delete(|identity, call| {
            Box::pin(async move { identity.oidc.delete_key(call.captured("name")).await })
        }),
    ],
    exists: Some(|identity, call| {
        Box::pin(async move {
            Ok(identity
                .oidc
                .ready_key(call.captured("name"))
                .await?
                .is_some())
        })
    }),
    help: "A named key: key pairs that sign tokens and take turns at it.",
};

impl Oidc {
    async fn list_keys(&self) -> Result<Reply, Error> {
        let mut names = self.view.list_folder(KEYS).await?;
        if let Err(place) = names.binary_search_by(|name| name.as_str().cmp(DEFAULT_KEY)) {
            names.insert(place, DEFAULT_KEY.to_owned());
        }
        Reply::keys(names)
    }

    async fn read_key(&self, name: &str) -> Result<Reply, Error> {
        let ready = self.ready_key(name).await?.ok_or_else(Error::not_found)?;
        Ok(Reply::data(describe(&ready.named_key, self.now())))
    }

    async fn write_key(&self, call: &Call<'_>) -> Result<Reply, Error> {
        let name = checked_name(call.captured("name"))?;
        let input: KeyInput = call.input()?;
        let warnings = self
            .write(|spares| {
                let input = &input;
                Box::pin(async move {
                    let mut records = self.begin();
                    let warnings = update(&mut records, name, input, spares).await?;
                    Ok((records, warnings))
                })
            })
            .await?;
        Ok(warnings
            .into_iter()
            .fold(Reply::empty(), Reply::with_warning))
    }

    async fn delete_key(&self, name: &str) -> Result<Reply, Error> {
        if name == DEFAULT_KEY {
            return Err(Error::invalid("deletion of key \"default\" not allowed"));
        }
        self.write(|_| {
            Box::pin(async move {
                let mut records = self.begin();
                let references = records.references(name).await?;
                if !references.roles.is_empty() {
                    let roles: Vec<&str> = references.roles.keys().map(String::as_str).collect();
                    return Err(Error::invalid_because(
                        "key_in_use",
                        format!(
                            "unable to delete key {name:?} because it is currently referenced by these roles: {}",
                            roles.join(", ")
                        ),
                    )
                    .into());
                }
                if records.key(name).await?.is_some() {
                    records.delete_key(name).await?;
                }
                Ok((records, ()))
            })
        })
        .await?;
        Ok(Reply::empty())
    }
}

/// A name that fits storage.
pub(super) fn checked_name(name: &str) -> Result<&str, Error> {
    if name.len() > NAME_BYTES_MAX {
        return Err(Error::invalid_because(
            "name_too_long",
            format!(
                "the name has {} bytes; at most {NAME_BYTES_MAX} are allowed",
                name.len()
            ),
        ));
    }
    Ok(name)
}

/// Creates or changes a key; returns warnings.
async fn update(
    records: &mut Records<'_>,
    name: &str,
    input: &KeyInput,
    mut spares: Spares,
) -> Result<Vec<String>, Undecided> {
    let now = records.now;
    let existing = records.key(name).await?;
    let references = records.references(name).await?;
    let is_new = existing.is_none();
    let mut key = existing.unwrap_or_else(NamedKey::with_default_settings);
    let period_seconds = input
        .rotation_period
        .map_or(key.rotation_period_seconds, |d| d.as_secs());
    let ttl_seconds = input
        .verification_ttl
        .map_or(key.verification_ttl_seconds, |d| d.as_secs());
    check_periods(name, period_seconds, ttl_seconds, &references)?;
    let algorithm = match &input.algorithm {
        Some(text) => parse_algorithm(text)?,
        None => key.algorithm,
    };
    if let Some(ids) = &input.allowed_client_ids {
        check_client_ids(&ids.0)?;
        key.allowed_client_ids.clone_from(&ids.0);
    }
    let mut warnings = Vec::new();
    if is_new {
        key.algorithm = algorithm;
        key.rotation_period_seconds = period_seconds;
        key.verification_ttl_seconds = ttl_seconds;
        key.ensure_pairs(now, None, &mut spares)?;
    } else {
        let publication = records.publication(&references).await?;
        let old_algorithm = key.algorithm;
        let changed = key.set_algorithm(now, algorithm, publication, &mut spares)?;
        key.set_periods(now, period_seconds, ttl_seconds)?;
        warnings.extend(changed.signs_from.map(|from| {
            format!(
                "tokens are signed with {algorithm} from {from} on, when every cache of the key set \
                 has the new key, and with {old_algorithm} until then. To switch at once, rotate the \
                 key."
            )
        }));
        warnings.extend(changed.dropped.iter().map(dropped_warning));
    }
    records.put_key(name, &key).await?;
    Ok(warnings)
}

fn check_periods(
    name: &str,
    rotation_period_seconds: u64,
    verification_ttl_seconds: u64,
    references: &References,
) -> Result<(), Error> {
    if rotation_period_seconds < ROTATION_PERIOD_SECONDS_MIN {
        return Err(Error::invalid(
            "rotation_period must be at least one minute",
        ));
    }
    let longest = rotation_period_seconds.saturating_mul(VERIFICATION_PERIODS_MAX);
    if verification_ttl_seconds > longest {
        return Err(Error::invalid(
            "verification_ttl cannot be longer than 10x rotation_period",
        ));
    }
    if references.longest_ttl_seconds() > verification_ttl_seconds {
        return Err(Error::invalid_because(
            "verification_ttl_too_short",
            format!(
                "unable to update key {name:?} because it is currently referenced by one or more \
                 roles with a token ttl greater than {verification_ttl_seconds} seconds"
            ),
        ));
    }
    Ok(())
}

fn parse_algorithm(text: &str) -> Result<Algorithm, Error> {
    Algorithm::parse(text)
        .ok()
        .filter(|algorithm| ALGORITHMS.contains(algorithm))
        .ok_or_else(|| {
            Error::invalid_because(
                "algorithm_unknown",
                format!("unknown signing algorithm {text:?}"),
            )
        })
}

fn check_client_ids(ids: &[String]) -> Result<(), Error> {
    if ids.len() > ALLOWED_CLIENT_IDS_MAX {
        return Err(Error::invalid(format!(
            "allowed_client_ids has {} entries; at most {ALLOWED_CLIENT_IDS_MAX} are allowed, or `*` for all",
            ids.len()
        )));
    }
    match ids.iter().find(|id| id.len() > NAME_BYTES_MAX) {
        Some(long) => Err(Error::invalid(format!(
            "allowed_client_ids has an entry of {} bytes; at most {NAME_BYTES_MAX} are allowed",
            long.len()
        ))),
        None => Ok(()),
    }
}

fn describe(key: &NamedKey, now: UnixSeconds) -> Data {
    let pairs: Vec<_> = key
        .states(now)
        .enumerate()
        .map(|(index, (pair, state))| {
            json!({
                "key_id": pair.key_id(),
                "algorithm": pair.material.algorithm().as_str(),
                "state": state.as_str(),
                "published_at": pair.published.map(|published| published.at.to_string()),
                "active_from": pair.active_from.to_string(),
                "known_from": pair.published.map(|published| published.known_from.to_string()),
                "expires_at": key.expires_at(index).map(|at| at.to_string()),
            })
        })
        .collect();
    Data::from_iter([
        ("algorithm".to_owned(), key.algorithm.as_str().into()),
        (
            "allowed_client_ids".to_owned(),
            key.allowed_client_ids.clone().into(),
        ),
        (
            "rotation_period".to_owned(),
            key.rotation_period_seconds.into(),
        ),
        (
            "verification_ttl".to_owned(),
            key.verification_ttl_seconds.into(),
        ),
        ("keys".to_owned(), pairs.into()),
    ])
}
