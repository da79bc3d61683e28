//! A slice of storage: what backends and the core read and write.
//!
//! [`Store`] is the port; the barrier implements it (and so encrypts everything). A [`View`] is a
//! store with a prefix, so that a backend can name only keys of its own. A [`Transaction`] turns
//! every read into a precondition of its commit: what was decided on is still true when it is
//! written, or nothing is written ([`CommitError::Conflict`]) and the caller decides again.
//!
//! Keys are UTF-8 paths with `/` as separator, ordered by bytes. Values are opaque bytes here;
//! [`View::read`] and [`Transaction::put_record`] add the record codec of [`crate::record`].

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::record;

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The most keys that one [`Store::list`] call returns.
pub const LIST_PAGE_MAX: usize = 1_000;
/// The longest storage key, in bytes.
pub const KEY_BYTES_MAX: usize = 2_048;
/// The most writes and preconditions that one batch carries.
pub const BATCH_ENTRIES_MAX: usize = 65_536;
/// How often a transaction is tried before its user gives up ([`crate::Attempts`]).
pub const TRANSACTION_ATTEMPTS_MAX: usize = 128;

/// Which write of a key a record comes from. Two records of one key with equal versions are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version(pub u64);

/// A stored value with the version that preconditions and caches compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The version of this value.
    pub version: Version,
    /// The plaintext value.
    pub value: Vec<u8>,
}

/// The answer to "is there something newer than what I hold".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Newer {
    /// The key holds nothing.
    Absent,
    /// The key still holds the version asked about; nothing was decrypted.
    Same,
    /// The key holds another version.
    Record(Record),
}

/// A set of writes that happen together or not at all, if all expectations hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// What must be stored now: a version, or nothing (`None`).
    pub expect: BTreeMap<String, Option<Version>>,
    /// What to store: a value, or nothing (`None` deletes).
    pub writes: BTreeMap<String, Option<Vec<u8>>>,
}

/// Why a read failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// The barrier is sealed.
    Sealed,
    /// A limit of the port was exceeded by the caller.
    Limit(&'static str),
    /// A record is damaged, moved or of a format that this version does not know; names the key.
    Corrupt {
        /// The whole storage key.
        key: String,
        /// What is wrong with the record.
        fault: &'static str,
    },
    /// The physical store failed; text for the operator only.
    Io(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sealed => f.write_str("storage: sealed"),
            Self::Limit(what) => write!(f, "storage: limit exceeded: {what}"),
            Self::Corrupt { key, fault } => write!(f, "storage: record `{key}`: {fault}"),
            Self::Io(text) => write!(f, "storage: {text}"),
        }
    }
}

impl std::error::Error for StoreError {}

/// Why a commit wrote nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommitError {
    /// An expectation did not hold. Read again, decide again.
    Conflict,
    /// The store failed.
    Failed(StoreError),
}

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// The storage port as everything above the barrier sees it.
pub trait Store: Send + Sync + 'static {
    /// The record at `key`.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Record>, StoreError>>;

    /// The record at `key` unless its version is still `than`: the cheap question of caches.
    fn get_newer<'a>(
        &'a self,
        key: &'a str,
        than: Version,
    ) -> BoxFuture<'a, Result<Newer, StoreError>>;

    /// Keys that begin with `prefix` and are greater than `after` (whole keys, exclusive), in byte
    /// order, at most `limit` and never more than [`LIST_PAGE_MAX`].
    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreError>>;

    /// Writes the batch durably if every expectation holds. Returns after the write can't be lost.
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<(), CommitError>>;
}

/// A store seen through a prefix.
#[derive(Clone)]
pub struct View {
    store: Arc<dyn Store>,
    prefix: Arc<str>,
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl View {
    /// The view of `store` under `prefix`, which ends with `/` (or is empty for everything).
    pub fn new(store: Arc<dyn Store>, prefix: impl Into<Arc<str>>) -> Self {
        Self {
            store,
            prefix: prefix.into(),
        }
    }

    /// A narrower view: `prefix` is appended to this one's.
    #[must_use]
    pub fn sub(&self, prefix: &str) -> Self {
        Self {
            store: Arc::clone(&self.store),
            prefix: self.full(prefix).into(),
        }
    }

    /// The whole key of a key of this view.
    #[must_use]
    pub fn full(&self, key: &str) -> String {
        let mut full = String::with_capacity(self.prefix.len() + key.len());
        full.push_str(&self.prefix);
        full.push_str(key);
        full
    }

    /// The raw record at `key`.
    pub async fn get(&self, key: &str) -> Result<Option<Record>, StoreError> {
        self.store.get(&self.full(key)).await
    }

    /// The raw record at `key` unless it is still at version `than`.
    pub async fn get_newer(&self, key: &str, than: Version) -> Result<Newer, StoreError> {
        self.store.get_newer(&self.full(key), than).await
    }

    /// The decoded record at `key`.
    pub async fn read<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StoreError> {
        let full = self.full(key);
        match self.store.get(&full).await? {
            Some(found) => Ok(Some(record::decode(&full, &found.value)?)),
            None => Ok(None),
        }
    }

    /// One page of keys, relative to the view, that begin with `prefix` and follow `after`.
    pub async fn list_page(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let after = after.map(|key| self.full(key));
        let keys = self
            .store
            .list(&self.full(prefix), after.as_deref(), limit)
            .await?;
        Ok(keys
            .into_iter()
            .map(|key| key[self.prefix.len()..].to_owned())
            .collect())
    }

    /// All keys, relative to `prefix`, that begin with it. Reads page after page.
    pub async fn list_all(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let mut all = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self
                .list_page(prefix, after.as_deref(), LIST_PAGE_MAX)
                .await?;
            let full_page = page.len() == LIST_PAGE_MAX;
            after = page.last().cloned();
            all.extend(page.into_iter().map(|key| key[prefix.len()..].to_owned()));
            if !full_page {
                return Ok(all);
            }
        }
    }

