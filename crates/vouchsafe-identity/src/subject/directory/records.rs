//! Typed access to the directory's records within one transaction.
//!
//! Each function touches one kind of key; what belongs together is put together by the callers.

use serde::Serialize;
use serde::de::DeserializeOwned;
use vouchsafe_logical::{BoxFuture, CommitError, Error, Transaction, View};

use super::keys;
use super::reach::GroupSource;
use crate::subject::entity::Entity;
use crate::subject::group::Group;
use crate::subject::id::{AliasId, EntityId, GroupAliasId, GroupId, MountAccessor};
use crate::subject::name::Name;

/// The records of a directory as one transaction sees and changes them.
pub(super) struct Records<'t> {
    view: &'t View,
    transaction: &'t mut Transaction,
    /// Whether nothing will be stored, so that the groups' side of memberships can be left alone: it
    /// may list thousands.
    foresees: bool,
}

impl GroupSource<Group> for Records<'_> {
    fn load<'a>(&'a mut self, id: &'a GroupId) -> BoxFuture<'a, Result<Option<Group>, Error>> {
        Box::pin(self.group(id))
    }
}

impl<'t> Records<'t> {
    pub(super) fn new(view: &'t View, transaction: &'t mut Transaction) -> Self {
        Self {
            view,
            transaction,
            foresees: false,
        }
    }

    /// The same for a transaction that will not be committed.
    pub(super) fn foreseeing(self) -> Self {
        Self {
            foresees: true,
            ..self
        }
    }

    /// Whether nothing will be stored.
    pub(super) const fn foresees(&self) -> bool {
        self.foresees
    }

    /// Whether nothing has been changed.
    pub(super) fn is_read_only(&self) -> bool {
        self.transaction.is_read_only()
    }

    /// The record at `key`.
    pub(super) async fn read<T: DeserializeOwned>(
        &mut self,
        key: &str,
    ) -> Result<Option<T>, Error> {
        Ok(self.transaction.read(self.view, key).await?)
    }

    /// Stores a record at `key`.
    pub(super) fn put<T: Serialize>(&mut self, key: &str, value: &T) -> Result<(), Error> {
        Ok(self.transaction.put_record(self.view, key, value)?)
    }

    /// Removes `key`.
    pub(super) fn delete(&mut self, key: &str) {
        self.transaction.delete(self.view, key);
    }

    /// The entity with this id.
    pub(super) async fn entity(&mut self, id: &EntityId) -> Result<Option<Entity>, Error> {
        self.read(&keys::entity(id)).await
    }

    /// The entity to which another record of the directory points.
    pub(super) async fn indexed_entity(&mut self, id: &EntityId) -> Result<Entity, Error> {
        self.entity(id)
            .await?
            .ok_or_else(|| dangling("entity", id.as_str()))
    }

    /// The entity with this name.
    pub(super) async fn entity_by_name(&mut self, name: &Name) -> Result<Option<Entity>, Error> {
        match self.read::<EntityId>(&keys::entity_name(name)).await? {
            Some(id) => self.indexed_entity(&id).await.map(Some),
            None => Ok(None),
        }
    }

    /// The entity that has the alias with this id.
    pub(super) async fn entity_by_alias(&mut self, id: &AliasId) -> Result<Option<Entity>, Error> {
        match self.read::<EntityId>(&keys::alias(id)).await? {
            Some(id) => self.indexed_entity(&id).await.map(Some),
            None => Ok(None),
        }
    }

    /// The entity that a mount knows by this name.
    pub(super) async fn entity_by_factors(
        &mut self,
        mount: &MountAccessor,
        name: &Name,
    ) -> Result<Option<Entity>, Error> {
        match self
            .read::<EntityId>(&keys::alias_factor(mount, name))
            .await?
        {
            Some(id) => self.indexed_entity(&id).await.map(Some),
            None => Ok(None),
        }
    }

    /// Stores an entity. Its indices are the caller's.
    pub(super) fn put_entity(&mut self, entity: &Entity) -> Result<(), Error> {
        self.put(&keys::entity(&entity.id), entity)
    }

    /// The group with this id.
    pub(super) async fn group(&mut self, id: &GroupId) -> Result<Option<Group>, Error> {
        self.read(&keys::group(id)).await
    }

    /// The group to which another record of the directory points.
    pub(super) async fn indexed_group(&mut self, id: &GroupId) -> Result<Group, Error> {
        self.group(id)
            .await?
            .ok_or_else(|| dangling("group", id.as_str()))
    }

    /// The group with this name.
    pub(super) async fn group_by_name(&mut self, name: &Name) -> Result<Option<Group>, Error> {
        match self.read::<GroupId>(&keys::group_name(name)).await? {
            Some(id) => self.indexed_group(&id).await.map(Some),
            None => Ok(None),
        }
    }

    /// The group that has the alias with this id.
    pub(super) async fn group_by_alias(
        &mut self,
        id: &GroupAliasId,
    ) -> Result<Option<Group>, Error> {
        match self.read::<GroupId>(&keys::group_alias(id)).await? {
            Some(id) => self.indexed_group(&id).await.map(Some),
            None => Ok(None),
        }
    }

    /// The group that a mount knows by this name.
    pub(super) async fn group_by_factors(
        &mut self,
        mount: &MountAccessor,
        name: &Name,
    ) -> Result<Option<Group>, Error> {
        match self
            .read::<GroupId>(&keys::group_alias_factor(mount, name))
            .await?
        {
            Some(id) => self.indexed_group(&id).await.map(Some),
            None => Ok(None),
        }
    }

    /// Stores a changed group and counts the change. Its indices are the caller's.
    pub(super) fn put_group(&mut self, group: &mut Group) -> Result<(), Error> {
        group.modify_index = group.modify_index.saturating_add(1);
        self.put_uncounted_group(group)
    }

    /// Stores a group that changed only because a member of it went, which Vault does not count.
    pub(super) fn put_uncounted_group(&mut self, group: &Group) -> Result<(), Error> {
        self.put(&keys::group(&group.id), group)
    }
}

/// A record points to one that is not there. Reads of one transaction happen one after the other,
/// so this is the sight of somebody else's write between two of them: a conflict.
pub(super) fn dangling(what: &str, id: &str) -> Error {
    Error::from(CommitError::Conflict)
        .with_detail(format!("no {what} `{id}`, but it is pointed to"))
}
