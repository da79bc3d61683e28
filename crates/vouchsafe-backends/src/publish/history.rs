//! `services/<subdomain>/history`, `diff` and `rollback`: what was published before.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use vouchsafe_logical::{Access, Answer, Call, Error, Method, Operation, Reply, Route, input};

use super::issuer::PublicIssuer;
use super::record::{self, Published, Service};
use super::retirement::{Leaving, follow};
use super::store::author;
use super::{Publish, answer, render};

/// The publications of a service that are kept.
pub(super) const HISTORY_MAX: u64 = 20;

input! {
    /// Parameters of a diff.
    pub(super) struct DiffInput {
        /// The version to compare with; that before `to` where none is given.
        from: Option<i64>,
        /// The version that is compared; the latest where none is given.
        to: Option<i64>,
    }
}

input! {
    /// Body of a rollback.
    pub(super) struct RollbackInput {
        /// The version to publish again.
        version: i64,
        /// Whether keys that the version does not have go at once.
        force: Option<bool>,
    }
}

pub(super) const ROUTE: Route<Publish> = Route {
    pattern: "services/{subdomain}/history",
    access: Access::Token,
    methods: &[Method::read(read)],
    exists: None,
    help: "The last publications of a service, with who published them and when.",
};

pub(super) const DIFF: Route<Publish> = Route {
    pattern: "services/{subdomain}/diff",
    access: Access::Token,
    methods: &[Method::with::<DiffInput>(Operation::Read, diff)],
    exists: None,
    help: "What changed between two publications of a service.",
};

pub(super) const ROLLBACK: Route<Publish> = Route {
    pattern: "services/{subdomain}/rollback",
    access: Access::Token,
    methods: &[Method::update::<RollbackInput>(rollback)],
    exists: None,
    help: "Publish an earlier version again. Keys that it does not have stay for their time.",
};

fn read<'a>(publish: &'a Publish, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let subdomain = call.captured("subdomain");
        publish.service(subdomain).await?;
        let mut versions = publish.versions(subdomain).await?;
        versions.reverse();
        let history: Vec<Value> = versions.iter().map(answer::entry).collect();
        Ok(Reply::data(answer::data([("history", history.into())])))
    })
}

fn diff<'a>(publish: &'a Publish, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let subdomain = call.captured("subdomain");
        let input: DiffInput = call.input()?;
        let service = publish.service(subdomain).await?;
        let issuer = PublicIssuer::parse(&service.issuer)?;
        let versions = publish.versions(subdomain).await?;
        let to = match input.to {
            Some(number) => found(&versions, number)?,
            None => versions.last().ok_or_else(Error::not_found)?,
        };
        let from = match input.from {
            Some(number) => Some(found(&versions, number)?),
            None => versions.iter().rfind(|other| other.number < to.number),
        };
        Ok(Reply::data(difference(&issuer, from, to)))
    })
}

fn rollback<'a>(publish: &'a Publish, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let subdomain = call.captured("subdomain");
        let input: RollbackInput = call.input()?;
        let config = publish.config().await?;
        publish.service(subdomain).await?;
        let versions = publish.versions(subdomain).await?;
        let wanted = found(&versions, input.version)?;
        let now = publish.now();
        let by = author(call.caller);
        let decide = |service: &mut Service| {
            let mut warnings = Vec::new();
            let stay = service.retire_after.unwrap_or(config.retire_after);
            let leaving = if input.force.unwrap_or(false) {
                Leaving::Now
            } else {
                Leaving::After(stay)
            };
            // Its own keys, and not those that were on their way out then.
            let keys = wanted.keys.iter().filter(|key| key.retire_at.is_none());
            let current = service.published.as_ref();
            let keys = follow(
                current.map_or(&[], |published| &published.keys),
                keys.map(|key| key.jwk.clone()).collect(),
                leaving,
                config.keys_max,
                now,
                &mut warnings,
            )?;
            service.last_number += 1;
            service.published = Some(Published {
                number: service.last_number,
                at: now,
                by: by.clone(),
                metadata: wanted.metadata.clone(),
                keys,
            });
            Ok(warnings)
        };
        let (service, warnings) = publish.change(subdomain, decide).await?;
        let mut reply = Reply::data(answer::service(&service));
        reply.warnings = warnings;
        Ok(reply)
    })
}

impl Publish {
    /// The kept publications of a service, the oldest first.
    async fn versions(&self, subdomain: &str) -> Result<Vec<Published>, Error> {
        let below = record::history_of(subdomain);
        let mut versions = Vec::new();
        for number in self.view.list_all(&below).await? {
            versions.extend(self.view.read(&format!("{below}{number}")).await?);
        }
        Ok(versions)
    }
}

fn found(versions: &[Published], number: i64) -> Result<&Published, Error> {
    let wanted = u64::try_from(number).ok();
    versions
        .iter()
        .find(|version| Some(version.number) == wanted)
        .ok_or_else(|| {
            let kept: Vec<String> = versions.iter().map(|it| it.number.to_string()).collect();
            Error::invalid_because(
                "version_unknown",
                format!("there is no version {number}; kept: {}", kept.join(", ")),
            )
        })
}

/// What verifiers see of `to` that they did not see of `from`, and the other way round.
fn difference(
    issuer: &PublicIssuer,
    from: Option<&Published>,
    to: &Published,
) -> vouchsafe_logical::Data {
    // As they were when they were published.
    let metadata = |published: &Published| render::metadata(issuer, published, published.at);
    let before = from.map_or_else(|| json!({}), metadata);
    let after = metadata(to);
    let names = before.as_object().into_iter().chain(after.as_object());
    let changed: BTreeMap<&String, Value> = names
        .flat_map(serde_json::Map::keys)
        .filter(|name| before.get(name) != after.get(name))
        .map(|name| {
            let change = json!({ "from": before.get(name), "to": after.get(name) });
            (name, change)
        })
        .collect();
    let keys = |published: &Published, other: Option<&Published>| -> Vec<Value> {
        let is_there =
            |jwk: &Value| other.is_some_and(|other| other.keys.iter().any(|key| key.jwk == *jwk));
        let own = published.keys.iter().map(|key| key.jwk.clone());
        own.filter(|jwk| !is_there(jwk)).collect()
    };
    answer::data([
        ("from", from.map_or(Value::Null, |from| from.number.into())),
        ("to", to.number.into()),
        ("metadata", json!(changed)),
        ("keys_added", keys(to, from).into()),
        (
            "keys_removed",
            from.map_or_else(Vec::new, |from| keys(from, Some(to)))
                .into(),
        ),
    ])
}
