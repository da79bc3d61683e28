//! Finding an entity by what somebody calls it: what was found before is proved, never believed.

use std::sync::Arc;

use vouchsafe_logical::View;
use vouchsafe_testing::{InterruptedStore, MemoryStore, Moment};

use super::{Fixture, mount};
use crate::subject::Subject;
use crate::subject::directory::{Author, Directory, EntityChange, Merge, Query};

const NAME: &str = "https://idp.example/#ci";

/// The entity that `directory` finds under [`NAME`].
async fn found(directory: &Directory) -> Option<Arc<Subject>> {
    let accessor = mount(1).accessor;
    let query = Query::Factors {
        mount_accessor: &accessor,
        name: NAME,
    };
    directory.find_entity(query).await.unwrap()
}

async fn name_of(directory: &Directory) -> Option<String> {
    let subject = found(directory).await?;
    Some(subject.entity().name.clone())
}

/// Another node writes; this one has found it before, each time.
#[tokio::test]
async fn a_name_leads_at_once_to_where_it_belongs_now() {
    let fixture = Fixture::new();
    let reader = Directory::new(fixture.view.clone());
    let (a, b) = (
        fixture.entity("a", &[]).await,
        fixture.entity("b", &[]).await,
    );
    assert_eq!(name_of(&reader).await, None);
    fixture.alias(&mount(1), NAME, Some(a.id.as_str())).await;
    assert_eq!(name_of(&reader).await.as_deref(), Some("a"));
    assert_eq!(name_of(&reader).await.as_deref(), Some("a"));

    fixture.alias(&mount(1), NAME, Some(b.id.as_str())).await;
    assert_eq!(name_of(&reader).await.as_deref(), Some("b"));

    let disable = EntityChange {
        id: Some(b.id.to_string()),
        disabled: Some(true),
        ..EntityChange::default()
    };
    fixture
        .directory
        .write_entity(&disable, fixture.now, &fixture.entropy, Author::Trusted)
        .await
        .unwrap();
    assert!(found(&reader).await.unwrap().disabled());

    let alias = found(&reader).await.unwrap().entity().aliases[0].id.clone();
    fixture
        .directory
        .delete_alias(alias.as_str())
        .await
        .unwrap();
    assert_eq!(name_of(&reader).await, None);

    fixture.alias(&mount(1), NAME, Some(a.id.as_str())).await;
    assert_eq!(name_of(&reader).await.as_deref(), Some("a"));
    let merge = Merge {
        from_entity_ids: vec![a.id.to_string()],
        to_entity_id: b.id.to_string(),
        ..Merge::default()
    };
    fixture
        .directory
        .merge_entities(&merge, fixture.now, Author::Trusted)
        .await
        .unwrap();
    assert_eq!(name_of(&reader).await.as_deref(), Some("b"));

    fixture
        .directory
        .delete_entity(b.id.as_str())
        .await
        .unwrap();
    assert_eq!(name_of(&reader).await, None);
}

/// The name moves after its entity was read, and before that entity is looked at: it is found at the
/// new one, and not at neither.
#[tokio::test]
async fn a_name_that_moves_while_it_is_looked_for_is_found() {
    let store = Arc::new(InterruptedStore::new(MemoryStore::default()));
    let view = View::new(Arc::clone(&store) as _, "logical/identity/");
    let fixture = Arc::new(Fixture::over(view.clone()));
    let reader = Directory::new(view.clone());
    let (a, b) = (
        fixture.entity("a", &["only-a"]).await,
        fixture.entity("b", &["only-b"]).await,
    );
    fixture.alias(&mount(1), NAME, Some(a.id.as_str())).await;
    let names = view.list_all("alias-factor/").await.unwrap();
    let key = view.full(&format!("alias-factor/{}", names[0]));
    // Once while nothing is known yet, once while the reader knows where it was.
    for to in [&b, &a] {
        let (writer, id) = (Arc::clone(&fixture), to.id.to_string());
        store.interrupts.at(Moment::Read(key.clone()), async move {
            writer.alias(&mount(1), NAME, Some(&id)).await;
        });
        let subject = found(&reader).await.unwrap();
        assert_eq!(store.interrupts.waiting(), 0);
        assert_eq!(subject.entity().id, to.id);
        assert_eq!(subject.policies(), &to.policies);
    }
}
