//! The names under which role ids, secret ids and accessors are stored: keyed hashes.
//!
//! Storage keys are not encrypted. Whoever reads the physical store learns from a keyed hash
//! neither the secret id nor whether a guess of it is right. The key is random, made with the
//! first role, kept behind the barrier and never changed.

use std::sync::Arc;

use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};
use vouchsafe_logical::{Attempts, Error};
use zeroize::Zeroize;

use super::AppRole;

/// Where the key is stored.
pub(super) const KEY: &str = "hash-key";
/// Bytes of the key: the output of SHA-256, more adds nothing (RFC 2104 §3).
const KEY_BYTES: usize = 32;

#[derive(Serialize, Deserialize, Zeroize)]
#[zeroize(drop)]
struct StoredKey {
    key: String,
}

/// Makes the hashes.
pub(super) struct Hasher(hmac::Key);

impl Hasher {
    fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The storage name of a role id, given as it is compared.
    pub(super) fn role_id(&self, folded: &str) -> String {
        self.hex(b"role-id:", folded)
    }

    /// The storage name of a secret id.
    pub(super) fn secret_id(&self, secret_id: &str) -> String {
        self.hex(b"secret-id:", secret_id)
    }

    /// The storage name of an accessor.
    pub(super) fn accessor(&self, accessor: &str) -> String {
        self.hex(b"accessor:", accessor)
    }

    fn hex(&self, domain: &[u8], text: &str) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(domain);
        context.update(text.as_bytes());
        hex::encode(context.sign().as_ref())
    }
}

impl AppRole {
    /// The mount's hasher. On a mount that never had a role there is no key; nothing is found
    /// there whatever it is hashed with.
    pub(super) async fn hasher(&self) -> Result<Arc<Hasher>, Error> {
        if let Some(hasher) = self.hasher.load_full() {
            return Ok(hasher);
        }
        match self.view.read::<StoredKey>(KEY).await? {
            Some(stored) => self.remember(&stored),
            None => Ok(Arc::new(Hasher::new(&[0; KEY_BYTES]))),
        }
    }

    /// The mount's hasher, with a new key where there is none.
    pub(super) async fn hasher_or_new(&self) -> Result<Arc<Hasher>, Error> {
        if let Some(hasher) = self.hasher.load_full() {
            return Ok(hasher);
        }
        let mut attempts = Attempts::default();
        loop {
            let mut transaction = self.view.begin();
            if let Some(stored) = transaction.read::<StoredKey>(&self.view, KEY).await? {
                return self.remember(&stored);
            }
            let mut key = [0; KEY_BYTES];
            self.system.entropy().fill(&mut key);
            let stored = StoredKey {
                key: hex::encode(key),
            };
            key.zeroize();
            transaction.put_record(&self.view, KEY, &stored)?;
            if attempts.commit(transaction).await?.is_done() {
                return self.remember(&stored);
            }
        }
    }

    fn remember(&self, stored: &StoredKey) -> Result<Arc<Hasher>, Error> {
        let mut key = hex::decode(&stored.key)
            .map_err(|_| Error::internal("approle: the stored hash key is not hexadecimal"))?;
        let hasher = Arc::new(Hasher::new(&key));
        key.zeroize();
        self.hasher.store(Some(Arc::clone(&hasher)));
        Ok(hasher)
    }
}
