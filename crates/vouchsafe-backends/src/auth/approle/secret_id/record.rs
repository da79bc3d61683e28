//! What is stored of a secret id, and under which keys.
//!
//! The three records of a secret id are written and deleted together, always.

use std::collections::BTreeMap;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use vouchsafe_logical::{Data, Error, Timestamp, Transaction, View, rfc3339};

use crate::auth::approle::hash::Hasher;

/// What Go's zero time looks like on the wire: the expiration of what never expires.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// A secret id as stored, without the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::auth::approle) struct SecretId {
    pub(in crate::auth::approle) accessor: String,
    pub(super) created_at: Timestamp,
    pub(super) last_updated_at: Timestamp,
    /// `None` lives as long as its role.
    pub(super) expires_at: Option<Timestamp>,
    /// Zero is no end.
    pub(super) ttl: Duration,
    /// Logins left; 0 is no limit.
    pub(in crate::auth::approle) num_uses: u64,
    pub(in crate::auth::approle) metadata: BTreeMap<String, String>,
    /// From where it may be used; empty is everywhere.
    pub(in crate::auth::approle) cidr_list: Vec<IpNet>,
    /// From where its tokens may be used; empty is what the role says.
    pub(in crate::auth::approle) token_bound_cidrs: Vec<IpNet>,
}

/// A secret id with its place in the storage.
pub(in crate::auth::approle) struct Found {
    pub(super) instance: String,
    pub(super) hash: String,
    pub(in crate::auth::approle) secret_id: SecretId,
}

/// The storage key of a secret id.
pub(in crate::auth::approle) fn secret_id_key(instance: &str, hash: &str) -> String {
    format!("secret-id/{instance}/{hash}")
}

/// The storage key of the index by accessor.
pub(super) fn accessor_key(instance: &str, hash: &str) -> String {
    format!("accessor/{instance}/{hash}")
}

/// Where the index by time is.
pub(in crate::auth::approle) const EXPIRY: &str = "expiry/";

/// The storage key of the index by time. The time is in whole seconds, rounded up, in sixteen
/// hexadecimal digits, so that the order of keys is the order of times.
fn expiry_key(at: Timestamp, instance: &str, hash: &str) -> String {
    let seconds = at.as_second() + i64::from(at.subsec_nanosecond() > 0);
    format!("{EXPIRY}{:016x}/{instance}/{hash}", seconds.max(0))
}

/// The time in seconds, the instance and the hash of a key of the index by time.
pub(in crate::auth::approle) fn parse_expiry_key(key: &str) -> Option<(i64, &str, &str)> {
    let (seconds, place) = key.strip_prefix(EXPIRY)?.split_once('/')?;
    let (instance, hash) = place.split_once('/')?;
    Some((i64::from_str_radix(seconds, 16).ok()?, instance, hash))
}

impl SecretId {
    /// Whether it can't be used any more.
    pub(in crate::auth::approle) fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| now >= at)
    }

    /// Stores a secret id in all its places.
    pub(super) fn insert(
        &self,
        transaction: &mut Transaction,
        view: &View,
        hasher: &Hasher,
        (instance, hash): (&str, &str),
    ) -> Result<(), Error> {
        transaction.put_record(view, &secret_id_key(instance, hash), self)?;
        let accessor = hasher.accessor(&self.accessor);
        transaction.put_record(view, &accessor_key(instance, &accessor), &hash)?;
        if let Some(at) = self.expires_at {
            transaction.put(view, &expiry_key(at, instance, hash), Vec::new());
        }
        Ok(())
    }

    /// The answer of a look-up.
    pub(super) fn describe(&self) -> Data {
        let blocks =
            |blocks: &[IpNet]| -> Vec<String> { blocks.iter().map(IpNet::to_string).collect() };
        let mut data = Data::new();
        data.insert("cidr_list".to_owned(), blocks(&self.cidr_list).into());
        data.insert("creation_time".to_owned(), rfc3339(self.created_at).into());
        let expiration = self.expires_at.map_or_else(|| NEVER.to_owned(), rfc3339);
        data.insert("expiration_time".to_owned(), expiration.into());
        data.insert(
            "last_updated_time".to_owned(),
            rfc3339(self.last_updated_at).into(),
        );
        let metadata = self
            .metadata
            .iter()
            .map(|(k, v)| (k.clone(), v.clone().into()))
            .collect();
        data.insert("metadata".to_owned(), serde_json::Value::Object(metadata));
        data.insert(
            "secret_id_accessor".to_owned(),
            self.accessor.clone().into(),
        );
        data.insert("secret_id_num_uses".to_owned(), self.num_uses.into());
        data.insert("secret_id_ttl".to_owned(), self.ttl.as_secs().into());
        data.insert(
            "token_bound_cidrs".to_owned(),
            blocks(&self.token_bound_cidrs).into(),
        );
        data
    }
}

