//! Random histories of operations keep the invariants, and every reader sees them at once.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use vouchsafe_logical::{Error, ErrorKind};

use super::invariants::Picture;
use super::{Fixture, mount, proposal, requested};
use crate::subject::directory::{
    AliasChange, Author, Directory, EntityChange, GroupAliasChange, GroupChange, Merge,
};
use crate::subject::id::EntityId;

/// An operation. Numbers choose among the objects that there are, or among a few names.
#[derive(Clone, Debug)]
pub(super) enum Op {
    WriteEntity {
        id: Option<usize>,
        name: Option<usize>,
        policy: Option<usize>,
        disabled: bool,
    },
    DeleteEntity {
        id: usize,
    },
    WriteAlias {
        id: Option<usize>,
        name: usize,
        mount: usize,
        entity: Option<usize>,
    },
    DeleteAlias {
        id: usize,
    },
    WriteGroup {
        id: Option<usize>,
        name: Option<usize>,
        external: bool,
        policy: usize,
        entities: Option<Vec<usize>>,
        groups: Option<Vec<usize>>,
    },
    DeleteGroup {
        id: usize,
    },
    WriteGroupAlias {
        id: Option<usize>,
        name: usize,
        mount: usize,
        group: Option<usize>,
    },
    DeleteGroupAlias {
        id: usize,
    },
    Login {
        name: usize,
        mount: usize,
        groups: Vec<usize>,
    },
    Renewal {
        entity: usize,
        mount: usize,
        groups: Vec<usize>,
    },
    Merge {
        from: Vec<usize>,
        to: usize,
        keep: Vec<usize>,
    },
}

const NAMES: [&str; 6] = ["a", "A", "b", "ä/%", "Ä/%", "c d"];

pub(super) fn operation() -> impl Strategy<Value = Op> {
    let some = || option::of(0..6_usize);
    let name = || 0..NAMES.len();
    let mount = || 0..3_usize;
    prop_oneof![
        3 => (some(), option::of(name()), some(), prop::bool::weighted(0.1)).prop_map(
            |(id, name, policy, disabled)| Op::WriteEntity { id, name, policy, disabled }),
        1 => (0..6_usize).prop_map(|id| Op::DeleteEntity { id }),
        3 => (some(), name(), mount(), some()).prop_map(
            |(id, name, mount, entity)| Op::WriteAlias { id, name, mount, entity }),
        1 => (0..6_usize).prop_map(|id| Op::DeleteAlias { id }),
        4 => (some(), option::of(name()), any::<bool>(), 0..6_usize,
              option::of(vec(0..6_usize, 0..4)), option::of(vec(0..6_usize, 0..3))).prop_map(
            |(id, name, external, policy, entities, groups)|
                Op::WriteGroup { id, name, external, policy, entities, groups }),
        1 => (0..6_usize).prop_map(|id| Op::DeleteGroup { id }),
        4 => (some(), name(), mount(), some()).prop_map(
            |(id, name, mount, group)| Op::WriteGroupAlias { id, name, mount, group }),
        1 => (0..6_usize).prop_map(|id| Op::DeleteGroupAlias { id }),
        5 => (name(), mount(), vec(name(), 0..4)).prop_map(
            |(name, mount, groups)| Op::Login { name, mount, groups }),
        2 => (0..6_usize, mount(), vec(name(), 0..4)).prop_map(
            |(entity, mount, groups)| Op::Renewal { entity, mount, groups }),
        2 => (vec(0..6_usize, 1..3), 0..6_usize, vec(0..6_usize, 0..2)).prop_map(
            |(from, to, keep)| Op::Merge { from, to, keep }),
    ]
}

/// The ids that there are, for operations to choose from.
struct Ids {
    entities: Vec<String>,
    aliases: Vec<String>,
    groups: Vec<String>,
    group_aliases: Vec<String>,
}

impl Ids {
    async fn read(directory: &Directory) -> Self {
        let entities = directory.entities().await.unwrap();
        let groups = directory.groups().await.unwrap();
        let aliases = entities.iter().flat_map(|entity| &entity.aliases);
        let group_aliases = groups.iter().filter_map(|group| group.alias.as_ref());
        Self {
            aliases: aliases.map(|alias| alias.id.to_string()).collect(),
            group_aliases: group_aliases.map(|alias| alias.id.to_string()).collect(),
            entities: entities
                .iter()
                .map(|entity| entity.id.to_string())
                .collect(),
            groups: groups.iter().map(|group| group.id.to_string()).collect(),
        }
    }
}

fn choose(ids: &[String], number: usize) -> String {
    ids.get(number)
        .cloned()
        .unwrap_or_else(|| "nobody".to_owned())
}

fn choose_all(ids: &[String], numbers: &[usize]) -> Vec<String> {
    numbers
        .iter()
        .filter_map(|number| ids.get(*number).cloned())
        .collect()
}

fn names(numbers: &[usize]) -> Vec<String> {
    numbers
        .iter()
        .map(|number| NAMES[*number].to_owned())
        .collect()
}

fn name(number: usize) -> Option<String> {
    Some(NAMES[number].to_owned())
}

