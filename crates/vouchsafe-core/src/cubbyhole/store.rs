//! What tokens keep, in the storage of the `cubbyhole/` mount.
//!
//! ```text
//! token/<hash>/<path>     a secret of a token
//! wrapped/<hash>          the answer that a wrapping token stands for
//! ```
//!
//! Wrapped answers have a folder of their own, so that no client can write one: whatever is found
//! there was wrapped by the server.

use serde::Serialize;
use serde::de::DeserializeOwned;
use vouchsafe_logical::view::LIST_PAGE_MAX;
use vouchsafe_logical::{Data, Error, StoreError, Transaction, View};

use crate::token::TokenHash;

/// The most secrets of one token: what the commit that removes the token can take along, and what
/// one listing of storage shows. Writes at the same moment may go over it by their number.
pub const SECRETS_PER_TOKEN_MAX: usize = 1_000;

const _: () = assert!(SECRETS_PER_TOKEN_MAX <= LIST_PAGE_MAX);

/// The storage of all cubbyholes.
#[derive(Clone, Debug)]
pub(crate) struct Cubbyholes {
    view: View,
}

fn folder(owner: &TokenHash) -> String {
    format!("token/{owner}/")
}

fn secret_key(owner: &TokenHash, path: &str) -> String {
    format!("token/{owner}/{path}")
}

fn wrapped_key(wrapping_token: &TokenHash) -> String {
    format!("wrapped/{wrapping_token}")
}

impl Cubbyholes {
    /// The cubbyholes in the storage of their mount.
    #[must_use]
    pub(crate) const fn new(view: View) -> Self {
        Self { view }
    }

    pub(super) async fn read(&self, owner: &TokenHash, path: &str) -> Result<Option<Data>, Error> {
        Ok(self.view.read(&secret_key(owner, path)).await?)
    }

    /// Names directly under a folder, which is empty or ends with `/`.
    pub(super) async fn list(&self, owner: &TokenHash, prefix: &str) -> Result<Vec<String>, Error> {
        Ok(self.view.list_folder(&secret_key(owner, prefix)).await?)
    }

    pub(super) async fn delete(&self, owner: &TokenHash, path: &str) -> Result<(), Error> {
        let mut transaction = self.view.begin();
        transaction.delete(&self.view, &secret_key(owner, path));
        Ok(transaction.commit().await?)
    }

    /// Writes a secret into a transaction that proves its owner to be there.
    ///
    /// # Errors
    /// One more than [`SECRETS_PER_TOKEN_MAX`]; a secret or a path that is too large to be stored.
    pub(crate) async fn write(
        &self,
        transaction: &mut Transaction,
        owner: &TokenHash,
        path: &str,
        secret: &Data,
    ) -> Result<(), Error> {
        let key = secret_key(owner, path);
        let is_new = transaction.get(&self.view, &key).await?.is_none();
        if is_new && self.page(owner).await?.len() >= SECRETS_PER_TOKEN_MAX {
            return Err(Error::invalid_because(
                "cubbyhole_full",
                format!("the token keeps {SECRETS_PER_TOKEN_MAX} secrets, which is all it may"),
            ));
        }
        Ok(transaction.put_record(&self.view, &key, secret)?)
    }

    /// The answer that a wrapping token stands for.
    pub(crate) async fn wrapped<T: DeserializeOwned>(
        &self,
        wrapping_token: &TokenHash,
    ) -> Result<Option<T>, Error> {
        Ok(self.view.read(&wrapped_key(wrapping_token)).await?)
    }

    /// Writes the answer that a wrapping token stands for.
    pub(crate) fn put_wrapped<T: Serialize>(
        &self,
        transaction: &mut Transaction,
        wrapping_token: &TokenHash,
        wrapped: &T,
    ) -> Result<(), StoreError> {
        transaction.put_record(&self.view, &wrapped_key(wrapping_token), wrapped)
    }

    /// Whether a token keeps a secret.
    pub(crate) async fn holds_secret(&self, owner: &TokenHash) -> Result<bool, Error> {
        let first = self.view.list_page(&folder(owner), None, 1).await?;
        Ok(!first.is_empty())
    }

    /// Removes what a token keeps with the commit that removes the token.
    pub(crate) async fn remove_with(
        &self,
        transaction: &mut Transaction,
        owner: &TokenHash,
    ) -> Result<(), Error> {
        for key in self.page(owner).await? {
            transaction.delete(&self.view, &key);
        }
        transaction.delete(&self.view, &wrapped_key(owner));
        Ok(())
    }

    /// Removes what writes added that were under way while their token was removed. No write can
    /// follow: each needs the token's entry to be there when it commits.
    pub(crate) async fn remove_rest(&self, owner: &TokenHash) -> Result<(), Error> {
        crate::sys::erase(&self.view.sub(&folder(owner))).await
    }

    async fn page(&self, owner: &TokenHash) -> Result<Vec<String>, Error> {
        Ok(self
            .view
            .list_page(&folder(owner), None, SECRETS_PER_TOKEN_MAX)
            .await?)
    }
}
