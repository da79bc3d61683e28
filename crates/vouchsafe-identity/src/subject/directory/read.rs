//! Reading the directory, one object or all of a kind.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use vouchsafe_logical::{CommitError, Error, Newer, record};

use super::transaction::transact;
use super::{Directory, LOOKUP_ATTEMPTS_MAX, Subject, keys};
use crate::subject::alias::Alias;
use crate::subject::entity::Entity;
use crate::subject::group::Group;
use crate::subject::id::{AliasId, EntityId, GroupAliasId, MountAccessor};
use crate::subject::name::Name;

/// What an entity or a group is looked for by. Text that can't be such an id or name finds
/// nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Query<'q> {
    /// Its id.
    Id(&'q str),
    /// Its name.
    Name(&'q str),
    /// The id of an alias of it.
    AliasId(&'q str),
    /// What a mount calls it.
    Factors {
        /// The mount's accessor.
        mount_accessor: &'q str,
        /// The name.
        name: &'q str,
    },
}

impl Directory {
    /// An entity with its groups. What was found before is proved and not read again, so that
    /// this is good for every request.
    ///
    /// # Errors
    /// The store's; and [`super::is_conflict`] if the entity keeps changing.
    pub async fn find_entity(&self, query: Query<'_>) -> Result<Option<Arc<Subject>>, Error> {
        let key = match query {
            Query::Id(id) => {
                return match EntityId::parse(id) {
                    Some(id) => self.unmerged(&id).await,
                    None => Ok(None),
                };
            }
            Query::Name(name) => Name::find(name).map(|name| keys::entity_name(&name)),
            Query::AliasId(id) => AliasId::parse(id).map(|id| keys::alias(&id)),
            Query::Factors {
                mount_accessor,
                name,
            } => {
                let factors = MountAccessor::parse(mount_accessor).zip(Name::find(name));
                factors.map(|(mount, name)| keys::alias_factor(&mount, &name))
            }
        };
        let Some(key) = key else {
            return Ok(None);
        };
        for _ in 0..LOOKUP_ATTEMPTS_MAX {
            let found = self.entity_ids.load(&self.view, &key, record::decode);
            let Some((version, id)) = found.await? else {
                return Ok(None);
            };
            let subject = self.unmerged(&id).await?;
            // If it belongs to that entity still, it did when the entity was looked at: what moves
            // to another entity is never found at neither.
            if self.view.get_newer(&key, version).await? == Newer::Same {
                return Ok(subject);
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// The entity of this id. That of an entity that was merged is good for its tokens, not for
    /// administration.
    async fn unmerged(&self, id: &EntityId) -> Result<Option<Arc<Subject>>, Error> {
        let found = self.subject(id.as_str()).await?;
        Ok(found.filter(|subject| subject.entity().id == *id))
    }

    /// An alias of an entity, with the entity's id.
    ///
    /// # Errors
    /// The store's.
    pub async fn find_alias(&self, id: &str) -> Result<Option<(EntityId, Alias)>, Error> {
        let Some(id) = AliasId::parse(id) else {
            return Ok(None);
        };
        transact!(self, records => {
            let Some(entity) = records.entity_by_alias(&id).await? else {
                return Ok(None);
            };
            let alias = entity.alias(&id).cloned();
            Ok(alias.map(|alias| (entity.id, alias)))
        })
    }

    /// A group with its member entities.
    ///
    /// # Errors
    /// The store's.
    pub async fn find_group(
        &self,
        query: Query<'_>,
    ) -> Result<Option<(Group, BTreeSet<EntityId>)>, Error> {
        transact!(self, records => {
            let group = match query {
                Query::Id(id) => records.group_with_id(id).await?,
                Query::Name(name) => match Name::find(name) {
                    Some(name) => records.group_by_name(&name).await?,
                    None => None,
                },
                Query::AliasId(id) => match GroupAliasId::parse(id) {
                    Some(id) => records.group_by_alias(&id).await?,
                    None => None,
                },
                Query::Factors {
                    mount_accessor,
                    name,
                } => match MountAccessor::parse(mount_accessor).zip(Name::find(name)) {
                    Some((mount, name)) => records.group_by_factors(&mount, &name).await?,
                    None => None,
                },
            };
            let Some(group) = group else {
                return Ok(None);
            };
            let members = records.members(&group.id).await?;
            Ok(Some((group, members)))
        })
    }

    /// All entities in order of id.
    ///
    /// # Errors
    /// The store's.
    pub async fn entities(&self) -> Result<Vec<Entity>, Error> {
        self.all(keys::ENTITIES).await
    }

    /// All groups in order of id.
    ///
    /// # Errors
    /// The store's.
    pub async fn groups(&self) -> Result<Vec<Group>, Error> {
        self.all(keys::GROUPS).await
    }

    /// How many entities are direct members of a group.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_members(&self, group: &Group) -> Result<usize, Error> {
        let members = self
            .view
            .read::<BTreeSet<EntityId>>(&keys::group_members(&group.id))
            .await?;
        Ok(members.map_or(0, |members| members.len()))
    }

    /// All records below a prefix, save those that go while they are read.
    async fn all<T: DeserializeOwned>(&self, prefix: &str) -> Result<Vec<T>, Error> {
        let ids = self.view.list_all(prefix).await?;
        let mut records = Vec::with_capacity(ids.len());
        for id in ids {
            records.extend(self.view.read::<T>(&format!("{prefix}{id}")).await?);
        }
        Ok(records)
    }
}
