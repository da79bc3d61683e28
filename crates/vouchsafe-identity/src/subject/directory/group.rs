//! Writing and deleting groups.

use std::collections::BTreeSet;

use vouchsafe_logical::{Entropy, EntropyExt, Error, PolicyNames, Timestamp};

use super::reach::{reach, too_deep};
use super::records::Records;
use super::transaction::{transact, transact_for};
use super::{Author, Directory, GENERATED_NAMES_MAX, Written, given, keys};
use crate::subject::group::{
    GROUP_NESTING_MAX, Group, GroupKind, MEMBER_GROUPS_PER_GROUP_MAX, PARENT_GROUPS_PER_GROUP_MAX,
};
use crate::subject::id::{EntityId, GroupId};
use crate::subject::metadata::{Metadata, check_metadata};
use crate::subject::name::Name;

/// What a write says about a group. Absent fields stay as they are.
#[derive(Clone, Debug, Default)]
pub struct GroupChange {
    /// Which group. Without it the name decides.
    pub id: Option<String>,
    /// Its name from now on. Without an id: the name of the group to change or to make.
    pub name: Option<String>,
    /// `internal` or `external`; can't be changed.
    pub kind: Option<String>,
    /// All its metadata.
    pub metadata: Option<Metadata>,
    /// All its policies.
    pub policies: Option<Vec<String>>,
    /// All its member entities.
    pub member_entity_ids: Option<Vec<String>>,
    /// All its member groups.
    pub member_group_ids: Option<Vec<String>>,
}

impl Directory {
    /// Changes a group, or makes one.
    ///
    /// # Errors
    /// In Vault's words: unknown ids, a name that another group has, policies that contain `root`,
    /// another kind, members of an external group, a cycle; names, metadata and counts over their
    /// limits; a write that would raise its [`Author`].
    pub async fn write_group(
        &self,
        change: &GroupChange,
        now: Timestamp,
        entropy: &dyn Entropy,
        author: Author<'_>,
    ) -> Result<Written<Group>, Error> {
        transact_for!(author, self, records => records.write_group(change, now, entropy).await)
    }

    /// Deletes the group with this id, its alias and memberships, if there is one.
    ///
    /// # Errors
    /// The store's.
    pub async fn delete_group(&self, id: &str) -> Result<(), Error> {
        transact!(self, records => match records.group_with_id(id).await? {
            Some(group) => records.remove_group(group).await,
            None => Ok(()),
        })
    }

    /// Deletes the group with this name, its alias and memberships, if there is one.
    ///
    /// # Errors
    /// The store's.
    pub async fn delete_group_by_name(&self, name: &str) -> Result<(), Error> {
        let Some(name) = Name::find(name) else {
            return Ok(());
        };
        transact!(self, records => match records.group_by_name(&name).await? {
            Some(group) => records.remove_group(group).await,
            None => Ok(()),
        })
    }
}

