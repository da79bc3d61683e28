//! What a login and a renewal do to the directory.
//!
//! Both write into the caller's transaction, so that entity, alias, memberships and token come
//! into being together or not at all. The caller commits, and after a conflict (of the commit, or
//! [`super::is_conflict`] of an error of these functions) starts a new transaction.

use vouchsafe_logical::{
    AliasProposal, Entropy, EntropyExt, Error, MountSummary, PolicyNames, Timestamp, Transaction,
};

use super::reach::reach;
use super::records::{Records, dangling};
use super::resolve::united_policies;
use super::{Directory, GENERATED_NAMES_MAX, keys};
use crate::subject::alias::Alias;
use crate::subject::entity::Entity;
use crate::subject::id::{AliasId, EntityId, MountAccessor};
use crate::subject::metadata::{Metadata, check_login_metadata};
use crate::subject::name::Name;

/// The most groups that one login may name.
pub const GROUP_ALIASES_PER_LOGIN_MAX: usize = 1_000;
/// Whom a login turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachedLogin {
    /// The entity.
    pub entity_id: EntityId,
    /// Whether the login made it.
    pub entity_created: bool,
    /// Whether the entity is disabled: the caller refuses the login and commits nothing.
    pub disabled: bool,
    /// The policies of the entity and of all its groups. Empty where the entity is disabled.
    pub identity_policies: PolicyNames,
}

