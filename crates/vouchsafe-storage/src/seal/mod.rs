//! Seals: how the root key is kept from whoever has only the disk.
//!
//! [`shamir`] splits a key among people; an [`AutoSeal`] keeps one where no person is needed. The barrier is told nothing of it: it takes a root key.

pub mod auto;
mod field;
pub mod shamir;
pub mod static_key;

pub use auto::{AutoSeal, AutoSealError, Unwrapped};
pub use shamir::{ShamirError, Share};
pub use static_key::{StaticKey, StaticSeal};
