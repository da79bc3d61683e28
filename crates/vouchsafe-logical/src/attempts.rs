//! Transactions that are tried until nobody else's write crosses them.
//!
//! ```text
//! let mut attempts = Attempts::default();
//! loop {
//!     let mut transaction = view.begin();
//!     // read, decide, write
//!     if attempts.commit(transaction).await?.is_done() {
//!         return Ok(..);
//!     }
//! }
//! ```

use crate::error::Error;
use crate::view::{TRANSACTION_ATTEMPTS_MAX, Transaction};

/// Counts how often a change was decided, and ends it where others get in between too often.
#[derive(Debug, Default)]
pub struct Attempts {
    made: usize,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Attempt {
    /// It is stored.
    Done,
    /// Somebody was faster: read again, decide again.
    Again,
}

impl Attempt {
    /// Whether it is stored.
    #[must_use]
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Done)
    }
}

impl Attempts {
    /// Commits what was decided.
    ///
    /// # Errors
    /// The store's; others got in between [`TRANSACTION_ATTEMPTS_MAX`] times.
    pub async fn commit(&mut self, transaction: Transaction) -> Result<Attempt, Error> {
        match transaction.commit().await {
            Ok(()) => Ok(Attempt::Done),
            Err(error) => self.again(error.into()).map(|()| Attempt::Again),
        }
    }

    /// An attempt ended with this error before its commit. Where the error says that others got in
    /// between, it is to be made again.
    ///
    /// # Errors
    /// It says something else; others got in between [`TRANSACTION_ATTEMPTS_MAX`] times.
    pub fn again(&mut self, error: Error) -> Result<(), Error> {
        self.made += 1;
        if error.is_conflict() && self.made < TRANSACTION_ATTEMPTS_MAX {
            Ok(())
        } else {
            Err(error)
        }
    }
}
