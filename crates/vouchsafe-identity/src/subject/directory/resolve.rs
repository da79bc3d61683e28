//! Entity id to subject: the lookup of every request.
//!
//! A resolved [`Subject`] is kept with the versions of the records it was made from. Each use asks
//! the storage whether they still are the current ones; nothing is parsed while they are.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use vouchsafe_logical::{BoxFuture, CommitError, Error, Newer, PolicyNames, Version, record};

use super::reach::{GroupSource, reach};
use super::records::Records;
use super::{Directory, LOOKUP_ATTEMPTS_MAX, keys};
use crate::subject::alias::Alias;
use crate::subject::entity::Entity;
use crate::subject::group::Group;
use crate::subject::id::{EntityId, GroupId};
use crate::template::{TemplateAlias, TemplateGroup, TemplateSubject};

/// An entity with all its groups, as they were at one moment.
#[derive(Debug)]
pub struct Subject {
    entity: Entity,
    groups: Vec<Arc<Group>>,
    direct_groups: usize,
    policies: PolicyNames,
    policy_texts: Vec<String>,
    stamp: u64,
    is_stored: bool,
    /// What it was made from: key and version of the entity, then of each group.
    sources: Vec<(String, Version)>,
}

impl Subject {
    fn new(
        entity: Entity,
        groups: Vec<Arc<Group>>,
        stamp: u64,
        is_stored: bool,
        sources: Vec<(String, Version)>,
    ) -> Self {
        let direct: BTreeSet<_> = entity.direct_group_ids.iter().collect();
        let (mut groups, inherited): (Vec<_>, Vec<_>) = groups
            .into_iter()
            .partition(|group| direct.contains(&group.id));
        let direct_groups = groups.len();
        groups.extend(inherited);
        let policies = united_policies(&entity, groups.iter().map(AsRef::as_ref));
        Self {
            policy_texts: policies.to_strings(),
            policies,
            stamp,
            is_stored,
            entity,
            groups,
            direct_groups,
            sources,
        }
    }

    /// The entity.
    #[must_use]
    pub const fn entity(&self) -> &Entity {
        &self.entity
    }

    /// Whether its tokens must be refused.
    #[must_use]
    pub const fn disabled(&self) -> bool {
        self.entity.disabled
    }

    /// All its groups: direct ones, then inherited ones.
    #[must_use]
    pub fn groups(&self) -> &[Arc<Group>] {
        &self.groups
    }

    /// The groups that list the entity.
    #[must_use]
    pub fn direct_groups(&self) -> &[Arc<Group>] {
        &self.groups[..self.direct_groups]
    }

    /// The groups that the entity is in because another group is.
    #[must_use]
    pub fn inherited_groups(&self) -> &[Arc<Group>] {
        &self.groups[self.direct_groups..]
    }

    /// The policies of the entity and of all its groups.
    #[must_use]
    pub const fn policies(&self) -> &PolicyNames {
        &self.policies
    }

    /// A number that differs whenever the entity or one of its groups has changed. It means
    /// something only beside others of the same [`Directory`].
    #[must_use]
    pub const fn stamp(&self) -> u64 {
        self.stamp
    }

    /// Whether there is such an entity: if not, it is foreseen, and nobody else finds it.
    #[must_use]
    pub const fn is_stored(&self) -> bool {
        self.is_stored
    }

    /// Whether all of it is as storage has it, so that other requests meet the very same.
    #[must_use]
    pub const fn is_as_stored(&self) -> bool {
        !self.sources.is_empty()
    }

    /// What claim templates and templated policy paths may read.
    #[must_use]
    pub fn template_data(&self) -> TemplateSubject<'_> {
        TemplateSubject {
            id: self.entity.id.as_str(),
            name: &self.entity.name,
            metadata: &self.entity.metadata,
            aliases: self.entity.aliases.iter().map(template_alias).collect(),
            groups: self
                .groups
                .iter()
                .map(|group| template_group(group))
                .collect(),
            policies: &self.policy_texts,
            token_claims: None,
        }
    }
}

fn template_alias(alias: &Alias) -> TemplateAlias<'_> {
    TemplateAlias {
        id: alias.id.as_str(),
        name: &alias.name,
        mount_accessor: alias.mount_accessor.as_str(),
        mount_type: &alias.mount_type,
        metadata: &alias.metadata,
        custom_metadata: &alias.custom_metadata,
    }
}

fn template_group(group: &Group) -> TemplateGroup<'_> {
    TemplateGroup {
        id: group.id.as_str(),
        name: &group.name,
        metadata: &group.metadata,
    }
}

