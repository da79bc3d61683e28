//! What is stored, and where.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use vouchsafe_logical::Timestamp;

use super::issuer::ISSUER_BYTES_MAX;
use super::metadata::Metadata;
use super::retirement::PublishedKey;
use super::source::Source;

pub(super) const CONFIG: &str = "config";
pub(super) const SERVICES: &str = "service/";
pub(super) const SITES: &str = "site/";
pub(super) const HISTORY: &str = "history/";
pub(super) const ACCOUNTS: &str = "account/";

// A site is an issuer without its scheme, and a key of a store has room for one.
const _: () = assert!(ISSUER_BYTES_MAX + 256 < vouchsafe_logical::view::KEY_BYTES_MAX);

pub(super) fn service(subdomain: &str) -> String {
    format!("{SERVICES}{subdomain}")
}

pub(super) fn site(site: &vouchsafe_logical::publication::Site) -> String {
    format!("{SITES}{site}")
}

pub(super) fn history_of(subdomain: &str) -> String {
    format!("{HISTORY}{subdomain}/")
}

/// How a service's source has been.
pub(super) fn source(subdomain: &str) -> String {
    format!("source/{subdomain}")
}

/// Numbers are written so that their order as texts is their order.
pub(super) fn history(subdomain: &str, number: u64) -> String {
    format!("{HISTORY}{subdomain}/{number:012}")
}

pub(super) fn account(name: &str) -> String {
    format!("{ACCOUNTS}{name}")
}

/// Whose token begins with this.
pub(super) fn account_key(key_id: &str) -> String {
    format!("account-key/{key_id}")
}

/// The accounts with rules for an issuer, whose name may have any length and any character.
pub(super) fn accounts_of(issuer: &str) -> String {
    let digest = digest(&SHA256, issuer.as_bytes());
    format!("account-issuer/{}/", hex::encode(digest.as_ref()))
}

pub(super) fn account_issuer(issuer: &str, name: &str) -> String {
    format!("{}{name}", accounts_of(issuer))
}

/// A private issuer whose documents are public.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Service {
    pub(super) subdomain: String,
    /// For people.
    pub(super) name: String,
    /// For people.
    pub(super) description: String,
    /// What its tokens have in `iss`. Fixed when the service is made: another base domain later does
    /// not change what tokens say.
    pub(super) issuer: String,
    /// How long a key stays that an upload leaves out; `None` = as configured.
    pub(super) retire_after: Option<Duration>,
    pub(super) created_at: Timestamp,
    pub(super) created_by: String,
    /// The number of the last publication; 0 before the first.
    pub(super) last_number: u64,
    pub(super) published: Option<Published>,
    /// Where its documents come from, if nobody uploads them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<Source>,
}

/// One publication.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Published {
    pub(super) number: u64,
    pub(super) at: Timestamp,
    /// Who published it.
    pub(super) by: String,
    pub(super) metadata: Metadata,
    pub(super) keys: Vec<PublishedKey>,
}

impl Published {
    /// Whether verifiers see the same as of another publication.
    pub(super) fn looks_like(&self, metadata: &Metadata, keys: &[PublishedKey]) -> bool {
        self.metadata == *metadata && self.keys == keys
    }
}
