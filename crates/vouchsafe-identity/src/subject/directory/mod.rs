//! The directory: all entities, aliases and groups of one identity mount.
//!
//! Everything that must be true together is written in one transaction, whose reads are its
//! preconditions; after a conflict the decision is made again. Uniqueness is always a key, never
//! the result of a search. Any number of directories, on any number of nodes, may work on the same
//! storage: what one holds in memory it proves by record versions before each use.

mod author;
mod entity;
mod entity_alias;
mod foreseen;
mod group;
mod group_alias;
mod keys;
mod login;
mod membership;
mod merge;
mod reach;
mod read;
mod records;
mod resolve;
#[cfg(test)]
mod tests;
mod transaction;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use quick_cache::sync::Cache;
use vouchsafe_logical::{Error, MountSummary, Transaction, VersionedCache, View};

pub use author::Author;
pub use entity::EntityChange;
pub use entity_alias::{AliasChange, PlacedAlias};
pub use group::GroupChange;
pub use group_alias::{GroupAliasChange, PlacedGroupAlias};
pub use login::{AttachedLogin, GROUP_ALIASES_PER_LOGIN_MAX};
pub use merge::{AliasClash, AliasOwner, Merge, Merged};
pub use read::Query;
pub use resolve::Subject;

use self::records::Records;
use super::group::Group;
use super::id::EntityId;

/// How many subjects are kept ready. One takes about 1 KiB.
const SUBJECTS_CACHED: usize = 65_536;
/// How many names, aliases and ids of aliases are kept with the id of their entity. One takes about
/// 300 bytes.
const ENTITY_IDS_CACHED: usize = 16_384;
/// How many groups are kept parsed.
const GROUPS_CACHED: usize = 8_192;

/// How often what is looked at record after record is looked at again because it changed meanwhile.
const LOOKUP_ATTEMPTS_MAX: usize = 16;

/// How many generated names are tried. Names have 32 random bits, so the second is needed about
/// once in four billion for each object there is.
const GENERATED_NAMES_MAX: usize = 8;

/// What a write did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written<T> {
    /// It made this object.
    Created(T),
    /// It changed an object that was there.
    Updated,
}

/// A mount that a client named by its accessor.
#[derive(Clone, Debug)]
pub struct RequestedMount {
    /// The client's text.
    pub accessor: String,
    /// The mount, if there is one.
    pub found: Option<MountSummary>,
}

impl RequestedMount {
    /// The mount that there is.
    fn known(&self) -> Result<&MountSummary, Error> {
        self.found.as_ref().ok_or_else(|| {
            Error::invalid_because(
                "mount_unknown",
                format!("invalid mount accessor {:?}", self.accessor),
            )
        })
    }
}

/// All entities, aliases and groups of one identity mount.
pub struct Directory {
    view: View,
    groups: VersionedCache<Group>,
    entity_ids: VersionedCache<EntityId>,
    subjects: Cache<String, Arc<Subject>>,
    last_stamp: AtomicU64,
}

impl Directory {
    /// The directory in the storage of the identity mount. Reads nothing yet.
    #[must_use]
    pub fn new(view: View) -> Self {
        Self {
            view,
            groups: VersionedCache::new(GROUPS_CACHED),
            entity_ids: VersionedCache::new(ENTITY_IDS_CACHED),
            subjects: Cache::new(SUBJECTS_CACHED),
            last_stamp: AtomicU64::new(0),
        }
    }

    /// The directory's records within a transaction.
    fn records<'t>(&'t self, transaction: &'t mut Transaction) -> Records<'t> {
        Records::new(&self.view, transaction)
    }
}

/// Whether an error says that others changed what was read, so that trying again may help.
#[must_use]
pub fn is_conflict(error: &Error) -> bool {
    error.is_conflict()
}

/// A field's text, where there is any: for most fields of Vault, empty is absent.
fn given(field: &Option<String>) -> Option<&str> {
    field.as_deref().filter(|text| !text.is_empty())
}
