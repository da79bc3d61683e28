//! Subjects: current on each use, and cheap while nothing changes.

use std::sync::Arc;

use super::{Fixture, mount, strings};
use crate::subject::directory::{
    Author, Directory, EntityChange, GroupAliasChange, GroupChange, Merge, Merged, Query,
};

fn member(id: &str) -> Option<Vec<String>> {
    Some(vec![id.to_owned()])
}

#[tokio::test]
async fn membership_is_transitive_and_direct_groups_come_first() {
    let fixture = Fixture::new();
    let bob = fixture.entity("bob", &["own"]).await;
    let inner = fixture
        .group(GroupChange {
            policies: Some(strings(&["inner"])),
            member_entity_ids: member(bob.id.as_str()),
            ..GroupChange::default()
        })
        .await
        .unwrap();
    let outer = fixture
        .group(GroupChange {
            policies: Some(strings(&["outer"])),
            member_group_ids: member(inner.id.as_str()),
            ..GroupChange::default()
        })
        .await
        .unwrap();
    let subject = fixture
        .directory
        .subject(bob.id.as_str())
        .await
        .unwrap()
        .unwrap();
    let ids = |groups: &[Arc<crate::subject::Group>]| -> Vec<_> {
        groups.iter().map(|group| group.id.clone()).collect()
    };
    assert_eq!(ids(subject.groups()), [inner.id.clone(), outer.id.clone()]);
    assert_eq!(ids(subject.direct_groups()), [inner.id]);
    assert_eq!(ids(subject.inherited_groups()), [outer.id]);
    assert_eq!(subject.policies().to_strings(), ["inner", "outer", "own"]);
    let data = subject.template_data();
    assert_eq!(
        (data.name, data.groups.len(), data.policies.len()),
        ("bob", 2, 3)
    );
}

#[tokio::test]
async fn a_subject_is_the_same_until_a_record_of_it_changes() {
    let fixture = Fixture::new();
    // Another node writes; this one only reads.
    let reader = Directory::new(fixture.view.clone());
    let bob = fixture.entity("bob", &[]).await;
    let group = fixture
        .group(GroupChange {
            name: Some("g".to_owned()),
            member_entity_ids: member(bob.id.as_str()),
            ..GroupChange::default()
        })
        .await
        .unwrap();
    let id = bob.id.as_str();
    let first = reader.subject(id).await.unwrap().unwrap();
    assert!(Arc::ptr_eq(
        &first,
        &reader.subject(id).await.unwrap().unwrap()
    ));

    let change = GroupChange {
        id: Some(group.id.to_string()),
        policies: Some(strings(&["p"])),
        ..GroupChange::default()
    };
    fixture
        .directory
        .write_group(&change, fixture.now, &fixture.entropy, Author::Trusted)
        .await
        .unwrap();
    let second = reader.subject(id).await.unwrap().unwrap();
    assert_ne!(first.stamp(), second.stamp());
    assert_eq!(second.policies().to_strings(), ["p"]);

    // A group that it gains above its own is a change of its own group.
    let change = GroupChange {
        member_group_ids: member(group.id.as_str()),
        ..change
    };
    let outer = GroupChange {
        id: None,
        policies: Some(strings(&["q"])),
        ..change
    };
    fixture.group(outer).await.unwrap();
    let third = reader.subject(id).await.unwrap().unwrap();
    assert_ne!(second.stamp(), third.stamp());
    assert_eq!(third.policies().to_strings(), ["p", "q"]);

    // Somebody else who joins is none.
    let login = fixture.external(&mount(1), "ops").await;
    assert_eq!(
        reader.subject(id).await.unwrap().unwrap().stamp(),
        third.stamp(),
        "{}",
        login.id
    );

    fixture.directory.delete_group_by_name("G").await.unwrap();
    assert!(
        reader
            .subject(id)
            .await
            .unwrap()
            .unwrap()
            .policies()
            .is_empty()
    );
    fixture.directory.delete_entity(id).await.unwrap();
    assert!(reader.subject(id).await.unwrap().is_none());
}

#[tokio::test]
async fn a_member_that_joins_by_login_does_not_disturb_the_others() {
    let fixture = Fixture::new();
    fixture.external(&mount(1), "ops").await;
    let first = fixture.login(&mount(1), "a", &["ops"]).await.unwrap();
    let before = fixture
        .directory
        .subject(first.entity_id.as_str())
        .await
        .unwrap()
        .unwrap();
    fixture.login(&mount(1), "b", &["ops"]).await.unwrap();
    let after = fixture
        .directory
        .subject(first.entity_id.as_str())
        .await
        .unwrap()
        .unwrap();
    assert!(Arc::ptr_eq(&before, &after));
}

