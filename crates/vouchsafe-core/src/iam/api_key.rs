//! API keys of the IAM file's users, and that of the built-in `Admin`.
//!
//! A key is found by its keyed hash and is only stored as such; whether it is its user's key now is
//! compared in constant time. A user has one key; a new one ends the old.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use vouchsafe_iam::{ADMIN, IamConfig};
use vouchsafe_logical::{Attempts, EntropyExt, Error, PolicyNames, Secret, Timestamp, Transaction};

use super::access::IamAccess;
use super::applied::Record;
use super::{CONF_KEY, Iam, Unstored, entry_of};
use crate::runtime::Runtime;
use crate::token::{TOKEN_BYTES_MAX, end_of_life};

/// Random characters of an API key: 43 of 62 make 256 bits.
const API_KEY_CHARACTERS: usize = 43;
/// How long a new key works: as long as people are usually asked to keep a password.
pub(super) const API_KEY_TTL_DEFAULT: Duration = Duration::from_secs(90 * 24 * 3_600);
/// The longest life that a key can be given, from now: ten years.
pub const API_KEY_TTL_MAX: Duration = Duration::from_secs(3_650 * 24 * 3_600);

/// A user's key as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct UserRecord {
    /// The keyed hash of the key.
    key_hash: String,
    /// When it ends.
    pub(super) expires_at: Timestamp,
}

/// Whose key it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct KeyRecord {
    user: String,
}

fn user_at(name: &str) -> String {
    format!("user/{name}")
}

fn key_at(hash: &str) -> String {
    format!("key/{hash}")
}

impl Iam {
    /// A new key for a user, shown this once, and when it ends.
    ///
    /// # Errors
    /// The built-in `Admin`; no such user; the store's.
    pub(super) async fn regenerate(
        &self,
        runtime: &Runtime,
        name: &str,
        now: Timestamp,
    ) -> Result<(String, Timestamp), Error> {
        let key = runtime.ports.entropy.base62(API_KEY_CHARACTERS);
        let hash = runtime.tokens.hash(&key).as_str().to_owned();
        let expires_at = end_of_life(now, API_KEY_TTL_DEFAULT);
        let mut attempts = Attempts::default();
        loop {
            let mut transaction = self.view.begin();
            self.hold_user(&mut transaction, name).await?;
            self.forget_user(&mut transaction, name).await?;
            let record = UserRecord {
                key_hash: hash.clone(),
                expires_at,
            };
            let owner = KeyRecord {
                user: name.to_owned(),
            };
            transaction.put_record(&self.view, &user_at(name), &record)?;
            transaction.put_record(&self.view, &key_at(&hash), &owner)?;
            if attempts.commit(transaction).await?.is_done() {
                return Ok((key, expires_at));
            }
        }
    }

    /// Moves the end of a user's key.
    ///
    /// # Errors
    /// As [`Iam::regenerate`]; the user has no key.
    pub(super) async fn expire_at(&self, name: &str, end: Timestamp) -> Result<(), Error> {
        let mut attempts = Attempts::default();
        loop {
            let mut transaction = self.view.begin();
            self.hold_user(&mut transaction, name).await?;
            let record: Option<UserRecord> = transaction.read(&self.view, &user_at(name)).await?;
            let mut record = record.ok_or_else(no_key)?;
            record.expires_at = end;
            transaction.put_record(&self.view, &user_at(name), &record)?;
            if attempts.commit(transaction).await?.is_done() {
                return Ok(());
            }
        }
    }

    /// When a user's key ends; `None` for a user without one.
    ///
    /// # Errors
    /// As [`Iam::regenerate`].
    pub(super) async fn expiry(&self, name: &str) -> Result<Option<Timestamp>, Error> {
        self.check_user(name).await?;
        let record: Option<UserRecord> = self.view.read(&user_at(name)).await?;
        Ok(record.map(|record| record.expires_at))
    }

    /// Checks that the file has a user, as part of a transaction: it does not commit if another file
    /// is applied meanwhile.
    async fn hold_user(&self, transaction: &mut Transaction, name: &str) -> Result<(), Error> {
        let _file: Option<Record> = transaction.read(&self.view, CONF_KEY).await?;
        self.check_user(name).await
    }

