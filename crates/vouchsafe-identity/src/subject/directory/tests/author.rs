//! No write raises the rights of whoever asks for it.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use vouchsafe_logical::{Error, ErrorKind, ProvedLogin};

use super::history::{Op, apply, operation};
use super::{Fixture, mount, requested, strings};
use crate::subject::directory::{
    AliasChange, Author, EntityChange, GroupAliasChange, GroupChange, Merge, Merged, Query,
};
use crate::subject::entity::Entity;
use crate::subject::group::Group;

/// Bob, who may write and holds `own`, and the boss, who holds `super`.
struct Office {
    fixture: Fixture,
    bob: Entity,
    boss: Entity,
    strong: Group,
    held: Vec<String>,
}

impl Office {
    async fn open() -> Self {
        let fixture = Fixture::new();
        let bob = fixture.entity("bob", &["own"]).await;
        let boss = fixture.entity("boss", &["super"]).await;
        fixture.alias(&mount(1), "bob", Some(bob.id.as_str())).await;
        let strong = fixture
            .group(GroupChange {
                name: Some("strong".to_owned()),
                policies: Some(strings(&["super"])),
                ..GroupChange::default()
            })
            .await
            .unwrap();
        Self {
            fixture,
            bob,
            boss,
            strong,
            held: strings(&["default", "own"]),
        }
    }

