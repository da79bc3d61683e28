//! Merging entities: several accounts of one person or workload become one.
//!
//! What an entity that goes was known by and allowed to do passes to the one that stays; its
//! metadata does not. Its id keeps leading to the one that stays ([`Directory::subject`]), so
//! tokens that were made for it go on.

use std::collections::{BTreeMap, BTreeSet};

use vouchsafe_logical::{Error, Timestamp};

use super::records::Records;
use super::transaction::transact_for;
use super::{Author, Directory, keys};
use crate::subject::alias::Alias;
use crate::subject::entity::{Entity, MERGED_ENTITIES_MAX};
use crate::subject::id::{AliasId, EntityId, MountAccessor};
use crate::subject::name::Name;

/// What shall be merged.
#[derive(Clone, Debug, Default)]
pub struct Merge {
    /// The entities that go.
    pub from_entity_ids: Vec<String>,
    /// The entity that stays.
    pub to_entity_id: String,
    /// Where two aliases are of one mount: those that stay.
    pub conflicting_alias_ids_to_keep: Vec<String>,
}

/// How a merge went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged {
    /// It is done.
    Done,
    /// Nothing was done: these aliases are of one mount and nobody said which stays.
    Clashes(Vec<AliasClash>),
}

/// Two aliases of one mount that would come to one entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasClash {
    /// The one that the entity that stays has, or would have by then.
    pub to: AliasOwner,
    /// The one of an entity that goes.
    pub from: AliasOwner,
}

/// An alias with its entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasOwner {
    /// The entity.
    pub entity_id: EntityId,
    /// Its name.
    pub entity_name: String,
    /// The alias.
    pub alias: Alias,
}

impl Directory {
    /// Merges entities into one.
    ///
    /// # Errors
    /// In Vault's words: ids that are missing, unknown or contradictory, clashes of which no side
    /// is kept; counts over their limits; a merge that would raise its [`Author`].
    pub async fn merge_entities(
        &self,
        merge: &Merge,
        now: Timestamp,
        author: Author<'_>,
    ) -> Result<Merged, Error> {
        let ids: BTreeSet<&str> = merge.from_entity_ids.iter().map(String::as_str).collect();
        if merge.to_entity_id.is_empty() {
            return Err(refused("missing entity id to merge to"));
        }
        if ids.is_empty() {
            return Err(refused("missing entity ids to merge from"));
        }
        transact_for!(author, self, records => records.merge(merge, &ids, now).await)
    }
}

impl Records<'_> {
    async fn merge(
        &mut self,
        merge: &Merge,
        ids: &BTreeSet<&str>,
        now: Timestamp,
    ) -> Result<Merged, Error> {
        let to = self.entity_with_id(&merge.to_entity_id).await?;
        let mut to = to.ok_or_else(|| refused("entity id to merge to is invalid"))?;
        if ids.contains(to.id.as_str()) {
            return Err(refused(
                "to_entity_id should not be present in from_entity_ids",
            ));
        }
        let keep = &merge.conflicting_alias_ids_to_keep;
        if ids.len() > 1 && !keep.is_empty() {
            return Err(refused(
                "aliases conflicts cannot be resolved with multiple from entity ids - merge one entity at a time",
            ));
        }
        let mut going = Vec::with_capacity(ids.len());
        for id in ids {
            let from = self.entity_with_id(id).await?;
            going.push(from.ok_or_else(|| refused("entity id to merge from is invalid"))?);
        }
        let clashes = clashes(&to, &going);
        if !clashes.is_empty() && keep.is_empty() {
            return Ok(Merged::Clashes(clashes));
        }
        let discarded = losers(&clashes, keep)?;
        self.discard_aliases(&mut to, &discarded).await?;
        for mut from in going {
            self.discard_aliases(&mut from, &discarded).await?;
            self.take_in(&mut to, from).await?;
        }
        to.last_update_time = now;
        self.put_entity(&to)?;
        Ok(Merged::Done)
    }

    /// Drops aliases that lost, with the memberships that they were the proof of.
    async fn discard_aliases(
        &mut self,
        entity: &mut Entity,
        discarded: &BTreeSet<AliasId>,
    ) -> Result<(), Error> {
        let (lost, kept) = entity
            .aliases
            .drain(..)
            .partition(|alias| discarded.contains(&alias.id));
        entity.aliases = kept;
        let lost: Vec<Alias> = lost;
        for alias in &lost {
            self.remove_alias_keys(alias);
            self.follow_mount(entity, &alias.mount_accessor, &[])
                .await?;
        }
        Ok(())
    }

    /// Passes on everything that an entity has, and removes it.
    async fn take_in(&mut self, to: &mut Entity, mut from: Entity) -> Result<(), Error> {
        for mut alias in std::mem::take(&mut from.aliases) {
            alias.merged_from_canonical_ids.push(from.id.clone());
            let name = Name::parse("alias name", &alias.name)?;
            self.add_alias(to, alias, &name)?;
        }
        for id in &from.direct_group_ids {
            let group = self.indexed_group(id).await?;
            self.join(to, &group).await?;
        }
        to.policies = to
            .policies
            .iter()
            .chain(from.policies.iter())
            .cloned()
            .collect();
        let old_ids = std::mem::take(&mut from.merged_entity_ids);
        for old in old_ids.into_iter().chain([from.id.clone()]) {
            self.put(&keys::entity_merged(&old), &to.id)?;
            to.merged_entity_ids.push(old);
        }
        if to.merged_entity_ids.len() > MERGED_ENTITIES_MAX {
            return Err(refused(format!(
                "at most {MERGED_ENTITIES_MAX} entities can be merged into one"
            )));
        }
        self.remove_bare_entity(from).await
    }
}

/// The aliases that would be a second one of their mount.
fn clashes(to: &Entity, going: &[Entity]) -> Vec<AliasClash> {
    let mut clashes = Vec::new();
    let mut holders: BTreeMap<&MountAccessor, (&Entity, &Alias)> = BTreeMap::new();
    for entity in std::iter::once(to).chain(going) {
        for alias in &entity.aliases {
            match holders.get(&alias.mount_accessor) {
                Some((holder, held)) => clashes.push(AliasClash {
                    to: owned(holder, held),
                    from: owned(entity, alias),
                }),
                None => drop(holders.insert(&alias.mount_accessor, (entity, alias))),
            }
        }
    }
    clashes
}

fn owned(entity: &Entity, alias: &Alias) -> AliasOwner {
    AliasOwner {
        entity_id: entity.id.clone(),
        entity_name: entity.name.clone(),
        alias: alias.clone(),
    }
}

/// Of each clash the alias that is not kept.
fn losers(clashes: &[AliasClash], keep: &[String]) -> Result<BTreeSet<AliasId>, Error> {
    let kept = |owner: &AliasOwner| keep.iter().any(|id| id == owner.alias.id.as_str());
    let loser = |clash: &AliasClash| match (kept(&clash.to), kept(&clash.from)) {
        (true, _) => Ok(clash.from.alias.id.clone()),
        (false, true) => Ok(clash.to.alias.id.clone()),
        (false, false) => Err(refused(format!(
            "conflicting mount accessors in following alias IDs and neither were present in conflicting_alias_ids_to_keep: {}, {}",
            clash.from.alias.id, clash.to.alias.id
        ))),
    };
    clashes.iter().map(loser).collect()
}

fn refused(message: impl Into<String>) -> Error {
    Error::invalid_because("merge_refused", message)
}
