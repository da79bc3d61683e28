//! The keys of all issuers of a mount, in memory, by the place of the settings that they belong to.
//!
//! Keys belong to exact settings: where the settings are others, in whichever way that came about,
//! the old keys are dropped at the next use. So a token is never verified by keys of a configuration
//! that has been replaced, on any node.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use vouchsafe_logical::{Clock, Error, Fetch};
use vouchsafe_trust::IssuerKeys;

use super::key_config::KeyConfig;

/// How long one round of refreshing may take before the rest waits for the next one.
const ROUND_MAX: Duration = Duration::from_secs(30);

/// See the module.
#[derive(Default)]
pub(super) struct KeyRing(Mutex<BTreeMap<String, Entry>>);

struct Entry {
    settings: KeyConfig,
    keys: Arc<IssuerKeys>,
}

impl KeyRing {
    /// The keys for these settings, whose record lies at `place`. Whoever asks at the same time
    /// gets the same.
    ///
    /// # Errors
    /// A stored key can't be read any more.
    pub(super) fn keys(&self, place: &str, settings: &KeyConfig) -> Result<Arc<IssuerKeys>, Error> {
        let mut entries = self.entries();
        if let Some(entry) = entries.get(place)
            && entry.settings == *settings
        {
            return Ok(Arc::clone(&entry.keys));
        }
        let keys = Arc::new(settings.open()?);
        entries.insert(
            place.to_owned(),
            Entry {
                settings: settings.clone(),
                keys: Arc::clone(&keys),
            },
        );
        Ok(keys)
    }

    /// Puts keys that were just fetched in the place of those that may be there.
    pub(super) fn replace(&self, place: &str, settings: &KeyConfig, keys: IssuerKeys) {
        let entry = Entry {
            settings: settings.clone(),
            keys: Arc::new(keys),
        };
        self.entries().insert(place.to_owned(), entry);
    }

    /// Forgets the keys of a place.
    pub(super) fn remove(&self, place: &str) {
        self.entries().remove(place);
    }

    /// Fetches keys that are in use and will soon be old.
    pub(super) async fn refresh(&self, fetch: &dyn Fetch, clock: &dyn Clock) {
        let places: Vec<(String, Arc<IssuerKeys>)> = self
            .entries()
            .iter()
            .map(|(place, entry)| (place.clone(), Arc::clone(&entry.keys)))
            .collect();
        let begun_at = clock.now();
        for (place, keys) in places {
            if let Err(refusal) = keys.refresh_if_due(fetch, clock).await {
                tracing::warn!(%place, fault = %refusal, "keys of an issuer can't be refreshed");
            }
            let lasted = Duration::try_from(clock.now().duration_since(begun_at));
            if lasted.is_ok_and(|lasted| lasted >= ROUND_MAX) {
                break;
            }
        }
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
