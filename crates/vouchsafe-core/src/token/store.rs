//! Tokens in storage.
//!
//! ```text
//! sys/token/salt                        key of the hashes
//! sys/token/batch-key                   key of batch tokens
//! sys/token/id/<hash>                   the entry
//! sys/token/accessor/<accessor hash>    the hash of the accessor's token
//! sys/token/parent/<hash>/<hash>        children of a token
//! sys/token/mount/<accessor>/<hash>     tokens of a mount's logins
//! sys/token/expiry/<second>/<hash>      service tokens by the second in which they end
//! ```
//!
//! What a token keeps in its cubbyhole goes with it: see [`Cubbyholes`].
//!
//! Expiry is decided when a token is used; the index only lets the sweep find what can go, so
//! that nothing is proportional to the number of live tokens.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use vouchsafe_logical::{
    Attempts, Data, Entropy, EntropyExt, Error, Timestamp, Transaction, VersionedCache, View,
    record,
};

use super::batch::{BATCH_PREFIX, BatchKey};
use super::entry::{TokenEntry, TokenType};
use super::hash::{Salt, TokenHash};
use crate::cubbyhole::Cubbyholes;

/// What a service token begins with.
pub const SERVICE_PREFIX: &str = "hvs.";
/// Random characters of a service token: 43 of 62 make 256 bits.
const SERVICE_TOKEN_CHARACTERS: usize = 43;
/// How many bytes a service token has.
pub(crate) const SERVICE_TOKEN_BYTES: usize = SERVICE_PREFIX.len() + SERVICE_TOKEN_CHARACTERS;
/// Characters of an accessor.
const ACCESSOR_CHARACTERS: usize = 24;
/// The longest token that is looked at, in bytes.
pub const TOKEN_BYTES_MAX: usize = super::batch::BATCH_TOKEN_BYTES_MAX;
/// Parsed entries kept in memory.
const ENTRIES_CACHED: usize = 65_536;
/// The most tokens on one line of descent, the first included. Each use of a token looks at all of
/// its ancestors.
pub(super) const TOKEN_GENERATIONS_MAX: usize = 64;

/// A token that exists, with where it is stored.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its storage name.
    pub hash: TokenHash,
    /// Its entry.
    pub entry: Arc<TokenEntry>,
}

#[derive(Serialize, Deserialize)]
struct AccessorRecord {
    hash: String,
    accessor: String,
}

#[derive(Serialize, Deserialize)]
struct KeyRecord {
    hex: String,
}

/// The token store of a running core.
pub struct TokenStore {
    pub(super) view: View,
    pub(super) salt: Salt,
    batch_key: BatchKey,
    entries: VersionedCache<TokenEntry>,
    pub(super) cubbyholes: Cubbyholes,
}

