//! The store as a whole: read as it was at one moment, and replaced at one stroke.
//!
//! Both work page by page, so that a store of any size passes through a bounded amount of memory.

use vouchsafe_logical::{BoxFuture, CommitError, Record, StoreError};

use super::Revision;

/// A store as it was at one moment. It costs the store room (what is overwritten meanwhile can't be
/// reused), so it is dropped as soon as it was read.
pub trait PhysicalSnapshot: Send + Sync + 'static {
    /// The newest revision in it.
    fn revision(&self) -> Revision;

    /// The records at the keys greater than `after`, in byte order: as many as it takes for keys
    /// and values to reach `bytes`, so at least one, and none at the end.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    fn page<'a>(
        &'a self,
        after: Option<&'a str>,
        bytes: usize,
    ) -> BoxFuture<'a, Result<Vec<(String, Record)>, StoreError>>;
}

/// Records on their way into the place of all others. Dropped before [`Replacement::finish`] it
/// leaves the store as it was.
pub trait Replacement: Send + 'static {
    /// Adds records. Nobody sees them yet.
    ///
    /// # Errors
    /// [`StoreError::Limit`] for a key or value that no commit would take; [`StoreError::Io`].
    fn put(&mut self, records: Vec<(String, Vec<u8>)>) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Puts them in the place of all records of the store, durably and as one commit: either all of
    /// them are there afterwards and nothing else, or what was there before. They all have the
    /// answered revision as their version. Subscribers are told that they have lagged.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] when anything was committed since [`super::Physical::replace`].
    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<Revision, CommitError>>;
}
