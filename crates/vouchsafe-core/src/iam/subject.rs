//! The entity of a caller whose credential is stored nowhere.
//!
//! Issuer and subject are an alias of the `sys/` mount, named `<iss>#<sub>`. An entity that has it is
//! used, as by a login. One is made only where the role says so, and that is the one case in which a
//! request with such a credential writes: once for each subject.

use std::collections::BTreeMap;
use std::sync::Arc;

use vouchsafe_identity::subject::Subject;
use vouchsafe_identity::subject::directory::{Query, is_conflict};
use vouchsafe_logical::view::TRANSACTION_ATTEMPTS_MAX;
use vouchsafe_logical::{AliasProposal, CommitError, Error, MountSummary, Timestamp};

use super::Unstored;
use crate::runtime::Runtime;

/// The entity, if there is one or the role wants one.
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
    let mount = table
        .at("sys/")
        .map(|mount| mount.summary())
        .ok_or_else(|| Error::internal("`sys/` is not mounted"))?;
    let query = Query::Factors {
        mount_accessor: &mount.accessor,
        name,
    };
    let found = match runtime.directory.find_entity(query).await? {
        Some(found) => Some(found),
        None if caller.create_entity => {
            let id = create(runtime, mount, name, now).await?;
            runtime.directory.subject(&id).await?
        }
        None => None,
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

async fn create(
    runtime: &Runtime,
    mount: &MountSummary,
    name: &str,
    now: Timestamp,
) -> Result<String, Error> {
    let proposal = AliasProposal {
        name: name.to_owned(),
        metadata: BTreeMap::new(),
    };
    let entropy = &*runtime.ports.entropy;
    for _ in 0..TRANSACTION_ATTEMPTS_MAX {
        let mut transaction = runtime.root.begin();
        let attached = runtime
            .directory
            .attach_login(&mut transaction, mount, &proposal, &[], now, entropy)
            .await;
        let attached = match attached {
            Ok(attached) => attached,
            Err(error) if is_conflict(&error) => continue,
            Err(error) => return Err(error),
        };
        match transaction.commit().await {
            Ok(()) => return Ok(attached.entity_id.to_string()),
            Err(CommitError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(CommitError::Conflict.into())
}
