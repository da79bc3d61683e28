//! Writing and deleting aliases of entities.
//!
//! An alias that leaves an entity, or the mount that it was of, takes along the memberships of
//! external groups that it was the proof of.

use vouchsafe_logical::{Entropy, Error, MountSummary, Timestamp};

use super::login::{known_accessor, new_alias};
use super::records::{Records, dangling};
use super::transaction::{transact, transact_for};
use super::{Author, Directory, RequestedMount, given, keys};
use crate::subject::alias::Alias;
use crate::subject::entity::{ALIASES_PER_ENTITY_MAX, Entity};
use crate::subject::id::{AliasId, EntityId, MountAccessor};
use crate::subject::metadata::{Metadata, check_custom_metadata};
use crate::subject::name::Name;

/// What a write says about an alias of an entity.
#[derive(Clone, Debug, Default)]
pub struct AliasChange {
    /// Which alias. Without it, mount and name decide.
    pub id: Option<String>,
    /// What the mount calls the entity.
    pub name: Option<String>,
    /// The mount.
    pub mount: Option<RequestedMount>,
    /// The entity that shall have it.
    pub canonical_id: Option<String>,
    /// All its custom metadata. Absent, it stays in a write by id and is cleared in one by mount
    /// and name.
    pub custom_metadata: Option<Metadata>,
}

/// Where a write left an alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedAlias {
    /// The alias.
    pub id: AliasId,
    /// Its entity.
    pub canonical_id: EntityId,
}

/// An alias as an update shall leave it.
struct Wanted<'a> {
    name: Name,
    /// Another mount than the alias is of.
    mount: Option<&'a MountSummary>,
    canonical_id: Option<&'a str>,
    custom_metadata: Metadata,
}

impl Directory {
    /// Changes an alias, or makes one (and an entity for it, where none is given). `None` where
    /// nothing was to be changed.
    ///
    /// # Errors
    /// In Vault's words: unknown ids and mounts, missing fields, a second alias of one entity on
    /// one mount, a name that the mount gives to another; metadata and counts over their limits; a
    /// write that would raise its [`Author`].
    pub async fn write_alias(
        &self,
        change: &AliasChange,
        now: Timestamp,
        entropy: &dyn Entropy,
        author: Author<'_>,
    ) -> Result<Option<PlacedAlias>, Error> {
        if let Some(metadata) = &change.custom_metadata {
            check_custom_metadata(metadata)?;
        }
        transact_for!(author, self, records => match given(&change.id) {
            Some(id) => records.update_alias_by_id(id, change, now).await,
            None => records.write_alias_by_factors(change, now, entropy).await,
        })
    }

    /// Deletes the alias with this id, if there is one. The entity stays.
    ///
    /// # Errors
    /// The store's.
    pub async fn delete_alias(&self, id: &str) -> Result<(), Error> {
        let Some(id) = AliasId::parse(id) else {
            return Ok(());
        };
        transact!(self, records => {
            let Some(mut entity) = records.entity_by_alias(&id).await? else {
                return Ok(());
            };
            let alias = take_alias(&mut entity, &id)?;
            records.remove_alias_keys(&alias);
            records
                .follow_mount(&mut entity, &alias.mount_accessor, &[])
                .await?;
            records.put_entity(&entity)
        })
    }
}

