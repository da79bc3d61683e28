//! Writing and deleting entities.

use vouchsafe_logical::{Entropy, Error, PolicyNames, Timestamp};

use super::records::Records;
use super::transaction::{transact, transact_for};
use super::{Author, Directory, Written, given, keys};
use crate::subject::entity::Entity;
use crate::subject::id::EntityId;
use crate::subject::metadata::{Metadata, check_metadata};
use crate::subject::name::Name;

/// How many entities one transaction of [`Directory::delete_entities`] removes: so few that even
/// with all the groups they can have, they fit in a batch.
const ENTITIES_PER_DELETE: usize = 16;

/// What a write says about an entity. Absent fields stay as they are.
#[derive(Clone, Debug, Default)]
pub struct EntityChange {
    /// Which entity. Without it the name decides.
    pub id: Option<String>,
    /// Its name from now on. Without an id: the name of the entity to change or to make.
    pub name: Option<String>,
    /// All its policies.
    pub policies: Option<Vec<String>>,
    /// Whether its tokens are refused.
    pub disabled: Option<bool>,
    /// All its metadata.
    pub metadata: Option<Metadata>,
}

impl Directory {
    /// Changes an entity, or makes one.
    ///
    /// # Errors
    /// In Vault's words: an unknown id, a name that another entity has, policies that contain
    /// `root`, names and metadata over their limits; a write that would raise its [`Author`].
    pub async fn write_entity(
        &self,
        change: &EntityChange,
        now: Timestamp,
        entropy: &dyn Entropy,
        author: Author<'_>,
    ) -> Result<Written<Entity>, Error> {
        transact_for!(author, self, records => records.write_entity(change, now, entropy).await)
    }

    /// Deletes the entity with this id, its aliases and memberships, if there is one.
    ///
    /// # Errors
    /// The store's.
    pub async fn delete_entity(&self, id: &str) -> Result<(), Error> {
        transact!(self, records => match records.entity_with_id(id).await? {
            Some(entity) => records.remove_entity(entity).await,
            None => Ok(()),
        })
    }

    /// Deletes the entity with this name, its aliases and memberships, if there is one.
    ///
    /// # Errors
    /// The store's.
    pub async fn delete_entity_by_name(&self, name: &str) -> Result<(), Error> {
        let Some(name) = Name::find(name) else {
            return Ok(());
        };
        transact!(self, records => match records.entity_by_name(&name).await? {
            Some(entity) => records.remove_entity(entity).await,
            None => Ok(()),
        })
    }

    /// Deletes the entities with these ids, as far as they exist. Each is deleted wholly or not at
    /// all; after an error some may be.
    ///
    /// # Errors
    /// The store's.
    pub async fn delete_entities(&self, ids: &[String]) -> Result<(), Error> {
        for ids in ids.chunks(ENTITIES_PER_DELETE) {
            transact!(self, records => {
                for id in ids {
                    if let Some(entity) = records.entity_with_id(id).await? {
                        records.remove_entity(entity).await?;
                    }
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

impl Records<'_> {
    async fn write_entity(
        &mut self,
        change: &EntityChange,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Written<Entity>, Error> {
        let by_id = match given(&change.id) {
            Some(id) => Some(self.entity_with_id(id).await?.ok_or_else(|| {
                Error::invalid_because("entity_unknown", "entity not found from id")
            })?),
            None => None,
        };
        let name = match given(&change.name) {
            Some(name) => Some(Name::parse("entity name", name)?),
            None => None,
        };
        let by_name = match &name {
            Some(name) => self.entity_by_name(name).await?,
            None => None,
        };
        if let (Some(entity), Some(owner)) = (&by_id, &by_name)
            && entity.id != owner.id
        {
            return Err(Error::invalid_because(
                "name_taken",
                "entity name is already in use",
            ));
        }
        let found = by_id.or(by_name);
        let created = found.is_none();
        let mut entity = match (found, &name) {
            (Some(entity), _) => entity,
            (None, Some(name)) => {
                Entity::new(EntityId::generate(entropy), name.as_str().to_owned(), now)
            }
            (None, None) => self.new_entity(now, entropy).await?,
        };
        if let Some(name) = &name {
            self.name_entity(&mut entity, name)?;
        }
        apply(&mut entity, change)?;
        entity.last_update_time = now;
        self.put_entity(&entity)?;
        Ok(if created {
            Written::Created(entity)
        } else {
            Written::Updated
        })
    }

    /// The entity with the id that a client's text spells.
    pub(super) async fn entity_with_id(&mut self, id: &str) -> Result<Option<Entity>, Error> {
        match EntityId::parse(id) {
            Some(id) => self.entity(&id).await,
            None => Ok(None),
        }
    }

    /// Gives an entity a name that is free or its own. The caller stores the entity.
    fn name_entity(&mut self, entity: &mut Entity, name: &Name) -> Result<(), Error> {
        if let Some(old) = Name::find(&entity.name)
            && old != *name
        {
            self.delete(&keys::entity_name(&old));
        }
        name.as_str().clone_into(&mut entity.name);
        self.put(&keys::entity_name(name), &entity.id)
    }

    /// Removes an entity with everything that points to it.
    async fn remove_entity(&mut self, mut entity: Entity) -> Result<(), Error> {
        for alias in std::mem::take(&mut entity.aliases) {
            self.remove_alias_keys(&alias);
        }
        for old in &entity.merged_entity_ids {
            self.delete(&keys::entity_merged(old));
        }
        self.remove_bare_entity(entity).await
    }

    /// Removes an entity whose aliases are gone: its memberships, its name and itself.
    pub(super) async fn remove_bare_entity(&mut self, mut entity: Entity) -> Result<(), Error> {
        for group in entity.direct_group_ids.clone() {
            self.leave(&mut entity, &group).await?;
        }
        if let Some(name) = Name::find(&entity.name) {
            self.delete(&keys::entity_name(&name));
        }
        self.delete(&keys::entity(&entity.id));
        Ok(())
    }
}

fn apply(entity: &mut Entity, change: &EntityChange) -> Result<(), Error> {
    if let Some(policies) = &change.policies {
        entity.policies = PolicyNames::parse_without_root(policies)?;
    }
    if let Some(disabled) = change.disabled {
        entity.disabled = disabled;
    }
    if let Some(metadata) = &change.metadata {
        check_metadata("entity", metadata)?;
        entity.metadata.clone_from(metadata);
    }
    Ok(())
}
