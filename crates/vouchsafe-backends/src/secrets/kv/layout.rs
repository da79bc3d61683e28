//! Where things are stored, and the way from version 1 to version 2.
//!
//! ```text
//! layout                   Marker: the mount has, or is getting, a history
//! config                   version 2: record::Config
//! object/<path>            version 1: the secret
//! metadata/<path>          version 2: record::KeyMetadata
//! version/<number>/<path>  version 2: the secret of one version, or null
//! ```
//!
//! When a history is turned on, the marker is written first. From then on no node can commit a
//! write of version 1, because such a write expects that there is no marker. Then each secret
//! becomes version 1 of its key, a commit each, so that an interrupted upgrade goes on where it
//! stopped. Requests drive it, up to [`UPGRADE_SECRETS_PER_CALL`] secrets each, and so does the
//! tick; while some are left, they answer what Vault answers during its upgrade. There is no way
//! back: the history would be lost.

use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use vouchsafe_logical::{Attempts, CommitError, Error, Settings, Timestamp, Transaction, View};

use super::limit::UPGRADE_SECRETS_PER_CALL;
use super::path::SecretPath;
use super::record::{Config, KeyMetadata};
use super::version::Version;

/// The key of the mount's configuration.
pub(super) const CONFIG_KEY: &str = "config";
/// What the keys of secrets without a history begin with.
pub(super) const OBJECT_PREFIX: &str = "object/";
/// What the keys of metadata begin with.
pub(super) const METADATA_PREFIX: &str = "metadata/";

const MARKER_KEY: &str = "layout";

/// The reason code of the answer during an upgrade.
const UPGRADING: &str = "kv_upgrading";

/// The key of a secret without a history.
pub(super) fn object_key(path: SecretPath<'_>) -> String {
    format!("{OBJECT_PREFIX}{}", path.as_str())
}

/// The key of a secret's metadata.
pub(super) fn metadata_key(path: SecretPath<'_>) -> String {
    format!("{METADATA_PREFIX}{}", path.as_str())
}

/// The key of one version of a secret. A number has no slash, so no two versions share a key.
pub(super) fn version_key(path: SecretPath<'_>, number: u64) -> String {
    format!("version/{number}/{}", path.as_str())
}

/// Stored while and after a mount gets a history.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Marker {
    /// Whether nothing of version 1 is left.
    complete: bool,
}

/// Whether what is stored fits the mount's version.
pub(super) struct Layout {
    version: Version,
    settled: AtomicBool,
}

impl Layout {
    /// Of a mount that has just been opened.
    pub(super) const fn of(version: Version) -> Self {
        Self {
            version,
            settled: AtomicBool::new(false),
        }
    }

    /// Makes sure that what is stored fits the mount's version. Free after the first success.
    ///
    /// # Errors
    /// A mount without a history has one; an upgrade is going on.
    pub(super) async fn settle(&self, settings: &Settings) -> Result<(), Error> {
        if self.settled.load(Ordering::Acquire) {
            return Ok(());
        }
        let marker: Option<Marker> = settings.view.read(MARKER_KEY).await?;
        match (self.version, marker) {
            (Version::One, None) | (Version::Two, Some(Marker { complete: true })) => {}
            (Version::One, Some(_)) => return Err(has_history()),
            (Version::Two, Some(Marker { complete: false }) | None) => {
                let now = settings.system.clock().now();
                upgrade(&settings.view, marker, now).await?;
            }
        }
        self.settled.store(true, Ordering::Release);
        Ok(())
    }

    /// Goes on with an upgrade, if there is one.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn tick(&self, settings: &Settings) -> Result<(), Error> {
        if self.version == Version::One {
            return Ok(());
        }
        match self.settle(settings).await {
            Err(error) if error.reason() == UPGRADING => Ok(()),
            outcome => outcome,
        }
    }
}

/// Commits a write of version 1, unless the mount has got a history.
pub(super) async fn commit_object(view: &View, mut transaction: Transaction) -> Result<(), Error> {
    transaction.expect_absent(view, MARKER_KEY);
    match transaction.commit().await {
        // The marker is the only thing that such a write expects anything of.
        Err(CommitError::Conflict) => Err(has_history()),
        outcome => Ok(outcome?),
    }
}

fn has_history() -> Error {
    Error::invalid_because(
        "kv_downgrade",
        "the secrets of this mount have a history; tune it back to the option version=2",
    )
}

async fn upgrade(view: &View, marker: Option<Marker>, now: Timestamp) -> Result<(), Error> {
    if marker.is_none() {
        write_marker(view, false).await?;
    }
    let keys = view
        .list_page(OBJECT_PREFIX, None, UPGRADE_SECRETS_PER_CALL)
        .await?;
    for key in &keys {
        convert(view, key, now).await?;
    }
    if keys.len() == UPGRADE_SECRETS_PER_CALL {
        return Err(Error::invalid_because(
            UPGRADING,
            "Upgrading from non-versioned to versioned data. This backend will be unavailable for \
             a brief period and will resume service shortly.",
        ));
    }
    write_marker(view, true).await
}

async fn write_marker(view: &View, complete: bool) -> Result<(), Error> {
    let mut transaction = view.begin();
    transaction.put_record(view, MARKER_KEY, &Marker { complete })?;
    Ok(transaction.commit().await?)
}

/// Makes a secret of version 1 the first version of its key. Several nodes may try.
async fn convert(view: &View, object_key: &str, now: Timestamp) -> Result<(), Error> {
    let path = SecretPath::stored(object_key.strip_prefix(OBJECT_PREFIX).unwrap_or(object_key));
    let metadata_key = metadata_key(path);
    let mut attempts = Attempts::default();
    loop {
        let mut transaction = view.begin();
        let Some(secret) = transaction.get(view, object_key).await? else {
            return Ok(());
        };
        let stored: Option<KeyMetadata> = transaction.read(view, &metadata_key).await?;
        let mut metadata = stored.unwrap_or_else(|| KeyMetadata::new(now));
        let added = metadata.add_version(&Config::default(), now)?;
        // As Vault shows it after an upgrade.
        metadata.oldest_version = 1;
        transaction.put_record(view, &metadata_key, &metadata)?;
        transaction.put(view, &version_key(path, added.number), secret);
        transaction.delete(view, object_key);
        if attempts.commit(transaction).await?.is_done() {
            return Ok(());
        }
    }
}
