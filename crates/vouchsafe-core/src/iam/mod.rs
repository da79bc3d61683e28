//! Callers whose credential is stored nowhere: JWTs of identity providers, and the API keys of the
//! IAM file's users.
//!
//! The applied IAM file is one record, its text and a generation number. What it stands for is
//! compiled once per version and proved fresh by it, so that a file that is applied on one node
//! holds on every node from the next request on. A token that was verified is remembered for as long
//! as it is valid, its provider's keys are the same and the file is the same; that it is used again
//! costs no signature and writes nothing.
//!
//! ```text
//! core/iam/conf            text and generation of the applied file
//! core/iam/user/<name>     keyed hash and expiry of a user's API key
//! core/iam/key/<hash>      whose API key it is
//! ```
//!
//! Reason codes of refusals are in audit entries and in the operator's log; the client is told the
//! same words for all of them.

pub(crate) mod access;
mod api_key;
mod applied;
mod at_start;
mod bearer;
mod claims;
mod remembered;
pub(crate) mod routes;
mod shape;
mod subject;

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use vouchsafe_iam::IamConfig;
use vouchsafe_identity::subject::EntityId;
use vouchsafe_logical::{
    Attempts, Clock, Error, Fetch, PolicyNames, Secret, StoreError, Timestamp, VersionedCache,
    View, record,
};

pub use api_key::API_KEY_TTL_MAX;
pub(crate) use api_key::api_key;
pub use at_start::{ApplyAtStart, IamFile};
pub(crate) use bearer::bearer;
pub(crate) use shape::is_jwt;
pub(crate) use subject::{make_entity, subject};

use self::access::IamAccess;
use self::api_key::{KeyRecord, UserRecord};
use self::applied::{Applied, Record};
use self::remembered::Remembered;
use self::subject::Foreseen;
use crate::token::TokenEntry;

/// Where the applied file is stored, below the view.
const CONF_KEY: &str = "conf";
/// Parsed API keys kept in memory.
const API_KEYS_CACHED: usize = 4_096;

/// What the composition root knows of IAM. It outlives the time between two seals.
#[derive(Default)]
pub struct IamSettings {
    /// The API key of the built-in `Admin`. There is none by default: a key that everybody knows
    /// would be a door, and a root token is `Admin` anyway.
    pub admin_api_key: ArcSwapOption<Secret<String>>,
    /// The file that is applied when the server starts.
    pub file: ArcSwapOption<IamFile>,
}

/// A caller who was authenticated without a stored token.
pub(crate) struct Unstored {
    entry: Arc<TokenEntry>,
    /// The entry with the entity that the caller had last, so that it is not copied for each request.
    attached: ArcSwapOption<TokenEntry>,
    /// What it may do on the REST API.
    pub(crate) access: IamAccess,
    /// The name of the alias that stands for issuer and subject.
    alias: Option<String>,
    /// Whether an entity is made where there is none.
    create_entity: bool,
}

impl Unstored {
    /// A caller without an entity.
    fn new(entry: TokenEntry, access: IamAccess) -> Self {
        Self {
            entry: Arc::new(entry),
            attached: ArcSwapOption::empty(),
            access,
            alias: None,
            create_entity: false,
        }
    }

    /// What is known of the credential, in the form of the entry of a token that stands for this
    /// entity.
    pub(crate) fn entry(&self, entity: Option<&EntityId>) -> Arc<TokenEntry> {
        let Some(entity) = entity else {
            return Arc::clone(&self.entry);
        };
        let attached = self.attached.load();
        if let Some(attached) = &*attached
            && attached.entity_id.as_deref() == Some(entity.as_str())
        {
            return Arc::clone(attached);
        }
        let entry = Arc::new(TokenEntry {
            entity_id: Some(entity.to_string()),
            ..TokenEntry::clone(&self.entry)
        });
        self.attached.store(Some(Arc::clone(&entry)));
        entry
    }
}

/// The IAM file in storage with its caches.
pub(crate) struct Iam {
    view: View,
    applied: VersionedCache<Applied>,
    users: VersionedCache<UserRecord>,
    keys: VersionedCache<KeyRecord>,
    remembered: Remembered,
    foreseen: Foreseen,
    settings: Arc<IamSettings>,
}

impl Iam {
    /// Over the root view of storage.
    pub(crate) fn new(root: &View, settings: Arc<IamSettings>) -> Self {
        Self {
            view: root.sub("core/iam/"),
            applied: VersionedCache::new(1),
            users: VersionedCache::new(API_KEYS_CACHED),
            keys: VersionedCache::new(API_KEYS_CACHED),
            remembered: Remembered::new(),
            foreseen: Foreseen::default(),
            settings,
        }
    }

