//! What the store file holds: two tables, and the format marker. Drawn in `docs/storage-format.md`.
//!
//! Invariants:
//! - A stored record begins with its version: the revision of the commit that wrote it.
//! - `revision` is the newest revision, written by the same transaction as that commit's records.
//! - `format` is written by the transaction that creates the tables, so a store without it is new.

use std::path::Path;
use std::sync::Arc;

use redb::{
    Database, Durability, ReadOnlyTable, ReadableDatabase, ReadableTable, TableDefinition,
    WriteTransaction,
};
use vouchsafe_logical::{BoxFuture, Newer, Record, StoreError, Version};

use super::error::{OpenError, contained, store_error};
use crate::physical::{PhysicalSnapshot, Revision};

/// The format that this version writes, and the latest that it reads.
pub(super) const FORMAT: u64 = 1;

const FORMAT_KEY: &str = "format";
const REVISION_KEY: &str = "revision";

/// How many bytes the version takes that every stored value begins with.
const VERSION_BYTES: usize = size_of::<u64>();

type Bytes = &'static [u8];

/// Storage keys, and the version followed by the value.
pub(super) const RECORDS: TableDefinition<'_, Bytes, Bytes> = TableDefinition::new("record");
/// `format` and `revision`.
pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

/// A durable transaction. Two-phase: a commit counts when the header that names it was synced
/// after its pages, so an open never has to choose between two commits by their checksums, and a
/// damaged newest commit is refused instead of silently replaced by the one before it.
pub(super) fn begin(database: &Database) -> Result<WriteTransaction, redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    transaction.set_two_phase_commit(true);
    Ok(transaction)
}

/// Checks the format, and creates the tables of a new store. `path` is for errors.
pub(super) fn prepare(database: &Database, path: &Path) -> Result<(), OpenError> {
    let engine = |error: redb::Error| OpenError::of_engine(path, error);
    let transaction = begin(database).map_err(engine)?;
    let tables = transaction
        .list_tables()
        .map_err(|e| engine(e.into()))?
        .count();
    if tables == 0 {
        create(&transaction).map_err(engine)?;
        return transaction.commit().map_err(|e| engine(e.into()));
    }
    let found = {
        let meta = transaction.open_table(META).map_err(|e| engine(e.into()))?;
        let found = meta.get(FORMAT_KEY).map_err(|e| engine(e.into()))?;
        found.map(|number| number.value())
    };
    transaction.abort().map_err(|e| engine(e.into()))?;
    match found {
        None => Err(OpenError::damaged(path, "it has no format")),
        Some(FORMAT) => Ok(()),
        Some(0) => Err(OpenError::damaged(path, "format 0 does not exist")),
        Some(found) => Err(OpenError::NewerFormat {
            path: path.parent().unwrap_or(path).to_owned(),
            found,
            known: FORMAT,
        }),
    }
}

fn create(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(RECORDS)?;
    let mut meta = transaction.open_table(META)?;
    meta.insert(FORMAT_KEY, FORMAT)?;
    meta.insert(REVISION_KEY, 0)?;
    Ok(())
}

/// Notes the newest revision.
pub(super) fn write_revision(
    transaction: &WriteTransaction,
    revision: Revision,
) -> Result<(), redb::Error> {
    transaction
        .open_table(META)?
        .insert(REVISION_KEY, revision.0)?;
    Ok(())
}

/// Replaces `stored` by what is stored for a value.
pub(super) fn encode(version: Version, value: &[u8], stored: &mut Vec<u8>) {
    stored.clear();
    stored.extend_from_slice(&version.0.to_be_bytes());
    stored.extend_from_slice(value);
}

/// The version and the value of what is stored at `key`.
fn decode<'a>(key: &[u8], stored: &'a [u8]) -> Result<(Version, &'a [u8]), StoreError> {
    match stored.split_first_chunk::<VERSION_BYTES>() {
        Some((version, value)) => Ok((Version(u64::from_be_bytes(*version)), value)),
        None => Err(StoreError::Corrupt {
            key: String::from_utf8_lossy(key).into_owned(),
            fault: "is too short to hold its version",
        }),
    }
}

