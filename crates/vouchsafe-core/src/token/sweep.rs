//! Removal of tokens that have ended.
//!
//! They are found at the beginning of the index by time, so what lives costs nothing: a sweep that
//! finds nothing due has read one key, however many tokens there are. What is due goes in batches
//! of bounded size, most of it with one commit. Nothing depends on the sweep: a token that has
//! ended does not work, and neither does anything that it made.

use vouchsafe_logical::{CommitError, Error, Timestamp, Transaction};

use super::entry::TokenEntry;
use super::hash::TokenHash;
use super::store::{TokenStore, id_key};
use crate::core::Due;

/// How many tokens and keys of the index one sweep removes at most.
pub const SWEEP_BATCH_MAX: usize = 512;

const EXPIRY: &str = "expiry/";

/// What a sweep did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swept {
    /// How many tokens it removed.
    pub removed: usize,
    /// Whether more have ended.
    pub due: Due,
}

impl Swept {
    const NOTHING: Self = Self {
        removed: 0,
        due: Due::Nothing,
    };
}

impl TokenStore {
    /// Removes tokens that have ended, at most [`SWEEP_BATCH_MAX`].
    ///
    /// # Errors
    /// The store's.
    pub async fn sweep(&self, now: Timestamp) -> Result<Swept, Error> {
        if self.due(now, 1).await?.is_empty() {
            return Ok(Swept::NOTHING);
        }
        let due = self.due(now, SWEEP_BATCH_MAX).await?;
        let is_full = due.len() == SWEEP_BATCH_MAX;
        let mut transaction = self.view.begin();
        let (mut alone, mut with_belongings) = (Vec::new(), Vec::new());
        for (key, hash) in due {
            let stored: Option<TokenEntry> = transaction.read(&self.view, &id_key(&hash)).await?;
            match stored.filter(|entry| entry.is_expired(now)) {
                Some(_) if self.has_belongings(&hash).await? => with_belongings.push(hash),
                Some(entry) => {
                    self.delete_with(&mut transaction, &hash, &entry);
                    self.cubbyholes()
                        .remove_with(&mut transaction, &hash)
                        .await?;
                    alone.push(hash);
                }
                // The token is gone, or was given another end. The key must not stay: it would
                // stand before all others for ever.
                None => transaction.delete(&self.view, &key),
            }
        }
        if self.commit_batch(transaction).await? == Due::More {
            return Ok(Swept {
                removed: 0,
                due: Due::More,
            });
        }
        for hash in &alone {
            self.cubbyholes().remove_rest(hash).await?;
        }
        let mut left = SWEEP_BATCH_MAX - alone.len();
        let mut removed = alone.len();
        for hash in with_belongings {
            removed += self.remove_tree(&hash, &mut left).await?;
        }
        let due = if is_full || left == 0 {
            Due::More
        } else {
            Due::Nothing
        };
        Ok(Swept { removed, due })
    }

    /// The first keys of the index that are due, with the tokens they are about.
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<(String, TokenHash)>, Error> {
        let page = self.view.list_page(EXPIRY, None, limit).await?;
        let parsed = page.into_iter().map_while(|key| {
            // A key that is none is due: it is found to be about no token, and removed.
            let (second, hash) = key[EXPIRY.len()..].split_once('/').unwrap_or_default();
            let is_due = second
                .parse::<i64>()
                .map_or(true, |second| second <= now.as_second());
            let hash = TokenHash::from_stored(hash.to_owned());
            is_due.then_some((key, hash))
        });
        Ok(parsed.collect())
    }

    /// Commits a batch. Where somebody else removed one of its tokens, it is to be made anew.
    async fn commit_batch(&self, transaction: Transaction) -> Result<Due, Error> {
        match transaction.commit().await {
            Ok(()) => Ok(Due::Nothing),
            Err(CommitError::Conflict) => Ok(Due::More),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a token made others or keeps secrets, so that it can't go with a batch whose size
    /// is known.
    async fn has_belongings(&self, hash: &TokenHash) -> Result<bool, Error> {
        Ok(self.first_child(hash).await?.is_some() || self.cubbyholes().holds_secret(hash).await?)
    }

    async fn first_child(&self, parent: &TokenHash) -> Result<Option<TokenHash>, Error> {
        let prefix = format!("parent/{parent}/");
        let page = self.view.list_page(&prefix, None, 1).await?;
        let child = page.first().and_then(|key| key.strip_prefix(&prefix));
        Ok(child.map(|child| TokenHash::from_stored(child.to_owned())))
    }

    /// Removes an ended token and what it made, the youngest first, in `left` steps at most: the
    /// token itself stays in the index until all that it made is gone. Returns how many it removed.
    async fn remove_tree(&self, root: &TokenHash, left: &mut usize) -> Result<usize, Error> {
        let mut removed = 0;
        let mut line = vec![root.clone()];
        while let Some(last) = line.last().cloned() {
            if *left == 0 {
                break;
            }
            *left -= 1;
            if let Some(child) = self.first_child(&last).await? {
                if self.is_child(&child, &last).await? {
                    line.push(child);
                } else {
                    // What an interrupted removal left: the token is gone, or is an orphan now.
                    let mut transaction = self.view.begin();
                    transaction.delete(&self.view, &format!("parent/{last}/{child}"));
                    transaction.commit().await?;
                }
                continue;
            }
            removed += usize::from(self.remove_one(&last).await?);
            line.pop();
        }
        Ok(removed)
    }

    async fn is_child(&self, child: &TokenHash, parent: &TokenHash) -> Result<bool, Error> {
        let entry: Option<TokenEntry> = self.view.read(&id_key(child)).await?;
        Ok(entry.is_some_and(|entry| entry.parent.as_deref() == Some(parent.as_str())))
    }
}
