//! Records to the bytes of a snapshot.

use aws_lc_rs::digest::{Context, SHA256};
use vouchsafe_logical::StoreError;

use super::{DIGEST_BYTES, FORMAT, Header, KIND_END, KIND_RECORD, MAGIC, SEAL_BYTES_MAX};

/// Makes a snapshot. What each call answers is to be sent or stored in this order.
pub struct Writer {
    digest: Context,
    records: u64,
}

impl Writer {
    /// Begins one.
    #[must_use]
    pub fn begin(header: &Header) -> (Self, Vec<u8>) {
        let mut bytes = MAGIC.to_vec();
        bytes.push(FORMAT);
        bytes.extend_from_slice(&header.revision.0.to_be_bytes());
        bytes.extend_from_slice(&header.created_at.as_second().to_be_bytes());
        let mut writer = Self {
            digest: Context::new(&SHA256),
            records: 0,
        };
        writer.digest.update(&bytes);
        (writer, bytes)
    }

    /// Adds a record to `bytes`; its key must be above the one before.
    ///
    /// # Errors
    /// [`StoreError::Limit`] for lengths that no store holds.
    pub fn record(
        &mut self,
        key: &str,
        value: &[u8],
        bytes: &mut Vec<u8>,
    ) -> Result<(), StoreError> {
        let too_long = |_| StoreError::Limit("a record is too long for a snapshot");
        let start = bytes.len();
        bytes.push(KIND_RECORD);
        bytes.extend_from_slice(&u16::try_from(key.len()).map_err(too_long)?.to_be_bytes());
        bytes.extend_from_slice(key.as_bytes());
        bytes.extend_from_slice(&u32::try_from(value.len()).map_err(too_long)?.to_be_bytes());
        bytes.extend_from_slice(value);
        self.digest.update(&bytes[start..]);
        self.records += 1;
        Ok(())
    }

    /// Ends it. `seal` makes the seal for a digest.
    ///
    /// # Errors
    /// What `seal` says; [`StoreError::Limit`] for too long a seal.
    pub fn end(
        mut self,
        seal: impl FnOnce(&[u8; DIGEST_BYTES]) -> Result<Vec<u8>, StoreError>,
    ) -> Result<Vec<u8>, StoreError> {
        let mut bytes = vec![KIND_END];
        bytes.extend_from_slice(&self.records.to_be_bytes());
        self.digest.update(&bytes);
        let seal = seal(&finished(self.digest.clone()))?;
        let length = u16::try_from(seal.len())
            .ok()
            .filter(|_| seal.len() <= SEAL_BYTES_MAX)
            .ok_or(StoreError::Limit("the seal of a snapshot is too long"))?;
        let start = bytes.len();
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&seal);
        self.digest.update(&bytes[start..]);
        bytes.extend_from_slice(&finished(self.digest));
        Ok(bytes)
    }
}

/// The digest of everything so far.
pub(super) fn finished(digest: Context) -> [u8; DIGEST_BYTES] {
    let mut bytes = [0; DIGEST_BYTES];
    bytes.copy_from_slice(digest.finish().as_ref());
    bytes
}
