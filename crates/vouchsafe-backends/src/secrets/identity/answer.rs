//! How entities, groups and aliases look in answers.
//!
//! Members are in alphabetical order, as in Vault's answers. Metadata and lists of ids that are
//! empty are `null` where Vault's are `null` until they are set. What is known of a mount by
//! its accessor is asked when the answer is made, and left out once the mount is gone.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use vouchsafe_identity::subject::{
    Alias, EntityId, Group, GroupAlias, Metadata, MountAccessor, Subject,
};
use vouchsafe_logical::{Data, Error, Reply, Response, System, rfc3339};

/// The id of the only namespace there is.
const NAMESPACE_ID: &str = "root";

/// An entity with its aliases and the ids of its groups.
pub(super) fn entity(subject: &Subject, system: &dyn System) -> Result<Reply, Error> {
    let entity = subject.entity();
    let aliases: Vec<Value> = entity
        .aliases
        .iter()
        .map(|held| alias(&entity.id, held, system))
        .collect();
    let ids = |groups: &[std::sync::Arc<Group>]| -> Value {
        groups.iter().map(|group| group.id.as_str()).collect()
    };
    object(json!({
        "aliases": aliases,
        "creation_time": rfc3339(entity.creation_time),
        "direct_group_ids": ids(subject.direct_groups()),
        "disabled": entity.disabled,
        "group_ids": ids(subject.groups()),
        "id": entity.id,
        "inherited_group_ids": ids(subject.inherited_groups()),
        "last_update_time": rfc3339(entity.last_update_time),
        "merged_entity_ids": or_null(entity.merged_entity_ids.iter()),
        "metadata": metadata(&entity.metadata),
        "name": entity.name,
        "namespace_id": NAMESPACE_ID,
        "policies": entity.policies,
    }))
}

/// An alias of an entity as a member of the entity's answer.
fn alias(owner: &EntityId, alias: &Alias, system: &dyn System) -> Value {
    let mut value = json!({
        "canonical_id": owner,
        "creation_time": rfc3339(alias.creation_time),
        "custom_metadata": metadata(&alias.custom_metadata),
        "id": alias.id,
        "last_update_time": rfc3339(alias.last_update_time),
        "local": alias.local,
        "merged_from_canonical_ids": or_null(alias.merged_from_canonical_ids.iter()),
        "metadata": metadata(&alias.metadata),
        "mount_accessor": alias.mount_accessor,
        "name": alias.name,
    });
    add_mount(&mut value, &alias.mount_accessor, system);
    value
}

/// An alias of an entity as an answer of its own.
pub(super) fn alias_alone(
    owner: &EntityId,
    held: &Alias,
    system: &dyn System,
) -> Result<Reply, Error> {
    let mut value = alias(owner, held, system);
    value["namespace_id"] = NAMESPACE_ID.into();
    object(value)
}

/// An alias of an entity in the listing of all aliases.
pub(super) fn listed_alias(owner: &EntityId, alias: &Alias, system: &dyn System) -> Value {
    let mut value = json!({
        "canonical_id": owner,
        "custom_metadata": metadata(&alias.custom_metadata),
        "local": alias.local,
        "metadata": metadata(&alias.metadata),
        "mount_accessor": alias.mount_accessor,
        "name": alias.name,
    });
    add_mount(&mut value, &alias.mount_accessor, system);
    value
}

/// An alias in the listing of entities or groups.
pub(super) fn short_alias(
    id: &str,
    name: &str,
    mount: &MountAccessor,
    system: &dyn System,
) -> Value {
    let mut value = json!({ "id": id, "mount_accessor": mount, "name": name });
    add_mount(&mut value, mount, system);
    value
}

/// A group with its alias and the ids of its members.
pub(super) fn group(
    group: &Group,
    members: &BTreeSet<EntityId>,
    system: &dyn System,
) -> Result<Reply, Error> {
    let alias = group
        .alias
        .as_ref()
        .map_or_else(|| json!({}), |held| group_alias(group, held, system));
    object(json!({
        "alias": alias,
        "creation_time": rfc3339(group.creation_time),
        "id": group.id,
        "last_update_time": rfc3339(group.last_update_time),
        "member_entity_ids": or_null(members.iter()),
        "member_group_ids": or_null(group.member_group_ids.iter()),
        "metadata": metadata(&group.metadata),
        "modify_index": group.modify_index,
        "name": group.name,
        "namespace_id": NAMESPACE_ID,
        "parent_group_ids": or_null(group.parent_group_ids.iter()),
        "policies": or_null(group.policies.iter()),
        "type": group.kind,
    }))
}

/// The alias of a group as a member of the group's answer.
fn group_alias(group: &Group, alias: &GroupAlias, system: &dyn System) -> Value {
    let mut value = json!({
        "canonical_id": group.id,
        "creation_time": rfc3339(alias.creation_time),
        "id": alias.id,
        "last_update_time": rfc3339(alias.last_update_time),
        "merged_from_canonical_ids": null,
        "metadata": null,
        "mount_accessor": alias.mount_accessor,
        "name": alias.name,
    });
    add_mount(&mut value, &alias.mount_accessor, system);
    value
}

/// The alias of a group as an answer of its own.
pub(super) fn group_alias_alone(
    group: &Group,
    alias: &GroupAlias,
    system: &dyn System,
) -> Result<Reply, Error> {
    let mut value = group_alias(group, alias, system);
    value["custom_metadata"] = Value::Null;
    value["local"] = false.into();
    value["namespace_id"] = NAMESPACE_ID.into();
    object(value)
}

/// The alias of a group in the listing of all such aliases.
pub(super) fn listed_group_alias(group: &Group, alias: &GroupAlias, system: &dyn System) -> Value {
    let mut value = json!({
        "canonical_id": group.id,
        "custom_metadata": null,
        "local": false,
        "metadata": null,
        "mount_accessor": alias.mount_accessor,
        "name": alias.name,
    });
    add_mount(&mut value, &alias.mount_accessor, system);
    value
}

/// The ids of an alias and of what it is an alias of: what a write of an alias answers.
pub(super) fn placed(id: &str, canonical_id: &str) -> Result<Reply, Error> {
    object(json!({ "canonical_id": canonical_id, "id": id }))
}

/// A JSON object in the envelope.
pub(super) fn object(value: Value) -> Result<Reply, Error> {
    match value {
        Value::Object(data) => Ok(Reply {
            response: Response::Data(data),
            ..Reply::default()
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(Error::internal("an answer is not a JSON object"))
        }
    }
}

/// A listing by id: `keys` and what `info` says of each.
pub(super) fn listing(entries: Vec<(String, Value)>) -> Result<Reply, Error> {
    let keys = entries.iter().map(|(id, _)| id.clone()).collect();
    let info: Data = entries.into_iter().collect();
    Reply::keys_with_info(keys, info)
}

fn add_mount(value: &mut Value, accessor: &MountAccessor, system: &dyn System) {
    if let Some(mount) = system.mount_by_accessor(accessor.as_str()) {
        value["mount_path"] = mount.path.into();
        value["mount_type"] = mount.kind.into();
    }
}

fn metadata(pairs: &Metadata) -> Value {
    if pairs.is_empty() {
        Value::Null
    } else {
        json!(pairs)
    }
}

fn or_null<T: serde::Serialize>(items: impl Iterator<Item = T>) -> Value {
    let items: Vec<T> = items.collect();
    if items.is_empty() {
        Value::Null
    } else {
        json!(items)
    }
}
