//! The physical port: a store of raw bytes that several nodes may use at once.
//!
//! [`Physical`] is deliberately small: ordered keys, point reads, commits that compare and swap,
//! and a feed of what changed. It does not encrypt (the barrier does), does not cache, and has no
//! notion of a leader: every node may call every method at any time, and the preconditions of
//! [`Physical::commit`] are the only way to coordinate.
//!
//! Invariants that callers rely on, and that [`conformance`] checks:
//! - A commit happens as a whole or not at all: whoever has read one of its writes, or received its
//!   event, reads all of them from then on.
//! - A commit that returned can't be lost, and every later read, of any node, sees it.
//! - Every commit that changes something has a [`Revision`] above all earlier ones, in the order
//!   in which commits took effect. A record's [`Version`] is the revision that wrote it, so it is
//!   never used twice for a key, not even after a delete and a re-creation.
//! - Keys are ordered by bytes.
//! - Limits ([`limit`]) are the same for every implementation, so that what works on one store
//!   works on all.
//!
//! # How this maps to PostgreSQL
//!
//! One table `record (key bytea primary key, value bytea, revision bigint)`, one row
//! `head (revision bigint)`, one table `change (revision bigint primary key, keys bytea[])`.
//!
//! - `get`, `get_newer`, `list`: one statement by primary key, or by range with `LIMIT`.
//!   `get_newer` selects the value only where the revision differs.
//! - `commit`: one READ COMMITTED transaction that first locks the head row (`SELECT .. FOR
//!   UPDATE`). That makes absent keys checkable without predicate locks and the order of
//!   revisions the order of commits. It serialises commits, which `NOTIFY` does in any case;
//!   batching the waiting commits of a node into one transaction pays for it. Arrays and `unnest`
//!   keep it at a constant number of statements for any batch.
//! - `subscribe`: `LISTEN` wakes, `change` rows above the last seen revision are the content. Rows
//!   older than a retention time are deleted; a subscriber behind the oldest is lagged.
//! - `snapshot`: one REPEATABLE READ transaction that lives as long as the snapshot.
//! - `replace`: a table beside `record` that is filled page by page, then renamed in the transaction
//!   that checks the head row.
//!
//! # How this maps to etcd
//!
//! Revision and version are etcd's own revision and `mod_revision`.
//!
//! - `get`, `get_newer`, `list`: linearizable range requests (`keys_only` for lists).
//! - `commit`: one `Txn`: compares on `mod_revision` (0 is absent), puts and deletes. The server's
//!   `--max-txn-ops` and `--max-request-bytes` must admit [`limit::BATCH_ENTRIES_MAX`] and
//!   [`limit::BATCH_BYTES_MAX`]; an implementation checks that when it opens, and refuses to start
//!   rather than fail on the first large batch.
//! - `subscribe`: a watch from `after + 1`; a compacted revision is a lag.
//! - `snapshot`: range requests at one revision, which must not be compacted meanwhile.
//! - `replace`: no transaction is large enough, so the new records are put below a prefix of their
//!   own, and the key that names the prefix in force is the one compare-and-swap.

pub mod conformance;
pub mod faulty;
pub mod file;
pub mod history;
pub mod in_memory;
pub mod limit;
mod whole;

use std::sync::Arc;

use vouchsafe_logical::{Batch, BoxFuture, CommitError, Newer, Record, StoreError, Version};

pub use whole::{PhysicalSnapshot, Replacement};

/// The position of a commit in the order of all commits of a store. Zero is the empty store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Revision(pub u64);

impl From<Revision> for Version {
    fn from(revision: Revision) -> Self {
        Self(revision.0)
    }
}

/// What one commit wrote or removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeEvent {
    /// The revision of the commit.
    pub revision: Revision,
    /// The keys that it wrote or removed, in byte order. A removed key that held nothing before
    /// may be left out.
    pub keys: Arc<[String]>,
}

