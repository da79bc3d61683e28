//! A snapshot: all records of a store at one moment, as one file.
//!
//! The records are as they lie in the physical store, so their values are encrypted and their keys
//! are not. Nothing here needs a key: [`Writer`] turns records into bytes, [`Reader`] turns bytes
//! into records, both piece by piece.
//!
//! ```text
//! offset  bytes  content
//!      0      8  "vouchsnp"
//!      8      1  format version, 1
//!      9      8  revision of the store, big-endian
//!     17      8  created at, seconds of the Unix epoch, signed, big-endian
//!  then, for each record, ascending by key:
//!      0      1  1 = a record follows
//!      1      2  length of the key, big-endian, 1 to 2,048
//!      3      k  the key, UTF-8
//!  3 + k      4  length of the value, big-endian, up to 1,048,640
//!  7 + k      v  the value
//!  and at the end:
//!      0      1  2 = the end
//!      1      8  number of records, big-endian
//!      9      2  length of the seal, big-endian, up to 1,024
//!     11      s  the seal: who holds the barrier's keys made this file (see `barrier::backup`)
//! 11 + s     32  SHA-256 of everything before
//! ```
//!
//! The digest finds what was torn or altered by accident. The seal finds what was altered on
//! purpose; it is checked when the restored store is unsealed, since before that there is no key.

mod error;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

use vouchsafe_logical::Timestamp;

pub use error::SnapshotError;
pub use reader::Reader;
pub use writer::Writer;

use crate::physical::Revision;

/// The format that this version writes, and the only one that it reads.
pub const FORMAT: u8 = 1;
/// How every snapshot begins.
pub const MAGIC: &[u8; 8] = b"vouchsnp";
/// The longest seal, in bytes.
pub const SEAL_BYTES_MAX: usize = 1_024;

const HEADER_BYTES: usize = 8 + 1 + 8 + 8;
const DIGEST_BYTES: usize = 32;
const KIND_RECORD: u8 = 1;
const KIND_END: u8 = 2;

/// What stands at the beginning of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The newest revision in it.
    pub revision: Revision,
    /// When it was taken, to the second.
    pub created_at: Timestamp,
}

/// What is known of a snapshot that was read to its end, and is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// Its beginning.
    pub header: Header,
    /// How many records it has.
    pub records: u64,
    /// The digest that the seal is for.
    pub sealed_digest: [u8; DIGEST_BYTES],
    /// The seal.
    pub seal: Vec<u8>,
}
