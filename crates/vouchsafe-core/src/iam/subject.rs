//! The entity of a caller whose credential is stored nowhere.
//!
//! Issuer and subject are an alias of the `sys/` mount, named `<iss>#<sub>`. An entity that has it is
//! used, as by a login. One is made only where the role says so, and that is the one case in which a
//! request with such a credential writes: once for each subject.
//!
//! What can't be recorded does not happen, and who calls stands in the record. So the entity is
//! foreseen when the caller is authenticated, and stored when the request was recorded as granted.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use vouchsafe_identity::subject::Subject;
use vouchsafe_identity::subject::directory::Query;
use vouchsafe_logical::{AliasProposal, CommitError, Error, MountSummary, Timestamp};

use super::Unstored;
use crate::authenticate::Caller;
use crate::mount::MountTable;
use crate::runtime::Runtime;

/// With how many entries those are swept out whose requests are over.
const FORESEEN_SWEPT_AT: usize = 1_024;

/// The entities that requests under way will make, by the name of their alias: requests of one subject
/// that come at the same time have one entity. The requests hold it: when the last one is over it is
/// gone, and a later one gets another id.
#[derive(Default)]
pub(super) struct Foreseen(Mutex<HashMap<String, Weak<Subject>>>);

impl Foreseen {
    /// The entity that others make for an alias.
    fn get(&self, alias: &str) -> Option<Arc<Subject>> {
        let foreseen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        foreseen.get(alias)?.upgrade()
    }

    /// The entity that others make for an alias, or else this one.
    fn get_or_insert(&self, alias: &str, subject: Arc<Subject>) -> Arc<Subject> {
        let mut foreseen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(others) = foreseen.get(alias).and_then(Weak::upgrade) {
            return others;
        }
        if foreseen.len() >= FORESEEN_SWEPT_AT {
            foreseen.retain(|_, subject| subject.strong_count() > 0);
        }
        foreseen.insert(alias.to_owned(), Arc::downgrade(&subject));
        subject
    }

    /// Nobody is to get this one any more: it is stored, and may be deleted again, or it never will be.
    fn remove(&self, subject: &Subject) {
        let mut foreseen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for alias in &subject.entity().aliases {
            let known = foreseen.get(&alias.name);
            if known.is_some_and(|known| std::ptr::eq(known.as_ptr(), subject)) {
                foreseen.remove(&alias.name);
            }
        }
    }
}

/// The entity, if there is one or the role wants one. One that is made for the caller is not stored
/// yet.
///
/// # Errors
/// The entity is disabled; the store's.
pub(crate) async fn subject(
    runtime: &Runtime,
    caller: &Unstored,
    now: Timestamp,
) -> Result<Option<Arc<Subject>>, Error> {
    let Some(name) = &caller.alias else {
        return Ok(None);
    };
    // The whole table is held, so that nothing of the mount is copied.
    let table = Arc::clone(&*runtime.mounts.table());
    let mount = mount(&table)?;
    let query = Query::Factors {
        mount_accessor: &mount.accessor,
        name,
    };
    let found = match runtime.directory.find_entity(query).await? {
        None if caller.create_entity => match foresee(runtime, mount, name, now).await? {
            Some(foreseen) => Some(foreseen),
            // Somebody was faster.
            None => runtime.directory.find_entity(query).await?,
        },
        found => found,
    };
    // Aliases are found without regard to case, and two subjects that differ in it are two.
    let is_exact = |subject: &Arc<Subject>| {
        let mut aliases = subject.entity().aliases.iter();
        aliases.any(|alias| alias.name == *name && alias.mount_accessor.as_str() == mount.accessor)
    };
    match found.filter(is_exact) {
        Some(subject) if subject.disabled() => {
            let metadata = caller.entry.meta.clone().unwrap_or_default();
            Err(Error::denied("entity_disabled").with_metadata(metadata))
        }
        other => Ok(other),
    }
}

/// The mount that the aliases of issuers and subjects are of.
///
/// # Errors
/// There is none, which can't be.
pub(super) fn mount(table: &MountTable) -> Result<&MountSummary, Error> {
    let mount = table.at("sys/").map(|mount| mount.summary());
    mount.ok_or_else(|| Error::internal("`sys/` is not mounted"))
}