    fn author(&self) -> Author<'_> {
        Author::Holder {
            entity_id: Some(self.bob.id.as_str()),
            login: None,
            policies: &self.held,
        }
    }

    async fn write_entity(&self, change: EntityChange) -> Result<(), Error> {
        let Fixture {
            directory,
            now,
            entropy,
            ..
        } = &self.fixture;
        let written = directory.write_entity(&change, *now, entropy, self.author());
        written.await.map(drop)
    }

    async fn write_group(&self, change: GroupChange) -> Result<(), Error> {
        let Fixture {
            directory,
            now,
            entropy,
            ..
        } = &self.fixture;
        let written = directory.write_group(&change, *now, entropy, self.author());
        written.await.map(drop)
    }

    async fn merge(&self, from: &Entity, to: &Entity) -> Result<Merged, Error> {
        let merge = Merge {
            from_entity_ids: vec![from.id.to_string()],
            to_entity_id: to.id.to_string(),
            ..Merge::default()
        };
        let Fixture { directory, now, .. } = &self.fixture;
        directory.merge_entities(&merge, *now, self.author()).await
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(outcome: Result<T, Error>) {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
    assert_eq!(error.reason(), "would_raise_own_policies");
    assert_eq!(
        error.messages(),
        [
            "this would give your own entity the policy \"super\", which you do not hold; that takes \
          `sudo` on the path"
        ]
    );
}

#[tokio::test]
async fn nobody_gives_their_own_entity_a_policy() {
    let office = Office::open().await;
    let own = |policies: &[&str]| EntityChange {
        name: Some("bob".to_owned()),
        policies: Some(strings(policies)),
        ..EntityChange::default()
    };
    refused(office.write_entity(own(&["own", "Super "])).await);
    office.write_entity(own(&["default", "own"])).await.unwrap();
    office.write_entity(own(&[])).await.unwrap();
    office.write_entity(own(&["own"])).await.unwrap();
}

#[tokio::test]
async fn nobody_joins_a_stronger_group() {
    let office = Office::open().await;
    let members = || Some(vec![office.bob.id.to_string()]);
    let made = GroupChange {
        policies: Some(strings(&["super"])),
        member_entity_ids: members(),
        ..GroupChange::default()
    };
    refused(office.write_group(made).await);
    let joined = GroupChange {
        id: Some(office.strong.id.to_string()),
        member_entity_ids: members(),
        ..GroupChange::default()
    };
    refused(office.write_group(joined).await);

    let weak = GroupChange {
        name: Some("weak".to_owned()),
        member_entity_ids: members(),
        ..GroupChange::default()
    };
    office.write_group(weak).await.unwrap();
    let found = office.fixture.directory.find_group(Query::Name("weak"));
    let weak = found.await.unwrap().unwrap().0.id.to_string();
    let raised = GroupChange {
        id: Some(weak.clone()),
        policies: Some(strings(&["super"])),
        ..GroupChange::default()
    };
    refused(office.write_group(raised).await);
    let nested = GroupChange {
        id: Some(office.strong.id.to_string()),
        member_group_ids: Some(vec![weak]),
        ..GroupChange::default()
    };
    refused(office.write_group(nested).await);
}

#[tokio::test]
async fn nobody_merges_with_a_stronger_entity() {
    let office = Office::open().await;
    refused(office.merge(&office.boss, &office.bob).await);
    refused(office.merge(&office.bob, &office.boss).await);
}

#[tokio::test]
async fn nobody_moves_their_login_to_a_stronger_entity() {
    let office = Office::open().await;
    let Fixture {
        directory,
        now,
        entropy,
        ..
    } = &office.fixture;
    let moved = AliasChange {
        name: Some("BOB".to_owned()),
        mount: Some(requested(&mount(1))),
        canonical_id: Some(office.boss.id.to_string()),
        ..AliasChange::default()
    };
    let author = office.author();
    refused(directory.write_alias(&moved, *now, entropy, author).await);
}

#[tokio::test]
async fn nobody_moves_the_group_of_their_login_to_a_stronger_group() {
    let office = Office::open().await;
    let fixture = &office.fixture;
    fixture.external(&mount(1), "devs").await;
    let strong = fixture
        .group(GroupChange {
            kind: Some("external".to_owned()),
            policies: Some(strings(&["super"])),
            ..GroupChange::default()
        })
        .await
        .unwrap();
    fixture.login(&mount(1), "bob", &["devs"]).await.unwrap();
    let groups = fixture.directory.groups().await.unwrap();
    let alias = groups.iter().find_map(|group| group.alias.as_ref());
    let moved = GroupAliasChange {
        id: Some(alias.unwrap().id.to_string()),
        name: Some("devs".to_owned()),
        mount: Some(requested(&mount(1))),
        canonical_id: Some(strong.id.to_string()),
    };
    let author = office.author();
    let written =
        fixture
            .directory
            .write_group_alias(&moved, fixture.now, &fixture.entropy, author);
    refused(written.await);
}

/// Who has proved to be `bob`, whatever entity has the alias by now.
#[tokio::test]
async fn a_login_is_its_author_s_also_without_an_entity() {
    let office = Office::open().await;
    let Fixture {
        directory,
        now,
        entropy,
        ..
    } = &office.fixture;
    let alias = |name: &str, owner: &Entity| AliasChange {
        name: Some(name.to_owned()),
        mount: Some(requested(&mount(1))),
        canonical_id: Some(owner.id.to_string()),
        ..AliasChange::default()
    };
    let yan = office.fixture.entity("yan", &["super"]).await;
    for groups in [None, Some(strings(&["devs"]))] {
        let login = ProvedLogin {
            mount_accessor: mount(1).accessor,
            name: "ZOE".to_owned(),
            groups,
        };
        let author = Author::Holder {
            entity_id: None,
            login: Some(&login),
            policies: &office.held,
        };
        let stronger = alias("zoe", &office.boss);
        refused(
            directory
                .write_alias(&stronger, *now, entropy, author)
                .await,
        );
        let others = alias("yan", &yan);
        let written = directory.write_alias(&others, *now, entropy, author);
        written.await.unwrap();
    }
    // A name that no alias can have is nobody's.
    let login = ProvedLogin {
        mount_accessor: mount(1).accessor,
        name: String::new(),
        groups: None,
    };
    let author = Author::Holder {
        entity_id: None,
        login: Some(&login),
        policies: &office.held,
    };
    let stronger = alias("zoe", &office.boss);
    let written = directory.write_alias(&stronger, *now, entropy, author);
    written.await.unwrap();
}

#[tokio::test]
async fn writes_about_others_and_by_trusted_authors_are_free() {
    let office = Office::open().await;
    let other = |name: &str| EntityChange {
        name: Some(name.to_owned()),
        policies: Some(strings(&["super"])),
        ..EntityChange::default()
    };
    office.write_entity(other("carol")).await.unwrap();
    let Fixture {
        directory,
        now,
        entropy,
        ..
    } = &office.fixture;
    let raise = other("bob");
    let written = directory.write_entity(&raise, *now, entropy, Author::Trusted);
    written.await.unwrap();
    // What bob has by now, if not when the request began, is not what a write of bob's gives.
    let rename = EntityChange {
        id: Some(office.bob.id.to_string()),
        name: Some("robert".to_owned()),
        ..EntityChange::default()
    };
    office.write_entity(rename).await.unwrap();
}

async fn play(before: &[Op], author: usize, after: &[Op]) {
    let fixture = Fixture::new();
    for op in before {
        // What is refused did nothing.
        let _ = apply(&fixture, op, Author::Trusted).await;
    }
    let entities = fixture.directory.entities().await.unwrap();
    let Some(author) = entities.get(author) else {
        return;
    };
    let entity_id = author.id.as_str();
    let mut held = fixture.policies(entity_id).await;
    for op in after {
        let author = Author::Holder {
            entity_id: Some(entity_id),
            login: None,
            policies: &held,
        };
        if let Err(error) = apply(&fixture, op, author).await {
            let known = matches!(
                error.kind(),
                ErrorKind::InvalidRequest | ErrorKind::PermissionDenied
            );
            assert!(known, "{op:?}: {error:?}");
        }
        let Some(subject) = fixture.directory.subject(entity_id).await.unwrap() else {
            return;
        };
        let now_held = subject.policies().to_strings();
        // A login brings the groups that it proves.
        if !matches!(op, Op::Login { .. } | Op::Renewal { .. }) {
            let had: BTreeSet<_> = held.iter().collect();
            let raised = now_held.iter().find(|policy| !had.contains(policy));
            assert_eq!(raised, None, "{op:?} raised its author");
        }
        held = now_held;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_writes_raises_its_author(
        before in vec(operation(), 1..30),
        author in 0..6_usize,
        after in vec(operation(), 1..30),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(play(&before, author, &after));
    }
}
