//! Aliases: the names under which mounts know an entity or a group.

use serde::{Deserialize, Serialize};
use vouchsafe_logical::Timestamp;

use super::id::{AliasId, EntityId, GroupAliasId, MountAccessor};
use super::metadata::Metadata;
use super::stored_time;

/// An alias of an entity. It is stored inside its [`super::Entity`], whose id is Vault's
/// `canonical_id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// Its id.
    pub id: AliasId,
    /// The name that the mount gives; compared folded, see [`super::Name`].
    pub name: String,
    /// The mount.
    pub mount_accessor: MountAccessor,
    /// The mount's kind when the alias was made, such as `kubernetes`.
    pub mount_type: String,
    /// Whether the mount is local to one cluster of several.
    pub local: bool,
    /// What the auth method wrote at the last login.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// What an operator wrote.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub custom_metadata: Metadata,
    /// Entities that had the alias before they were merged into this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged_from_canonical_ids: Vec<EntityId>,
    /// When it was made.
    #[serde(with = "stored_time")]
    pub creation_time: Timestamp,
    /// When it was last changed.
    #[serde(with = "stored_time")]
    pub last_update_time: Timestamp,
}

/// The alias of an external group. It is stored inside its [`super::Group`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupAlias {
    /// Its id.
    pub id: GroupAliasId,
    /// The name that the mount gives; compared folded.
    pub name: String,
    /// The mount.
    pub mount_accessor: MountAccessor,
    /// When it was made.
    #[serde(with = "stored_time")]
    pub creation_time: Timestamp,
    /// When it was last changed.
    #[serde(with = "stored_time")]
    pub last_update_time: Timestamp,
}
