//! What must hold of the stored records after any history.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use vouchsafe_logical::View;

use crate::subject::directory::keys;
use crate::subject::entity::Entity;
use crate::subject::group::{Group, GroupKind};
use crate::subject::id::{EntityId, GroupId};
use crate::subject::name::Name;

/// All records, read without the directory.
pub(super) struct Picture {
    pub(super) entities: BTreeMap<EntityId, Entity>,
    pub(super) groups: BTreeMap<GroupId, Group>,
    pub(super) members: BTreeMap<GroupId, BTreeSet<EntityId>>,
    /// Keys that no record accounts for yet, with what they point to.
    pointers: BTreeMap<String, String>,
}

impl Picture {
    pub(super) async fn take(view: &View) -> Self {
        let mut picture = Self {
            entities: BTreeMap::new(),
            groups: BTreeMap::new(),
            members: BTreeMap::new(),
            pointers: BTreeMap::new(),
        };
        for key in view.list_all("").await.unwrap() {
            let (kind, id) = key.split_once('/').unwrap();
            match kind {
                "entity" => {
                    let entity: Entity = read(view, &key).await;
                    assert_eq!(entity.id.as_str(), id);
                    picture.entities.insert(entity.id.clone(), entity);
                }
                "group" => {
                    let group: Group = read(view, &key).await;
                    assert_eq!(group.id.as_str(), id);
                    picture.groups.insert(group.id.clone(), group);
                }
                "group-members" => {
                    let members = read(view, &key).await;
                    picture.members.insert(GroupId::parse(id).unwrap(), members);
                }
                _ => {
                    let target = read(view, &key).await;
                    picture.pointers.insert(key, target);
                }
            }
        }
        picture
    }

    /// Checks everything.
    pub(super) fn check(&self) {
        self.check_pointers();
        for (id, members) in &self.members {
            assert!(
                self.groups.contains_key(id),
                "members of a group that is not there"
            );
            assert!(!members.is_empty());
            for member in members {
                assert!(self.entities[member].direct_group_ids.contains(id));
            }
        }
        for entity in self.entities.values() {
            self.check_entity(entity);
        }
        for group in self.groups.values() {
            self.check_group(group);
        }
    }

    /// Every index points to its record, and there is no index without one.
    fn check_pointers(&self) {
        let mut expected: BTreeMap<String, String> = BTreeMap::new();
        let mut expect = |key: String, target: &str| {
            assert_eq!(
                expected.insert(key.clone(), target.to_owned()),
                None,
                "two own {key}"
            );
        };
        for entity in self.entities.values() {
            let id = entity.id.as_str();
            expect(keys::entity_name(&name(&entity.name)), id);
            for old in &entity.merged_entity_ids {
                expect(keys::entity_merged(old), id);
            }
            for alias in &entity.aliases {
                expect(keys::alias(&alias.id), id);
                expect(
                    keys::alias_factor(&alias.mount_accessor, &name(&alias.name)),
                    id,
                );
            }
        }
        for group in self.groups.values() {
            let id = group.id.as_str();
            expect(keys::group_name(&name(&group.name)), id);
            if let Some(alias) = &group.alias {
                expect(keys::group_alias(&alias.id), id);
                expect(
                    keys::group_alias_factor(&alias.mount_accessor, &name(&alias.name)),
                    id,
                );
            }
        }
        assert_eq!(self.pointers, expected);
    }

    fn check_entity(&self, entity: &Entity) {
        let mounts: BTreeSet<_> = entity
            .aliases
            .iter()
            .map(|alias| &alias.mount_accessor)
            .collect();
        assert_eq!(
            mounts.len(),
            entity.aliases.len(),
            "two aliases of one mount"
        );
        assert!(!entity.policies.contains_root());
        for id in &entity.direct_group_ids {
            let group = &self.groups[id];
            assert!(
                self.members[id].contains(&entity.id),
                "membership on one side only"
            );
            if group.kind == GroupKind::External {
                let mount = &group
                    .alias
                    .as_ref()
                    .expect("members of a group nobody names")
                    .mount_accessor;
                assert!(mounts.contains(mount), "a membership without proof");
            }
        }
    }

    fn check_group(&self, group: &Group) {
        assert!(!group.policies.contains_root());
        assert!(group.modify_index > 0);
        assert!(group.kind == GroupKind::External || group.alias.is_none());
        assert!(group.kind == GroupKind::Internal || group.member_group_ids.is_empty());
        for member in &group.member_group_ids {
            assert!(self.groups[member].parent_group_ids.contains(&group.id));
        }
        for parent in &group.parent_group_ids {
            assert!(self.groups[parent].member_group_ids.contains(&group.id));
        }
        assert!(
            !self.above(&group.parent_group_ids).contains(&group.id),
            "a cycle"
        );
    }

    /// Groups and what they are in, the naive way.
    fn above(&self, start: &BTreeSet<GroupId>) -> BTreeSet<GroupId> {
        let mut all = start.clone();
        loop {
            let more: BTreeSet<GroupId> = all
                .iter()
                .flat_map(|id| self.groups[id].parent_group_ids.iter().cloned())
                .collect();
            let before = all.len();
            all.extend(more);
            if all.len() == before {
                return all;
            }
        }
    }

    /// The policies of an entity, the naive way.
    pub(super) fn policies(&self, entity: &Entity) -> BTreeSet<String> {
        let groups = self.above(&entity.direct_group_ids);
        let inherited = groups
            .iter()
            .flat_map(|id| self.groups[id].policies.to_strings());
        entity
            .policies
            .to_strings()
            .into_iter()
            .chain(inherited)
            .collect()
    }
}

fn name(text: &str) -> Name {
    Name::parse("name", text).unwrap()
}

async fn read<T: DeserializeOwned>(view: &View, key: &str) -> T {
    view.read(key).await.unwrap().unwrap()
}
