//! Revocation: a token goes with everything that it made and that leads to it.
//!
//! A token whose ancestor is gone does not work ([`TokenStore::find`]): what a revocation that was cut
//! off half-way leaves behind is worth nothing.

use vouchsafe_logical::{Attempts, Error, Transaction};

use super::entry::TokenEntry;
use super::hash::TokenHash;
use super::store::{TokenStore, id_key, index_keys};

impl TokenStore {
    /// Revokes a token with everything that it made. False when there was none.
    ///
    /// # Errors
    /// The store's.
    pub async fn revoke(&self, hash: &TokenHash) -> Result<bool, Error> {
        let existed = self.remove_one(hash).await?;
        let mut waiting = vec![hash.clone()];
        while let Some(parent) = waiting.pop() {
            for child in self.view.list_all(&format!("parent/{parent}/")).await? {
                let child = TokenHash::from_stored(child);
                self.remove_one(&child).await?;
                waiting.push(child);
            }
        }
        Ok(existed)
    }

    /// Revokes a token alone: what it made lives on without a parent.
    ///
    /// # Errors
    /// The store's.
    pub async fn revoke_orphan(&self, hash: &TokenHash) -> Result<bool, Error> {
        let prefix = format!("parent/{hash}/");
        for child in self.view.list_all(&prefix).await? {
            let child_hash = TokenHash::from_stored(child.clone());
            self.update(&child_hash, |entry| {
                entry.parent = None;
                Ok(())
            })
            .await?;
            let mut transaction = self.view.begin();
            transaction.delete(&self.view, &format!("{prefix}{child}"));
            transaction.commit().await?;
        }
        self.remove_one(hash).await
    }

    pub(super) async fn remove_one(&self, hash: &TokenHash) -> Result<bool, Error> {
        let mut attempts = Attempts::default();
        loop {
            let mut transaction = self.view.begin();
            let stored: Option<TokenEntry> = transaction.read(&self.view, &id_key(hash)).await?;
            let Some(entry) = stored else {
                return Ok(false);
            };
            self.delete_with(&mut transaction, hash, &entry);
            self.cubbyholes.remove_with(&mut transaction, hash).await?;
            if attempts.commit(transaction).await?.is_done() {
                self.cubbyholes.remove_rest(hash).await?;
                return Ok(true);
            }
        }
    }

    /// Deletes an entry with everything that leads to it.
    pub(super) fn delete_with(
        &self,
        transaction: &mut Transaction,
        hash: &TokenHash,
        entry: &TokenEntry,
    ) {
        transaction.delete(&self.view, &id_key(hash));
        let accessor = self.salt.accessor(&entry.accessor);
        transaction.delete(&self.view, &format!("accessor/{accessor}"));
        for index in index_keys(hash, entry) {
            transaction.delete(&self.view, &index);
        }
    }

    /// Revokes the tokens of all logins of a mount.
    ///
    /// # Errors
    /// The store's.
    pub async fn revoke_of_mount(&self, mount_accessor: &str) -> Result<(), Error> {
        for hash in self
            .view
            .list_all(&format!("mount/{mount_accessor}/"))
            .await?
        {
            self.revoke(&TokenHash::from_stored(hash)).await?;
        }
        Ok(())
    }
}
