//! Where the directory's records stand.
//!
//! ```text
//! entity/<id>                             Entity, its aliases inside
//! entity-name/<name>                      id of the entity
//! entity-merged/<old id>                  id of the entity that took it in
//! alias/<id>                              id of the entity
//! alias-factor/<accessor>/<name>          id of the entity
//! group/<id>                              Group, its alias inside
//! group-members/<id>                      ids of the member entities; absent if there are none
//! group-name/<name>                       id of the group
//! group-alias/<id>                        id of the group
//! group-alias-factor/<accessor>/<name>    id of the group
//! ```
//!
//! `<name>` is [`Name::key`]: folded and escaped.

use crate::subject::id::{AliasId, EntityId, GroupAliasId, GroupId, MountAccessor};
use crate::subject::name::Name;

pub(super) const ENTITIES: &str = "entity/";
pub(super) const ALIASES: &str = "alias/";
pub(super) const GROUPS: &str = "group/";
pub(super) const GROUP_ALIASES: &str = "group-alias/";

pub(super) fn entity(id: &EntityId) -> String {
    format!("{ENTITIES}{id}")
}

pub(super) fn entity_name(name: &Name) -> String {
    format!("entity-name/{}", name.key())
}

pub(super) fn entity_merged(id: &EntityId) -> String {
    format!("entity-merged/{id}")
}

pub(super) fn alias(id: &AliasId) -> String {
    format!("{ALIASES}{id}")
}

pub(super) fn alias_factor(mount: &MountAccessor, name: &Name) -> String {
    format!("alias-factor/{mount}/{}", name.key())
}

pub(super) fn group(id: &GroupId) -> String {
    format!("{GROUPS}{id}")
}

pub(super) fn group_members(id: &GroupId) -> String {
    format!("group-members/{id}")
}

pub(super) fn group_name(name: &Name) -> String {
    format!("group-name/{}", name.key())
}

pub(super) fn group_alias(id: &GroupAliasId) -> String {
    format!("{GROUP_ALIASES}{id}")
}

pub(super) fn group_alias_factor(mount: &MountAccessor, name: &Name) -> String {
    format!("group-alias-factor/{mount}/{}", name.key())
}
