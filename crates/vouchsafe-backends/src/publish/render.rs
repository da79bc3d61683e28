//! From a publication to the bytes that are served.
//!
//! A function of the records and the time, so that every node serves the same bytes.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use serde_json::{Value, json};
use vouchsafe_jose::{Algorithm, AlgorithmSet};
use vouchsafe_logical::Timestamp;
use vouchsafe_logical::publication::{CacheAge, Document, Issuer, Keys, OwnIssuer};

use super::config::Config;
use super::issuer::PublicIssuer;
use super::key_set;
use super::metadata::Metadata;
use super::record::Published;

/// The provider metadata of a publication.
pub(super) fn metadata(issuer: &PublicIssuer, published: &Published, now: Timestamp) -> Value {
    // What the issuer itself says is not added to: it knows how it signs.
    let of_keys = if published.metadata.names_algorithms() {
        Vec::new()
    } else {
        key_set::algorithms(keys(published, now))
    };
    published.metadata.document(issuer, &of_keys)
}

/// The key set of a publication.
pub(super) fn key_set(published: &Published, now: Timestamp) -> Value {
    json!({ "keys": keys(published, now).collect::<Vec<_>>() })
}

fn keys(published: &Published, now: Timestamp) -> impl Iterator<Item = &Value> {
    let keys = published.keys.iter();
    keys.filter(move |key| key.is_published(now))
        .map(|key| &key.jwk)
}

/// When the rendered documents change by themselves: the next key goes.
pub(super) fn changes_at(published: &Published, now: Timestamp) -> Option<Timestamp> {
    let times = published.keys.iter().filter_map(|key| key.retire_at);
    times.filter(|at| *at > now).min()
}

/// Both documents as they are served.
pub(super) fn issuer(
    issuer: &PublicIssuer,
    published: &Published,
    config: &Config,
    now: Timestamp,
) -> Issuer {
    Issuer {
        provider_metadata: document(&metadata(issuer, published, now)),
        provider_metadata_age: age(config.metadata_max_age.as_secs()),
        keys: Keys::Published(document(&key_set(published, now))),
        keys_age: age(config.keys_max_age.as_secs()),
    }
}

/// The documents of this server's own issuer, whose keys are looked up when they are asked for.
pub(super) fn own(issuer: &PublicIssuer, own: &Arc<OwnIssuer>, config: &Config) -> Issuer {
    // Keys of the identity engine sign by none of the `PS` family.
    let algorithms: Vec<Algorithm> = AlgorithmSet::ALL
        .iter()
        .filter(|algorithm| !algorithm.as_str().starts_with("PS"))
        .collect();
    let longest_seconds = config.keys_max_age.as_secs();
    own.want(longest_seconds);
    Issuer {
        provider_metadata: document(&Metadata::of_keys().document(issuer, &algorithms)),
        provider_metadata_age: age(config.metadata_max_age.as_secs()),
        keys: Keys::Own(Arc::clone(own)),
        keys_age: CacheAge::Until {
            longest_seconds,
            until: own.promised_until(),
        },
    }
}

fn age(seconds: u64) -> CacheAge {
    CacheAge::Fixed(Bytes::from(format!("public, max-age={seconds}")))
}

pub(super) fn document(value: &Value) -> Document {
    let body = Bytes::from(value.to_string());
    let etag = format!(
        "\"{}\"",
        hex::encode(&digest(&SHA256, &body).as_ref()[..16])
    );
    Document {
        body,
        etag: Bytes::from(etag),
    }
}
