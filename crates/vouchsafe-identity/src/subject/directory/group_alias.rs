//! Writing and deleting aliases of external groups.
//!
//! The members of an external group are those whose logins named its alias. When the alias goes,
//! or comes to mean another group of another mount, nobody has proved to be a member: the group
//! is empty until the next logins.

use std::collections::BTreeSet;

use vouchsafe_logical::{Entropy, Error, Timestamp};

use super::login::known_accessor;
use super::records::Records;
use super::transaction::{transact, transact_for};
use super::{Author, Directory, RequestedMount, given, keys};
use crate::subject::alias::GroupAlias;
use crate::subject::group::{Group, GroupKind};
use crate::subject::id::{GroupAliasId, GroupId, MountAccessor};
use crate::subject::name::Name;

/// What a write says about an alias of a group.
#[derive(Clone, Debug, Default)]
pub struct GroupAliasChange {
    /// Which alias. Without it one is made.
    pub id: Option<String>,
    /// What the mount calls the group.
    pub name: Option<String>,
    /// The mount.
    pub mount: Option<RequestedMount>,
    /// The external group that shall have it.
    pub canonical_id: Option<String>,
}

/// Where a write left an alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedGroupAlias {
    /// The alias.
    pub id: GroupAliasId,
    /// Its group.
    pub canonical_id: GroupId,
}

impl Directory {
    /// Changes an alias, or makes one (and an external group for it, where none is given). `None`
    /// where nothing was to be changed.
    ///
    /// # Errors
    /// In Vault's words: unknown ids, mounts that are unknown or local, missing fields, an
    /// internal group, a name that the mount gives to another group; a write that would raise its
    /// [`Author`].
    pub async fn write_group_alias(
        &self,
        change: &GroupAliasChange,
        now: Timestamp,
        entropy: &dyn Entropy,
        author: Author<'_>,
    ) -> Result<Option<PlacedGroupAlias>, Error> {
        transact_for!(author, self, records => records.write_group_alias(change, now, entropy).await)
    }

    /// Deletes the alias with this id, if there is one. The group stays, without members.
    ///
    /// # Errors
    /// The store's.
    pub async fn delete_group_alias(&self, id: &str, now: Timestamp) -> Result<(), Error> {
        let Some(id) = GroupAliasId::parse(id) else {
            return Ok(());
        };
        transact!(self, records => match records.group_by_alias(&id).await? {
            Some(group) => records.drop_group_alias(group, now).await,
            None => Ok(()),
        })
    }
}

impl Records<'_> {
    async fn write_group_alias(
        &mut self,
        change: &GroupAliasChange,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Option<PlacedGroupAlias>, Error> {
        let holder = self.holder(change.id.as_deref()).await?;
        let held = holder.as_ref().and_then(|group| group.alias.as_ref());
        let missing = |text| Error::invalid_because("field_missing", text);
        let name = given(&change.name).ok_or_else(|| missing("missing alias name"))?;
        let asked = change
            .mount
            .as_ref()
            .ok_or_else(|| missing("missing mount_accessor"))?;
        let canonical_id = given(&change.canonical_id);
        if let (Some(group), Some(alias)) = (&holder, held)
            && alias.name == name
            && alias.mount_accessor.as_str() == asked.accessor
            && canonical_id.is_none_or(|id| id == group.id.as_str())
        {
            return Ok(None);
        }
        let target = match canonical_id {
            Some(id) => Some(self.external_group(id).await?),
            None => holder.clone(),
        };
        let accessor = shared_mount(asked)?;
        let name = Name::parse("alias name", name)?;
        let owner = self.group_by_factors(&accessor, &name).await?;
        if owner.is_some_and(|owner| holder.as_ref().is_none_or(|holder| holder.id != owner.id)) {
            return Err(Error::invalid_because(
                "alias_taken",
                "combination of mount and group alias name is already in use",
            ));
        }
        let alias = GroupAlias {
            id: held.map_or_else(|| GroupAliasId::generate(entropy), |alias| alias.id.clone()),
            name: name.as_str().to_owned(),
            mount_accessor: accessor,
            creation_time: held.map_or(now, |alias| alias.creation_time),
            last_update_time: now,
        };
        let target = match target {
            Some(group) => group,
            None => self.new_group(GroupKind::External, now, entropy).await?,
        };
        if let Some(holder) = holder
            && holder.id != target.id
        {
            self.drop_group_alias(holder, now).await?;
        }
        self.give_group_alias(target, alias, &name, now)
            .await
            .map(Some)
    }

    /// The group whose alias shall be changed; `None` where one shall be made.
    async fn holder(&mut self, id: Option<&str>) -> Result<Option<Group>, Error> {
        let refuse = |text| Err(Error::invalid_because("alias_unknown", text));
        let Some(id) = id else {
            return Ok(None);
        };
        if id.is_empty() {
            return refuse("empty group alias ID");
        }
        let found = match GroupAliasId::parse(id) {
            Some(id) => self.group_by_alias(&id).await?,
            None => None,
        };
        match found {
            Some(group) => Ok(Some(group)),
            None => refuse("invalid group alias ID"),
        }
    }

    async fn external_group(&mut self, id: &str) -> Result<Group, Error> {
        let group = self.group_with_id(id).await?.ok_or_else(|| {
            Error::invalid_because("group_unknown", "invalid group ID given in 'canonical_id'")
        })?;
        if group.kind != GroupKind::External {
            return Err(Error::invalid_because(
                "group_internal",
                "alias can't be set on an internal group",
            ));
        }
        Ok(group)
    }

    /// Makes `alias` the alias of `group`, in place of the one that it has.
    async fn give_group_alias(
        &mut self,
        mut group: Group,
        alias: GroupAlias,
        name: &Name,
        now: Timestamp,
    ) -> Result<PlacedGroupAlias, Error> {
        if let Some(old) = group.alias.take() {
            self.remove_group_alias_keys(&old);
            let same_proof = old.mount_accessor == alias.mount_accessor
                && Name::find(&old.name).as_ref() == Some(name);
            if !same_proof {
                self.set_members(&group, &BTreeSet::new()).await?;
            }
        }
        self.put(&keys::group_alias(&alias.id), &group.id)?;
        self.put(
            &keys::group_alias_factor(&alias.mount_accessor, name),
            &group.id,
        )?;
        let placed = PlacedGroupAlias {
            id: alias.id.clone(),
            canonical_id: group.id.clone(),
        };
        group.alias = Some(alias);
        group.last_update_time = now;
        self.put_group(&mut group)?;
        Ok(placed)
    }

    async fn drop_group_alias(&mut self, mut group: Group, now: Timestamp) -> Result<(), Error> {
        if let Some(alias) = group.alias.take() {
            self.remove_group_alias_keys(&alias);
        }
        self.set_members(&group, &BTreeSet::new()).await?;
        group.last_update_time = now;
        self.put_group(&mut group)
    }

    /// Removes the indices of a group's alias.
    pub(super) fn remove_group_alias_keys(&mut self, alias: &GroupAlias) {
        self.delete(&keys::group_alias(&alias.id));
        if let Some(name) = Name::find(&alias.name) {
            self.delete(&keys::group_alias_factor(&alias.mount_accessor, &name));
        }
    }
}

/// The accessor of a mount that all clusters have.
fn shared_mount(asked: &RequestedMount) -> Result<MountAccessor, Error> {
    let mount = asked.known()?;
    if mount.local {
        return Err(Error::invalid_because(
            "mount_local",
            format!("mount accessor {:?} is a local mount", mount.accessor),
        ));
    }
    known_accessor(mount)
}
