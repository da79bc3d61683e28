//! Parsed objects that are proved fresh by the version of their record.
//!
//! A cache never says how old its content may be: each use asks the store whether the record is
//! still at the version that was parsed, which costs no decryption and no parsing.

use std::sync::Arc;

use quick_cache::sync::Cache;

use crate::view::{Newer, StoreError, Version, View};

/// A bounded map from whole storage key to the object parsed from it.
pub struct VersionedCache<T> {
    entries: Cache<String, (Version, Arc<T>)>,
}

impl<T: Send + Sync + 'static> VersionedCache<T> {
    /// A cache of at most about `capacity` objects; the least useful ones leave first.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            entries: Cache::new(capacity),
        }
    }

    /// The object at `key`, parsed by `parse` if the record is new or has changed.
    ///
    /// # Errors
    /// The store's, and those of `parse`.
    pub async fn load(
        &self,
        view: &View,
        key: &str,
        parse: impl FnOnce(&str, &[u8]) -> Result<T, StoreError>,
    ) -> Result<Option<(Version, Arc<T>)>, StoreError> {
        let full = view.full(key);
        let record = match self.entries.get(&full) {
            Some((version, object)) => match view.get_newer(key, version).await? {
                Newer::Same => return Ok(Some((version, object))),
                Newer::Absent => None,
                Newer::Record(record) => Some(record),
            },
            None => view.get(key).await?,
        };
        let Some(record) = record else {
            self.entries.remove(&full);
            return Ok(None);
        };
        let object = Arc::new(parse(&full, &record.value)?);
        self.entries
            .insert(full, (record.version, Arc::clone(&object)));
        Ok(Some((record.version, object)))
    }
}
