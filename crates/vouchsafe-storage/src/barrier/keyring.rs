//! The keyring: data keys by term, in memory ready to use and in storage encrypted by the root key.
//!
//! A [`Document`] is the keyring's plaintext. It exists only while the keyring is being loaded or
//! changed, and is overwritten after. A [`Keyring`] holds expanded AES keys, which AWS-LC
//! overwrites when it frees them.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use vouchsafe_logical::{Entropy, StoreError, Timestamp, Version};
use zeroize::Zeroizing;

use super::nonce::NONCE_BYTES;
use super::record::{self, ROOT_TERM};
use super::{KEYRING_KEY, TERMS_MAX};

/// An expanded AES-256-GCM key.
pub(super) type AeadKey = LessSafeKey;

const KEY_BYTES: usize = 32;

/// Expands an AES-256 key.
pub(super) fn aead_key(bytes: &[u8; KEY_BYTES]) -> AeadKey {
    #[expect(
        clippy::expect_used,
        reason = "an AES-256 key has exactly these 32 bytes"
    )]
    let key = UnboundKey::new(&AES_256_GCM, bytes).expect("a 32-byte AES-256 key");
    LessSafeKey::new(key)
}

/// Encrypts the keyring by the root key.
pub(super) fn seal(
    root: &AeadKey,
    nonce: [u8; NONCE_BYTES],
    document: &Document,
) -> Result<Vec<u8>, StoreError> {
    record::seal(root, ROOT_TERM, nonce, KEYRING_KEY, &document.encode())
}

/// Decrypts the keyring by the root key.
pub(super) fn open(root: &AeadKey, stored: Vec<u8>) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    if record::term(KEYRING_KEY, &stored)? != ROOT_TERM {
        return Err(corrupt("keyring is not encrypted by the root key"));
    }
    record::open(root, KEYRING_KEY, stored).map(Zeroizing::new)
}

/// One data key with its use.
pub(super) struct Term {
    pub(super) term: u32,
    pub(super) key: AeadKey,
    pub(super) installed_at: Timestamp,
    /// Encryptions that the stored keyring counts.
    pub(super) saved: u64,
    /// Encryptions of this process that are not stored yet. Shared by the keyrings that follow
    /// each other, so that loading a newer one loses no count.
    pub(super) unsaved: Arc<AtomicU64>,
}

/// The keys of an unsealed barrier.
pub(super) struct Keyring {
    pub(super) root: Arc<AeadKey>,
    /// The version of the stored keyring that this one was loaded from.
    pub(super) version: Version,
    /// Ordered by term; never empty; the last one is active.
    terms: Vec<Term>,
}

impl Keyring {
    /// Expands the keys of `document` and takes over the counts of `previous`.
    pub(super) fn load(
        root: Arc<AeadKey>,
        version: Version,
        document: &Document,
        previous: Option<&Self>,
    ) -> Self {
        let load = |entry: &Entry| Term {
            term: entry.term,
            key: aead_key(&entry.key),
            installed_at: entry.installed_at,
            saved: entry.encryptions,
            unsaved: previous
                .and_then(|keyring| keyring.find(entry.term))
                .map(|term| Arc::clone(&term.unsaved))
                .unwrap_or_default(),
        };
        Self {
            root,
            version,
            terms: document.entries.iter().map(load).collect(),
        }
    }

    /// The term that encrypts.
    pub(super) fn active(&self) -> &Term {
        #[expect(
            clippy::expect_used,
            reason = "a document without terms does not decode"
        )]
        self.terms.last().expect("a keyring has a term")
    }

    /// The term that decrypts a record.
    pub(super) fn find(&self, term: u32) -> Option<&Term> {
        let index = self
            .terms
            .binary_search_by_key(&term, |held| held.term)
            .ok()?;
        self.terms.get(index)
    }
}

/// The keyring's plaintext.
///
/// ```text
/// offset  bytes  content
///      0      1  format version, 1
///      1      4  number of terms, big-endian, 1 to 4,096
///  then, for each term, ascending; the last one is active:
///      0      4  term, big-endian, from 1
///      4      8  installed at, seconds of the Unix epoch, signed, big-endian
///     12      8  encryptions counted, big-endian
///     20     32  AES-256 key
/// ```
pub(super) struct Document {
    entries: Vec<Entry>,
}

struct Entry {
    term: u32,
    installed_at: Timestamp,
    encryptions: u64,
    // Boxed, so that a growing vector leaves no copy behind.
    key: Box<Zeroizing<[u8; KEY_BYTES]>>,
}