impl Records<'_> {
    async fn write_group(
        &mut self,
        change: &GroupChange,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Written<Group>, Error> {
        let found = self.group_to_change(change).await?;
        let created = found.is_none();
        let policies = change
            .policies
            .as_deref()
            .map(PolicyNames::parse_without_root)
            .transpose()?;
        let kind = kind_of(found.as_ref(), change.kind.as_deref())?;
        let name = match given(&change.name) {
            Some(name) => Some(Name::parse("group name", name)?),
            None => None,
        };
        if let (Some(group), Some(name)) = (&found, &name)
            && self
                .group_by_name(name)
                .await?
                .is_some_and(|owner| owner.id != group.id)
        {
            return Err(Error::invalid_because(
                "name_taken",
                "group name is already in use",
            ));
        }
        let mut group = match (found, &name) {
            (Some(group), _) => group,
            (None, Some(name)) => Group::new(GroupId::generate(entropy), name, kind, now),
            (None, None) => self.new_group(kind, now, entropy).await?,
        };
        if let Some(name) = &name {
            self.name_group(&mut group, name)?;
        }
        group.policies = policies.unwrap_or(group.policies);
        if let Some(metadata) = &change.metadata {
            check_metadata("group", metadata)?;
            group.metadata.clone_from(metadata);
        }
        self.apply_members(&mut group, change).await?;
        group.last_update_time = now;
        self.put_group(&mut group)?;
        Ok(if created {
            Written::Created(group)
        } else {
            Written::Updated
        })
    }

    async fn group_to_change(&mut self, change: &GroupChange) -> Result<Option<Group>, Error> {
        let refuse = |text| Err(Error::invalid_because("group_unknown", text));
        match (change.id.as_deref(), change.name.as_deref()) {
            (Some(""), _) => refuse("empty group ID"),
            (Some(id), _) => match self.group_with_id(id).await? {
                Some(group) => Ok(Some(group)),
                None => refuse("invalid group ID"),
            },
            (None, Some("")) => refuse("empty group name"),
            (None, Some(name)) => self.group_by_name(&Name::parse("group name", name)?).await,
            (None, None) => Ok(None),
        }
    }

    /// The group with the id that a client's text spells.
    pub(super) async fn group_with_id(&mut self, id: &str) -> Result<Option<Group>, Error> {
        match GroupId::parse(id) {
            Some(id) => self.group(&id).await,
            None => Ok(None),
        }
    }

    /// A new group with a generated name, which is taken. The caller stores the group.
    pub(super) async fn new_group(
        &mut self,
        kind: GroupKind,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Group, Error> {
        for _ in 0..GENERATED_NAMES_MAX {
            let name = Name::parse("group name", &format!("group_{}.root", entropy.hex(8)))?;
            let key = keys::group_name(&name);
            if self.read::<GroupId>(&key).await?.is_none() {
                let group = Group::new(GroupId::generate(entropy), &name, kind, now);
                self.put(&key, &group.id)?;
                return Ok(group);
            }
        }
        Err(Error::internal(
            "every generated group name was taken: the entropy repeats itself",
        ))
    }

    /// Gives a group a name that is free or its own. The caller stores the group.
    fn name_group(&mut self, group: &mut Group, name: &Name) -> Result<(), Error> {
        if let Some(old) = Name::find(&group.name)
            && old != *name
        {
            self.delete(&keys::group_name(&old));
        }
        name.as_str().clone_into(&mut group.name);
        self.put(&keys::group_name(name), &group.id)
    }

    async fn apply_members(
        &mut self,
        group: &mut Group,
        change: &GroupChange,
    ) -> Result<(), Error> {
        let external = group.kind == GroupKind::External;
        let refuse = |text| Err(Error::invalid_because("group_external", text));
        if external && change.member_entity_ids.is_some() {
            return refuse("member entities can't be set manually for external groups");
        }
        if external && change.member_group_ids.is_some() {
            return refuse("member groups can't be set for external groups");
        }
        if let Some(ids) = &change.member_entity_ids {
            let wanted = ids
                .iter()
                .map(|id| EntityId::parse(id).ok_or_else(|| no_entity(id)));
            let wanted = wanted.collect::<Result<BTreeSet<_>, _>>()?;
            self.set_members(group, &wanted).await?;
        }
        if let Some(ids) = &change.member_group_ids {
            let wanted = ids
                .iter()
                .map(|id| GroupId::parse(id).ok_or_else(|| no_group(id)));
            let wanted = wanted.collect::<Result<BTreeSet<_>, _>>()?;
            self.set_member_groups(group, wanted).await?;
        }
        Ok(())
    }

    async fn set_member_groups(
        &mut self,
        group: &mut Group,
        wanted: BTreeSet<GroupId>,
    ) -> Result<(), Error> {
        if wanted.len() > MEMBER_GROUPS_PER_GROUP_MAX {
            return Err(Error::invalid_because(
                "group_members_too_many",
                format!(
                    "a group can have at most {MEMBER_GROUPS_PER_GROUP_MAX} member groups, got {}",
                    wanted.len()
                ),
            ));
        }
        for id in group.member_group_ids.difference(&wanted) {
            let mut member = self.indexed_group(id).await?;
            member.parent_group_ids.remove(&group.id);
            self.put_group(&mut member)?;
        }
        for id in wanted.difference(&group.member_group_ids) {
            let member = self.group(id).await?.ok_or_else(|| no_group(id.as_str()))?;
            self.nest(member, group).await?;
        }
        group.member_group_ids = wanted;
        Ok(())
    }

    /// Tells `member` that it is in `group` from now on, unless that makes a cycle or too long a
    /// chain. The records read on the way up and down are preconditions, so two writes that only
    /// together make a cycle conflict.
    async fn nest(&mut self, mut member: Group, group: &Group) -> Result<(), Error> {
        if member.id == group.id {
            return Err(Error::invalid_because(
                "group_cycle",
                format!(
                    "member group ID {:?} is same as the ID of the group",
                    member.id.as_str()
                ),
            ));
        }
        let above = reach(&group.parent_group_ids, |g| &g.parent_group_ids, self).await?;
        if above.groups.iter().any(|ancestor| ancestor.id == member.id) {
            return Err(Error::invalid_because(
                "group_cycle",
                format!(
                    "cyclic relationship detected for member group ID {:?}",
                    member.id.as_str()
                ),
            ));
        }
        let start = BTreeSet::from([member.id.clone()]);
        let below = reach(&start, |g| &g.member_group_ids, self).await?;
        if above.levels + 1 + below.levels > GROUP_NESTING_MAX {
            return Err(too_deep());
        }
        member.parent_group_ids.insert(group.id.clone());
        if member.parent_group_ids.len() > PARENT_GROUPS_PER_GROUP_MAX {
            return Err(Error::invalid_because(
                "group_parents_too_many",
                format!(
                    "group `{}` would be a member of more than {PARENT_GROUPS_PER_GROUP_MAX} groups",
                    member.id.as_str()
                ),
            ));
        }
        self.put_group(&mut member)
    }

    async fn remove_group(&mut self, mut group: Group) -> Result<(), Error> {
        self.set_members(&group, &BTreeSet::new()).await?;
        self.set_member_groups(&mut group, BTreeSet::new()).await?;
        for id in &group.parent_group_ids {
            let mut parent = self.indexed_group(id).await?;
            parent.member_group_ids.remove(&group.id);
            self.put_uncounted_group(&parent)?;
        }
        if let Some(alias) = &group.alias {
            self.remove_group_alias_keys(alias);
        }
        if let Some(name) = Name::find(&group.name) {
            self.delete(&keys::group_name(&name));
        }
        self.delete(&keys::group(&group.id));
        Ok(())
    }
}

/// The kind that a group has or shall have.
fn kind_of(found: Option<&Group>, asked: Option<&str>) -> Result<GroupKind, Error> {
    let refuse = |text| Err(Error::invalid_because("group_type", text));
    match (found, asked) {
        (Some(group), Some(asked)) if asked != group.kind.as_str() => {
            refuse("group type cannot be changed".to_owned())
        }
        (Some(group), _) => Ok(group.kind),
        (None, None | Some("" | "internal")) => Ok(GroupKind::Internal),
        (None, Some("external")) => Ok(GroupKind::External),
        (None, Some(other)) => refuse(format!("invalid group type {other:?}")),
    }
}

/// Refuses the id of a member entity.
pub(super) fn no_entity(id: &str) -> Error {
    Error::invalid_because("entity_unknown", format!("invalid entity ID {id:?}"))
}

fn no_group(id: &str) -> Error {
    Error::invalid_because("group_unknown", format!("invalid member group ID {id:?}"))
}
