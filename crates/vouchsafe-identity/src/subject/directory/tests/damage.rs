//! Records that contradict each other, and storage that never lets a write through.

use std::sync::Arc;

use vouchsafe_logical::{
    Batch, BoxFuture, CommitError, ErrorKind, Newer, Record, Store, StoreError, Version, View,
};
use vouchsafe_testing::MemoryStore;

use super::{Fixture, mount};
use crate::subject::directory::{Author, Directory, EntityChange, Query, is_conflict, keys};

/// A store in which somebody else is always faster.
#[derive(Default)]
struct BusyStore(MemoryStore);

impl Store for BusyStore {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Record>, StoreError>> {
        self.0.get(key)
    }

    fn get_newer<'a>(
        &'a self,
        key: &'a str,
        than: Version,
    ) -> BoxFuture<'a, Result<Newer, StoreError>> {
        self.0.get_newer(key, than)
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        self.0.list(prefix, after, limit)
    }

    fn commit(&self, _batch: Batch) -> BoxFuture<'_, Result<(), CommitError>> {
        Box::pin(async { Err(CommitError::Conflict) })
    }
}

#[tokio::test]
async fn a_write_that_always_conflicts_ends_with_a_word_to_try_again() {
    let fixture = Fixture::new();
    let directory = Directory::new(View::new(Arc::new(BusyStore::default()), ""));
    let change = EntityChange::default();
    let error = directory
        .write_entity(&change, fixture.now, &fixture.entropy, Author::Trusted)
        .await
        .unwrap_err();
    assert!(is_conflict(&error));
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

/// An index without its record looks like somebody else's write in between; if it stays, the
/// operator is told which one it is.
#[tokio::test]
async fn an_index_that_points_to_nothing_is_reported() {
    let fixture = Fixture::new();
    let id = fixture
        .login(&mount(1), "bob", &[])
        .await
        .unwrap()
        .entity_id;
    let mut transaction = fixture.view.begin();
    transaction.delete(&fixture.view, &keys::entity(&id));
    transaction.commit().await.unwrap();
    let error = fixture.login(&mount(1), "bob", &[]).await.unwrap_err();
    assert!(is_conflict(&error));
    let detail = error.detail().unwrap().for_operator();
    assert_eq!(detail, format!("no entity `{id}`, but it is pointed to"));
    let factors = Query::Factors {
        mount_accessor: "auth_jwt_00000001",
        name: "bob",
    };
    assert!(
        fixture
            .directory
            .find_entity(factors)
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_damaged_record_is_an_error_and_not_an_absent_one() {
    let fixture = Fixture::new();
    let bob = fixture.entity("bob", &[]).await;
    fixture
        .directory
        .subject(bob.id.as_str())
        .await
        .unwrap()
        .unwrap();
    let mut transaction = fixture.view.begin();
    transaction.put(&fixture.view, &keys::entity(&bob.id), b"\x01{}".to_vec());
    transaction.commit().await.unwrap();
    let error = fixture
        .directory
        .subject(bob.id.as_str())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
}