impl TokenStore {
    /// Opens the store below `sys/token/`, making its keys at the first start.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn open(
        root: &View,
        cubbyholes: Cubbyholes,
        entropy: &dyn Entropy,
    ) -> Result<Self, Error> {
        let view = root.sub("sys/token/");
        let salt = Salt::new(&key(&view, "salt", entropy).await?);
        let batch_key = BatchKey::new(&key(&view, "batch-key", entropy).await?)?;
        Ok(Self {
            view,
            salt,
            batch_key,
            entries: VersionedCache::new(ENTRIES_CACHED),
            cubbyholes,
        })
    }

    /// What tokens keep.
    #[must_use]
    pub(crate) const fn cubbyholes(&self) -> &Cubbyholes {
        &self.cubbyholes
    }

    /// The storage name of a token.
    #[must_use]
    pub fn hash(&self, token: &str) -> TokenHash {
        self.salt.token(token)
    }

    /// A token that works now: known, not expired.
    ///
    /// # Errors
    /// The store's.
    pub async fn find(&self, token: &str, now: Timestamp) -> Result<Option<Found>, Error> {
        Ok(self
            .find_even_spent(token, now)
            .await?
            .filter(|found| !found.entry.spent))
    }

    /// As [`TokenStore::find`], for the request that has the token's last use.
    ///
    /// # Errors
    /// The store's.
    pub async fn find_even_spent(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<Found>, Error> {
        if token.len() > TOKEN_BYTES_MAX || token.is_empty() {
            return Ok(None);
        }
        let hash = self.salt.token(token);
        if token.starts_with(BATCH_PREFIX) {
            let Some(entry) = self.batch_key.open(token) else {
                return Ok(None);
            };
            if entry.is_expired(now) || !self.ancestors_live(&entry, now).await? {
                return Ok(None);
            }
            return Ok(Some(Found {
                hash,
                entry: entry.into(),
            }));
        }
        self.find_by_hash(&hash, now).await
    }

    /// A stored token by its storage name.
    ///
    /// # Errors
    /// The store's.
    pub async fn find_by_hash(
        &self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<Found>, Error> {
        let Some(entry) = self.load(hash).await? else {
            return Ok(None);
        };
        if entry.is_expired(now) || !self.ancestors_live(&entry, now).await? {
            return Ok(None);
        }
        Ok(Some(Found {
            hash: hash.clone(),
            entry,
        }))
    }

    async fn load(&self, hash: &TokenHash) -> Result<Option<Arc<TokenEntry>>, Error> {
        let loaded = self
            .entries
            .load(&self.view, &id_key(hash), record::decode)
            .await?;
        Ok(loaded.map(|(_, entry)| entry))
    }

    /// A stored token by its accessor.
    ///
    /// # Errors
    /// The store's.
    pub async fn find_by_accessor(
        &self,
        accessor: &str,
        now: Timestamp,
    ) -> Result<Option<Found>, Error> {
        let key = format!("accessor/{}", self.salt.accessor(accessor));
        let Some(found) = self.view.read::<AccessorRecord>(&key).await? else {
            return Ok(None);
        };
        self.find_by_hash(&TokenHash::from_stored(found.hash), now)
            .await
    }

    /// The storage names of all stored tokens, those that have ended and are not swept away yet
    /// included.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn hashes(&self) -> Result<Vec<TokenHash>, Error> {
        let hashes = self.view.list_all("id/").await?;
        Ok(hashes.into_iter().map(TokenHash::from_stored).collect())
    }

    /// All accessors of stored tokens.
    ///
    /// # Errors
    /// The store's.
    pub async fn accessors(&self) -> Result<Vec<String>, Error> {
        let mut accessors = Vec::new();
        for key in self.view.list_all("accessor/").await? {
            if let Some(found) = self
                .view
                .read::<AccessorRecord>(&format!("accessor/{key}"))
                .await?
            {
                accessors.push(found.accessor);
            }
        }
        Ok(accessors)
    }

    /// Whether everything that a token descends from is still there. A revocation so takes effect
    /// for the whole tree with the one write that removes its root, whatever happens afterwards.
    async fn ancestors_live(&self, entry: &TokenEntry, now: Timestamp) -> Result<bool, Error> {
        let mut next = entry.parent.clone();
        while let Some(parent) = next {
            match self.load(&TokenHash::from_stored(parent)).await? {
                Some(parent) if !parent.is_expired(now) => next = parent.parent.clone(),
                Some(_) | None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Refuses a token with too many ancestors. Their number never grows: a token's parent is set
    /// when it is made, and afterwards only taken away.
    async fn check_generations(&self, entry: &TokenEntry) -> Result<(), Error> {
        let mut generations = 1;
        let mut next = entry.parent.clone();
        while let Some(parent) = next {
            generations += 1;
            if generations > TOKEN_GENERATIONS_MAX {
                return Err(Error::invalid_because(
                    "token_generations_too_many",
                    format!(
                        "a token can have at most {} ancestors; create an orphan instead",
                        TOKEN_GENERATIONS_MAX - 1
                    ),
                ));
            }
            let parent = self.load(&TokenHash::from_stored(parent)).await?;
            next = parent.and_then(|parent| parent.parent.clone());
        }
        Ok(())
    }

    /// A fresh accessor.
    #[must_use]
    pub fn new_accessor(entropy: &dyn Entropy) -> String {
        entropy.base62(ACCESSOR_CHARACTERS)
    }

    /// Writes a new token into a transaction and returns the token. Batch tokens write nothing.
    ///
    /// # Errors
    /// The chosen id is taken; a batch token is too large; more than [`TOKEN_GENERATIONS_MAX`]; the
    /// store's.
    pub async fn issue(
        &self,
        transaction: &mut Transaction,
        entry: &TokenEntry,
        chosen_id: Option<&str>,
        entropy: &dyn Entropy,
    ) -> Result<String, Error> {
        self.check_generations(entry).await?;
        if entry.token_type == TokenType::Batch {
            return self.batch_key.seal(entry, entropy);
        }
        let token = match chosen_id {
            Some(id) => id.to_owned(),
            None => format!(
                "{SERVICE_PREFIX}{}",
                entropy.base62(SERVICE_TOKEN_CHARACTERS)
            ),
        };
        let hash = self.salt.token(&token);
        if chosen_id.is_some() {
            let taken = transaction.get(&self.view, &id_key(&hash)).await?.is_some();
            if taken {
                return Err(Error::invalid("cannot create a token with a duplicate ID"));
            }
        }
        transaction.put_record(&self.view, &id_key(&hash), entry)?;
        let accessor = AccessorRecord {
            hash: hash.as_str().to_owned(),
            accessor: entry.accessor.clone(),
        };
        let accessor_key = format!("accessor/{}", self.salt.accessor(&entry.accessor));
        transaction.put_record(&self.view, &accessor_key, &accessor)?;
        for index in index_keys(&hash, entry) {
            transaction.put(&self.view, &index, Vec::new());
        }
        if let Some(parent) = &entry.parent {
            // A parent that is revoked meanwhile must take this child along: the commit fails
            // when the parent's entry is not what was seen.
            let parent = TokenHash::from_stored(parent.clone());
            if transaction
                .get(&self.view, &id_key(&parent))
                .await?
                .is_none()
            {
                return Err(Error::denied("parent_token_gone"));
            }
        }
        Ok(token)
    }

    /// Changes an entry. The change sees the entry as it is stored and may refuse.
    ///
    /// # Errors
    /// Those of `change`; a conflict after many tries. A token that is gone is `None`.
    pub async fn update<T>(
        &self,
        hash: &TokenHash,
        mut change: impl FnMut(&mut TokenEntry) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let mut attempts = Attempts::default();
        loop {
            let mut transaction = self.view.begin();
            let stored: Option<TokenEntry> = transaction.read(&self.view, &id_key(hash)).await?;
            let Some(mut entry) = stored else {
                return Ok(None);
            };
            let before = entry.clone();
            let answer = change(&mut entry)?;
            if entry == before {
                return Ok(Some(answer));
            }
            if entry.expire_at != before.expire_at {
                if let Some(old) = expiry_key(hash, &before) {
                    transaction.delete(&self.view, &old);
                }
                if let Some(new) = expiry_key(hash, &entry) {
                    transaction.put(&self.view, &new, Vec::new());
                }
            }
            transaction.put_record(&self.view, &id_key(hash), &entry)?;
            if attempts.commit(transaction).await?.is_done() {
                return Ok(Some(answer));
            }
        }
    }

    /// Takes one use off a token with limited uses. `None` when there was none left.
    ///
    /// # Errors
    /// The store's.
    pub async fn take_use(&self, hash: &TokenHash) -> Result<Option<UsesLeft>, Error> {
        let taken = self
            .update(hash, |entry| {
                if entry.spent {
                    return Ok(None);
                }
                entry.num_uses = entry.num_uses.saturating_sub(1);
                entry.spent = entry.num_uses == 0;
                Ok(Some(if entry.spent {
                    UsesLeft::Last
                } else {
                    UsesLeft::More
                }))
            })
            .await?;
        Ok(taken.flatten())
    }

    /// Writes a secret that goes with a token. It commits only while the token is there, so that
    /// nothing is kept for a token that is gone.
    ///
    /// # Errors
    /// As [`Cubbyholes::write`]; the token is gone.
    pub(crate) async fn write_cubbyhole(
        &self,
        owner: &TokenHash,
        path: &str,
        secret: &Data,
    ) -> Result<(), Error> {
        let mut attempts = Attempts::default();
        loop {
            let mut transaction = self.view.begin();
            let entry = transaction.get(&self.view, &id_key(owner)).await?;
            if entry.is_none() {
                return Err(Error::denied("token_gone"));
            }
            self.cubbyholes
                .write(&mut transaction, owner, path, secret)
                .await?;
            if attempts.commit(transaction).await?.is_done() {
                return Ok(());
            }
        }
    }
}

/// What a limited token has left after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsesLeft {
    /// That was the last one.
    Last,
    /// There are more.
    More,
}

pub(super) fn id_key(hash: &TokenHash) -> String {
    format!("id/{hash}")
}

fn expiry_key(hash: &TokenHash, entry: &TokenEntry) -> Option<String> {
    // The index names the second after the end, so that what it lists has ended.
    entry
        .expire_at
        .map(|end| format!("expiry/{:020}/{hash}", end.as_second() + 1))
}

/// The keys of all indexes that lead to a token.
pub(super) fn index_keys(hash: &TokenHash, entry: &TokenEntry) -> impl Iterator<Item = String> {
    let parent = entry
        .parent
        .as_ref()
        .map(|parent| format!("parent/{parent}/{hash}"));
    let mount = entry
        .mount_accessor
        .as_ref()
        .map(|mount| format!("mount/{mount}/{hash}"));
    expiry_key(hash, entry)
        .into_iter()
        .chain(parent)
        .chain(mount)
}

async fn key(view: &View, name: &str, entropy: &dyn Entropy) -> Result<Vec<u8>, Error> {
    let mut attempts = Attempts::default();
    loop {
        let mut transaction = view.begin();
        if let Some(stored) = transaction.read::<KeyRecord>(view, name).await? {
            return hex::decode(stored.hex)
                .map_err(|_| Error::internal(format!("record `sys/token/{name}` is damaged")));
        }
        transaction.put_record(
            view,
            name,
            &KeyRecord {
                hex: entropy.hex(64),
            },
        )?;
        // Whoever stored one, it is read back.
        let _ = attempts.commit(transaction).await?;
    }
}

/// The end of a life that begins now. One beyond all calendars ends with them: a token without an
/// end must not come of a number that is too large.
#[must_use]
pub fn end_of_life(now: Timestamp, ttl: Duration) -> Timestamp {
    now.checked_add(ttl).unwrap_or(Timestamp::MAX)
}
