//! Version 2's way to what is stored.
//!
//! Reads take two gets: the metadata, which are kept parsed and proved current by their version
//! (no decryption, no parsing), and the secret. Writes go through [`Versioned::change`].

use std::sync::Arc;

use vouchsafe_logical::{Attempts, Clock, Data, Error, Timestamp, VersionedCache, View, record};

use super::change::{Change, Needs};
use super::layout;
use super::path::SecretPath;
use super::record::{KeyMetadata, VersionEntry};

/// How often a read starts over because the version was dropped between its two gets.
const READ_ATTEMPTS_MAX: usize = 8;

/// The secrets of a mount with versions.
pub(super) struct Versioned<'k> {
    view: &'k View,
    now: Timestamp,
    cache: &'k VersionedCache<KeyMetadata>,
}

/// A version that is on record.
pub(super) struct Found {
    /// The key's metadata.
    pub(super) metadata: Arc<KeyMetadata>,
    /// The version's number.
    pub(super) number: u64,
    /// The version's own part of the metadata.
    pub(super) entry: VersionEntry,
    /// The secret; none where the version is deleted or destroyed.
    pub(super) secret: Option<Option<Data>>,
}

impl<'k> Versioned<'k> {
    /// Call it where the layout is settled.
    pub(super) fn new(
        view: &'k View,
        clock: &dyn Clock,
        cache: &'k VersionedCache<KeyMetadata>,
    ) -> Self {
        Self {
            view,
            now: clock.now(),
            cache,
        }
    }

    /// The mount's slice of storage.
    pub(super) const fn view(&self) -> &'k View {
        self.view
    }

    /// A key's metadata.
    pub(super) async fn metadata(
        &self,
        path: SecretPath<'_>,
    ) -> Result<Option<Arc<KeyMetadata>>, Error> {
        let key = layout::metadata_key(path);
        let found = self.cache.load(self.view, &key, record::decode).await?;
        Ok(found.map(|(_, metadata)| metadata))
    }

    /// One version of a secret; the latest where no number above 0 is asked for.
    pub(super) async fn find(
        &self,
        path: SecretPath<'_>,
        asked: Option<i64>,
    ) -> Result<Option<Found>, Error> {
        for _ in 0..READ_ATTEMPTS_MAX {
            let Some(metadata) = self.metadata(path).await? else {
                return Ok(None);
            };
            let number = match asked.and_then(|asked| u64::try_from(asked).ok()) {
                None | Some(0) => metadata.current_version,
                Some(number) => number,
            };
            let Some(entry) = metadata.versions.get(&number).cloned() else {
                return Ok(None);
            };
            let mut secret = None;
            if entry.is_readable(self.now) {
                secret = self.view.read(&layout::version_key(path, number)).await?;
                if secret.is_none() {
                    // Dropped, destroyed or removed since the metadata were read.
                    continue;
                }
            }
            return Ok(Some(Found {
                metadata,
                number,
                entry,
                secret,
            }));
        }
        Err(
            Error::internal("a version is on record, but not its secret")
                .with_reason("version_missing"),
        )
    }

    /// Reads a key, lets `decide` change it, and commits; again while others change it meanwhile.
    ///
    /// # Errors
    /// Those of `decide`; a conflict with other writers after many tries.
    pub(super) async fn change<T: Send>(
        &self,
        path: SecretPath<'_>,
        needs: Needs,
        mut decide: impl FnMut(&mut Change<'_>) -> Result<T, Error> + Send,
    ) -> Result<T, Error> {
        let mut attempts = Attempts::default();
        loop {
            let mut change = Change::begin(self.view, path, self.now, needs).await?;
            let answer = decide(&mut change)?;
            if change.commit(&mut attempts).await?.is_done() {
                return Ok(answer);
            }
        }
    }
}
