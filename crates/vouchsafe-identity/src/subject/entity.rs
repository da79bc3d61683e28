//! Entities: one person or workload, whatever it logs in with.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use vouchsafe_logical::{PolicyNames, Timestamp};

use super::alias::Alias;
use super::id::{AliasId, EntityId, GroupId, MountAccessor};
use super::metadata::Metadata;
use super::stored_time;

/// The most aliases of one entity, and so the most mounts that know it.
pub const ALIASES_PER_ENTITY_MAX: usize = 256;
/// The most groups that an entity is a direct member of.
pub const DIRECT_GROUPS_PER_ENTITY_MAX: usize = 1_000;
/// The most entities that one entity remembers to have taken in.
pub const MERGED_ENTITIES_MAX: usize = 1_000;

/// An entity with its aliases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entity {
    /// Its id: `sub` of identity tokens.
    pub id: EntityId,
    /// Its name; compared folded, see [`super::Name`].
    pub name: String,
    /// What an operator wrote about it.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// Policies that its tokens get besides their own; never `root`.
    #[serde(default, skip_serializing_if = "PolicyNames::is_empty")]
    pub policies: PolicyNames,
    /// Whether its tokens are refused.
    #[serde(default)]
    pub disabled: bool,
    /// Its aliases, oldest first, at most one of a mount.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<Alias>,
    /// The groups that list it as a member.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub direct_group_ids: BTreeSet<GroupId>,
    /// The entities that were merged into it. Tokens that were made for them act for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged_entity_ids: Vec<EntityId>,
    /// When it was made.
    #[serde(with = "stored_time")]
    pub creation_time: Timestamp,
    /// When it was last changed; a change of aliases or groups does not count.
    #[serde(with = "stored_time")]
    pub last_update_time: Timestamp,
}

impl Entity {
    /// An entity without anything but a name.
    #[must_use]
    pub fn new(id: EntityId, name: String, now: Timestamp) -> Self {
        Self {
            id,
            name,
            metadata: Metadata::new(),
            policies: PolicyNames::default(),
            disabled: false,
            aliases: Vec::new(),
            direct_group_ids: BTreeSet::new(),
            merged_entity_ids: Vec::new(),
            creation_time: now,
            last_update_time: now,
        }
    }

    /// Its alias with this id.
    #[must_use]
    pub fn alias(&self, id: &AliasId) -> Option<&Alias> {
        self.aliases.iter().find(|alias| alias.id == *id)
    }

    /// Its alias of this mount.
    #[must_use]
    pub fn alias_of_mount(&self, mount: &MountAccessor) -> Option<&Alias> {
        self.aliases
            .iter()
            .find(|alias| alias.mount_accessor == *mount)
    }
}