impl Records<'_> {
    async fn update_alias_by_id(
        &mut self,
        id: &str,
        change: &AliasChange,
        now: Timestamp,
    ) -> Result<Option<PlacedAlias>, Error> {
        let found = match AliasId::parse(id) {
            Some(id) => self.entity_by_alias(&id).await?.map(|entity| (id, entity)),
            None => None,
        };
        let (id, entity) = found
            .ok_or_else(|| Error::invalid_because("alias_unknown", "invalid alias ID provided"))?;
        let alias = entity
            .alias(&id)
            .ok_or_else(|| dangling("alias", id.as_str()))?;
        let mount = match &change.mount {
            Some(asked) if asked.accessor != alias.mount_accessor.as_str() => Some(asked.known()?),
            Some(_) | None => None,
        };
        let wanted = Wanted {
            name: Name::parse("alias name", given(&change.name).unwrap_or(&alias.name))?,
            mount,
            canonical_id: given(&change.canonical_id),
            custom_metadata: change
                .custom_metadata
                .as_ref()
                .unwrap_or(&alias.custom_metadata)
                .clone(),
        };
        self.update_alias(entity, &id, wanted, now).await
    }

    async fn write_alias_by_factors(
        &mut self,
        change: &AliasChange,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Option<PlacedAlias>, Error> {
        let (Some(name), Some(asked)) = (given(&change.name), &change.mount) else {
            return Err(Error::invalid_because(
                "field_missing",
                "'id' or 'mount_accessor' and 'name' must be provided",
            ));
        };
        let mount = asked.known()?;
        let accessor = known_accessor(mount)?;
        let name = Name::parse("alias name", name)?;
        let custom_metadata = change.custom_metadata.clone().unwrap_or_default();
        let canonical_id = given(&change.canonical_id);
        if let Some(entity) = self.entity_by_factors(&accessor, &name).await? {
            let alias = entity.alias_of_mount(&accessor);
            let id = alias
                .ok_or_else(|| dangling("alias of", name.as_str()))?
                .id
                .clone();
            let wanted = Wanted {
                name,
                mount: None,
                canonical_id,
                custom_metadata,
            };
            return self.update_alias(entity, &id, wanted, now).await;
        }
        let mut entity = match canonical_id {
            Some(id) => self
                .entity_with_id(id)
                .await?
                .ok_or_else(|| Error::invalid_because("entity_unknown", "invalid canonical ID"))?,
            None => self.new_entity(now, entropy).await?,
        };
        if entity.alias_of_mount(&accessor).is_some() {
            return Err(second_alias(
                "Alias already exists for requested entity and mount accessor",
            ));
        }
        let mut alias = new_alias(&name, accessor, mount, now, entropy);
        alias.custom_metadata = custom_metadata;
        let placed = PlacedAlias {
            id: alias.id.clone(),
            canonical_id: entity.id.clone(),
        };
        self.add_alias(&mut entity, alias, &name)?;
        self.put_entity(&entity)?;
        Ok(Some(placed))
    }

    async fn update_alias(
        &mut self,
        mut entity: Entity,
        id: &AliasId,
        wanted: Wanted<'_>,
        now: Timestamp,
    ) -> Result<Option<PlacedAlias>, Error> {
        let place = place_of(&entity, id)?;
        let old = entity.aliases[place].clone();
        let accessor = match wanted.mount {
            Some(mount) => known_accessor(mount)?,
            None => old.mount_accessor.clone(),
        };
        let moves = wanted.canonical_id.filter(|id| *id != entity.id.as_str());
        if moves.is_none()
            && wanted.mount.is_none()
            && wanted.name.as_str() == old.name
            && wanted.custom_metadata == old.custom_metadata
        {
            return Ok(None);
        }
        let heir = match moves {
            Some(id) => Some(self.heir_of_alias(id, &accessor).await?),
            None => None,
        };
        if heir.is_none() && wanted.mount.is_some() && entity.alias_of_mount(&accessor).is_some() {
            return Err(second_alias(
                "Alias cannot be updated as the entity already has an alias for the given 'mount_accessor' ",
            ));
        }
        self.check_factors_free(&old, &accessor, &wanted.name)
            .await?;

        let mut alias = old.clone();
        wanted.name.as_str().clone_into(&mut alias.name);
        alias.custom_metadata = wanted.custom_metadata;
        alias.last_update_time = now;
        if let Some(mount) = wanted.mount {
            alias.mount_accessor = accessor;
            alias.mount_type.clone_from(&mount.kind);
            alias.local = mount.local;
            // What one mount said about somebody is not what another says.
            alias.metadata.clear();
        }
        self.remove_alias_keys(&old);
        let canonical_id = match heir {
            Some(mut heir) => {
                entity.aliases.remove(place);
                self.follow_mount(&mut entity, &old.mount_accessor, &[])
                    .await?;
                self.add_alias(&mut heir, alias, &wanted.name)?;
                self.put_entity(&heir)?;
                heir.id
            }
            None => {
                if alias.mount_accessor != old.mount_accessor {
                    self.follow_mount(&mut entity, &old.mount_accessor, &[])
                        .await?;
                }
                self.put_alias_keys(&entity.id, &alias, &wanted.name)?;
                entity.aliases[place] = alias;
                entity.id.clone()
            }
        };
        self.put_entity(&entity)?;
        Ok(Some(PlacedAlias {
            id: id.clone(),
            canonical_id,
        }))
    }

    /// The entity to which an alias shall move, if it can have one of this mount.
    async fn heir_of_alias(&mut self, id: &str, mount: &MountAccessor) -> Result<Entity, Error> {
        let heir = self.entity_with_id(id).await?.ok_or_else(|| {
            Error::invalid_because(
                "entity_unknown",
                "given 'canonical_id' is not associated with an entity",
            )
        })?;
        if heir.alias_of_mount(mount).is_some() {
            return Err(second_alias(
                "Alias cannot be updated as the given entity already has an alias for this mount ",
            ));
        }
        Ok(heir)
    }

    /// Refuses a mount and name that another alias has.
    async fn check_factors_free(
        &mut self,
        old: &Alias,
        mount: &MountAccessor,
        name: &Name,
    ) -> Result<(), Error> {
        if old.mount_accessor == *mount && Name::find(&old.name).as_ref() == Some(name) {
            return Ok(());
        }
        if self.entity_by_factors(mount, name).await?.is_some() {
            return Err(Error::invalid_because(
                "alias_taken",
                "alias with combination of mount accessor and name already exists",
            ));
        }
        Ok(())
    }

    /// Gives an entity an alias with its indices. The caller has checked that mount and name are
    /// free and that the entity has no alias of the mount; it stores the entity.
    pub(super) fn add_alias(
        &mut self,
        entity: &mut Entity,
        alias: Alias,
        name: &Name,
    ) -> Result<(), Error> {
        if entity.aliases.len() == ALIASES_PER_ENTITY_MAX {
            return Err(Error::invalid_because(
                "entity_aliases_too_many",
                format!(
                    "entity `{}` has {ALIASES_PER_ENTITY_MAX} aliases; it can't have more",
                    entity.id.as_str()
                ),
            ));
        }
        self.put_alias_keys(&entity.id, &alias, name)?;
        entity.aliases.push(alias);
        Ok(())
    }

    /// Stores the indices of an alias.
    pub(super) fn put_alias_keys(
        &mut self,
        owner: &EntityId,
        alias: &Alias,
        name: &Name,
    ) -> Result<(), Error> {
        self.put(&keys::alias(&alias.id), owner)?;
        self.put(&keys::alias_factor(&alias.mount_accessor, name), owner)
    }

    /// Removes the indices of an alias.
    pub(super) fn remove_alias_keys(&mut self, alias: &Alias) {
        self.delete(&keys::alias(&alias.id));
        if let Some(name) = Name::find(&alias.name) {
            self.delete(&keys::alias_factor(&alias.mount_accessor, &name));
        }
    }
}

fn place_of(entity: &Entity, id: &AliasId) -> Result<usize, Error> {
    let place = entity.aliases.iter().position(|alias| alias.id == *id);
    place.ok_or_else(|| dangling("alias", id.as_str()))
}

fn take_alias(entity: &mut Entity, id: &AliasId) -> Result<Alias, Error> {
    let place = place_of(entity, id)?;
    Ok(entity.aliases.remove(place))
}

fn second_alias(message: &str) -> Error {
    Error::invalid_because("entity_alias_of_mount_exists", message)
}
