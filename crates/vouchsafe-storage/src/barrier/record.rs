//! The record: how one value lies in the physical store.
//!
//! ```text
//! offset  bytes  content
//!      0      1  format version, 1
//!      1      4  key term, big-endian; 0 is the root key, which encrypts only the keyring
//!      5     12  nonce
//!     17      n  ciphertext, as long as the value
//! 17 + n     16  GCM tag
//! ```
//!
//! The additional data of the encryption is the first five bytes (format version and term), the
//! length of the storage key as four bytes, big-endian, and the storage key itself. So a record is
//! good only in its place, under its term, whole and unaltered. AES-256-GCM is NIST SP 800-38D.

use aws_lc_rs::aead::{Aad, LessSafeKey, Nonce};
use vouchsafe_logical::StoreError;

use super::nonce::NONCE_BYTES;

/// The format that this version writes, and the only one that it reads.
pub(super) const FORMAT: u8 = 1;
/// The term that stands for the root key.
pub(super) const ROOT_TERM: u32 = 0;

const TERM_END: usize = 1 + 4;
const HEADER_BYTES: usize = TERM_END + NONCE_BYTES;
const TAG_BYTES: usize = 16;

/// How many bytes longer than its value a record is.
pub const OVERHEAD_BYTES: usize = HEADER_BYTES + TAG_BYTES;

/// Encrypts `value` into a record for storage key `path`.
pub(super) fn seal(
    key: &LessSafeKey,
    term: u32,
    nonce: [u8; NONCE_BYTES],
    path: &str,
    value: &[u8],
) -> Result<Vec<u8>, StoreError> {
    let mut record = Vec::with_capacity(OVERHEAD_BYTES + value.len());
    record.push(FORMAT);
    record.extend_from_slice(&term.to_be_bytes());
    record.extend_from_slice(&nonce);
    record.extend_from_slice(value);
    let aad = additional_data(&record[..TERM_END], path);
    let tag = key
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(aad),
            &mut record[HEADER_BYTES..],
        )
        .map_err(|_| StoreError::Limit("a value is too long for AES-GCM"))?;
    record.extend_from_slice(tag.as_ref());
    Ok(record)
}

/// The term that `record` claims to be encrypted under. Not authenticated before [`open`].
pub(super) fn term(path: &str, record: &[u8]) -> Result<u32, StoreError> {
    if record.len() < OVERHEAD_BYTES {
        return Err(corrupt(path, "record is shorter than its header and tag"));
    }
    if record[0] != FORMAT {
        return Err(corrupt(
            path,
            "record is of an unknown format version; expected 1",
        ));
    }
    let mut term = [0; 4];
    term.copy_from_slice(&record[1..TERM_END]);
    Ok(u32::from_be_bytes(term))
}

/// Decrypts `record`, which was read from storage key `path`.
pub(super) fn open(
    key: &LessSafeKey,
    path: &str,
    mut record: Vec<u8>,
) -> Result<Vec<u8>, StoreError> {
    // Checks the format and that the slices below are in bounds.
    term(path, &record)?;
    let mut nonce = [0; NONCE_BYTES];
    nonce.copy_from_slice(&record[TERM_END..HEADER_BYTES]);
    let aad = additional_data(&record[..TERM_END], path);
    let opened = key
        .open_within(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(aad),
            &mut record,
            HEADER_BYTES..,
        )
        .map(|plaintext| plaintext.len());
    match opened {
        Ok(length) => {
            record.truncate(length);
            Ok(record)
        }
        Err(_) => Err(corrupt(
            path,
            "authentication failed: the record was altered or moved",
        )),
    }
}

pub(super) fn corrupt(path: &str, fault: &'static str) -> StoreError {
    StoreError::Corrupt {
        key: path.to_owned(),
        fault,
    }
}

fn additional_data(format_and_term: &[u8], path: &str) -> Vec<u8> {
    // A path has at most KEY_BYTES_MAX bytes, so the length is exact.
    let length = u32::try_from(path.len()).unwrap_or(u32::MAX);
    let mut data = Vec::with_capacity(TERM_END + 4 + path.len());
    data.extend_from_slice(format_and_term);
    data.extend_from_slice(&length.to_be_bytes());
    data.extend_from_slice(path.as_bytes());
    data
}

#[cfg(test)]
mod tests;
