//! Which entity is in which group: written on both sides, always together.

use std::collections::BTreeSet;

use vouchsafe_logical::Error;

use super::group::no_entity;
use super::keys;
use super::records::Records;
use crate::subject::entity::{DIRECT_GROUPS_PER_ENTITY_MAX, Entity};
use crate::subject::group::{Group, GroupKind, MEMBER_ENTITIES_PER_GROUP_MAX};
use crate::subject::id::{EntityId, GroupId, MountAccessor};
use crate::subject::name::Name;

impl Records<'_> {
    /// The entities that are direct members of a group.
    pub(super) async fn members(&mut self, group: &GroupId) -> Result<BTreeSet<EntityId>, Error> {
        Ok(self
            .read(&keys::group_members(group))
            .await?
            .unwrap_or_default())
    }

    fn put_members(&mut self, group: &GroupId, members: &BTreeSet<EntityId>) -> Result<(), Error> {
        let key = keys::group_members(group);
        if members.is_empty() {
            self.delete(&key);
            return Ok(());
        }
        self.put(&key, members)
    }

    /// Makes an entity a member. The caller stores the entity.
    pub(super) async fn join(&mut self, entity: &mut Entity, group: &Group) -> Result<(), Error> {
        enter(entity, group)?;
        if self.foresees() {
            return Ok(());
        }
        let mut members = self.members(&group.id).await?;
        members.insert(entity.id.clone());
        check_members(&members)?;
        self.put_members(&group.id, &members)
    }

    /// Ends a membership. The caller stores the entity.
    pub(super) async fn leave(
        &mut self,
        entity: &mut Entity,
        group: &GroupId,
    ) -> Result<(), Error> {
        entity.direct_group_ids.remove(group);
        if self.foresees() {
            return Ok(());
        }
        let mut members = self.members(group).await?;
        if members.remove(&entity.id) {
            self.put_members(group, &members)?;
        }
        Ok(())
    }

    /// Makes exactly `wanted` the members of a group.
    pub(super) async fn set_members(
        &mut self,
        group: &Group,
        wanted: &BTreeSet<EntityId>,
    ) -> Result<(), Error> {
        check_members(wanted)?;
        let members = self.members(&group.id).await?;
        for id in members.difference(wanted) {
            let mut entity = self.indexed_entity(id).await?;
            entity.direct_group_ids.remove(&group.id);
            self.put_entity(&entity)?;
        }
        for id in wanted.difference(&members) {
            let entity = self.entity(id).await?;
            let mut entity = entity.ok_or_else(|| no_entity(id.as_str()))?;
            enter(&mut entity, group)?;
            self.put_entity(&entity)?;
        }
        self.put_members(&group.id, wanted)
    }

    /// Makes an entity a member of exactly those external groups of a mount that `names` name.
    /// The caller stores the entity. Answers whether anything changed.
    pub(super) async fn follow_mount(
        &mut self,
        entity: &mut Entity,
        mount: &MountAccessor,
        names: &[String],
    ) -> Result<bool, Error> {
        let mut wanted = Vec::new();
        for name in names.iter().filter_map(|name| Name::find(name)) {
            wanted.extend(self.group_by_factors(mount, &name).await?);
        }
        let wanted_ids: BTreeSet<GroupId> = wanted.iter().map(|group| group.id.clone()).collect();
        let mut changed = false;
        for id in entity.direct_group_ids.clone() {
            let group = self.indexed_group(&id).await?;
            if follows(&group, mount) && !wanted_ids.contains(&id) {
                self.leave(entity, &id).await?;
                changed = true;
            }
        }
        for group in wanted {
            if !entity.direct_group_ids.contains(&group.id) {
                self.join(entity, &group).await?;
                changed = true;
            }
        }
        Ok(changed)
    }
}

/// Whether the members of a group are those whom a mount says.
fn follows(group: &Group, mount: &MountAccessor) -> bool {
    group.kind == GroupKind::External
        && group
            .alias
            .as_ref()
            .is_some_and(|alias| alias.mount_accessor == *mount)
}

fn enter(entity: &mut Entity, group: &Group) -> Result<(), Error> {
    entity.direct_group_ids.insert(group.id.clone());
    if entity.direct_group_ids.len() > DIRECT_GROUPS_PER_ENTITY_MAX {
        return Err(Error::invalid_because(
            "entity_groups_too_many",
            format!(
                "entity `{}` would be a member of more than {DIRECT_GROUPS_PER_ENTITY_MAX} groups",
                entity.id.as_str()
            ),
        ));
    }
    Ok(())
}

fn check_members(members: &BTreeSet<EntityId>) -> Result<(), Error> {
    if members.len() > MEMBER_ENTITIES_PER_GROUP_MAX {
        return Err(Error::invalid_because(
            "group_members_too_many",
            format!(
                "a group can have at most {MEMBER_ENTITIES_PER_GROUP_MAX} member entities, got {}",
                members.len()
            ),
        ));
    }
    Ok(())
}
