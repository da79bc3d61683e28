//! What is stored, where, and how transactions read it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vouchsafe_identity::issuer::{NamedKey, Promise, Publication, UnixSeconds};
use vouchsafe_logical::{Error, StoreError, Transaction, View};

pub(super) const CONFIG: &str = "config";
pub(super) const KEYS: &str = "key/";
pub(super) const ROLES: &str = "role/";
pub(super) const PROMISE: &str = "jwks-promise";
/// The named key that always exists.
pub(super) const DEFAULT_KEY: &str = "default";

/// The most roles of one key: its record of references is rewritten with each.
pub(super) const ROLES_PER_KEY_MAX: usize = 10_000;

pub(super) fn key_record(name: &str) -> String {
    format!("{KEYS}{name}")
}

pub(super) fn role_record(name: &str) -> String {
    format!("{ROLES}{name}")
}

fn references_record(key: &str) -> String {
    format!("references/{key}")
}

/// The issuer's settings.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Config {
    /// `scheme://host[:port]`, or empty for the server's own address.
    pub(super) issuer: String,
}

/// A role: what tokens of one kind contain, and which key signs them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Role {
    pub(super) key: String,
    pub(super) client_id: String,
    /// Decoded; may be empty.
    pub(super) template: String,
    pub(super) ttl_seconds: u64,
}

/// The roles that use a key, with the TTL of their tokens.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct References {
    pub(super) roles: BTreeMap<String, u64>,
}

impl References {
    pub(super) fn insert(&mut self, key: &str, role: &str, ttl_seconds: u64) -> Result<(), Error> {
        self.roles.insert(role.to_owned(), ttl_seconds);
        if self.roles.len() > ROLES_PER_KEY_MAX {
            return Err(Error::invalid_because(
                "too_many_roles",
                format!(
                    "the key {key:?} already has {ROLES_PER_KEY_MAX} roles, which is the most; use another key"
                ),
            ));
        }
        Ok(())
    }

    pub(super) fn longest_ttl_seconds(&self) -> u64 {
        self.roles.values().copied().max().unwrap_or(0)
    }
}

/// The issuer's records within one transaction, at one time.
pub(super) struct Records<'v> {
    pub(super) transaction: Transaction,
    pub(super) view: &'v View,
    pub(super) now: UnixSeconds,
    /// Whether the key set that a node rendered before is out of date after the commit.
    pub(super) key_set_changes: bool,
}

impl Records<'_> {
    /// A named key. `default` always exists.
    pub(super) async fn key(&mut self, name: &str) -> Result<Option<NamedKey>, StoreError> {
        let stored = self.transaction.read(self.view, &key_record(name)).await?;
        Ok(stored.or_else(|| (name == DEFAULT_KEY).then(NamedKey::default_key)))
    }

    pub(super) async fn role(&mut self, name: &str) -> Result<Option<Role>, StoreError> {
        self.transaction.read(self.view, &role_record(name)).await
    }

    pub(super) async fn references(&mut self, key: &str) -> Result<References, StoreError> {
        let stored = self
            .transaction
            .read(self.view, &references_record(key))
            .await?;
        Ok(stored.unwrap_or_default())
    }

    pub(super) async fn promise(&mut self) -> Result<Promise, StoreError> {
        let stored = self.transaction.read(self.view, PROMISE).await?;
        Ok(stored.unwrap_or_default())
    }

    /// What entering the key set now means for pairs of a key with these references.
    pub(super) async fn publication(
        &mut self,
        references: &References,
    ) -> Result<Option<Publication>, StoreError> {
        if references.roles.is_empty() {
            return Ok(None);
        }
        let promise = self.promise().await?;
        Ok(Some(promise.publication(self.now)))
    }

    /// Stores a named key. The key set may have changed with it: no node may extend the promise for
    /// a key set that it rendered before.
    pub(super) async fn put_key(&mut self, name: &str, key: &NamedKey) -> Result<(), StoreError> {
        self.transaction
            .put_record(self.view, &key_record(name), key)?;
        self.change_key_set().await
    }

    pub(super) async fn delete_key(&mut self, name: &str) -> Result<(), StoreError> {
        self.transaction.delete(self.view, &key_record(name));
        self.transaction.delete(self.view, &references_record(name));
        self.change_key_set().await
    }

    async fn change_key_set(&mut self) -> Result<(), StoreError> {
        self.key_set_changes = true;
        let promise = self.promise().await?.with_changed_keys();
        self.transaction.put_record(self.view, PROMISE, &promise)
    }

    pub(super) fn put_role(&mut self, name: &str, role: &Role) -> Result<(), StoreError> {
        self.transaction
            .put_record(self.view, &role_record(name), role)
    }

    pub(super) fn delete_role(&mut self, name: &str) {
        self.transaction.delete(self.view, &role_record(name));
    }

    pub(super) fn put_references(
        &mut self,
        key: &str,
        references: &References,
    ) -> Result<(), StoreError> {
        let record = references_record(key);
        if references.roles.is_empty() {
            self.transaction.delete(self.view, &record);
            return Ok(());
        }
        self.transaction.put_record(self.view, &record, references)
    }
}
