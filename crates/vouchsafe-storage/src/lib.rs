//! Bytes at rest: the physical port and the barrier.
//!
//! - [`physical`]: the port that a store of raw bytes implements (ordered keys, commits with
//!   preconditions, a change feed), the implementations in memory and in a file, the conformance
//!   suite that every implementation passes, and a wrapper that injects faults for tests.
//! - [`barrier`]: AES-256-GCM between the physical store and everything above it. It implements
//!   [`vouchsafe_logical::Store`], and it alone can build an [`Unsealed`].
//!
//! - [`snapshot`]: the file that a backup is: its bytes, written and read piece by piece.
//! - [`seal`]: how the root key is kept from whoever has only the disk (Shamir's shares).
//!
//! The barrier takes the root key whole and is told nothing of seals. What the stored bytes look like is in
//! `docs/storage-format.md`.
//!
//! Invariants:
//! - Nothing above the barrier sees a physical store, and nothing below it sees plaintext values.
//!   Keys are plaintext on both sides: paths are metadata, values are secrets.
//! - No lock is held across an await.
#![warn(missing_docs)]

pub mod barrier;
pub mod physical;
pub mod seal;
pub mod snapshot;

pub use barrier::{
    Backup, Barrier, Restore, Restored, RootKey, SealConfig, SealKind, SealRecord, Unsealed,
};
pub use physical::file::{Check, FilePhysical, OpenError};
pub use physical::in_memory::InMemory;
pub use physical::{Change, ChangeEvent, ChangeFeed, Physical, Revision};
