//! The moves that were made, by the id that each was answered with.
//!
//! A move is done when it is answered, so this is only for clients that ask what became of it, as
//! Vault's command line does.

use serde::{Deserialize, Serialize};
use vouchsafe_logical::{Attempts, Error};

use super::Mounts;

/// Where they are stored.
const KEY: &str = "core/moves";
/// The most moves that are remembered; the oldest go first.
pub(crate) const MOVES_MAX: usize = 100;

/// A move of a mount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// The id that it was answered with.
    pub id: String,
    /// Where the mount was.
    pub from: String,
    /// Where it is.
    pub to: String,
}

impl Mounts {
    /// Remembers a move.
    ///
    /// # Errors
    /// The store's.
    pub async fn remember_move(&self, moved: &Moved) -> Result<(), Error> {
        let mut attempts = Attempts::default();
        loop {
            let mut transaction = self.view.begin();
            let stored = transaction.read(&self.view, KEY).await?;
            let mut moves: Vec<Moved> = stored.unwrap_or_default();
            moves.push(moved.clone());
            let spare = moves.len().saturating_sub(MOVES_MAX);
            moves.drain(..spare);
            transaction.put_record(&self.view, KEY, &moves)?;
            if attempts.commit(transaction).await?.is_done() {
                return Ok(());
            }
        }
    }

    /// The move with this id.
    ///
    /// # Errors
    /// The store's.
    pub async fn moved(&self, id: &str) -> Result<Option<Moved>, Error> {
        let moves: Vec<Moved> = self.view.read(KEY).await?.unwrap_or_default();
        Ok(moves.into_iter().find(|moved| moved.id == id))
    }
}
