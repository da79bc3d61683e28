//! The barrier as a [`Store`]: encrypt what is written, decrypt what is read, pass the rest on.
//!
//! Preconditions and versions are the physical store's own. A batch is encrypted under one term,
//! whatever happens to the keyring meanwhile.

use std::sync::atomic::Ordering;

use vouchsafe_logical::{Batch, BoxFuture, CommitError, Newer, Record, Store, StoreError, Version};

use super::{
    Barrier, KEYRING_KEY, REENCRYPTION_KEY, RESTORED_KEY, SEAL_KEY, VALUE_BYTES_MAX, record,
};

impl Store for Barrier {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Record>, StoreError>> {
        Box::pin(async move {
            self.check_open(key)?;
            match self.physical.get(key).await? {
                Some(stored) => Ok(Some(self.decrypt(key, stored).await?)),
                None => Ok(None),
            }
        })
    }

    fn get_newer<'a>(
        &'a self,
        key: &'a str,
        than: Version,
    ) -> BoxFuture<'a, Result<Newer, StoreError>> {
        Box::pin(async move {
            self.check_open(key)?;
            match self.physical.get_newer(key, than).await? {
                Newer::Record(stored) => Ok(Newer::Record(self.decrypt(key, stored).await?)),
                other => Ok(other),
            }
        })
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        Box::pin(async move {
            if self.is_sealed() {
                return Err(StoreError::Sealed);
            }
            self.physical.list(prefix, after, limit).await
        })
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<(), CommitError>> {
        Box::pin(async move {
            check_batch(&batch)?;
            self.before_encrypting().await?;
            let sealed = self.encrypt(batch)?;
            self.physical.commit(sealed).await?;
            Ok(())
        })
    }
}

impl Barrier {
    fn check_open(&self, key: &str) -> Result<(), StoreError> {
        if self.is_sealed() {
            return Err(StoreError::Sealed);
        }
        check_reserved(key)
    }

    pub(super) fn encrypt(&self, mut batch: Batch) -> Result<Batch, StoreError> {
        let keyring = self.keyring.load();
        let active = keyring.as_deref().ok_or(StoreError::Sealed)?.active();
        let mut encryptions = 0;
        for (key, value) in &mut batch.writes {
            if let Some(value) = value {
                *value = record::seal(&active.key, active.term, self.nonces.take(), key, value)?;
                encryptions += 1;
            }
        }
        active.unsaved.fetch_add(encryptions, Ordering::Relaxed);
        Ok(batch)
    }

    pub(super) async fn decrypt(&self, key: &str, stored: Record) -> Result<Record, StoreError> {
        let term = record::term(key, &stored.value)?;
        if !self.holds_term(term)? {
            // Another node has rotated.
            self.refresh_keyring().await?;
        }
        let keyring = self.keyring.load();
        let Some(held) = keyring.as_deref().ok_or(StoreError::Sealed)?.find(term) else {
            return Err(record::corrupt(
                key,
                "record is of a key term that the keyring lacks",
            ));
        };
        let value = record::open(&held.key, key, stored.value)?;
        Ok(Record {
            version: stored.version,
            value,
        })
    }

    fn holds_term(&self, term: u32) -> Result<bool, StoreError> {
        let keyring = self.keyring.load();
        Ok(keyring
            .as_deref()
            .ok_or(StoreError::Sealed)?
            .find(term)
            .is_some())
    }
}

/// The keyring is out of reach of those above: whoever overwrites it loses all data.
fn check_reserved(key: &str) -> Result<(), StoreError> {
    if [KEYRING_KEY, SEAL_KEY, RESTORED_KEY, REENCRYPTION_KEY].contains(&key) {
        return Err(StoreError::Limit(
            "keys `core/keyring`, `core/seal`, `core/restored` and `core/reencryption` are \
             reserved for the barrier",
        ));
    }
    Ok(())
}

fn check_batch(batch: &Batch) -> Result<(), StoreError> {
    for (key, value) in &batch.writes {
        check_reserved(key)?;
        if value
            .as_ref()
            .is_some_and(|value| value.len() > VALUE_BYTES_MAX)
        {
            return Err(StoreError::Limit("a value has at most 1,048,576 bytes"));
        }
    }
    Ok(())
}
