//! Entities that are foreseen: nothing of them is there until they are stored, and then as foreseen.

use std::sync::Arc;

use crate::subject::Subject;
use crate::subject::directory::{Author, Merge, keys};

use super::{Fixture, mount, proposal};

async fn foreseen(fixture: &Fixture, name: &str) -> Option<Arc<Subject>> {
    let (proposal, now) = (proposal(name, &[]), fixture.now);
    let foreseen = fixture
        .directory
        .foresee_login(&mount(1), &proposal, &[], now, &fixture.entropy)
        .await
        .unwrap();
    (!foreseen.is_stored()).then_some(foreseen)
}

#[tokio::test]
async fn what_is_foreseen_is_not_there_and_then_is_as_foreseen() {
    let fixture = Fixture::new();
    let subject = foreseen(&fixture, "bob").await.unwrap();
    assert!(!subject.is_stored());
    assert_eq!(
        fixture.view.list_all("").await.unwrap(),
        Vec::<String>::new()
    );
    let id = subject.entity().id.as_str();
    assert!(fixture.directory.subject(id).await.unwrap().is_none());
    for _ in 0..2 {
        assert!(fixture.directory.store_foreseen(&subject).await.unwrap());
    }
    let stored = fixture.directory.subject(id).await.unwrap().unwrap();
    assert!(stored.is_stored());
    assert_eq!(stored.entity(), subject.entity());
    assert_ne!(stored.stamp(), subject.stamp());
    // It is the one that a login finds, too, and all of it goes with it.
    assert!(foreseen(&fixture, "BOB").await.is_none());
    let login = fixture.login(&mount(1), "bob", &[]).await.unwrap();
    assert_eq!(login.entity_id, subject.entity().id);
    fixture.directory.delete_entity(id).await.unwrap();
    assert_eq!(
        fixture.view.list_all("").await.unwrap(),
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn what_others_took_meanwhile_is_not_stored() {
    let fixture = Fixture::new();
    let first = foreseen(&fixture, "bob").await.unwrap();
    let second = foreseen(&fixture, "Bob").await.unwrap();
    assert_ne!(first.entity().id, second.entity().id);
    assert!(fixture.directory.store_foreseen(&second).await.unwrap());
    let before = fixture.view.list_all("").await.unwrap();
    assert!(!fixture.directory.store_foreseen(&first).await.unwrap());
    assert_eq!(fixture.view.list_all("").await.unwrap(), before);

    // Its name can be taken, and its id can lead to another entity.
    let named = foreseen(&fixture, "eve").await.unwrap();
    fixture.entity(&named.entity().name, &[]).await;
    assert!(!fixture.directory.store_foreseen(&named).await.unwrap());
    let merged = foreseen(&fixture, "kim").await.unwrap();
    assert!(fixture.directory.store_foreseen(&merged).await.unwrap());
    let stays = fixture.entity("stays", &[]).await;
    let merge = Merge {
        from_entity_ids: vec![merged.entity().id.to_string()],
        to_entity_id: stays.id.to_string(),
        ..Merge::default()
    };
    fixture
        .directory
        .merge_entities(&merge, fixture.now, Author::Trusted)
        .await
        .unwrap();
    let before = fixture.view.list_all("").await.unwrap();
    assert!(!fixture.directory.store_foreseen(&merged).await.unwrap());
    assert_eq!(fixture.view.list_all("").await.unwrap(), before);
}

/// A group may have thousands of members, and a foreseen login comes with each request: the list is
/// neither read nor made again.
#[tokio::test]
async fn the_members_of_groups_are_left_alone() {
    let fixture = Fixture::new();
    let (ops, dev) = (
        fixture.external(&mount(1), "ops").await,
        fixture.external(&mount(1), "dev").await,
    );
    fixture.login(&mount(1), "bob", &["dev"]).await.unwrap();
    // What can't be read shows that nobody reads it.
    for group in [&ops, &dev] {
        let mut transaction = fixture.view.begin();
        let key = keys::group_members(&group.id);
        transaction.put(&fixture.view, &key, b"damaged".to_vec());
        transaction.commit().await.unwrap();
    }
    fixture.login(&mount(1), "eve", &["ops"]).await.unwrap_err();
    for who in ["bob", "eve"] {
        let foreseen = fixture
            .directory
            .foresee_login(
                &mount(1),
                &proposal(who, &[]),
                &["ops".to_owned()],
                fixture.now,
                &fixture.entropy,
            )
            .await
            .unwrap();
        let groups: Vec<_> = foreseen.groups().iter().map(|group| &group.id).collect();
        assert_eq!(groups, [&ops.id]);
    }
}
