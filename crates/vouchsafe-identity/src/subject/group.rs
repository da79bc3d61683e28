//! Groups: policies and metadata that several entities share.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use vouchsafe_logical::{PolicyNames, Timestamp};

use super::alias::GroupAlias;
use super::id::GroupId;
use super::metadata::Metadata;
use super::name::Name;
use super::stored_time;

/// The most entities that are direct members of one group.
pub const MEMBER_ENTITIES_PER_GROUP_MAX: usize = 10_000;
/// The most groups that are direct members of one group.
pub const MEMBER_GROUPS_PER_GROUP_MAX: usize = 1_000;
/// The most groups that one group is a direct member of.
pub const PARENT_GROUPS_PER_GROUP_MAX: usize = 100;
/// The most groups on one chain of memberships.
pub const GROUP_NESTING_MAX: usize = 16;

/// Who decides on the members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupKind {
    /// An operator.
    #[default]
    Internal,
    /// An auth method: whoever logs in is in the groups that the proof of identity names.
    External,
}

impl GroupKind {
    /// The API's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::External => "external",
        }
    }
}

/// A group without its member entities, which are a record of their own: who joins changes
/// nothing for those who are in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its name; compared folded, see [`super::Name`].
    pub name: String,
    /// Who decides on the members. Never changes.
    pub kind: GroupKind,
    /// What an operator wrote about it.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// Policies that tokens of its members get besides their own; never `root`.
    #[serde(default, skip_serializing_if = "PolicyNames::is_empty")]
    pub policies: PolicyNames,
    /// Groups whose members are members of this one; none where the group is external.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub member_group_ids: BTreeSet<GroupId>,
    /// Groups that this one is a member of.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub parent_group_ids: BTreeSet<GroupId>,
    /// What a mount calls it; none where the group is internal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<GroupAlias>,
    /// How often this record was changed. Members that come and go by logins, and by deletes and
    /// merges of what they are, do not count.
    pub modify_index: u64,
    /// When it was made.
    #[serde(with = "stored_time")]
    pub creation_time: Timestamp,
    /// When it was last changed.
    #[serde(with = "stored_time")]
    pub last_update_time: Timestamp,
}

impl Group {
    /// A group without anything but a name and a kind. Its record has not been written yet.
    #[must_use]
    pub fn new(id: GroupId, name: &Name, kind: GroupKind, now: Timestamp) -> Self {
        Self {
            id,
            name: name.as_str().to_owned(),
            kind,
            metadata: Metadata::new(),
            policies: PolicyNames::default(),
            member_group_ids: BTreeSet::new(),
            parent_group_ids: BTreeSet::new(),
            alias: None,
            modify_index: 0,
            creation_time: now,
            last_update_time: now,
        }
    }
}
