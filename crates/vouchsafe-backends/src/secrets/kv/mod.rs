//! The key-value engine: secrets of the operator's own, with (version 2) or without (version 1)
//! a history (vault-core.md §14).
//!
//! The version is an option of the mount; the kind `kv-v2` is `kv` with version 2. Both versions
//! are this struct with a route table each. A handler gets at storage only through
//! [`Kv::unversioned`] or [`Kv::versioned`], which first make sure that what is stored is of the
//! mount's version ([`layout`]).
//!
//! Invariants:
//! - One write of a client is one commit: a version's data and the key's metadata change together.
//! - What a decision was made on (metadata, the mount's configuration) is a precondition of its
//!   commit, so that of writes with the same `cas` exactly one succeeds.
//! - Values of secrets are in no error, log line or `Debug` text.

mod answer;
mod change;
mod config;
mod custom_metadata;
mod data;
mod layout;
mod limit;
mod list;
mod merge_patch;
mod metadata;
mod path;
mod record;
mod selected;
mod subkeys;
#[cfg(test)]
mod tests;
mod unversioned;
mod version;
mod versioned;
mod wrong_path;

use std::sync::Arc;

use vouchsafe_logical::{
    Backend, BackendKind, BoxFuture, Duties, Error, MountClass, Mounted, Route, Settings,
    StandsFor, VersionedCache,
};

use layout::Layout;
use record::KeyMetadata;
use unversioned::Unversioned;
use version::{Unusable, Version};
use versioned::Versioned;

/// The catalog entry; the mount's option `version` says which version, 1 where it says nothing.
pub const ENGINE: BackendKind = BackendKind {
    name: "kv",
    class: MountClass::Secret,
    summary: "Secrets of your own, with or without a history of versions.",
    locks_out: false,
    stands_for: None,
    open: |settings| match version::of(&settings.options) {
        Ok(version) => open(settings, version),
        Err(fault) => Unusable::open(fault),
    },
};

/// The catalog entry of version 2 by a name of its own.
pub const ENGINE_V2: BackendKind = BackendKind {
    name: "kv-v2",
    class: MountClass::Secret,
    summary: "Secrets of your own with a history of versions.",
    locks_out: false,
    stands_for: Some(StandsFor {
        kind: "kv",
        option: "version",
        value: "2",
    }),
    open: |settings| open(settings, Version::Two),
};

/// How many keys' metadata are kept parsed. One key's has at most about 110 kB.
const METADATA_CACHE_ENTRIES: usize = 1_024;

/// What version 1 serves.
const UNVERSIONED_ROUTES: &[&Route<Kv>] = &[&unversioned::ROUTE];

/// What version 2 serves, in the order in which it is tried.
const VERSIONED_ROUTES: &[&Route<Kv>] = &[
    &config::ROUTE,
    &data::ROUTE,
    &selected::DELETE,
    &selected::UNDELETE,
    &selected::DESTROY,
    &metadata::ROUTE,
    &subkeys::ROUTE,
    &wrong_path::ROUTE,
];

/// One key-value mount.
pub struct Kv {
    settings: Settings,
    layout: Layout,
    metadata: VersionedCache<KeyMetadata>,
}

fn open(settings: Settings, version: Version) -> Arc<dyn Backend> {
    let kv = Kv {
        settings,
        layout: Layout::of(version),
        metadata: VersionedCache::new(METADATA_CACHE_ENTRIES),
    };
    let routes = match version {
        Version::One => UNVERSIONED_ROUTES,
        Version::Two => VERSIONED_ROUTES,
    };
    Mounted::open(kv, routes)
}

impl Kv {
    /// The secrets of a mount without versions.
    async fn unversioned(&self) -> Result<Unversioned<'_>, Error> {
        self.layout.settle(&self.settings).await?;
        Ok(Unversioned::new(&self.settings.view))
    }

    /// The secrets of a mount with versions.
    async fn versioned(&self) -> Result<Versioned<'_>, Error> {
        self.layout.settle(&self.settings).await?;
        Ok(Versioned::new(
            &self.settings.view,
            self.settings.system.clock(),
            &self.metadata,
        ))
    }
}

impl Duties for Kv {
    /// Goes on with an upgrade that no request drives.
    fn tick(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.layout.tick(&self.settings))
    }
}
