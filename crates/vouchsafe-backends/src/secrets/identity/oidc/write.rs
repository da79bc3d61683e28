//! Writing: decide in a transaction, and decide again when something changed meanwhile or a key
//! pair is missing.

use vouchsafe_identity::issuer::{ChangeError, KeyMaterial, Spares};
use vouchsafe_jose::{Algorithm, SigningKey};
use vouchsafe_logical::view::TRANSACTION_ATTEMPTS_MAX;
use vouchsafe_logical::{BoxFuture, CommitError, EntropyExt as _, Error, Pool, StoreError, run_on};

use super::Oidc;
use super::records::Records;

/// Why an attempt did not come to a decision.
pub(super) enum Undecided {
    /// A key pair has to be generated first.
    SpareMissing(Algorithm),
    /// The request is refused, or storage failed.
    Refused(Error),
}

impl From<Error> for Undecided {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<StoreError> for Undecided {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<ChangeError> for Undecided {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::SpareMissing(algorithm) => Self::SpareMissing(algorithm),
            ChangeError::TooEarly { .. } => Self::Refused(Error::invalid_because(
                "rotation_too_early",
                error.to_string(),
            )),
        }
    }
}

/// An attempt's records, which are committed, and what it has to say.
pub(super) type Attempt<'a, T> = BoxFuture<'a, Result<(Records<'a>, T), Undecided>>;

impl Oidc {
    /// Starts a transaction at the current time.
    pub(super) fn begin(&self) -> Records<'_> {
        Records {
            transaction: self.view.begin(),
            view: &self.view,
            now: self.now(),
            key_set_changes: false,
        }
    }

    /// Commits what `attempt` decides. It is called again after a conflict, and with one more spare
    /// after it found one missing; spares that are left over are dropped, never to be seen again.
    pub(super) async fn write<'a, T>(
        &self,
        attempt: impl Fn(Spares) -> Attempt<'a, T> + Send,
    ) -> Result<T, Error> {
        let mut spares = Spares::default();
        for _ in 0..TRANSACTION_ATTEMPTS_MAX {
            match attempt(spares.clone()).await {
                Ok((records, said)) => match records.transaction.commit().await {
                    Ok(()) => {
                        if records.key_set_changes {
                            self.documents.forget_key_set();
                            self.offer_after_write().await;
                        }
                        return Ok(said);
                    }
                    Err(CommitError::Conflict) => {}
                    Err(error @ CommitError::Failed(_)) => return Err(error.into()),
                },
                Err(Undecided::SpareMissing(algorithm)) => {
                    spares.add(self.generate(algorithm).await?);
                }
                Err(Undecided::Refused(error)) => return Err(error),
            }
        }
        Err(CommitError::Conflict.into())
    }

    async fn generate(&self, algorithm: Algorithm) -> Result<KeyMaterial, Error> {
        let key_id = self.system.entropy().uuid();
        let generated = run_on(self.system.workers(), Pool::Slow, move || {
            let key = SigningKey::generate(algorithm).map_err(|error| error.to_string())?;
            KeyMaterial::new(&key, key_id).map_err(|error| error.to_string())
        });
        generated.await?.map_err(Error::internal)
    }
}