pub(super) async fn apply(fixture: &Fixture, op: &Op, author: Author<'_>) -> Result<(), Error> {
    let Fixture {
        directory,
        view,
        entropy,
        now,
    } = fixture;
    let ids = Ids::read(directory).await;
    match op {
        Op::WriteEntity {
            id,
            name: new_name,
            policy,
            disabled,
        } => {
            let change = EntityChange {
                id: id.map(|id| choose(&ids.entities, id)),
                name: new_name.and_then(name),
                policies: policy.map(|policy| vec![format!("p{policy}")]),
                disabled: Some(*disabled),
                metadata: None,
            };
            directory
                .write_entity(&change, *now, entropy, author)
                .await
                .map(drop)
        }
        Op::DeleteEntity { id } => directory.delete_entity(&choose(&ids.entities, *id)).await,
        Op::WriteAlias {
            id,
            name: new_name,
            mount: number,
            entity,
        } => {
            let change = AliasChange {
                id: id.map(|id| choose(&ids.aliases, id)),
                name: name(*new_name),
                mount: Some(requested(&mount(*number))),
                canonical_id: entity.map(|entity| choose(&ids.entities, entity)),
                custom_metadata: None,
            };
            directory
                .write_alias(&change, *now, entropy, author)
                .await
                .map(drop)
        }
        Op::DeleteAlias { id } => directory.delete_alias(&choose(&ids.aliases, *id)).await,
        Op::WriteGroup {
            id,
            name: new_name,
            external,
            policy,
            entities,
            groups,
        } => {
            let change = GroupChange {
                id: id.map(|id| choose(&ids.groups, id)),
                name: new_name.and_then(name),
                kind: external.then(|| "external".to_owned()),
                metadata: None,
                policies: Some(vec![format!("g{policy}")]),
                member_entity_ids: entities
                    .as_ref()
                    .map(|numbers| choose_all(&ids.entities, numbers)),
                member_group_ids: groups
                    .as_ref()
                    .map(|numbers| choose_all(&ids.groups, numbers)),
            };
            directory
                .write_group(&change, *now, entropy, author)
                .await
                .map(drop)
        }
        Op::DeleteGroup { id } => directory.delete_group(&choose(&ids.groups, *id)).await,
        Op::WriteGroupAlias {
            id,
            name: new_name,
            mount: number,
            group,
        } => {
            let change = GroupAliasChange {
                id: id.map(|id| choose(&ids.group_aliases, id)),
                name: name(*new_name),
                mount: Some(requested(&mount(*number))),
                canonical_id: group.map(|group| choose(&ids.groups, group)),
            };
            directory
                .write_group_alias(&change, *now, entropy, author)
                .await
                .map(drop)
        }
        Op::DeleteGroupAlias { id } => {
            directory
                .delete_group_alias(&choose(&ids.group_aliases, *id), *now)
                .await
        }
        Op::Login {
            name,
            mount: number,
            groups,
        } => {
            let mut transaction = view.begin();
            let proposal = proposal(NAMES[*name], &[]);
            let (mount, groups) = (mount(*number), names(groups));
            directory
                .attach_login(&mut transaction, &mount, &proposal, &groups, *now, entropy)
                .await?;
            Ok(transaction.commit().await?)
        }
        Op::Renewal {
            entity,
            mount: number,
            groups,
        } => {
            let mut transaction = view.begin();
            let id = choose(&ids.entities, *entity);
            let (mount, groups) = (mount(*number), names(groups));
            directory
                .attach_renewal(&mut transaction, &mount, &id, &groups)
                .await?;
            Ok(transaction.commit().await?)
        }
        Op::Merge { from, to, keep } => {
            let merge = Merge {
                from_entity_ids: choose_all(&ids.entities, from),
                to_entity_id: choose(&ids.entities, *to),
                conflicting_alias_ids_to_keep: choose_all(&ids.aliases, keep),
            };
            directory
                .merge_entities(&merge, *now, author)
                .await
                .map(drop)
        }
    }
}

/// The policies of all entities.
async fn all_policies(fixture: &Fixture) -> BTreeMap<EntityId, BTreeSet<String>> {
    let picture = Picture::take(&fixture.view).await;
    let entities = picture.entities.iter();
    entities
        .map(|(id, entity)| (id.clone(), picture.policies(entity)))
        .collect()
}

async fn play(history: &[Op]) {
    let fixture = Fixture::new();
    // Another node: it never writes, and learns of writes from versions alone.
    let reader = Directory::new(fixture.view.clone());
    let mut before = BTreeMap::new();
    for op in history {
        if let Err(error) = apply(&fixture, op, Author::Trusted).await {
            assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{op:?}: {error:?}");
        }
        let picture = Picture::take(&fixture.view).await;
        picture.check();
        let after = all_policies(&fixture).await;
        for (id, entity) in &picture.entities {
            let subject = reader.subject(id.as_str()).await.unwrap().unwrap();
            assert_eq!(subject.entity(), entity);
            let policies = subject.policies().to_strings().into_iter().collect();
            assert_eq!(after[id], policies, "after {op:?}");
        }
        if matches!(op, Op::Login { .. } | Op::Renewal { .. }) {
            let other = before
                .iter()
                .filter(|(id, policies)| after.get(id) != Some(policies));
            assert!(other.count() <= 1, "{op:?} changed what others may do");
        }
        before = after;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn invariants_survive_any_history(history in vec(operation(), 1..50)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(play(&history));
    }
}
