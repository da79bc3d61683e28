//! Transactions that are tried until nobody else's write crosses them.

use vouchsafe_logical::view::TRANSACTION_ATTEMPTS_MAX;
use vouchsafe_logical::{CommitError, Error, Transaction};

use super::is_conflict;

/// Runs `work` on the records of a transaction and commits it; again from the start while others
/// change what it read. The value is the work's, as a `Result`.
///
/// A macro, because a function would need to say that the future of an `AsyncFnMut` is `Send`, for
/// which the language has no words yet.
macro_rules! transact {
    ($directory:ident, $records:ident => $work:expr) => {{
        let mut attempts = $crate::subject::directory::transaction::Attempts::default();
        loop {
            let mut transaction = $directory.view.begin();
            let outcome: Result<_, ::vouchsafe_logical::Error> = {
                let mut $records = $directory.records(&mut transaction);
                async { $work }.await
            };
            match attempts.settle(transaction, outcome).await {
                Ok(Some(outcome)) => break Ok(outcome),
                Ok(None) => {}
                Err(error) => break Err(error),
            }
        }
    }};
}

/// As [`transact!`], for work that must not raise the rights of its author: refused before the
/// commit if it does.
macro_rules! transact_for {
    ($author:expr, $directory:ident, $records:ident => $work:expr) => {
        $crate::subject::directory::transaction::transact!($directory, $records => {
            let standing = $records.standing($author).await?;
            let outcome = $work?;
            $records.refuse_raise(standing.as_ref()).await?;
            Ok(outcome)
        })
    };
}

pub(super) use {transact, transact_for};

/// How often a transaction was tried.
#[derive(Default)]
pub(super) struct Attempts {
    made: usize,
}

impl Attempts {
    /// Ends an attempt: the outcome if it is committed, `None` if it must be made again.
    ///
    /// # Errors
    /// The work's, the store's, and the conflict of attempt [`TRANSACTION_ATTEMPTS_MAX`].
    pub(super) async fn settle<T>(
        &mut self,
        transaction: Transaction,
        outcome: Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        self.made += 1;
        let conflict = match outcome {
            Ok(outcome) => match transaction.commit().await {
                Ok(()) => return Ok(Some(outcome)),
                Err(CommitError::Conflict) => Error::from(CommitError::Conflict),
                Err(CommitError::Failed(error)) => return Err(error.into()),
            },
            Err(error) if is_conflict(&error) => error,
            Err(error) => return Err(error),
        };
        if self.made == TRANSACTION_ATTEMPTS_MAX {
            return Err(conflict);
        }
        Ok(None)
    }
}
