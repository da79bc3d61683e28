//! One change of one key: what it was decided on, and what it writes.

use vouchsafe_logical::{Attempt, Attempts, Data, Error, Timestamp, Transaction, View, record};

use super::path::SecretPath;
use super::record::{Config, KeyMetadata};
use super::{layout, limit};

/// What a change must have read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// The key's metadata and the mount's configuration.
    Metadata,
    /// The latest version's secret as well.
    CurrentSecret,
}

/// A change that is being decided. Everything in it was read by its transaction, and is still so
/// when it commits.
pub(super) struct Change<'v> {
    view: &'v View,
    path: SecretPath<'v>,
    transaction: Transaction,
    /// The time of the change.
    pub(super) now: Timestamp,
    /// The mount's configuration.
    pub(super) config: Config,
    /// The key's metadata, if the key is there.
    pub(super) metadata: Option<KeyMetadata>,
    /// The latest version's secret, if that was asked for and may be read.
    pub(super) current_secret: Option<Data>,
}

impl<'v> Change<'v> {
    /// Reads what the change is decided on.
    pub(super) async fn begin(
        view: &'v View,
        path: SecretPath<'v>,
        now: Timestamp,
        needs: Needs,
    ) -> Result<Self, Error> {
        let mut transaction = view.begin();
        let config: Option<Config> = transaction.read(view, layout::CONFIG_KEY).await?;
        let metadata: Option<KeyMetadata> =
            transaction.read(view, &layout::metadata_key(path)).await?;
        let current = metadata
            .as_ref()
            .filter(|key| key.current().is_some_and(|entry| entry.is_readable(now)))
            .map(|key| key.current_version)
            .filter(|_| needs == Needs::CurrentSecret);
        let current_secret = match current {
            None => None,
            Some(number) => {
                let key = layout::version_key(path, number);
                transaction
                    .read::<Option<Data>>(view, &key)
                    .await?
                    .flatten()
            }
        };
        Ok(Self {
            view,
            path,
            transaction,
            now,
            config: config.unwrap_or_default(),
            metadata,
            current_secret,
        })
    }

    /// Refuses a write whose `cas` is not the latest version's number, or that has none where one
    /// is required.
    pub(super) fn check_cas(&self, cas: Option<i64>) -> Result<(), Error> {
        let (current, required) = self
            .metadata
            .as_ref()
            .map_or((0, false), |key| (key.current_version, key.cas_required));
        match cas {
            Some(cas) if u64::try_from(cas) == Ok(current) => Ok(()),
            Some(_) => Err(Error::invalid_because(
                "cas_mismatch",
                "check-and-set parameter did not match the current version",
            )),
            None if required || self.config.cas_required => Err(Error::invalid_because(
                "cas_required",
                "check-and-set parameter required for this call",
            )),
            None => Ok(()),
        }
    }

    /// Makes `secret` the latest version and returns its number; makes the key if need be.
    pub(super) fn add_version(&mut self, secret: &Option<Data>) -> Result<u64, Error> {
        let now = self.now;
        let metadata = self.metadata.get_or_insert_with(|| KeyMetadata::new(now));
        let added = metadata.add_version(&self.config, now)?;
        let key = layout::version_key(self.path, added.number);
        let encoded = record::encode(&key, secret)?;
        // One byte of the record says its format.
        limit::check_size(encoded.len() - 1)?;
        self.transaction.put(self.view, &key, encoded);
        for dropped in added.dropped {
            self.remove_secret(dropped);
        }
        self.save()?;
        Ok(added.number)
    }

    /// Removes the secret of a version for good.
    pub(super) fn remove_secret(&mut self, number: u64) {
        let key = layout::version_key(self.path, number);
        self.transaction.delete(self.view, &key);
    }

    /// Stores the metadata as they are now.
    pub(super) fn save(&mut self) -> Result<(), Error> {
        let Some(metadata) = &self.metadata else {
            return Err(Error::internal("a key that is not there was saved"));
        };
        let key = layout::metadata_key(self.path);
        Ok(self.transaction.put_record(self.view, &key, metadata)?)
    }

    /// Removes the key with everything that it has.
    pub(super) fn remove(&mut self) {
        let Some(metadata) = self.metadata.take() else {
            return;
        };
        for number in metadata.versions.into_keys() {
            self.remove_secret(number);
        }
        let key = layout::metadata_key(self.path);
        self.transaction.delete(self.view, &key);
    }

    /// Writes everything, or nothing. A change that changed nothing writes nothing.
    pub(super) async fn commit(self, attempts: &mut Attempts) -> Result<Attempt, Error> {
        attempts.commit(self.transaction).await
    }
}
