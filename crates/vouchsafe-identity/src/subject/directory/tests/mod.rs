//! The directory over a store in memory: logins, subjects, limits, and random histories.

mod author;
mod damage;
mod find;
mod foreseen;
mod history;
mod invariants;
mod limits;
mod login;
mod subject;

use std::sync::Arc;
use std::time::Duration;

use vouchsafe_logical::{AliasProposal, Error, MountSummary, Timestamp, Transaction, View};
use vouchsafe_testing::{MemoryStore, SeededEntropy};

use super::{
    AliasChange, AttachedLogin, Author, Directory, EntityChange, GroupAliasChange, GroupChange,
    RequestedMount, Written,
};
use crate::subject::entity::Entity;
use crate::subject::group::Group;

/// A directory with what its functions ask for.
pub(super) struct Fixture {
    pub(super) view: View,
    pub(super) directory: Directory,
    pub(super) entropy: SeededEntropy,
    pub(super) now: Timestamp,
}

impl Fixture {
    pub(super) fn new() -> Self {
        let store = Arc::new(MemoryStore::default());
        Self::over(View::new(store, "logical/identity/"))
    }

    pub(super) fn over(view: View) -> Self {
        Self {
            directory: Directory::new(view.clone()),
            view,
            entropy: SeededEntropy::default(),
            now: Timestamp::from_second(1_767_225_600).unwrap(),
        }
    }

    pub(super) async fn entity(&self, name: &str, policies: &[&str]) -> Entity {
        let change = EntityChange {
            name: Some(name.to_owned()),
            policies: Some(strings(policies)),
            ..EntityChange::default()
        };
        match self
            .directory
            .write_entity(&change, self.now, &self.entropy, Author::Trusted)
            .await
            .unwrap()
        {
            Written::Created(entity) => entity,
            Written::Updated => panic!("entity {name:?} was there"),
        }
    }

    pub(super) async fn group(&self, change: GroupChange) -> Result<Group, Error> {
        match self
            .directory
            .write_group(&change, self.now, &self.entropy, Author::Trusted)
            .await?
        {
            Written::Created(group) => Ok(group),
            Written::Updated => panic!("the group was there"),
        }
    }

    /// An external group that `mount` calls `name`, with a policy of that name.
    pub(super) async fn external(&self, mount: &MountSummary, name: &str) -> Group {
        let group = self
            .group(GroupChange {
                kind: Some("external".to_owned()),
                policies: Some(vec![format!("p-{name}")]),
                ..GroupChange::default()
            })
            .await
            .unwrap();
        let change = GroupAliasChange {
            id: None,
            name: Some(name.to_owned()),
            mount: Some(requested(mount)),
            canonical_id: Some(group.id.to_string()),
        };
        self.directory
            .write_group_alias(&change, self.now, &self.entropy, Author::Trusted)
            .await
            .unwrap()
            .unwrap();
        group
    }

    pub(super) async fn alias(&self, mount: &MountSummary, name: &str, canonical_id: Option<&str>) {
        let change = AliasChange {
            name: Some(name.to_owned()),
            mount: Some(requested(mount)),
            canonical_id: canonical_id.map(str::to_owned),
            ..AliasChange::default()
        };
        self.directory
            .write_alias(&change, self.now, &self.entropy, Author::Trusted)
            .await
            .unwrap()
            .unwrap();
    }

    pub(super) async fn login(
        &self,
        mount: &MountSummary,
        name: &str,
        groups: &[&str],
    ) -> Result<AttachedLogin, Error> {
        let mut transaction = self.view.begin();
        let login = self.login_in(&mut transaction, mount, name, groups).await?;
        transaction.commit().await?;
        Ok(login)
    }

    pub(super) async fn login_in(
        &self,
        transaction: &mut Transaction,
        mount: &MountSummary,
        name: &str,
        groups: &[&str],
    ) -> Result<AttachedLogin, Error> {
        let proposal = proposal(name, &[]);
        self.directory
            .attach_login(
                transaction,
                mount,
                &proposal,
                &strings(groups),
                self.now,
                &self.entropy,
            )
            .await
    }

    pub(super) async fn policies(&self, entity_id: &str) -> Vec<String> {
        self.directory
            .subject(entity_id)
            .await
            .unwrap()
            .unwrap()
            .policies()
            .to_strings()
    }
}

pub(super) fn proposal(name: &str, metadata: &[(&str, &str)]) -> AliasProposal {
    AliasProposal {
        name: name.to_owned(),
        metadata: metadata
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect(),
    }
}

pub(super) fn mount(number: usize) -> MountSummary {
    MountSummary {
        accessor: format!("auth_jwt_{number:08x}"),
        kind: "jwt".to_owned(),
        path: format!("auth/jwt{number}/"),
        local: false,
        default_lease_ttl: Duration::from_secs(3_600),
        max_lease_ttl: Duration::from_secs(3_600),
    }
}

pub(super) fn requested(mount: &MountSummary) -> RequestedMount {
    RequestedMount {
        accessor: mount.accessor.clone(),
        found: Some(mount.clone()),
    }
}

pub(super) fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
