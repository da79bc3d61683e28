//! Removal of what can't be used any more: expired secret ids and those of deleted roles.
//!
//! Both are found by an index, in batches of bounded size. What lives costs nothing: expired
//! secret ids are at the beginning of the index by time. Nothing depends on the sweep: a login or
//! a look-up does not find what it would remove.

use vouchsafe_logical::{
    Access, Answer, Call, CommitError, Error, Method, Operation, Reply, Response, Route,
    Transaction,
};

use super::AppRole;
use super::hash::Hasher;
use super::secret_id::{EXPIRY, Found, parse_expiry_key, secret_id_key};

/// How many secret ids one commit removes.
pub(super) const BATCH_MAX: usize = 500;
/// How many batches the sweep of a tick does, so that it ends. The rest waits for the next one, a
/// minute later.
pub(super) const BATCHES_MAX: usize = 100;

/// Where deleted roles are listed.
const REMOVED: &str = "removed/";

/// Removes what is due, now.
pub(super) const TIDY: Route<AppRole> = Route {
    pattern: "tidy/secret-id",
    access: Access::Token,
    methods: &[Method::new(Operation::Update, &[], tidy)],
    exists: None,
    help: "Remove expired secret ids now. They are removed every minute anyway.",
};

/// The storage key that says that a role was deleted and may have left secret ids.
pub(super) fn removed_key(instance: &str) -> String {
    format!("{REMOVED}{instance}")
}

/// Whether there may be more to remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    More,
    Done,
}

fn tidy<'a>(approle: &'a AppRole, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        approle.sweep(BATCHES_MAX).await?;
        let reply = Reply {
            response: Response::Accepted,
            ..Reply::default()
        };
        Ok(reply.with_warning(
            "Tidy operation successfully started. Any information from the operation will be \
             printed to the server's log.",
        ))
    })
}

impl AppRole {
    /// Removes what is due, `batches` of it at most.
    pub(super) async fn sweep(&self, batches: usize) -> Result<(), Error> {
        let hasher = self.hasher().await?;
        for _ in 0..batches {
            if self.sweep_expired(&hasher).await? == Progress::Done
                && self.sweep_removed(&hasher).await? == Progress::Done
            {
                break;
            }
        }
        Ok(())
    }

    /// One batch of expired secret ids.
    async fn sweep_expired(&self, hasher: &Hasher) -> Result<Progress, Error> {
        let now = self.system.clock().now();
        let keys = self.view.list_page(EXPIRY, None, BATCH_MAX).await?;
        let mut transaction = self.view.begin();
        let mut due = 0;
        for key in &keys {
            let Some((seconds, instance, hash)) = parse_expiry_key(key) else {
                return Err(Error::internal(format!(
                    "approle: malformed storage key `{key}`"
                )));
            };
            if seconds > now.as_second() {
                break;
            }
            due += 1;
            transaction.delete(&self.view, key);
            let found = Found::stored(&mut transaction, &self.view, (instance, hash)).await?;
            if let Some(found) = found.filter(|found| found.secret_id.is_expired(now)) {
                found.remove(&mut transaction, &self.view, hasher);
            }
        }
        finish(
            transaction,
            if due == BATCH_MAX {
                Progress::More
            } else {
                Progress::Done
            },
        )
        .await
    }

    /// One batch of the secret ids of one deleted role.
    async fn sweep_removed(&self, hasher: &Hasher) -> Result<Progress, Error> {
        let removed = self.view.list_page(REMOVED, None, 1).await?;
        let Some(instance) = removed.first().and_then(|key| key.strip_prefix(REMOVED)) else {
            return Ok(Progress::Done);
        };
        let folder = secret_id_key(instance, "");
        let keys = self.view.list_page(&folder, None, BATCH_MAX).await?;
        let mut transaction = self.view.begin();
        for hash in keys.iter().filter_map(|key| key.strip_prefix(&folder)) {
            let place = (instance, hash);
            if let Some(found) = Found::stored(&mut transaction, &self.view, place).await? {
                found.remove(&mut transaction, &self.view, hasher);
            }
        }
        if keys.len() < BATCH_MAX {
            transaction.delete(&self.view, &removed_key(instance));
        }
        finish(transaction, Progress::More).await
    }
}

/// Commits a batch. Where another node swept at the same time, the batch is looked at again.
async fn finish(transaction: Transaction, progress: Progress) -> Result<Progress, Error> {
    match transaction.commit().await {
        Ok(()) => Ok(progress),
        Err(CommitError::Conflict) => Ok(Progress::More),
        Err(error) => Err(error.into()),
    }
}
