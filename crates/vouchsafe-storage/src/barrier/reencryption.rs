//! After a rotation: the records of older terms, encrypted anew under the active one.
//!
//! One call of [`Barrier::reencrypt`] takes one page of keys. How far it came is a record of its own,
//! written by the same commit as the page, so that a restart, or another node, goes on where the
//! last one stopped. A record that somebody else writes meanwhile is theirs: each is replaced only
//! at the version that was read.
//!
//! A term's own work comes first: re-encryption uses at most half of what a term may encrypt, so
//! that a store with more records than that does not rotate for ever.
//!
//! ```text
//! offset  bytes  plaintext of the record at REENCRYPTION_KEY
//!      0      1  format version, 1
//!      1      1  1 = under way, 2 = done
//!      2      4  the term, big-endian
//!      6      8  records encrypted anew so far, big-endian
//!     14      n  the last key that was looked at, while under way
//! ```

use vouchsafe_logical::{Batch, CommitError, Record, StoreError, Version};
use zeroize::Zeroizing;

use super::{Barrier, KEYRING_KEY, RESTORED_KEY, SEAL_KEY, record};

/// Where the progress lies. Not readable or writable through the barrier's [`Store`].
///
/// [`Store`]: vouchsafe_logical::Store
pub const REENCRYPTION_KEY: &str = "core/reencryption";

/// How many keys one call looks at, at most.
pub const REENCRYPTION_KEYS_MAX: usize = 256;

/// The bytes of records after which one call takes no more of them: half of a commit's bound.
const PAGE_BYTES_MAX: usize = 4 << 20;
/// How often one record is tried that others keep writing. Whoever wins has encrypted it.
const ATTEMPTS_MAX: usize = 3;

const FORMAT: u8 = 1;
const UNDER_WAY: u8 = 1;
const DONE: u8 = 2;
const HEADER_BYTES: usize = 1 + 1 + 4 + 8;

/// How far the encryption under a term has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reencryption {
    /// The term.
    pub term: u32,
    /// How many records were encrypted anew for it so far.
    pub records: u64,
    /// Whether every record was looked at.
    pub is_done: bool,
    /// The last key that was looked at.
    after: String,
}

/// What one call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pass {
    /// There was nothing to do.
    Idle,
    /// A page was looked at, and there is more.
    More(Reencryption),
    /// All records are of the active term now, except those that can't be opened.
    Done(Reencryption),
}