impl Directory {
    /// The entity with this id, or the one into which it was merged, with its groups. Disabled
    /// entities are answered too; the caller refuses.
    ///
    /// # Errors
    /// The store's; and [`super::is_conflict`] if the subject keeps changing.
    pub async fn subject(&self, entity_id: &str) -> Result<Option<Arc<Subject>>, Error> {
        if let Some(held) = self.subjects.get(entity_id)
            && self.is_current(&held).await?
        {
            return Ok(Some(held));
        }
        let Some(id) = EntityId::parse(entity_id) else {
            return Ok(None);
        };
        for _ in 0..LOOKUP_ATTEMPTS_MAX {
            let Some(subject) = self.resolve(&id).await? else {
                self.subjects.remove(entity_id);
                return Ok(None);
            };
            // The records were read one after the other. That none has changed since makes them
            // the picture of one moment: an entity that left a group never gets what the group
            // was given afterwards.
            if self.is_current(&subject).await? {
                let subject = Arc::new(subject);
                self.subjects
                    .insert(entity_id.to_owned(), Arc::clone(&subject));
                return Ok(Some(subject));
            }
        }
        Err(CommitError::Conflict.into())
    }

    async fn is_current(&self, subject: &Subject) -> Result<bool, Error> {
        for (key, version) in &subject.sources {
            if self.view.get_newer(key, *version).await? != Newer::Same {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn resolve(&self, id: &EntityId) -> Result<Option<Subject>, Error> {
        let Some((key, version, entity)) = self.entity_or_heir(id).await? else {
            return Ok(None);
        };
        let mut cached = CachedGroups {
            directory: self,
            sources: vec![(key, version)],
        };
        let reached = reach(
            &entity.direct_group_ids,
            |group| &group.parent_group_ids,
            &mut cached,
        )
        .await?;
        let stamp = self.next_stamp();
        let groups = reached.groups;
        let subject = Subject::new(entity, groups, stamp, true, cached.sources);
        Ok(Some(subject))
    }

    fn next_stamp(&self) -> u64 {
        self.last_stamp.fetch_add(1, Ordering::Relaxed) + 1
    }

    async fn entity_or_heir(
        &self,
        id: &EntityId,
    ) -> Result<Option<(String, Version, Entity)>, Error> {
        let mut key = keys::entity(id);
        let mut found = self.view.get(&key).await?;
        if found.is_none() {
            let Some(heir) = self.view.read::<EntityId>(&keys::entity_merged(id)).await? else {
                return Ok(None);
            };
            key = keys::entity(&heir);
            found = self.view.get(&key).await?;
        }
        let Some(found) = found else {
            return Ok(None);
        };
        let entity = record::decode(&self.view.full(&key), &found.value)?;
        Ok(Some((key, found.version, entity)))
    }
}

impl Records<'_> {
    /// The subject as this transaction sees it, before anything of it is stored.
    pub(super) async fn subject(
        &mut self,
        directory: &Directory,
        id: &EntityId,
        is_stored: bool,
    ) -> Result<Subject, Error> {
        let entity = self.indexed_entity(id).await?;
        let reached = reach(
            &entity.direct_group_ids,
            |group| &group.parent_group_ids,
            self,
        )
        .await?;
        let groups = reached.groups.into_iter().map(Arc::new).collect();
        let stamp = directory.next_stamp();
        Ok(Subject::new(entity, groups, stamp, is_stored, Vec::new()))
    }
}

/// Groups from the cache, noting which records they are from.
struct CachedGroups<'d> {
    directory: &'d Directory,
    sources: Vec<(String, Version)>,
}

impl GroupSource<Arc<Group>> for CachedGroups<'_> {
    fn load<'a>(&'a mut self, id: &'a GroupId) -> BoxFuture<'a, Result<Option<Arc<Group>>, Error>> {
        Box::pin(async move {
            let key = keys::group(id);
            let Directory { groups, view, .. } = self.directory;
            let found = groups.load(view, &key, record::decode).await?;
            Ok(found.map(|(version, group)| {
                self.sources.push((key, version));
                group
            }))
        })
    }
}

/// The policies that an entity has by itself and by its groups.
pub(super) fn united_policies<'g>(
    entity: &Entity,
    groups: impl Iterator<Item = &'g Group>,
) -> PolicyNames {
    let own = entity.policies.iter();
    own.chain(groups.flat_map(|group| group.policies.iter()))
        .cloned()
        .collect()
}