    async fn check_user(&self, name: &str) -> Result<(), Error> {
        if name == ADMIN {
            let message = "the key of the built-in `Admin` is set where the server is started";
            let kind = vouchsafe_logical::ErrorKind::PermissionDenied;
            return Err(Error::new(kind, "admin_key_is_fixed", message));
        }
        let applied = self.applied().await?;
        match applied.and_then(|applied| applied.config.user(name).cloned()) {
            Some(_) => Ok(()),
            None => Err(Error::new(
                vouchsafe_logical::ErrorKind::NotFound,
                "unknown_user",
                format!("there is no user {name:?}"),
            )),
        }
    }

    /// Ends the key of a user, as part of a transaction.
    async fn forget_user(&self, transaction: &mut Transaction, name: &str) -> Result<(), Error> {
        let record: Option<UserRecord> = transaction.read(&self.view, &user_at(name)).await?;
        if let Some(record) = record {
            transaction.delete(&self.view, &key_at(&record.key_hash));
            transaction.delete(&self.view, &user_at(name));
        }
        Ok(())
    }

    /// Ends the keys of users that a new file does not have: who gets their name later must not have
    /// their key. The users of the file before are looked at whether they have a key or not, so that
    /// one that is made meanwhile is a conflict.
    pub(super) async fn forget_users(
        &self,
        transaction: &mut Transaction,
        before: Option<&IamConfig>,
        config: &IamConfig,
    ) -> Result<(), Error> {
        let listed = self.view.list_all("user/").await?;
        let before = before.into_iter().flat_map(IamConfig::users);
        let before = before.map(|(name, _)| name.to_owned());
        let names: BTreeSet<String> = listed.into_iter().chain(before).collect();
        for name in names {
            if config.user(&name).is_none() {
                self.forget_user(transaction, &name).await?;
            }
        }
        Ok(())
    }
}

fn no_key() -> Error {
    Error::new(
        vouchsafe_logical::ErrorKind::NotFound,
        "user_without_key",
        "the user has no API key yet",
    )
}

/// Who calls with an API key; `None` where it is none of ours.
///
/// # Errors
/// The key is expired, its user disabled; the store's.
pub(crate) async fn api_key(
    runtime: &Runtime,
    key: &str,
    now: Timestamp,
) -> Result<Option<Arc<Unstored>>, Error> {
    let iam = &runtime.iam;
    let admin = iam.settings.admin_api_key.load_full();
    if admin.is_some_and(|admin: Arc<Secret<String>>| admin.ct_eq(key.as_bytes())) {
        let meta = BTreeMap::from([("user".to_owned(), ADMIN.to_owned())]);
        let policies = PolicyNames::default();
        let entry = entry_of(ADMIN.to_owned(), policies, meta, now, None, "iam/user");
        let caller = Unstored::new(entry, IamAccess::ReadWrite);
        return Ok(Some(Arc::new(caller)));
    }
    if key.is_empty() || key.len() > TOKEN_BYTES_MAX {
        return Ok(None);
    }
    let Some(applied) = iam.applied().await? else {
        return Ok(None);
    };
    let hash = runtime.tokens.hash(key);
    let owner = iam
        .keys
        .load(&iam.view, &key_at(hash.as_str()), super::decode)
        .await?;
    let Some((_, owner)) = owner else {
        return Ok(None);
    };
    let record = iam
        .users
        .load(&iam.view, &user_at(&owner.user), super::decode)
        .await?;
    let record = record.map(|(_, record)| record).filter(|record| {
        let stored = Secret::new(record.key_hash.clone());
        stored.ct_eq(hash.as_str().as_bytes())
    });
    let (Some(record), Some(user)) = (record, applied.config.user(&owner.user)) else {
        return Ok(None);
    };
    if record.expires_at <= now {
        return Err(Error::denied("api_key_expired"));
    }
    if user.disabled {
        return Err(Error::denied("user_disabled"));
    }
    let role = applied
        .config
        .role(&user.role)
        .ok_or_else(|| Error::internal("a user of the IAM file has a role that is not in it"))?;
    let meta = BTreeMap::from([
        ("role".to_owned(), role.name.clone()),
        ("user".to_owned(), owner.user.clone()),
    ]);
    let end = Some(record.expires_at);
    let policies = role.acl_policies.clone();
    let entry = entry_of(owner.user.clone(), policies, meta, now, end, "iam/user");
    let caller = Unstored::new(entry, IamAccess::of(&role.capabilities));
    Ok(Some(Arc::new(caller)))
}
