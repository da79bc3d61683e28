//! Which groups are reached from others over memberships.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use vouchsafe_logical::{BoxFuture, Error};

use crate::subject::group::{GROUP_NESTING_MAX, Group};
use crate::subject::id::GroupId;

/// The groups that were reached.
pub(super) struct Reached<G> {
    /// Each once, nearest first.
    pub(super) groups: Vec<G>,
    /// The most groups on one chain.
    pub(super) levels: usize,
}

/// Where groups are read from. A trait and not an async closure: the futures of the latter can't be
/// proved to be `Send`, which those of requests must be.
pub(super) trait GroupSource<G> {
    /// The group with this id.
    fn load<'a>(&'a mut self, id: &'a GroupId) -> BoxFuture<'a, Result<Option<G>, Error>>;
}

/// Follows memberships from `start` (included), in the direction that `next` gives.
///
/// Groups that are not there are passed over: what points to them is about to go.
///
/// # Errors
/// Those of `source`, and chains over [`GROUP_NESTING_MAX`]: a caller that is about to make one
/// refuses.
pub(super) async fn reach<G: Borrow<Group> + Clone>(
    start: &BTreeSet<GroupId>,
    next: fn(&Group) -> &BTreeSet<GroupId>,
    source: &mut impl GroupSource<G>,
) -> Result<Reached<G>, Error> {
    let mut groups = Vec::new();
    let mut beyond: BTreeMap<GroupId, BTreeSet<GroupId>> = BTreeMap::new();
    let mut level = start.clone();
    let mut levels = 0;
    // A group on two levels is followed on both: the longest chain counts. The limit on levels
    // ends the walk even if there were a cycle.
    while !level.is_empty() {
        let mut following = BTreeSet::new();
        let mut found = false;
        for id in &level {
            if !beyond.contains_key(id) {
                let Some(group) = source.load(id).await? else {
                    continue;
                };
                beyond.insert(id.clone(), next(group.borrow()).clone());
                groups.push(group);
            }
            if let Some(ids) = beyond.get(id) {
                found = true;
                following.extend(ids.iter().cloned());
            }
        }
        levels += usize::from(found);
        if levels > GROUP_NESTING_MAX {
            return Err(too_deep());
        }
        level = following;
    }
    Ok(Reached { groups, levels })
}

/// Refuses a chain of memberships.
pub(super) fn too_deep() -> Error {
    Error::invalid_because(
        "group_nesting_too_deep",
        format!("groups are nested too deep; at most {GROUP_NESTING_MAX} may be on one chain"),
    )
}