/// One message of a [`ChangeFeed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The next commit, in order.
    Committed(ChangeEvent),
    /// Commits up to and including `resume` may be missing from the feed: whoever keeps something
    /// in memory reads it again. The feed goes on with the first commit after `resume`.
    Lagged {
        /// Where the feed goes on.
        resume: Revision,
    },
}

/// The receiving end of a subscription. Dropping it ends the subscription.
pub trait ChangeFeed: Send + 'static {
    /// Waits for the next message. Dropping the future loses no message.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the feed is broken for good: subscribe again, after the last
    /// revision seen.
    fn next(&mut self) -> BoxFuture<'_, Result<Change, StoreError>>;
}

/// A store of raw bytes. See the module for what every implementation promises.
///
/// Every method fails with [`StoreError::Limit`] when an argument exceeds a [`limit`], and with
/// [`StoreError::Io`] when the store can't be reached or its answer is unknown. A future that is
/// dropped before it is ready may or may not have taken effect.
pub trait Physical: Send + Sync + 'static {
    /// The bytes at `key` with their version.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Record>, StoreError>>;

    /// As [`Physical::get`], without moving the bytes when the version is still `than`.
    fn get_newer<'a>(
        &'a self,
        key: &'a str,
        than: Version,
    ) -> BoxFuture<'a, Result<Newer, StoreError>>;

    /// Keys that begin with `prefix` and are greater than `after` (a whole key, exclusive, that
    /// need not exist), in byte order, at most `limit` and never more than
    /// [`vouchsafe_logical::view::LIST_PAGE_MAX`].
    ///
    /// A page is one consistent reading; two pages need not be of the same revision.
    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreError>>;

    /// Writes all of `batch` if all that it expects holds, and answers the revision at which that
    /// was so. A batch that changes nothing takes no new revision.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] when an expectation does not hold: nothing was written.
    /// [`CommitError::Failed`] with [`StoreError::Io`] when the outcome is unknown: it was written
    /// as a whole or not at all, and only a read can tell.
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Revision, CommitError>>;

    /// A feed of the commits after `after`, or of those after this call for `None`.
    ///
    /// A store keeps a bounded history. The feed begins with [`Change::Lagged`] when `after` is
    /// older than that history, or is a revision that this store has not reached (it was restored
    /// from an older copy). A subscriber that reads more slowly than others write gets
    /// [`Change::Lagged`] too; it is never waited for.
    fn subscribe(
        &self,
        after: Option<Revision>,
    ) -> BoxFuture<'_, Result<Box<dyn ChangeFeed>, StoreError>>;

    /// The store as it is now: what is committed later is not in it, however long it is read.
    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn PhysicalSnapshot>, StoreError>>;

    /// Begins to replace everything in the store by other records, whose revision will be above
    /// `above` as well as above the store's own.
    ///
    /// # Errors
    /// [`StoreError::Limit`] where the store takes one replacement at a time and another is under
    /// way; [`StoreError::Io`].
    fn replace(&self, above: Revision) -> BoxFuture<'_, Result<Box<dyn Replacement>, StoreError>>;
}

impl<P: Physical + ?Sized> Physical for Arc<P> {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Record>, StoreError>> {
        (**self).get(key)
    }

    fn get_newer<'a>(
        &'a self,
        key: &'a str,
        than: Version,
    ) -> BoxFuture<'a, Result<Newer, StoreError>> {
        (**self).get_newer(key, than)
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        (**self).list(prefix, after, limit)
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Revision, CommitError>> {
        (**self).commit(batch)
    }

    fn subscribe(
        &self,
        after: Option<Revision>,
    ) -> BoxFuture<'_, Result<Box<dyn ChangeFeed>, StoreError>> {
        (**self).subscribe(after)
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn PhysicalSnapshot>, StoreError>> {
        (**self).snapshot()
    }

    fn replace(&self, above: Revision) -> BoxFuture<'_, Result<Box<dyn Replacement>, StoreError>> {
        (**self).replace(above)
    }
}