impl Reencryption {
    const fn begin(term: u32) -> Self {
        Self {
            term,
            records: 0,
            is_done: false,
            after: String::new(),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let state = if self.is_done { DONE } else { UNDER_WAY };
        let mut bytes = vec![FORMAT, state];
        bytes.extend_from_slice(&self.term.to_be_bytes());
        bytes.extend_from_slice(&self.records.to_be_bytes());
        bytes.extend_from_slice(self.after.as_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let unknown = || record::corrupt(REENCRYPTION_KEY, "progress of an unknown format version");
        let (head, after) = bytes
            .split_first_chunk::<HEADER_BYTES>()
            .ok_or_else(unknown)?;
        let [FORMAT, state, t0, t1, t2, t3, records @ ..] = *head else {
            return Err(unknown());
        };
        Ok(Self {
            term: u32::from_be_bytes([t0, t1, t2, t3]),
            records: u64::from_be_bytes(records),
            is_done: state == DONE,
            after: String::from_utf8(after.to_vec()).map_err(|_| unknown())?,
        })
    }
}

impl Barrier {
    /// How far the last re-encryption has come; `None` before the first one.
    ///
    /// # Errors
    /// [`StoreError::Sealed`]; the store's.
    pub async fn reencryption(&self) -> Result<Option<Reencryption>, StoreError> {
        let stored = self.progress().await?;
        Ok(stored.map(|(_, progress)| progress))
    }

    /// Encrypts the next page of records under the active term, if there are records of older ones.
    ///
    /// # Errors
    /// [`StoreError::Sealed`]; the store's.
    pub async fn reencrypt(&self) -> Result<Pass, StoreError> {
        let active = self.key_status()?;
        // Nothing is older than the first term.
        if active.term == 1 || active.encryptions >= self.encryptions_per_term() / 2 {
            return Ok(Pass::Idle);
        }
        let stored = self.progress().await?;
        let version = stored.as_ref().map(|(version, _)| *version);
        let mut progress = match stored {
            Some((_, progress)) if progress.term > active.term => return Ok(Pass::Idle),
            Some((_, progress)) if progress.term == active.term && progress.is_done => {
                return Ok(Pass::Idle);
            }
            Some((_, progress)) if progress.term == active.term => progress,
            Some(_) | None => Reencryption::begin(active.term),
        };
        let after = Some(progress.after.as_str()).filter(|key| !key.is_empty());
        let keys = self.physical.list("", after, REENCRYPTION_KEYS_MAX).await?;
        if keys.is_empty() {
            progress.is_done = true;
            progress.after.clear();
        }
        let (mut old, mut bytes) = (Vec::new(), 0);
        for key in keys {
            if bytes >= PAGE_BYTES_MAX {
                break;
            }
            if let Some(record) = self.of_older_term(&key, progress.term).await? {
                bytes += record.value.len();
                old.push((key.clone(), record));
            }
            progress.after = key;
        }
        self.before_encrypting().await?;
        self.replace(old, version, &mut progress).await?;
        Ok(match progress.is_done {
            true => Pass::Done(progress),
            false => Pass::More(progress),
        })
    }

    async fn progress(&self) -> Result<Option<(Version, Reencryption)>, StoreError> {
        match self.physical.get(REENCRYPTION_KEY).await? {
            Some(stored) => {
                let opened = self.decrypt(REENCRYPTION_KEY, stored).await?;
                let progress = Reencryption::decode(&opened.value)?;
                Ok(Some((opened.version, progress)))
            }
            None => Ok(None),
        }
    }

    /// The record at a key, decrypted, if it is of a term before `term`. One that can't be opened is
    /// left as it is: whoever reads it is told, and it must not keep all others from being done.
    async fn of_older_term(&self, key: &str, term: u32) -> Result<Option<Record>, StoreError> {
        if [KEYRING_KEY, SEAL_KEY, RESTORED_KEY, REENCRYPTION_KEY].contains(&key) {
            return Ok(None);
        }
        let Some(stored) = self.physical.get(key).await? else {
            return Ok(None);
        };
        match record::term(key, &stored.value) {
            Ok(found) if found < term => match self.decrypt(key, stored).await {
                Err(StoreError::Corrupt { .. }) => Ok(None),
                opened => opened.map(Some),
            },
            Ok(_) | Err(_) => Ok(None),
        }
    }

    /// Writes records under the active term, and the progress beside them.
    async fn replace(
        &self,
        old: Vec<(String, Record)>,
        version: Option<Version>,
        progress: &mut Reencryption,
    ) -> Result<(), StoreError> {
        let old: Vec<_> = old
            .into_iter()
            .map(|(key, record)| (key, record.version, Zeroizing::new(record.value)))
            .collect();
        let before = progress.records;
        progress.records = before + old.len() as u64;
        let mut batch = Self::progress_batch(version, progress);
        for (key, version, value) in &old {
            batch.expect.insert(key.clone(), Some(*version));
            batch.writes.insert(key.clone(), Some(value.to_vec()));
        }
        match self.physical.commit(self.encrypt(batch)?).await {
            Ok(_) => return Ok(()),
            Err(CommitError::Failed(error)) => return Err(error),
            Err(CommitError::Conflict) => {}
        }
        // Somebody has written to one of them: then one by one.
        progress.records = before;
        for (key, _, _) in &old {
            if self.replace_one(key, progress.term).await? {
                progress.records += 1;
            }
        }
        let batch = self.encrypt(Self::progress_batch(version, progress))?;
        match self.physical.commit(batch).await {
            // Another node does the same work, and its progress stands.
            Ok(_) | Err(CommitError::Conflict) => Ok(()),
            Err(CommitError::Failed(error)) => Err(error),
        }
    }

    async fn replace_one(&self, key: &str, term: u32) -> Result<bool, StoreError> {
        for _ in 0..ATTEMPTS_MAX {
            let Some(record) = self.of_older_term(key, term).await? else {
                return Ok(false);
            };
            let mut batch = Batch::default();
            batch.expect.insert(key.to_owned(), Some(record.version));
            batch.writes.insert(key.to_owned(), Some(record.value));
            match self.physical.commit(self.encrypt(batch)?).await {
                Ok(_) => return Ok(true),
                Err(CommitError::Conflict) => {}
                Err(CommitError::Failed(error)) => return Err(error),
            }
        }
        Ok(false)
    }

    fn progress_batch(version: Option<Version>, progress: &Reencryption) -> Batch {
        let mut batch = Batch::default();
        let key = REENCRYPTION_KEY.to_owned();
        batch.expect.insert(key.clone(), version);
        batch.writes.insert(key, Some(progress.encode()));
        batch
    }
}
