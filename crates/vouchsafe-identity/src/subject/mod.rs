//! Subjects: who a token is for, and which groups and policies that brings.
//!
//! An [`Entity`] is one person or workload. An [`Alias`] is the name under which one mount knows
//! it. A [`Group`] holds entities and other groups. The [`Directory`] keeps all of them in a slice
//! of storage, answers what a request needs ([`Directory::subject`]) and what a login needs
//! ([`Directory::attach_login`]). It asks nobody for time, randomness or mounts: they are
//! arguments.
//!
//! Behaviour is that of Vault's identity secrets engine. Invariants, on which callers may rely:
//! - (mount accessor, folded name) belongs to one alias; an entity has one alias of a mount.
//! - Membership is symmetric: a group lists an entity exactly if the entity lists the group.
//!   The same holds between a group and its member groups, which form no cycle.
//! - An entity is in an external group only while it has an alias of the mount to which the
//!   group's alias belongs: the alias is the proof of the membership.
//! - No policy list of an entity or a group has `root` in it, in any spelling.

pub mod alias;
pub mod directory;
pub mod entity;
pub mod group;
pub mod id;
pub mod metadata;
pub mod name;
mod stored_time;

pub use alias::{Alias, GroupAlias};
pub use directory::{AttachedLogin, Directory, Subject};
pub use entity::Entity;
pub use group::{Group, GroupKind};
pub use id::{AliasId, EntityId, GroupAliasId, GroupId, MountAccessor};
pub use metadata::Metadata;
pub use name::Name;
