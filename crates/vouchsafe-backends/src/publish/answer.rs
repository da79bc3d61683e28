//! How services and publications look in answers.
//!
//! The names are those of oidc.pub's API where it has one; the same answers go out there, without
//! Vault's envelope.

use serde_json::{Value, json};
use vouchsafe_logical::duration::format_duration;
use vouchsafe_logical::{Data, Timestamp, rfc3339};

use super::issuer::PublicIssuer;
use super::record::{Published, Service};
use super::render;

/// An answer's members.
pub(super) fn data<const N: usize>(members: [(&str, Value); N]) -> Data {
    members
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// A service without its documents.
pub(super) fn service(service: &Service) -> Data {
    let published = service.published.as_ref();
    let jwks_uri = PublicIssuer::parse(&service.issuer)
        .map(|issuer| issuer.jwks_uri())
        .unwrap_or_default();
    data([
        ("subdomain", service.subdomain.as_str().into()),
        ("name", service.name.as_str().into()),
        ("description", service.description.as_str().into()),
        ("issuer", service.issuer.as_str().into()),
        ("jwks_uri", jwks_uri.into()),
        ("created_at", rfc3339(service.created_at).into()),
        ("created_by", service.created_by.as_str().into()),
        (
            "retire_after",
            service
                .retire_after
                .map_or(Value::Null, |after| format_duration(after).into()),
        ),
        (
            "published_at",
            published.map_or(Value::Null, |it| rfc3339(it.at).into()),
        ),
        (
            "published_by",
            published.map_or(Value::Null, |it| it.by.as_str().into()),
        ),
        (
            "version",
            published.map_or(Value::Null, |it| it.number.into()),
        ),
    ])
}

/// What is published, in the shape in which it was uploaded.
pub(super) fn publication(issuer: &PublicIssuer, published: &Published, now: Timestamp) -> Data {
    let retiring: Data = published
        .keys
        .iter()
        .filter(|key| key.is_published(now))
        .filter_map(|key| Some((key.name(), rfc3339(key.retire_at?).into())))
        .collect();
    data([
        (
            "openidConfiguration",
            render::metadata(issuer, published, now),
        ),
        ("jwks", render::key_set(published, now)),
        ("version", published.number.into()),
        ("published_at", rfc3339(published.at).into()),
        ("published_by", published.by.as_str().into()),
        ("retiring", Value::Object(retiring)),
    ])
}

/// One line of a service's history.
pub(super) fn entry(published: &Published) -> Value {
    let key_ids: Vec<String> = published.keys.iter().map(|key| key.name()).collect();
    json!({
        "version": published.number,
        "published_at": rfc3339(published.at),
        "published_by": published.by,
        "keys": key_ids,
    })
}
