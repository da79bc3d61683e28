//! `POST sys/storage/snapshot`: a snapshot into an empty server.
//!
//! As with `sys/init`, nobody has to prove anything, because there is nothing that could be proved:
//! a server without keys has no tokens and no secrets, and belongs to whoever initialises or
//! restores it first. One that has keys refuses before it reads a byte of the body, whatever the
//! token: there is no way to overwrite a store through the API.

use serde_json::json;
use vouchsafe_logical::{ByteStream, Error, ErrorKind, Operation, Reply, RequestPath};
use vouchsafe_storage::barrier::RestoreError;

use crate::core::Core;
use crate::handle::Outcome;

const PATH: &str = "sys/storage/snapshot";

impl Core {
    /// Whether the body of a request is a snapshot to restore, and goes to [`Core::restore`].
    #[must_use]
    pub fn takes_snapshot(operation: Operation, path: &RequestPath) -> bool {
        operation == Operation::Update && path.as_str() == PATH
    }

    /// Restores a snapshot. The server is sealed afterwards, with the seal of the one that was
    /// backed up. It holds all of the snapshot or nothing of it.
    ///
    /// Refused are: an initialised server; what is not a whole snapshot; what the store refuses.
    pub async fn restore(&self, snapshot: impl ByteStream) -> Outcome {
        let result = self.take_snapshot(snapshot).await;
        self.at_the_door(Operation::Update, result)
    }

    async fn take_snapshot(&self, mut snapshot: impl ByteStream) -> Result<Reply, Error> {
        let mut restore = self.barrier.restore().await.map_err(refused)?;
        while let Some(bytes) = snapshot.next().await? {
            restore.feed(&bytes).await.map_err(refused)?;
        }
        let restored = restore.finish().await.map_err(refused)?;
        let (records, header) = (restored.records, restored.header);
        tracing::warn!(
            records,
            revision = header.revision.0,
            taken_at = %header.created_at,
            "the store was restored from a snapshot"
        );
        let body = json!({
            "records": records,
            "revision": header.revision.0,
            "created_time": vouchsafe_logical::rfc3339(header.created_at),
        });
        Ok(Reply::raw_json(200, &body))
    }
}

fn refused(error: RestoreError) -> Error {
    match error {
        RestoreError::Initialized => Error::invalid_because(
            "already_initialized",
            "Vault is already initialized; a snapshot is restored on an empty server only: \
             stop it, move its storage away, start it and restore then",
        ),
        RestoreError::Overtaken => Error::new(
            ErrorKind::Unavailable,
            "restore_overtaken",
            "the store was changed during the restore; nothing was restored, try again",
        ),
        RestoreError::Snapshot(error) => {
            let reason = error.reason();
            Error::invalid_because(reason, format!("{error}; nothing was restored"))
        }
        RestoreError::WithoutKeyring => Error::invalid_because(
            "snapshot_without_keyring",
            "the snapshot is of a server that was never initialised; nothing was restored",
        ),
        RestoreError::Failed(error) => error.into(),
    }
}