    /// The applied file, compiled; none before the first was applied.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn applied(&self) -> Result<Option<Arc<Applied>>, Error> {
        let loaded = self
            .applied
            .load(&self.view, CONF_KEY, Applied::parse)
            .await?;
        Ok(loaded.map(|(_, applied)| applied))
    }

    /// The text of the applied file.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn text(&self) -> Result<Option<String>, Error> {
        let record: Option<Record> = self.view.read(CONF_KEY).await?;
        Ok(record.map(|record| record.text))
    }

    /// Applies a file. One with a fault changes nothing.
    ///
    /// # Errors
    /// Every fault of the file, by key in the error's data; the store's.
    pub(crate) async fn apply(&self, text: &str, when: ApplyWhen) -> Result<(), Error> {
        let config = IamConfig::parse(text).map_err(|faults| applied::refusal(&faults))?;
        let mut attempts = Attempts::default();
        loop {
            let mut transaction = self.view.begin();
            let stored: Option<Record> = transaction.read(&self.view, CONF_KEY).await?;
            let skip = match (&stored, when) {
                (Some(_), ApplyWhen::Absent) => true,
                (Some(stored), ApplyWhen::Different) => stored.text == text,
                (None, _) | (Some(_), ApplyWhen::Always) => false,
            };
            if skip {
                return Ok(());
            }
            let before = stored.as_ref().map(|stored| stored.text.clone());
            let record = Record {
                text: text.to_owned(),
                generation: stored.map_or(0, |stored| stored.generation) + 1,
            };
            transaction.put_record(&self.view, CONF_KEY, &record)?;
            let before = before.as_ref().and_then(|text| IamConfig::parse(text).ok());
            self.forget_users(&mut transaction, before.as_ref(), &config)
                .await?;
            if attempts.commit(transaction).await?.is_done() {
                let (users, providers) = (config.users().count(), config.providers().count());
                tracing::info!(
                    generation = record.generation,
                    users,
                    providers,
                    "IAM file applied"
                );
                return Ok(());
            }
        }
    }

    /// Fetches keys of identity providers that are in use and will soon be old.
    pub(crate) async fn refresh_keys(&self, fetch: &dyn Fetch, clock: &dyn Clock) {
        match self.applied().await {
            Ok(Some(applied)) => applied.refresh(fetch, clock).await,
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(reason = error.reason(), "the IAM file can't be read");
            }
        }
    }

    /// Whether files are applied by the server's own configuration alone.
    fn check_writable(&self) -> Result<(), Error> {
        let managed = self.settings.file.load();
        match managed.as_ref() {
            Some(file) if file.apply == ApplyAtStart::Always => Err(Error::invalid_because(
                "iam_managed_by_file",
                "the IAM file is applied at every start from the server's configuration; change it there",
            )),
            Some(_) | None => Ok(()),
        }
    }
}

/// When a file is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ApplyWhen {
    /// Whatever is there.
    Always,
    /// Only where no file has ever been applied.
    Absent,
    /// Only where another one is applied.
    Different,
}

/// What a token's entry says of a caller without one.
fn entry_of(
    display_name: String,
    policies: PolicyNames,
    meta: std::collections::BTreeMap<String, String>,
    created_at: Timestamp,
    expire_at: Option<Timestamp>,
    path: &str,
) -> TokenEntry {
    use std::time::Duration;
    let life = expire_at.map_or(Duration::ZERO, |end| {
        Duration::try_from(end.duration_since(created_at)).unwrap_or_default()
    });
    TokenEntry {
        policies,
        meta: Some(meta),
        creation_ttl: life,
        expire_at,
        ..TokenEntry::unstored(&display_name, path, created_at)
    }
}

/// Decodes a record, for the caches.
fn decode<T: serde::de::DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, StoreError> {
    record::decode(key, bytes)
}

#[cfg(test)]
mod tests {
    use vouchsafe_testing::SeededEntropy;

    use super::*;

    #[test]
    fn an_entry_names_the_entity_that_the_caller_has_now() {
        let entry = TokenEntry::unstored("app1/ci", "direct-jwt", Timestamp::UNIX_EPOCH);
        let caller = Unstored::new(entry.clone(), IamAccess::Version);
        let entropy = SeededEntropy::default();
        let (first, second) = (EntityId::generate(&entropy), EntityId::generate(&entropy));
        for entity in [
            Some(&first),
            Some(&first),
            Some(&second),
            None,
            Some(&first),
        ] {
            let shown = caller.entry(entity);
            let expected = TokenEntry {
                entity_id: entity.map(EntityId::to_string),
                ..entry.clone()
            };
            assert_eq!(*shown, expected);
            assert!(Arc::ptr_eq(&shown, &caller.entry(entity)), "it is copied");
        }
    }
}
