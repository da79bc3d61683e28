//! The codec of stored records: one format byte, then JSON.
//!
//! The format byte lets a later version read what an earlier one wrote, and lets an earlier one
//! say clearly that it can't read what a later one wrote.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::view::StoreError;

/// JSON without compression: the only format so far.
pub const FORMAT_JSON: u8 = 1;

/// Encodes a record for `key` (named in the error only).
pub fn encode<T: Serialize>(key: &str, value: &T) -> Result<Vec<u8>, StoreError> {
    let mut encoded = vec![FORMAT_JSON];
    serde_json::to_writer(&mut encoded, value).map_err(|_| StoreError::Corrupt {
        key: key.to_owned(),
        fault: "the value can't be encoded as JSON",
    })?;
    Ok(encoded)
}

/// Decodes a record that was read at `key`.
pub fn decode<T: DeserializeOwned>(key: &str, encoded: &[u8]) -> Result<T, StoreError> {
    let corrupt = |fault| StoreError::Corrupt {
        key: key.to_owned(),
        fault,
    };
    match encoded.split_first() {
        Some((&FORMAT_JSON, json)) => {
            serde_json::from_slice(json).map_err(|_| corrupt("the record has an unexpected shape"))
        }
        Some(_) => Err(corrupt(
            "the record was written by a newer version of the server",
        )),
        None => Err(corrupt("the record is empty")),
    }
}