impl Found {
    /// What is stored under this hash, expired or not. It then has to stay as it is until the
    /// commit.
    pub(in crate::auth::approle) async fn stored(
        transaction: &mut Transaction,
        view: &View,
        (instance, hash): (&str, &str),
    ) -> Result<Option<Self>, Error> {
        let stored = transaction
            .read(view, &secret_id_key(instance, hash))
            .await?;
        let (instance, hash) = (instance.to_owned(), hash.to_owned());
        Ok(stored.map(|secret_id| Self {
            instance,
            hash,
            secret_id,
        }))
    }

    /// The secret id with this hash, unless it has expired, as [`Found::stored`].
    pub(in crate::auth::approle) async fn by_hash(
        transaction: &mut Transaction,
        view: &View,
        place: (&str, &str),
        now: Timestamp,
    ) -> Result<Option<Self>, Error> {
        let found = Self::stored(transaction, view, place).await?;
        Ok(found.filter(|found| !found.secret_id.is_expired(now)))
    }

    /// The secret id with this accessor, as [`Found::by_hash`].
    pub(super) async fn by_accessor(
        transaction: &mut Transaction,
        view: &View,
        hasher: &Hasher,
        (instance, accessor): (&str, &str),
        now: Timestamp,
    ) -> Result<Option<Self>, Error> {
        let key = accessor_key(instance, &hasher.accessor(accessor));
        match transaction.read::<String>(view, &key).await? {
            Some(hash) => Self::by_hash(transaction, view, (instance, &hash), now).await,
            None => Ok(None),
        }
    }

    /// Counts a use: one less, or none left and gone. Takes effect with the commit, and only if
    /// nobody else has used it meanwhile.
    pub(in crate::auth::approle) fn count_use(
        &mut self,
        transaction: &mut Transaction,
        view: &View,
        hasher: &Hasher,
        now: Timestamp,
    ) -> Result<(), Error> {
        match self.secret_id.num_uses {
            0 => Ok(()),
            1 => {
                self.remove(transaction, view, hasher);
                Ok(())
            }
            _ => {
                self.secret_id.num_uses -= 1;
                self.secret_id.last_updated_at = now;
                let key = secret_id_key(&self.instance, &self.hash);
                Ok(transaction.put_record(view, &key, &self.secret_id)?)
            }
        }
    }

    /// Removes a secret id from all its places.
    pub(in crate::auth::approle) fn remove(
        &self,
        transaction: &mut Transaction,
        view: &View,
        hasher: &Hasher,
    ) {
        let (instance, hash) = (&self.instance, &self.hash);
        transaction.delete(view, &secret_id_key(instance, hash));
        transaction.delete(
            view,
            &accessor_key(instance, &hasher.accessor(&self.secret_id.accessor)),
        );
        if let Some(at) = self.secret_id.expires_at {
            transaction.delete(view, &expiry_key(at, instance, hash));
        }
    }
}
