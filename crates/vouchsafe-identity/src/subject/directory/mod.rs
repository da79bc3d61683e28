//! The directory: all entities, aliases and groups of one identity mount.
//!
//! Everything that must be true together is written in one transaction, whose reads are its
//! preconditions; after a conflict the decision is made again. Uniqueness is always a key, never
//! the result of a search. Any number of directories, on any number of nodes, may work on the same
//! storage: what one holds in memory it proves by record versions before each use.

mod keys;
mod login;
mod membership;
mod reach;
mod records;
mod resolve;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use quick_cache::sync::Cache;
use vouchsafe_logical::view::TRANSACTION_ATTEMPTS_MAX;
use vouchsafe_logical::{CommitError, Error, Transaction, VersionedCache, View};

pub use login::{AttachedLogin, GROUP_ALIASES_PER_LOGIN_MAX};
pub use resolve::Subject;

use self::records::Records;
use super::group::Group;

/// How many subjects are kept ready. One takes about 1 KiB.
const SUBJECTS_CACHED: usize = 65_536;
/// How many groups are kept parsed.
const GROUPS_CACHED: usize = 8_192;

/// All entities, aliases and groups of one identity mount.
pub struct Directory {
    view: View,
    groups: VersionedCache<Group>,
    subjects: Cache<String, Arc<Subject>>,
    last_stamp: AtomicU64,
}

impl Directory {
    /// The directory in the storage of the identity mount. Reads nothing yet.
    #[must_use]
    pub fn new(view: View) -> Self {
        Self {
            view,
            groups: VersionedCache::new(GROUPS_CACHED),
            subjects: Cache::new(SUBJECTS_CACHED),
            last_stamp: AtomicU64::new(0),
        }
    }

    /// The directory's records within a transaction.
    fn records<'t>(&'t self, transaction: &'t mut Transaction) -> Records<'t> {
        Records::new(&self.view, transaction)
    }

    /// Runs `work` in a transaction and commits it; again from the start while others change what
    /// it read, at most [`TRANSACTION_ATTEMPTS_MAX`] times.
    async fn transact<T>(
        &self,
        mut work: impl AsyncFnMut(&mut Records<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut conflict = Error::from(CommitError::Conflict);
        for _ in 0..TRANSACTION_ATTEMPTS_MAX {
            let mut transaction = self.view.begin();
            let outcome = match work(&mut self.records(&mut transaction)).await {
                Ok(outcome) => outcome,
                Err(error) if is_conflict(&error) => {
                    conflict = error;
                    continue;
                }
                Err(error) => return Err(error),
            };
            match transaction.commit().await {
                Ok(()) => return Ok(outcome),
                Err(CommitError::Conflict) => {}
                Err(failed) => return Err(failed.into()),
            }
        }
        Err(conflict)
    }
}

/// Whether an error says that others changed what was read, so that trying again may help.
#[must_use]
pub fn is_conflict(error: &Error) -> bool {
    error.reason() == Error::from(CommitError::Conflict).reason()
}
