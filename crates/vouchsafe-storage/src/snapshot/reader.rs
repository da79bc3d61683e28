//! The bytes of a snapshot to records, as they come.

use aws_lc_rs::digest::{Context, SHA256};
use vouchsafe_logical::Timestamp;

use super::writer::finished;
use super::{
    DIGEST_BYTES, FORMAT, HEADER_BYTES, Header, KIND_END, KIND_RECORD, MAGIC, SEAL_BYTES_MAX,
    SnapshotError, Whole,
};
use crate::physical::{Revision, limit};

/// Reads a snapshot. It holds what was fed and not taken, and at most one record that is not whole.
pub struct Reader {
    /// Bytes that were not parsed yet; they begin at offset `at` of the snapshot.
    pending: Vec<u8>,
    at: u64,
    digest: Context,
    header: Option<Header>,
    last_key: String,
    count: u64,
    records: Vec<(String, Vec<u8>)>,
    whole: Option<Whole>,
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// Nothing was read so far.
    #[must_use]
    pub fn new() -> Self {
        Self {
            pending: Vec::new(),
            at: 0,
            digest: Context::new(&SHA256),
            header: None,
            last_key: String::new(),
            count: 0,
            records: Vec::new(),
            whole: None,
        }
    }

    /// The beginning, once it was fed.
    #[must_use]
    pub const fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// The records that are whole and were not taken yet.
    pub fn take(&mut self) -> Vec<(String, Vec<u8>)> {
        std::mem::take(&mut self.records)
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`SnapshotError`] as soon as they can't be a part of a snapshot.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        let mut pending = std::mem::take(&mut self.pending);
        pending.extend_from_slice(bytes);
        let mut rest = &pending[..];
        while !rest.is_empty() {
            let Some(taken) = self.step(rest)? else { break };
            self.at += taken as u64;
            rest = &rest[taken..];
        }
        let done = pending.len() - rest.len();
        pending.drain(..done);
        self.pending = pending;
        Ok(())
    }

    /// There are no more bytes.
    ///
    /// # Errors
    /// [`SnapshotError::Truncated`] when they did not end as a snapshot does.
    pub fn finish(self) -> Result<Whole, SnapshotError> {
        let at = self.at + self.pending.len() as u64;
        self.whole.ok_or(SnapshotError::Truncated { at })
    }

    /// Parses the next part, if all of it is there, and answers its length.
    fn step(&mut self, rest: &[u8]) -> Result<Option<usize>, SnapshotError> {
        let Some(header) = self.header else {
            return self.begin(rest);
        };
        if self.whole.is_some() {
            return Err(self.altered("something follows its end"));
        }
        match rest.first() {
            Some(&KIND_RECORD) => self.record(&rest[1..]),
            Some(&KIND_END) => self.end(header, rest),
            _ => Err(self.altered("neither a record nor the end begins here")),
        }
    }

    fn begin(&mut self, rest: &[u8]) -> Result<Option<usize>, SnapshotError> {
        let known = rest.len().min(MAGIC.len());
        if rest[..known] != MAGIC[..known] {
            return Err(SnapshotError::NotASnapshot);
        }
        // Before the rest of the header, which a newer version may write otherwise.
        match rest.get(MAGIC.len()) {
            None | Some(&FORMAT) => {}
            Some(0) => return Err(self.altered("format 0 does not exist")),
            Some(&found) => return Err(SnapshotError::NewerFormat { found }),
        }
        let Some(head) = rest.get(..HEADER_BYTES) else {
            return Ok(None);
        };
        let mut numbers = &head[MAGIC.len() + 1..];
        let (Some(revision), Some(seconds)) = (take::<8>(&mut numbers), take::<8>(&mut numbers))
        else {
            return Ok(None);
        };
        let created_at = Timestamp::from_second(i64::from_be_bytes(seconds))
            .map_err(|_| self.altered("its date is beyond the year 9999"))?;
        self.header = Some(Header {
            revision: Revision(u64::from_be_bytes(revision)),
            created_at,
        });
        self.digest.update(head);
        Ok(Some(HEADER_BYTES))
    }

    fn record(&mut self, after_kind: &[u8]) -> Result<Option<usize>, SnapshotError> {
        let mut rest = after_kind;
        let Some(key_bytes) = take(&mut rest).map(u16::from_be_bytes).map(usize::from) else {
            return Ok(None);
        };
        if key_bytes == 0 || key_bytes > limit::KEY_BYTES_MAX {
            return Err(self.altered("a key has an impossible length"));
        }
        let Some((key, mut rest)) = rest.split_at_checked(key_bytes) else {
            return Ok(None);
        };
        let Some(value_bytes) = take(&mut rest).map(u32::from_be_bytes) else {
            return Ok(None);
        };
        let value_bytes = usize::try_from(value_bytes).unwrap_or(usize::MAX);
        if value_bytes > limit::VALUE_BYTES_MAX {
            return Err(self.altered("a value has an impossible length"));
        }
        let Some(value) = rest.get(..value_bytes) else {
            return Ok(None);
        };
        let key = str::from_utf8(key).map_err(|_| self.altered("a key is not UTF-8"))?;
        if key <= self.last_key.as_str() {
            return Err(self.altered("its keys do not ascend"));
        }
        self.last_key.clear();
        self.last_key.push_str(key);
        self.records.push((key.to_owned(), value.to_vec()));
        self.count += 1;
        let length = 2 + key_bytes + 4 + value_bytes;
        self.digest.update(&[KIND_RECORD]);
        self.digest.update(&after_kind[..length]);
        Ok(Some(1 + length))
    }

    fn end(&mut self, header: Header, all: &[u8]) -> Result<Option<usize>, SnapshotError> {
        const COUNT_END: usize = 1 + 8;
        let mut rest = &all[1..];
        let Some(count) = take(&mut rest).map(u64::from_be_bytes) else {
            return Ok(None);
        };
        let Some(seal_bytes) = take(&mut rest).map(u16::from_be_bytes).map(usize::from) else {
            return Ok(None);
        };
        if seal_bytes > SEAL_BYTES_MAX {
            return Err(self.altered("its seal has an impossible length"));
        }
        let Some((seal, mut rest)) = rest.split_at_checked(seal_bytes) else {
            return Ok(None);
        };
        let Some(digest) = take::<DIGEST_BYTES>(&mut rest) else {
            return Ok(None);
        };
        self.digest.update(&all[..COUNT_END]);
        let sealed_digest = finished(self.digest.clone());
        let seal_end = COUNT_END + 2 + seal_bytes;
        self.digest.update(&all[COUNT_END..seal_end]);
        if finished(self.digest.clone()) != digest {
            return Err(self.altered("its SHA-256 digest is another one"));
        }
        if count != self.count {
            return Err(self.altered("its number of records is another one"));
        }
        self.whole = Some(Whole {
            header,
            records: count,
            sealed_digest,
            seal: seal.to_vec(),
        });
        Ok(Some(seal_end + DIGEST_BYTES))
    }

    const fn altered(&self, fault: &'static str) -> SnapshotError {
        SnapshotError::Altered { at: self.at, fault }
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, left) = rest.split_first_chunk()?;
    *rest = left;
    Some(*bytes)
}
