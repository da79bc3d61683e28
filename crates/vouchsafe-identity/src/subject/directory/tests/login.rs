//! Logins: one principal, one entity, whoever else logs in at the same time.

use std::sync::Arc;

use tokio::task::JoinSet;
use vouchsafe_logical::{
    Batch, BoxFuture, CommitError, Newer, Record, Store, StoreError, Version, View,
};
use vouchsafe_testing::{MemoryStore, SeededEntropy};

use super::{Fixture, mount, proposal, requested, strings};
use crate::subject::directory::{
    AliasChange, Author, Directory, EntityChange, GROUP_ALIASES_PER_LOGIN_MAX, GroupChange, Query,
    Subject, is_conflict,
};

/// A store that lets others run before each read, so that transactions cross.
#[derive(Default)]
struct CrossedStore(MemoryStore);

impl Store for CrossedStore {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Record>, StoreError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.0.get(key).await
        })
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

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<(), CommitError>> {
        self.0.commit(batch)
    }
}

/// Logs in as the pipeline does: entity and token in one commit, again after a conflict.
async fn log_in(view: View, number: usize, name: String, groups: Vec<String>) -> (String, bool) {
    let directory = Directory::new(view.clone());
    let entropy = SeededEntropy::new(number as u64 * 7_919);
    let now = Fixture::new().now;
    for _ in 0..128 {
        let mut transaction = view.begin();
        let attached = directory
            .attach_login(
                &mut transaction,
                &mount(1),
                &proposal(&name, &[]),
                &groups,
                now,
                &entropy,
            )
            .await;
        let attached = match attached {
            Ok(attached) => attached,
            Err(error) if is_conflict(&error) => continue,
            Err(error) => panic!("{error}"),
        };
        transaction.put(&view, &format!("token/{number}"), vec![1]);
        match transaction.commit().await {
            Ok(()) => return (attached.entity_id.to_string(), attached.entity_created),
            Err(CommitError::Conflict) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    panic!("login {number} conflicted 128 times");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_first_logins_of_one_principal_make_one_entity() {
    let view = View::new(Arc::new(CrossedStore::default()), "");
    let mut tasks = JoinSet::new();
    for number in 0..64 {
        // Each task spells the name in its own way.
        let name = if number % 2 == 0 {
            "Build-Bot"
        } else {
            "build-BOT"
        };
        tasks.spawn(log_in(view.clone(), number, name.to_owned(), Vec::new()));
    }
    let logins = tasks.join_all().await;
    assert!(
        logins.iter().all(|(id, _)| *id == logins[0].0),
        "more than one entity"
    );
    assert_eq!(logins.iter().filter(|(_, created)| *created).count(), 1);
    let directory = Directory::new(view.clone());
    let entities = directory.entities().await.unwrap();
    assert_eq!(entities.len(), 1);
    assert_eq!(entities[0].aliases.len(), 1);
    assert_eq!(view.list_all("alias-factor/").await.unwrap().len(), 1);
    assert_eq!(view.list_all("token/").await.unwrap().len(), 64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_logins_of_many_principals_all_join_their_group() {
    let view = View::new(Arc::new(CrossedStore::default()), "");
    let fixture = Fixture {
        view: view.clone(),
        directory: Directory::new(view.clone()),
        ..Fixture::new()
    };
    let group = fixture.external(&mount(1), "ops").await;
    let mut tasks = JoinSet::new();
    for number in 0..64 {
        tasks.spawn(log_in(
            view.clone(),
            number,
            format!("user{number}"),
            strings(&["OPS"]),
        ));
    }
    let logins = tasks.join_all().await;
    let (_, members) = fixture
        .directory
        .find_group(Query::Id(group.id.as_str()))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(members.len(), 64);
    for (id, created) in logins {
        assert!(created);
        assert_eq!(fixture.policies(&id).await, ["p-ops"]);
    }
}

#[tokio::test]
async fn a_login_that_is_not_committed_leaves_nothing() {
    let fixture = Fixture::new();
    let mut transaction = fixture.view.begin();
    fixture
        .login_in(&mut transaction, &mount(1), "bob", &[])
        .await
        .unwrap();
    drop(transaction);
    assert_eq!(
        fixture.view.list_all("").await.unwrap(),
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn a_login_overwrites_metadata_but_not_what_an_operator_wrote() {
    let fixture = Fixture::new();
    let change = AliasChange {
        name: Some("Bob".to_owned()),
        mount: Some(requested(&mount(1))),
        custom_metadata: Some([("k".to_owned(), "v".to_owned())].into()),
        ..AliasChange::default()
    };
    fixture
        .directory
        .write_alias(&change, fixture.now, &fixture.entropy, Author::Trusted)
        .await
        .unwrap();
    let mut transaction = fixture.view.begin();
    let proposed = proposal("bob", &[("env", "prod")]);
    let now = fixture.now;
    let attached = fixture
        .directory
        .attach_login(
            &mut transaction,
            &mount(1),
            &proposed,
            &[],
            now,
            &fixture.entropy,
        )
        .await
        .unwrap();
    assert!(!attached.entity_created);
    transaction.commit().await.unwrap();
    let id = attached.entity_id.as_str();
    let subject = fixture.directory.subject(id).await.unwrap().unwrap();
    let alias = &subject.entity().aliases[0];
    assert_eq!(
        (alias.name.as_str(), alias.mount_type.as_str()),
        ("Bob", "jwt")
    );
    assert_eq!(alias.metadata, proposed.metadata);
    assert_eq!(alias.custom_metadata["k"], "v");
}

/// What is foreseen is what a login then makes, and nothing of it is there before.
#[tokio::test]
async fn a_login_is_foreseen_as_it_comes_and_stores_nothing() {
    let fixture = Fixture::new();
    let Fixture {
        directory,
        entropy,
        now,
        ..
    } = &fixture;
    fixture.external(&mount(1), "ops").await;
    fixture.external(&mount(1), "dev").await;
    type Step<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);
    let steps: [Step<'_>; 5] = [
        ("bob", &[("team", "red")], &["ops"]),
        ("BOB", &[("team", "red")], &["ops"]),
        ("bob", &[("team", "blue")], &["ops", "dev"]),
        ("bob", &[("team", "blue")], &[]),
        ("eve", &[], &["dev", "nobody knows"]),
    ];
    for (name, metadata, groups) in steps {
        let keys = fixture.view.list_all("").await.unwrap();
        let (proposal, groups) = (proposal(name, metadata), strings(groups));
        let foreseen = directory
            .foresee_login(&mount(1), &proposal, &groups, *now, entropy)
            .await
            .unwrap();
        assert_eq!(fixture.view.list_all("").await.unwrap(), keys);
        let mut transaction = fixture.view.begin();
        let made = directory
            .attach_login(
                &mut transaction,
                &mount(1),
                &proposal,
                &groups,
                *now,
                entropy,
            )
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        let subject = directory.subject(made.entity_id.as_str()).await.unwrap();
        let subject = subject.expect("stored");
        assert_eq!(foreseen.is_stored(), !made.entity_created);
        assert_eq!(foreseen.policies(), subject.policies());
        let foreseen_alias = &foreseen.entity().aliases[0];
        assert_eq!(
            foreseen_alias.metadata,
            subject.entity().aliases[0].metadata
        );
        let ids = |subject: &Subject| {
            let groups = subject.groups().iter();
            groups.map(|group| group.id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(ids(&foreseen), ids(&subject));
        assert_eq!(foreseen.is_stored(), foreseen.entity().id == made.entity_id);
    }
}

/// A subject that is foreseen while its group is left and then raised has never both.
#[tokio::test]
async fn what_is_foreseen_was_true_at_one_moment() {
    let view = View::new(Arc::new(CrossedStore::default()), "logical/identity/");
    let fixture = Fixture {
        directory: Directory::new(view.clone()),
        view,
        ..Fixture::new()
    };
    let group = fixture
        .group(GroupChange {
            name: Some("crew".to_owned()),
            ..GroupChange::default()
        })
        .await
        .unwrap();
    let bob = fixture
        .login(&mount(1), "bob", &[])
        .await
        .unwrap()
        .entity_id;
    let fixture = Arc::new(fixture);
    let change = |members: Vec<String>, policy: &str| GroupChange {
        id: Some(group.id.to_string()),
        member_entity_ids: Some(members),
        policies: Some(vec![policy.to_owned()]),
        ..GroupChange::default()
    };
    let inside = change(vec![bob.to_string()], "low");
    let outside = change(Vec::new(), "high");
    let writer = Arc::clone(&fixture);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        for _ in 0..50 {
            for change in [&inside, &outside] {
                let written = writer
                    .directory
                    .write_group(change, writer.now, &writer.entropy, Author::Trusted)
                    .await;
                written.unwrap();
            }
        }
    });
    let reader = Arc::clone(&fixture);
    tasks.spawn(async move {
        // New metadata each time, so that the subject is made of the transaction's own reads.
        for n in 0..200 {
            let proposal = proposal("bob", &[("n", &n.to_string())]);
            let foreseen = reader
                .directory
                .foresee_login(&mount(1), &proposal, &[], reader.now, &reader.entropy)
                .await;
            let policies = match foreseen {
                Ok(foreseen) => foreseen.policies().to_strings(),
                Err(error) if is_conflict(&error) => continue,
                Err(error) => panic!("{error}"),
            };
            assert!(!policies.contains(&"high".to_owned()), "{policies:?}");
        }
    });
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

/// A second login without news is the hot case: it must not write.
#[tokio::test]
async fn a_login_without_news_writes_nothing() {
    let fixture = Fixture::new();
    fixture.external(&mount(1), "ops").await;
    fixture
        .login(&mount(1), "bob", &["ops", "nobody knows"])
        .await
        .unwrap();
    let mut transaction = fixture.view.begin();
    fixture
        .login_in(&mut transaction, &mount(1), "BOB", &["ops"])
        .await
        .unwrap();
    assert!(transaction.is_read_only());
}

#[tokio::test]
async fn the_same_name_on_two_mounts_is_two_principals() {
    let fixture = Fixture::new();
    let first = fixture.login(&mount(1), "bob", &[]).await.unwrap();
    let mut transaction = fixture.view.begin();
    let proposed = proposal("bob", &[("from", "2")]);
    let now = fixture.now;
    let second = fixture
        .directory
        .attach_login(
            &mut transaction,
            &mount(2),
            &proposed,
            &[],
            now,
            &fixture.entropy,
        )
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    assert_ne!(first.entity_id, second.entity_id);
    let subject = fixture
        .directory
        .subject(first.entity_id.as_str())
        .await
        .unwrap()
        .unwrap();
    assert!(subject.entity().aliases[0].metadata.is_empty());
}

#[tokio::test]
async fn a_login_follows_the_groups_of_its_own_mount_only() {
    let fixture = Fixture::new();
    fixture.external(&mount(1), "ops").await;
    fixture.external(&mount(1), "dev").await;
    fixture.external(&mount(2), "ops2").await;
    let login = fixture
        .login(&mount(1), "bob", &["ops", "ops2", ""])
        .await
        .unwrap();
    let id = login.entity_id.as_str();
    assert_eq!(login.identity_policies.to_strings(), ["p-ops"]);
    fixture.alias(&mount(2), "bob2", Some(id)).await;
    fixture
        .login(&mount(2), "bob2", &["ops2", "dev"])
        .await
        .unwrap();
    assert_eq!(fixture.policies(id).await, ["p-ops", "p-ops2"]);
    let login = fixture.login(&mount(1), "bob", &["dev"]).await.unwrap();
    assert_eq!(login.identity_policies.to_strings(), ["p-dev", "p-ops2"]);
    assert_eq!(fixture.policies(id).await, ["p-dev", "p-ops2"]);
}

#[tokio::test]
async fn a_renewal_follows_the_groups_as_a_login_does() {
    let fixture = Fixture::new();
    fixture.external(&mount(1), "ops").await;
    let login = fixture.login(&mount(1), "bob", &["ops"]).await.unwrap();
    let id = login.entity_id.as_str();
    let renew = async |mount_number, groups: &[&str]| {
        let mut transaction = fixture.view.begin();
        let mount = mount(mount_number);
        let groups = strings(groups);
        let renewed = fixture
            .directory
            .attach_renewal(&mut transaction, &mount, id, &groups)
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        renewed.map(|renewed| renewed.identity_policies.to_strings())
    };
    assert_eq!(renew(1, &[]).await, Some(Vec::new()));
    assert_eq!(renew(1, &["ops"]).await, Some(strings(&["p-ops"])));
    // Another mount has no say, even if the entity has no alias there.
    fixture.external(&mount(2), "ops").await;
    assert_eq!(renew(2, &["ops"]).await, Some(strings(&["p-ops"])));
    fixture.directory.delete_entity(id).await.unwrap();
    assert_eq!(renew(1, &["ops"]).await, None);
}

#[tokio::test]
async fn a_disabled_entity_is_reported_and_not_touched() {
    let fixture = Fixture::new();
    fixture.external(&mount(1), "ops").await;
    let login = fixture.login(&mount(1), "bob", &[]).await.unwrap();
    let change = EntityChange {
        id: Some(login.entity_id.to_string()),
        disabled: Some(true),
        ..EntityChange::default()
    };
    fixture
        .directory
        .write_entity(&change, fixture.now, &fixture.entropy, Author::Trusted)
        .await
        .unwrap();
    let login = fixture.login(&mount(1), "bob", &["ops"]).await.unwrap();
    assert!(login.disabled && login.identity_policies.is_empty());
    let subject = fixture
        .directory
        .subject(login.entity_id.as_str())
        .await
        .unwrap()
        .unwrap();
    assert!(subject.disabled() && subject.groups().is_empty());
}

#[tokio::test]
async fn the_groups_of_one_login_are_limited() {
    let fixture = Fixture::new();
    let names: Vec<String> = (0..=GROUP_ALIASES_PER_LOGIN_MAX)
        .map(|n| format!("g{n}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    fixture
        .login(&mount(1), "a", &names[..GROUP_ALIASES_PER_LOGIN_MAX])
        .await
        .unwrap();
    let error = fixture.login(&mount(1), "b", &names).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the login names 1001 groups; at most 1000 are allowed"
    );
}

#[tokio::test]
async fn a_name_that_cannot_be_stored_is_refused() {
    let fixture = Fixture::new();
    for bad in ["", "a\0b", &"a".repeat(513)] {
        let error = fixture.login(&mount(1), bad, &[]).await.unwrap_err();
        assert_eq!(error.reason(), "name_invalid");
    }
}
