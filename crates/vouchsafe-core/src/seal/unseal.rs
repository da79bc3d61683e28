//! `PUT sys/unseal` and sealing.

use std::sync::atomic::Ordering;

use serde_json::Value;
use vouchsafe_logical::{Error, Reply, Request};
use vouchsafe_storage::barrier::{SealKind, UnsealError};

use super::attempt::Attempt;
use super::share_of;
use crate::core::Core;

impl Core {
    pub(super) async fn unseal(&self, request: &Request) -> Result<Reply, Error> {
        let reset = request
            .data
            .get("reset")
            .and_then(Value::as_bool)
            .unwrap_or_default();
        let mut keepers = self.keepers.lock().await;
        if reset {
            keepers.unseal = None;
        } else {
            let share = share_of(request)?;
            let record = self.seal_record().await?;
            refuse_shares_of(record.kind)?;
            if self.runtime().is_none() {
                let now = self.ports.clock.now();
                let entropy = &*self.ports.entropy;
                let mut attempt = keepers
                    .unseal
                    .take()
                    .filter(|attempt| !attempt.is_over(now))
                    .unwrap_or_else(|| Attempt::begin(entropy, now));
                attempt.add(share);
                match attempt.key(record.config.threshold)? {
                    None => keepers.unseal = Some(attempt),
                    // A wrong set of shares ends the attempt: nobody can tell which one was wrong.
                    Some(key) => {
                        let root_key = Self::root_key(&record, &key)?;
                        self.unseal_with(&root_key).await?;
                    }
                }
            }
        }
        let attempt = keepers.unseal.as_ref();
        let (progress, nonce) = attempt.map_or((0, String::new()), |attempt| {
            (attempt.progress(), attempt.nonce.clone())
        });
        drop(keepers);
        Ok(Reply::raw_json(
            200,
            &self.seal_status(progress, &nonce).await?,
        ))
    }

    /// How many shares were brought to the unseal attempt that is under way, and its nonce.
    pub(crate) async fn unseal_progress(&self) -> (usize, String) {
        let keepers = self.keepers.lock().await;
        let now = self.ports.clock.now();
        let attempt = keepers
            .unseal
            .as_ref()
            .filter(|attempt| !attempt.is_over(now));
        attempt.map_or((0, String::new()), |attempt| {
            (attempt.progress(), attempt.nonce.clone())
        })
    }

    /// Unseals with the root key itself, and starts serving.
    ///
    /// # Errors
    /// Another store's key; the store's; what `start` says.
    pub async fn unseal_with(&self, root_key: &vouchsafe_storage::RootKey) -> Result<(), Error> {
        let unsealed = self
            .barrier
            .unseal(root_key)
            .await
            .map_err(|error| match error {
                UnsealError::NotInitialized => {
                    Error::invalid_because("not_initialized", "Vault is not initialized")
                }
                // Whoever unseals must be told, and it is no secret.
                UnsealError::SnapshotAltered => {
                    Error::invalid_because("snapshot_altered", error.to_string())
                }
                UnsealError::RootKeyRefused | UnsealError::Failed(_) => {
                    Error::internal(error.to_string())
                }
            })?;
        if let Err(error) = self.start(&unsealed).await {
            // A server that does not serve has no use for keys.
            self.barrier.seal();
            return Err(error);
        }
        tracing::info!("the server is unsealed");
        Ok(())
    }

    /// As [`Core::seal`], and no automatic seal opens this node again until it is started anew.
    pub(crate) fn seal_for_good(&self) {
        self.stays_sealed.store(true, Ordering::Release);
        self.seal();
    }

    /// Forgets everything that was decrypted, and all keys. Requests in flight may finish.
    pub fn seal(&self) {
        self.stop();
        self.barrier.seal();
        tracing::info!("the server is sealed");
    }
}

/// Recovery keys prove who may rekey, and open nothing.
fn refuse_shares_of(kind: SealKind) -> Result<(), Error> {
    if kind == SealKind::Shamir {
        return Ok(());
    }
    Err(Error::invalid_because(
        "seal_is_automatic",
        format!(
            "no shares unseal this server: its seal `{}` does, by itself when the server starts",
            kind.as_str()
        ),
    ))
}
