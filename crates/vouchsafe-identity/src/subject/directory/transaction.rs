//! Transactions that are tried until nobody else's write crosses them.

/// Runs `work` on the records of a transaction and commits it; again from the start while others
/// change what it read. The value is the work's, as a `Result`.
///
/// A macro, because a function would need to say that the future of an `AsyncFnMut` is `Send`, for
/// which the language has no words yet.
macro_rules! transact {
    ($directory:ident, $records:ident => $work:expr) => {{
        let mut attempts = ::vouchsafe_logical::Attempts::default();
        loop {
            let mut transaction = $directory.view.begin();
            let outcome: Result<_, ::vouchsafe_logical::Error> = {
                let mut $records = $directory.records(&mut transaction);
                async { $work }.await
            };
            let ended = match outcome {
                Ok(outcome) => match attempts.commit(transaction).await {
                    Ok(::vouchsafe_logical::Attempt::Done) => break Ok(outcome),
                    Ok(::vouchsafe_logical::Attempt::Again) => Ok(()),
                    Err(error) => Err(error),
                },
                Err(error) => attempts.again(error),
            };
            if let Err(error) = ended {
                break Err(error);
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