/// The entity to be made for an alias; none where there is one.
async fn foresee(
    runtime: &Runtime,
    mount: &MountSummary,
    name: &str,
    now: Timestamp,
) -> Result<Option<Arc<Subject>>, Error> {
    let shared = &runtime.iam.foreseen;
    if let Some(others) = shared.get(name) {
        return Ok(Some(others));
    }
    let proposal = AliasProposal {
        name: name.to_owned(),
        metadata: BTreeMap::new(),
    };
    let entropy = &*runtime.ports.entropy;
    let foreseen = runtime
        .directory
        .foresee_login(mount, &proposal, &[], now, entropy);
    let foreseen = foreseen.await?;
    Ok((!foreseen.is_stored()).then(|| shared.get_or_insert(name, foreseen)))
}

/// Stores the entity that was foreseen for a caller, if there is one. To be called when the request
/// was recorded, and before anything else is done for it.
///
/// # Errors
/// Another node made one for the same subject, under another id than was recorded; the store's.
pub(crate) async fn make_entity(runtime: &Runtime, caller: &Caller) -> Result<(), Error> {
    let Some(subject) = caller.foreseen() else {
        return Ok(());
    };
    let is_stored = runtime.directory.store_foreseen(subject).await?;
    runtime.iam.foreseen.remove(subject);
    if is_stored {
        Ok(())
    } else {
        Err(CommitError::Conflict.into())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use vouchsafe_identity::subject::Directory;
    use vouchsafe_logical::View;
    use vouchsafe_testing::{MemoryStore, SeededEntropy};

    use super::*;

    struct World {
        directory: Directory,
        entropy: SeededEntropy,
        foreseen: Foreseen,
    }

    impl World {
        fn new() -> Self {
            let view = View::new(Arc::new(MemoryStore::default()), "");
            Self {
                directory: Directory::new(view),
                entropy: SeededEntropy::default(),
                foreseen: Foreseen::default(),
            }
        }

        async fn subject(&self, alias: &str) -> Arc<Subject> {
            let mount = MountSummary {
                accessor: "system_1".to_owned(),
                kind: "system".to_owned(),
                path: "sys/".to_owned(),
                local: false,
                default_lease_ttl: Duration::ZERO,
                max_lease_ttl: Duration::ZERO,
            };
            let proposal = AliasProposal {
                name: alias.to_owned(),
                metadata: BTreeMap::new(),
            };
            let now = Timestamp::UNIX_EPOCH;
            let foreseen = self
                .directory
                .foresee_login(&mount, &proposal, &[], now, &self.entropy);
            foreseen.await.unwrap()
        }

        async fn insert(&self, alias: &str) -> Arc<Subject> {
            let subject = self.subject(alias).await;
            self.foreseen.get_or_insert(alias, subject)
        }

        fn len(&self) -> usize {
            self.foreseen.0.lock().unwrap().len()
        }
    }

    #[tokio::test]
    async fn requests_at_the_same_time_share_an_entity_and_later_ones_do_not() {
        let world = World::new();
        let first = world.insert("a").await;
        assert!(Arc::ptr_eq(&first, &world.insert("a").await));
        assert!(Arc::ptr_eq(&first, &world.foreseen.get("a").unwrap()));
        assert!(world.foreseen.get("b").is_none());
        let id = first.entity().id.clone();
        drop(first);
        assert!(world.foreseen.get("a").is_none());
        let second = world.insert("a").await;
        assert_ne!(second.entity().id, id);
        // Who is done takes nothing away from others.
        let others = world.subject("a").await;
        world.foreseen.remove(&others);
        assert!(world.foreseen.get("a").is_some());
        world.foreseen.remove(&second);
        assert!(world.foreseen.get("a").is_none());
    }

    #[tokio::test]
    async fn what_no_request_needs_any_more_is_swept_out_one_past_the_bound() {
        let world = World::new();
        let kept = world.insert("kept").await;
        for number in 1..FORESEEN_SWEPT_AT {
            drop(world.insert(&format!("s{number}")).await);
        }
        assert_eq!(world.len(), FORESEEN_SWEPT_AT);
        let last = world.insert("last").await;
        assert_eq!(world.len(), 2);
        assert!(Arc::ptr_eq(&kept, &world.foreseen.get("kept").unwrap()));
        assert!(Arc::ptr_eq(&last, &world.foreseen.get("last").unwrap()));
    }
}
