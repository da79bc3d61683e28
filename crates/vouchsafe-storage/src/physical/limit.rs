//! The limits of the physical port, and the two functions that hold them.
//!
//! Every implementation calls [`check_key`] and [`check_batch`] before it does anything, so that a
//! batch is not accepted by one store and refused by another.

use vouchsafe_logical::{Batch, StoreError};

pub use vouchsafe_logical::view::{BATCH_ENTRIES_MAX, KEY_BYTES_MAX};

/// The longest value, in bytes: one mebibyte, and room for the header of the layer above.
///
/// It stays below the 1.5 MiB that an etcd server accepts per request by default.
pub const VALUE_BYTES_MAX: usize = (1 << 20) + 64;

/// The most bytes that the keys and values of one batch add up to: 8 MiB.
///
/// A batch is held in memory by the writer, by the store and by its write-ahead log, and etcd's
/// own guidance ends at 10 MiB per request.
pub const BATCH_BYTES_MAX: usize = 8 << 20;

/// Refuses a key that is empty or longer than [`KEY_BYTES_MAX`].
///
/// # Errors
/// [`StoreError::Limit`].
pub const fn check_key(key: &str) -> Result<(), StoreError> {
    if key.is_empty() {
        return Err(StoreError::Limit("a key has at least 1 byte"));
    }
    if key.len() > KEY_BYTES_MAX {
        return Err(StoreError::Limit("a key has at most 2,048 bytes"));
    }
    Ok(())
}

const fn check_value_bytes(bytes: usize) -> Result<(), StoreError> {
    if bytes > VALUE_BYTES_MAX {
        return Err(StoreError::Limit("a value has at most 1,048,640 bytes"));
    }
    Ok(())
}

/// Refuses records with a bad key or too long a value.
///
/// # Errors
/// [`StoreError::Limit`].
pub fn check_records(records: &[(String, Vec<u8>)]) -> Result<(), StoreError> {
    for (key, value) in records {
        check_key(key)?;
        check_value_bytes(value.len())?;
    }
    Ok(())
}

/// Refuses a batch with a bad key, too long a value, too many entries or too many bytes.
///
/// Entries are expectations plus writes. Bytes are all keys, and all values to be written.
///
/// # Errors
/// [`StoreError::Limit`].
pub fn check_batch(batch: &Batch) -> Result<(), StoreError> {
    if batch.expect.len() + batch.writes.len() > BATCH_ENTRIES_MAX {
        return Err(StoreError::Limit(
            "a batch has at most 65,536 expectations and writes",
        ));
    }
    let mut bytes = 0usize;
    for key in batch.expect.keys() {
        check_key(key)?;
        bytes += key.len();
    }
    for (key, value) in &batch.writes {
        check_key(key)?;
        let value_bytes = value.as_ref().map_or(0, Vec::len);
        check_value_bytes(value_bytes)?;
        bytes += key.len() + value_bytes;
    }
    if bytes > BATCH_BYTES_MAX {
        return Err(StoreError::Limit(
            "a batch has at most 8,388,608 bytes of keys and values",
        ));
    }
    Ok(())
}