    /// Names directly under `prefix`: a deeper key appears once, as its first segment with `/`.
    /// This is what Vault's LIST shows.
    pub async fn list_folder(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let mut names: Vec<String> = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self
                .list_page(prefix, after.as_deref(), LIST_PAGE_MAX)
                .await?;
            for key in &page {
                let name = first_segment(&key[prefix.len()..]);
                // Keys of one folder follow one another, so looking back at one name is enough.
                if names.last().map(String::as_str) != Some(name) {
                    names.push(name.to_owned());
                }
            }
            if page.len() < LIST_PAGE_MAX {
                return Ok(names);
            }
            // The rest of a folder that goes on behind the page is skipped, not read: hardly any
            // key in it sorts after the last char, and one that does is seen by the next page.
            let skipped = match names.last() {
                Some(folder) if folder.ends_with('/') => format!("{prefix}{folder}{}", char::MAX),
                Some(_) | None => String::new(),
            };
            after = page.into_iter().last().max(Some(skipped));
        }
    }

    /// Starts a transaction on this view's store. It may also touch other views of that store.
    #[must_use]
    pub fn begin(&self) -> Transaction {
        Transaction {
            store: Arc::clone(&self.store),
            seen: BTreeMap::new(),
            batch: Batch::default(),
        }
    }
}

/// A key's name in a listing: its first segment, with the `/` if more follow.
fn first_segment(key: &str) -> &str {
    match key.find('/') {
        Some(slash) => &key[..=slash],
        None => key,
    }
}

/// Reads and writes that commit together, if nothing that was read has changed since.
///
/// Reads see the transaction's own writes. A transaction that only read commits without touching
/// the store. Listings are not tracked: keep uniqueness in a key of its own, not in a listing.
pub struct Transaction {
    store: Arc<dyn Store>,
    seen: BTreeMap<String, Option<Record>>,
    batch: Batch,
}

impl Transaction {
    /// The raw value at `key`, which becomes a precondition of the commit.
    pub async fn get(&mut self, view: &View, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let full = view.full(key);
        if let Some(written) = self.batch.writes.get(&full) {
            return Ok(written.clone());
        }
        if let Some(seen) = self.seen.get(&full) {
            return Ok(seen.as_ref().map(|record| record.value.clone()));
        }
        let found = self.store.get(&full).await?;
        // What was expected before the read is still expected.
        self.batch
            .expect
            .entry(full.clone())
            .or_insert_with(|| found.as_ref().map(|record| record.version));
        let value = found.as_ref().map(|record| record.value.clone());
        self.seen.insert(full, found);
        Ok(value)
    }

    /// The decoded record at `key`, which becomes a precondition of the commit.
    pub async fn read<T: DeserializeOwned>(
        &mut self,
        view: &View,
        key: &str,
    ) -> Result<Option<T>, StoreError> {
        match self.get(view, key).await? {
            Some(value) => Ok(Some(record::decode(&view.full(key), &value)?)),
            None => Ok(None),
        }
    }

    /// Stores raw bytes at `key`. Without a read of `key` before, the write is unconditional.
    pub fn put(&mut self, view: &View, key: &str, value: Vec<u8>) {
        self.batch.writes.insert(view.full(key), Some(value));
    }

    /// Stores an encoded record at `key`.
    pub fn put_record<T: Serialize>(
        &mut self,
        view: &View,
        key: &str,
        value: &T,
    ) -> Result<(), StoreError> {
        let full = view.full(key);
        let encoded = record::encode(&full, value)?;
        self.batch.writes.insert(full, Some(encoded));
        Ok(())
    }

    /// Removes `key`.
    pub fn delete(&mut self, view: &View, key: &str) {
        self.batch.writes.insert(view.full(key), None);
    }

    /// Expects that nothing is stored at `key`, without reading it.
    pub fn expect_absent(&mut self, view: &View, key: &str) {
        self.batch.expect.entry(view.full(key)).or_insert(None);
    }

    /// Whether the transaction would write anything.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.batch.writes.is_empty()
    }

    /// Drops the writes, and says whether the reads still are the picture of one moment.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] if something that was read has changed since; the store's.
    pub async fn verify(self) -> Result<(), CommitError> {
        for (key, expected) in &self.batch.expect {
            let is_current = match expected {
                Some(version) => self.store.get_newer(key, *version).await? == Newer::Same,
                None => self.store.get(key).await?.is_none(),
            };
            if !is_current {
                return Err(CommitError::Conflict);
            }
        }
        Ok(())
    }

    /// Writes everything, or nothing and says why.
    pub async fn commit(self) -> Result<(), CommitError> {
        if self.batch.writes.is_empty() {
            return Ok(());
        }
        self.store.commit(self.batch).await
    }
}