/// The version at `key`, as the transactions so far have left it.
pub(super) fn version_at(
    table: &impl ReadableTable<Bytes, Bytes>,
    key: &str,
) -> Result<Option<Version>, StoreError> {
    let found = table.get(key.as_bytes()).map_err(store_error)?;
    found
        .map(|stored| decode(key.as_bytes(), stored.value()).map(|(version, _)| version))
        .transpose()
}

/// The store after one durable commit. It does not change, and the engine keeps its pages for as
/// long as it lives.
pub(super) struct Snapshot {
    records: ReadOnlyTable<Bytes, Bytes>,
    /// The newest revision in it.
    pub(super) revision: Revision,
}

impl Snapshot {
    /// The newest state.
    pub(super) fn take(database: &Database) -> Result<Self, redb::Error> {
        let transaction = database.begin_read()?;
        let revision = transaction.open_table(META)?.get(REVISION_KEY)?;
        Ok(Self {
            records: transaction.open_table(RECORDS)?,
            revision: Revision(revision.map_or(0, |number| number.value())),
        })
    }

    /// See [`crate::Physical::get`].
    pub(super) fn get(&self, key: &str) -> Result<Option<Record>, StoreError> {
        Ok(match self.look_up(key, None)? {
            Newer::Record(record) => Some(record),
            Newer::Absent | Newer::Same => None,
        })
    }

    /// See [`crate::Physical::get_newer`].
    pub(super) fn get_newer(&self, key: &str, than: Version) -> Result<Newer, StoreError> {
        self.look_up(key, Some(than))
    }

    fn look_up(&self, key: &str, held: Option<Version>) -> Result<Newer, StoreError> {
        contained(|| {
            let Some(stored) = self.records.get(key.as_bytes()).map_err(store_error)? else {
                return Ok(Newer::Absent);
            };
            let (version, value) = decode(key.as_bytes(), stored.value())?;
            if held == Some(version) {
                return Ok(Newer::Same);
            }
            Ok(Newer::Record(Record {
                version,
                value: value.to_vec(),
            }))
        })
    }

    /// See [`crate::Physical::list`].
    pub(super) fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        use std::ops::Bound;
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after.as_bytes()),
            _ => Bound::Included(prefix.as_bytes()),
        };
        contained(|| {
            let mut keys = Vec::new();
            let range = self.records.range::<&[u8]>((from, Bound::Unbounded));
            for entry in range.map_err(store_error)?.take(limit) {
                let (key, _) = entry.map_err(store_error)?;
                if !key.value().starts_with(prefix.as_bytes()) {
                    break;
                }
                keys.push(text(key.value())?);
            }
            Ok(keys)
        })
    }
}

impl PhysicalSnapshot for Arc<Snapshot> {
    fn revision(&self) -> Revision {
        self.revision
    }

    /// Reads the file, so it runs where blocking is allowed.
    fn page<'a>(
        &'a self,
        after: Option<&'a str>,
        bytes: usize,
    ) -> BoxFuture<'a, Result<Vec<(String, Record)>, StoreError>> {
        let (snapshot, after) = (Self::clone(self), after.map(str::to_owned));
        Box::pin(async move {
            tokio::task::spawn_blocking(move || snapshot.records_after(after.as_deref(), bytes))
                .await
                .map_err(|error| StoreError::Io(format!("store file: page: {error}")))?
        })
    }
}

impl Snapshot {
    fn records_after(
        &self,
        after: Option<&str>,
        bytes: usize,
    ) -> Result<Vec<(String, Record)>, StoreError> {
        use std::ops::Bound;
        let from = after.map_or(Bound::Unbounded, |key| Bound::Excluded(key.as_bytes()));
        contained(|| {
            let (mut page, mut taken) = (Vec::new(), 0);
            let range = self.records.range::<&[u8]>((from, Bound::Unbounded));
            for entry in range.map_err(store_error)? {
                let (key, stored) = entry.map_err(store_error)?;
                let key = text(key.value())?;
                let (version, value) = decode(key.as_bytes(), stored.value())?;
                taken += key.len() + value.len();
                let value = value.to_vec();
                page.push((key, Record { version, value }));
                if taken >= bytes {
                    break;
                }
            }
            Ok(page)
        })
    }
}

/// A stored key.
fn text(key: &[u8]) -> Result<String, StoreError> {
    match str::from_utf8(key) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(StoreError::Corrupt {
            key: String::from_utf8_lossy(key).into_owned(),
            fault: "has a key that is not UTF-8",
        }),
    }
}
