//! Counts at their limit and one past it.

use std::collections::BTreeSet;

use super::{Fixture, mount, requested};
use crate::subject::directory::keys;
use crate::subject::directory::{AliasChange, Author, GroupChange, Merge, Query};
use crate::subject::entity::{
    ALIASES_PER_ENTITY_MAX, DIRECT_GROUPS_PER_ENTITY_MAX, Entity, MERGED_ENTITIES_MAX,
};
use crate::subject::group::{
    GROUP_NESTING_MAX, MEMBER_ENTITIES_PER_GROUP_MAX, MEMBER_GROUPS_PER_GROUP_MAX,
    PARENT_GROUPS_PER_GROUP_MAX,
};
use crate::subject::id::{EntityId, GroupId};

/// Edits an entity past all rules, to bring it near a limit.
async fn edit(fixture: &Fixture, id: &EntityId, change: impl FnOnce(&mut Entity)) {
    let mut transaction = fixture.view.begin();
    let key = keys::entity(id);
    let mut entity: Entity = transaction
        .read(&fixture.view, &key)
        .await
        .unwrap()
        .unwrap();
    change(&mut entity);
    transaction
        .put_record(&fixture.view, &key, &entity)
        .unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn aliases_of_an_entity() {
    let fixture = Fixture::new();
    let bob = fixture.entity("bob", &[]).await;
    for number in 0..ALIASES_PER_ENTITY_MAX {
        fixture
            .alias(&mount(number), "bob", Some(bob.id.as_str()))
            .await;
    }
    let change = AliasChange {
        name: Some("bob".to_owned()),
        mount: Some(requested(&mount(ALIASES_PER_ENTITY_MAX))),
        canonical_id: Some(bob.id.to_string()),
        ..AliasChange::default()
    };
    let error = fixture
        .directory
        .write_alias(&change, fixture.now, &fixture.entropy, Author::Trusted)
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "entity_aliases_too_many");
}

#[tokio::test]
async fn member_entities_of_a_group() {
    let fixture = Fixture::new();
    let ids: BTreeSet<EntityId> = (0..MEMBER_ENTITIES_PER_GROUP_MAX)
        .map(|_| EntityId::generate(&fixture.entropy))
        .collect();
    let group = fixture.external(&mount(1), "ops").await;
    let mut transaction = fixture.view.begin();
    let mut almost = ids.clone();
    almost.pop_last();
    let key = keys::group_members(&group.id);
    transaction
        .put_record(&fixture.view, &key, &almost)
        .unwrap();
    transaction.commit().await.unwrap();
    fixture
        .login(&mount(1), "the last", &["ops"])
        .await
        .unwrap();
    let error = fixture
        .login(&mount(1), "one too many", &["ops"])
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "group_members_too_many");
    let mut wanted: Vec<String> = ids.iter().map(ToString::to_string).collect();
    wanted.push(EntityId::generate(&fixture.entropy).to_string());
    let change = GroupChange {
        member_entity_ids: Some(wanted),
        ..GroupChange::default()
    };
    let error = fixture.group(change).await.unwrap_err();
    assert_eq!(error.reason(), "group_members_too_many");
}

#[tokio::test]
async fn groups_of_an_entity() {
    let fixture = Fixture::new();
    fixture.external(&mount(1), "ops").await;
    fixture.external(&mount(1), "dev").await;
    let id = fixture
        .login(&mount(1), "bob", &[])
        .await
        .unwrap()
        .entity_id;
    let mut groups = BTreeSet::new();
    for _ in 1..DIRECT_GROUPS_PER_ENTITY_MAX {
        groups.insert(fixture.group(GroupChange::default()).await.unwrap().id);
    }
    edit(&fixture, &id, |entity| entity.direct_group_ids = groups).await;
    fixture.login(&mount(1), "bob", &["ops"]).await.unwrap();
    let error = fixture
        .login(&mount(1), "bob", &["ops", "dev"])
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "entity_groups_too_many");
}

#[tokio::test]
async fn member_groups_and_parent_groups() {
    let fixture = Fixture::new();
    let mut ids = Vec::new();
    for _ in 0..=MEMBER_GROUPS_PER_GROUP_MAX {
        ids.push(
            fixture
                .group(GroupChange::default())
                .await
                .unwrap()
                .id
                .to_string(),
        );
    }
    let change = |ids: &[String]| GroupChange {
        member_group_ids: Some(ids.to_vec()),
        ..GroupChange::default()
    };
    fixture
        .group(change(&ids[..MEMBER_GROUPS_PER_GROUP_MAX]))
        .await
        .unwrap();
    let error = fixture.group(change(&ids)).await.unwrap_err();
    assert_eq!(error.reason(), "group_members_too_many");
    for _ in 1..PARENT_GROUPS_PER_GROUP_MAX {
        fixture.group(change(&ids[..1])).await.unwrap();
    }
    let error = fixture.group(change(&ids[..1])).await.unwrap_err();
    assert_eq!(error.reason(), "group_parents_too_many");
}

#[tokio::test]
async fn nesting_of_groups_from_above_and_from_below() {
    let fixture = Fixture::new();
    let around = async |member: &GroupId| {
        let member_group_ids = Some(vec![member.to_string()]);
        fixture
            .group(GroupChange {
                member_group_ids,
                ..GroupChange::default()
            })
            .await
    };
    let bottom = fixture.group(GroupChange::default()).await.unwrap();
    let mut top = bottom.clone();
    for _ in 1..GROUP_NESTING_MAX {
        top = around(&top.id).await.unwrap();
    }
    assert_eq!(
        around(&top.id).await.unwrap_err().reason(),
        "group_nesting_too_deep"
    );
    let leaf = fixture.group(GroupChange::default()).await.unwrap();
    let change = GroupChange {
        id: Some(bottom.id.to_string()),
        member_group_ids: Some(vec![leaf.id.to_string()]),
        ..GroupChange::default()
    };
    let error = fixture
        .directory
        .write_group(&change, fixture.now, &fixture.entropy, Author::Trusted)
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "group_nesting_too_deep");

    // The deepest entity has every group.
    let bob = fixture.entity("bob", &[]).await;
    let change = GroupChange {
        member_group_ids: None,
        member_entity_ids: Some(vec![bob.id.to_string()]),
        ..change
    };
    fixture
        .directory
        .write_group(&change, fixture.now, &fixture.entropy, Author::Trusted)
        .await
        .unwrap();
    let found = fixture
        .directory
        .find_entity(Query::Name("bob"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.groups().len(), GROUP_NESTING_MAX);
}

#[tokio::test]
async fn merged_entities() {
    let fixture = Fixture::new();
    let to = fixture.entity("to", &[]).await;
    let old: Vec<EntityId> = (1..MERGED_ENTITIES_MAX)
        .map(|_| EntityId::generate(&fixture.entropy))
        .collect();
    edit(&fixture, &to.id, |entity| entity.merged_entity_ids = old).await;
    let merge = async |name: &str| {
        let from = fixture.entity(name, &[]).await;
        let merge = Merge {
            from_entity_ids: vec![from.id.to_string()],
            to_entity_id: to.id.to_string(),
            ..Merge::default()
        };
        fixture
            .directory
            .merge_entities(&merge, fixture.now, Author::Trusted)
            .await
    };
    merge("the last").await.unwrap();
    let error = merge("one too many").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "at most 1000 entities can be merged into one"
    );
}