impl Document {
    const FORMAT: u8 = 1;
    const HEADER_BYTES: usize = 1 + 4;
    const ENTRY_BYTES: usize = 4 + 8 + 8 + KEY_BYTES;

    /// A keyring with term 1.
    pub(super) fn first(entropy: &dyn Entropy, now: Timestamp) -> Self {
        Self {
            entries: vec![Entry::generate(1, entropy, now)],
        }
    }

    /// The active term.
    pub(super) fn active(&self) -> u32 {
        self.entries.last().map_or(ROOT_TERM, |entry| entry.term)
    }

    /// Adds a term with a new key and makes it active.
    pub(super) fn add_term(
        &mut self,
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        match self.active().checked_add(1) {
            Some(next) if self.entries.len() < TERMS_MAX => {
                self.entries.push(Entry::generate(next, entropy, now));
                Ok(())
            }
            _ => Err(StoreError::Limit("a keyring has at most 4,096 key terms")),
        }
    }

    /// Adds `encryptions` to the count of `term`.
    pub(super) fn count(&mut self, term: u32, encryptions: u64) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.term == term) {
            entry.encryptions = entry.encryptions.saturating_add(encryptions);
        }
    }

    fn encode(&self) -> Zeroizing<Vec<u8>> {
        // The capacity is exact: a vector that grows would leave copies of keys behind.
        let length = Self::HEADER_BYTES + self.entries.len() * Self::ENTRY_BYTES;
        let mut bytes = Zeroizing::new(Vec::with_capacity(length));
        bytes.push(Self::FORMAT);
        let count = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&count.to_be_bytes());
        for entry in &self.entries {
            bytes.extend_from_slice(&entry.term.to_be_bytes());
            bytes.extend_from_slice(&entry.installed_at.as_second().to_be_bytes());
            bytes.extend_from_slice(&entry.encryptions.to_be_bytes());
            bytes.extend_from_slice(&**entry.key);
        }
        bytes
    }

    /// Parses a plaintext. It was authenticated, so a fault means another version of the program.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let mut rest = bytes;
        if take::<1>(&mut rest)? != [Self::FORMAT] {
            return Err(corrupt(
                "keyring is of an unknown format version; expected 1",
            ));
        }
        let count = u32::from_be_bytes(take(&mut rest)?);
        let mut entries: Vec<Entry> = Vec::new();
        for _ in 0..count {
            let entry = Entry::decode(&mut rest)?;
            if entry.term <= entries.last().map_or(ROOT_TERM, |last| last.term) {
                return Err(corrupt(
                    "keyring does not list its terms in ascending order",
                ));
            }
            entries.push(entry);
        }
        if entries.is_empty() || entries.len() > TERMS_MAX || !rest.is_empty() {
            return Err(corrupt(
                "keyring does not hold the number of terms that it names",
            ));
        }
        Ok(Self { entries })
    }
}

impl Entry {
    fn generate(term: u32, entropy: &dyn Entropy, installed_at: Timestamp) -> Self {
        let mut key = Box::new(Zeroizing::new([0; KEY_BYTES]));
        entropy.fill(&mut **key);
        Self {
            term,
            installed_at,
            encryptions: 0,
            key,
        }
    }

    fn decode(rest: &mut &[u8]) -> Result<Self, StoreError> {
        let term = u32::from_be_bytes(take(rest)?);
        let installed_at = Timestamp::from_second(i64::from_be_bytes(take(rest)?))
            .map_err(|_| corrupt("keyring dates a term beyond the year 9999"))?;
        let encryptions = u64::from_be_bytes(take(rest)?);
        let mut key = Box::new(Zeroizing::new([0; KEY_BYTES]));
        let Some((bytes, left)) = rest.split_at_checked(KEY_BYTES) else {
            return Err(corrupt("keyring is shorter than its terms"));
        };
        key.copy_from_slice(bytes);
        *rest = left;
        Ok(Self {
            term,
            installed_at,
            encryptions,
            key,
        })
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], StoreError> {
    match rest.split_first_chunk() {
        Some((bytes, left)) => {
            *rest = left;
            Ok(*bytes)
        }
        None => Err(corrupt("keyring is shorter than its terms")),
    }
}

fn corrupt(fault: &'static str) -> StoreError {
    record::corrupt(KEYRING_KEY, fault)
}

#[cfg(test)]
mod tests;
