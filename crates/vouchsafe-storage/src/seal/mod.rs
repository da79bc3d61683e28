//! Seals: how the root key is kept from whoever has only the disk.
//!
//! [`shamir`] splits a key among people. The barrier is told nothing of it: it takes a root key.

mod field;
pub mod shamir;

pub use shamir::{ShamirError, Share};