#[tokio::test]
async fn text_that_is_no_id_finds_nobody() {
    let fixture = Fixture::new();
    for text in ["", "nope", "../entity", &"a".repeat(5_000)] {
        assert!(fixture.directory.subject(text).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn the_id_of_a_merged_entity_leads_to_the_one_that_stays() {
    let fixture = Fixture::new();
    let (a, b, c) = (
        fixture.entity("a", &["pa"]).await,
        fixture.entity("b", &["pb"]).await,
        fixture.entity("c", &["pc"]).await,
    );
    let merge = async |from: &str, to: &str| {
        let merge = Merge {
            from_entity_ids: vec![from.to_owned()],
            to_entity_id: to.to_owned(),
            ..Merge::default()
        };
        let merged = fixture
            .directory
            .merge_entities(&merge, fixture.now, Author::Trusted)
            .await
            .unwrap();
        assert_eq!(merged, Merged::Done);
    };
    merge(a.id.as_str(), b.id.as_str()).await;
    merge(b.id.as_str(), c.id.as_str()).await;
    for id in [&a.id, &b.id, &c.id] {
        let subject = fixture
            .directory
            .subject(id.as_str())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(subject.entity().id, c.id);
        assert_eq!(subject.policies().to_strings(), ["pa", "pb", "pc"]);
    }
    // For administration it is gone.
    assert!(
        fixture
            .directory
            .find_entity(Query::Id(a.id.as_str()))
            .await
            .unwrap()
            .is_none()
    );
    fixture
        .directory
        .delete_entity(c.id.as_str())
        .await
        .unwrap();
    assert!(
        fixture
            .directory
            .subject(a.id.as_str())
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(
        fixture.view.list_all("").await.unwrap(),
        Vec::<String>::new()
    );
}

/// The alias is the proof of the membership: without it, or with another meaning, there is none.
#[tokio::test]
async fn an_external_group_loses_whom_nothing_proves_any_more() {
    let fixture = Fixture::new();
    let group = fixture.external(&mount(1), "ops").await;
    let group_alias = |change: GroupAliasChange| GroupAliasChange {
        canonical_id: Some(group.id.to_string()),
        ..change
    };
    let login = fixture.login(&mount(1), "bob", &["ops"]).await.unwrap();
    let id = login.entity_id.as_str();
    let alias = fixture
        .directory
        .subject(id)
        .await
        .unwrap()
        .unwrap()
        .entity()
        .aliases[0]
        .id
        .clone();

    // Only the case of the name changes: the same proof.
    let recased = group_alias(GroupAliasChange {
        name: Some("OPS".to_owned()),
        mount: Some(super::requested(&mount(1))),
        id: Some(current_alias(&fixture, group.id.as_str()).await),
        ..GroupAliasChange::default()
    });
    fixture
        .directory
        .write_group_alias(&recased, fixture.now, &fixture.entropy, Author::Trusted)
        .await
        .unwrap();
    assert_eq!(fixture.policies(id).await, ["p-ops"]);

    // The group comes to mean another group of the mount.
    let renamed = GroupAliasChange {
        name: Some("dev".to_owned()),
        ..recased.clone()
    };
    fixture
        .directory
        .write_group_alias(&renamed, fixture.now, &fixture.entropy, Author::Trusted)
        .await
        .unwrap();
    assert!(fixture.policies(id).await.is_empty());
    fixture.login(&mount(1), "bob", &["dev"]).await.unwrap();
    assert_eq!(fixture.policies(id).await, ["p-ops"]);

    // The mount does not know the entity any more.
    fixture
        .directory
        .delete_alias(alias.as_str())
        .await
        .unwrap();
    assert!(fixture.policies(id).await.is_empty());

    // The group has no alias any more.
    let login = fixture.login(&mount(1), "bob", &["dev"]).await.unwrap();
    let alias = current_alias(&fixture, group.id.as_str()).await;
    fixture
        .directory
        .delete_group_alias(&alias, fixture.now)
        .await
        .unwrap();
    assert!(fixture.policies(login.entity_id.as_str()).await.is_empty());
}

async fn current_alias(fixture: &Fixture, group: &str) -> String {
    let found = fixture
        .directory
        .find_group(Query::Id(group))
        .await
        .unwrap();
    found.unwrap().0.alias.unwrap().id.to_string()
}

#[tokio::test]
async fn no_spelling_of_root_gets_into_an_entity_or_a_group() {
    let fixture = Fixture::new();
    for spelling in ["root", "Root", " root", "ROOT\t", "a,root", "\u{a0}root"] {
        let policies: Vec<String> = spelling.split(',').map(str::to_owned).collect();
        let entity = EntityChange {
            policies: Some(policies.clone()),
            ..EntityChange::default()
        };
        let written = fixture
            .directory
            .write_entity(&entity, fixture.now, &fixture.entropy, Author::Trusted)
            .await;
        assert_eq!(
            written.unwrap_err().to_string(),
            "policies cannot contain root"
        );
        let group = GroupChange {
            policies: Some(policies),
            ..GroupChange::default()
        };
        let written = fixture
            .directory
            .write_group(&group, fixture.now, &fixture.entropy, Author::Trusted)
            .await;
        assert_eq!(
            written.unwrap_err().to_string(),
            "policies cannot contain root"
        );
    }
    assert_eq!(
        fixture.view.list_all("").await.unwrap(),
        Vec::<String>::new()
    );
}
