//! Automatic unsealing: the configuration names who keeps the unseal key.
//!
//! The composition root calls [`Core::auto_unseal`] until it succeeds, so that a server whose seal is
//! out of reach starts, says why it is sealed, and opens when it can. A server that somebody has
//! sealed on purpose stays sealed until it is started again.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use vouchsafe_logical::{CommitError, Error, ErrorKind};
use vouchsafe_storage::barrier::{SealKind, SealRecord};
use vouchsafe_storage::seal::{AutoSeal, AutoSealError};

use crate::core::Core;

impl Core {
    /// Sets the automatic seal of the configuration. Once, before anything is served.
    pub fn use_auto_seal(&self, seal: Arc<dyn AutoSeal>) {
        // A second one would be a mistake of the composition root; the first one holds.
        let _ = self.auto_seal.set(seal);
    }

    /// Whether the configuration names an automatic seal.
    pub fn has_auto_seal(&self) -> bool {
        self.auto_seal.get().is_some()
    }

    /// The kind of seal that the configuration asks for.
    pub(crate) fn configured_kind(&self) -> SealKind {
        self.auto_seal
            .get()
            .map_or(SealKind::Shamir, |seal| seal.kind())
    }

    /// Refuses a store with another kind of seal than the configuration's.
    ///
    /// # Errors
    /// The kinds differ; the store's.
    pub async fn check_seal(&self) -> Result<(), Error> {
        if !self.is_initialized().await? {
            return Ok(());
        }
        match self.barrier.seal_record().await? {
            Some(record) => self.check_kind(&record),
            None => Ok(()),
        }
    }

    fn check_kind(&self, record: &SealRecord) -> Result<(), Error> {
        let (stored, configured) = (record.kind, self.configured_kind());
        if stored == configured {
            return Ok(());
        }
        let (stored, configured) = (stored.as_str(), configured.as_str());
        Err(Error::invalid_because(
            "seal_kind_differs",
            format!(
                "the store has a seal of type `{stored}`, the configuration asks for `{configured}`; \
                 this version does not migrate seals: configure `seal \"{stored}\"`"
            ),
        ))
    }

    /// Unseals through the automatic seal, if there is one and there is something to unseal. True
    /// when it did.
    ///
    /// # Errors
    /// Why it can't now; trying again may help.
    pub async fn auto_unseal(&self) -> Result<bool, Error> {
        let Some(seal) = self.auto_seal.get() else {
            return Ok(false);
        };
        if self.runtime().is_some()
            || self.stays_sealed.load(Ordering::Acquire)
            || !self.is_initialized().await?
        {
            return Ok(false);
        }
        let record = self.seal_record().await?;
        self.check_kind(&record)?;
        let unwrapped = seal.unwrap(record.wrapped_key()).await.map_err(failed)?;
        let root_key = Self::root_key(&record, &unwrapped.key)?;
        // Sealed on purpose while the seal was asked.
        if self.stays_sealed.load(Ordering::Acquire) {
            return Ok(false);
        }
        self.unseal_with(&root_key).await?;
        if !unwrapped.is_current
            && let Err(error) = self.wrap_anew(&**seal, record, &unwrapped.key).await
        {
            tracing::warn!(
                reason = error.reason(),
                "the unseal key could not be wrapped by the current key; keep the previous one listed"
            );
        }
        Ok(true)
    }

    async fn wrap_anew(
        &self,
        seal: &dyn AutoSeal,
        record: SealRecord,
        unseal_key: &[u8],
    ) -> Result<(), Error> {
        let key = unseal_key
            .try_into()
            .map_err(|_| Error::internal("an unseal key of another length"))?;
        let wrapped = seal.wrap(key).await.map_err(failed)?;
        match self.barrier.replace_wrapped_key(record, wrapped).await {
            // Another node has done it.
            Ok(()) | Err(CommitError::Conflict) => {
                tracing::info!("the unseal key is wrapped by the current key of the seal");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps the automatic seal able to unseal.
    pub(crate) async fn tend_seal(&self) {
        if let Some(seal) = self.auto_seal.get()
            && let Err(error) = seal.tend(self.ports.clock.now()).await
        {
            tracing::warn!(%error, "the automatic seal is not ready for the next start");
        }
    }
}

/// What an automatic seal says. Whoever starts the server or initialises it must be told.
pub(super) fn failed(error: AutoSealError) -> Error {
    let message = error.to_string();
    match error {
        AutoSealError::Unavailable(_) => {
            Error::new(ErrorKind::Unavailable, "seal_unavailable", message)
        }
        AutoSealError::Refused(_) => Error::invalid_because("seal_refused", message),
    }
}
