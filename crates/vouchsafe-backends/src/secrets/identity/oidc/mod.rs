//! The OIDC issuer: signed identity tokens that anyone can verify.
//!
//! Routes, records and effects around [`vouchsafe_identity::issuer`], which decides how keys live.
//! Follows Vault's `identity/oidc` except for the provider (`authorize`, clients, scopes): tokens are
//! read by workloads that have already logged in.
//!
//! Records, below `oidc/`:
//! - `config`: the configured issuer.
//! - `key/<name>`: a named key with its pairs. The key `default` may have no record.
//! - `role/<name>`: a role.
//! - `references/<key>`: the roles of a key with their TTLs. A role and its key are constrained by
//!   each other; whoever writes either reads this record in the same transaction.
//! - `jwks-promise`: how long caches may hold the key set ([`vouchsafe_identity::issuer::Promise`]).
//!
//! Nothing here is decided by one node for the others: rotation follows from stored times, writes
//! that are due are conditional, and every cache can be rebuilt from the records.

pub(super) mod config;
mod documents;
pub(super) mod introspect;
pub(super) mod key;
mod named_keys;
mod offer;
mod records;
pub(super) mod role;
pub(super) mod rotate;
#[cfg(test)]
mod tests;
mod tick;
pub(super) mod token;
pub(super) mod well_known;
mod write;

use std::sync::Arc;

use vouchsafe_identity::issuer::UnixSeconds;
use vouchsafe_logical::{Settings, System, VersionedCache, View};

use documents::Documents;
use named_keys::ReadyKey;
use role::ReadyRole;

/// The longest name of a key or role, and the longest client id, in bytes.
pub(super) const NAME_BYTES_MAX: usize = 256;
/// How many parsed keys and roles are kept; others are read and parsed on use.
const PARSED_MAX: usize = 4_096;

/// The issuer of one identity mount.
pub(super) struct Oidc {
    view: View,
    system: Arc<dyn System>,
    accessor: String,
    documents: Documents,
    keys: VersionedCache<ReadyKey>,
    roles: VersionedCache<ReadyRole>,
}

impl Oidc {
    /// Opens the issuer of the mount that `settings` are of.
    pub(super) fn open(settings: &Settings) -> Self {
        Self {
            view: settings.view.sub("oidc/"),
            system: Arc::clone(&settings.system),
            accessor: settings.accessor.clone(),
            documents: Documents::default(),
            keys: VersionedCache::new(PARSED_MAX),
            roles: VersionedCache::new(PARSED_MAX),
        }
    }

    /// Some node wrote `key`, relative to the mount's view.
    pub(super) fn invalidate(&self, key: &str) {
        // Keys and roles that are parsed are checked against their records on each use. The promise
        // changes often, and never without a named key when the key set does.
        match key.strip_prefix("oidc/") {
            Some(records::CONFIG) => self.documents.forget_discovery(),
            Some(below) if below.starts_with(records::KEYS) => self.documents.forget_key_set(),
            Some(_) | None => {}
        }
    }

    fn now(&self) -> UnixSeconds {
        UnixSeconds::floor(self.system.clock().now())
    }
}