impl Directory {
    /// Finds or makes the entity of a login, and makes it a member of exactly those external
    /// groups of the mount that the login names.
    ///
    /// # Errors
    /// The store's, names and metadata over their limits, and conflicts.
    pub async fn attach_login(
        &self,
        transaction: &mut Transaction,
        mount: &MountSummary,
        proposal: &AliasProposal,
        group_aliases: &[String],
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<AttachedLogin, Error> {
        let mut records = self.records(transaction);
        records
            .attach(mount, proposal, group_aliases, now, entropy)
            .await
    }

    /// Makes the entity of a token that is renewed a member of exactly those external groups of
    /// the mount that the renewal names. `None` where there is no such entity.
    ///
    /// # Errors
    /// As [`Self::attach_login`].
    pub async fn attach_renewal(
        &self,
        transaction: &mut Transaction,
        mount: &MountSummary,
        entity_id: &str,
        group_aliases: &[String],
    ) -> Result<Option<AttachedLogin>, Error> {
        let accessor = known_accessor(mount)?;
        let mut records = self.records(transaction);
        let Some(id) = EntityId::parse(entity_id) else {
            return Ok(None);
        };
        let mut entity = records.entity(&id).await?;
        if entity.is_none()
            && let Some(heir) = records.read::<EntityId>(&keys::entity_merged(&id)).await?
        {
            entity = records.entity(&heir).await?;
        }
        let Some(mut entity) = entity else {
            return Ok(None);
        };
        if entity.disabled {
            return Ok(Some(AttachedLogin::disabled(entity)));
        }
        if entity.alias_of_mount(&accessor).is_some()
            && records
                .follow_named(&mut entity, &accessor, group_aliases)
                .await?
        {
            records.put_entity(&entity)?;
        }
        records.attached(entity, false).await.map(Some)
    }
}

impl AttachedLogin {
    fn disabled(entity: Entity) -> Self {
        Self {
            entity_id: entity.id,
            entity_created: false,
            disabled: true,
            identity_policies: PolicyNames::default(),
        }
    }
}

impl Records<'_> {
    /// See [`Directory::attach_login`].
    pub(super) async fn attach(
        &mut self,
        mount: &MountSummary,
        proposal: &AliasProposal,
        group_aliases: &[String],
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<AttachedLogin, Error> {
        let name = Name::parse("alias name", &proposal.name)?;
        let accessor = known_accessor(mount)?;
        check_login_metadata(&proposal.metadata)?;
        let found = self.entity_by_factors(&accessor, &name).await?;
        let entity_created = found.is_none();
        let (mut entity, changed) = match found {
            Some(entity) if entity.disabled => return Ok(AttachedLogin::disabled(entity)),
            Some(mut entity) => {
                let changed =
                    refresh_alias(&mut entity, &accessor, &name, &proposal.metadata, now)?;
                (entity, changed)
            }
            None => {
                let mut entity = self.new_entity(now, entropy).await?;
                let mut alias = new_alias(&name, accessor.clone(), mount, now, entropy);
                alias.metadata.clone_from(&proposal.metadata);
                self.add_alias(&mut entity, alias, &name)?;
                (entity, true)
            }
        };
        let moved = self
            .follow_named(&mut entity, &accessor, group_aliases)
            .await?;
        if changed || moved {
            self.put_entity(&entity)?;
        }
        self.attached(entity, entity_created).await
    }

    /// A new entity with a generated name, which is taken. The caller stores the entity. The name ends
    /// with its namespace, as OpenBao's does.
    pub(super) async fn new_entity(
        &mut self,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Entity, Error> {
        for _ in 0..GENERATED_NAMES_MAX {
            let name = Name::parse("entity name", &format!("entity_{}.root", entropy.hex(8)))?;
            let key = keys::entity_name(&name);
            if self.read::<EntityId>(&key).await?.is_none() {
                let id = EntityId::generate(entropy);
                self.put(&key, &id)?;
                return Ok(Entity::new(id, name.as_str().to_owned(), now));
            }
        }
        Err(Error::internal(
            "every generated entity name was taken: the entropy repeats itself",
        ))
    }

    async fn follow_named(
        &mut self,
        entity: &mut Entity,
        mount: &MountAccessor,
        names: &[String],
    ) -> Result<bool, Error> {
        if names.len() > GROUP_ALIASES_PER_LOGIN_MAX {
            return Err(Error::invalid_because(
                "login_groups_too_many",
                format!(
                    "the login names {} groups; at most {GROUP_ALIASES_PER_LOGIN_MAX} are allowed",
                    names.len()
                ),
            ));
        }
        self.follow_mount(entity, mount, names).await
    }

    async fn attached(
        &mut self,
        entity: Entity,
        entity_created: bool,
    ) -> Result<AttachedLogin, Error> {
        let reached = reach(
            &entity.direct_group_ids,
            |group| &group.parent_group_ids,
            self,
        )
        .await?;
        Ok(AttachedLogin {
            identity_policies: united_policies(&entity, reached.groups.iter()),
            entity_id: entity.id,
            entity_created,
            disabled: false,
        })
    }
}

/// Takes over the metadata of a login. Answers whether it differed.
fn refresh_alias(
    entity: &mut Entity,
    mount: &MountAccessor,
    name: &Name,
    metadata: &Metadata,
    now: Timestamp,
) -> Result<bool, Error> {
    let id = entity.id.clone();
    let alias = entity
        .aliases
        .iter_mut()
        .find(|alias| {
            alias.mount_accessor == *mount && Name::find(&alias.name).as_ref() == Some(name)
        })
        .ok_or_else(|| dangling("alias of this login in entity", id.as_str()))?;
    if alias.metadata == *metadata {
        return Ok(false);
    }
    alias.metadata.clone_from(metadata);
    alias.last_update_time = now;
    Ok(true)
}

/// A new alias without metadata.
pub(super) fn new_alias(
    name: &Name,
    accessor: MountAccessor,
    mount: &MountSummary,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Alias {
    Alias {
        id: AliasId::generate(entropy),
        name: name.as_str().to_owned(),
        mount_accessor: accessor,
        mount_type: mount.kind.clone(),
        local: mount.local,
        metadata: Metadata::new(),
        custom_metadata: Metadata::new(),
        merged_from_canonical_ids: Vec::new(),
        creation_time: now,
        last_update_time: now,
    }
}

/// The accessor of a mount that exists.
pub(super) fn known_accessor(mount: &MountSummary) -> Result<MountAccessor, Error> {
    MountAccessor::parse(&mount.accessor)
        .ok_or_else(|| Error::internal(format!("mount accessor {:?} is none", mount.accessor)))
}
