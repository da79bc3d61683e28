//! Nobody raises their own rights by a write to the directory.
//!
//! Whoever may write entities, aliases and groups decides what others may do; that is what such a
//! policy is for. But a write must not give its own author a policy that the author does not hold:
//! else `update` on `identity/*` would be as good as every policy there is. So each write looks, in
//! its own transaction, at what the author's entity has before and after: directly, over groups,
//! over the entity into which it was merged, and by the next login under the aliases that it had
//! before. Two writes of two authors that only together raise one of them conflict, because the
//! records that were looked at are preconditions.
//!
//! Out of scope is what policies say about metadata and names (templated paths), and a second
//! entity that the author can log in as.

use std::collections::BTreeSet;

use vouchsafe_logical::{CallerSummary, Error, ErrorKind, PolicyName};

use super::keys;
use super::reach::reach;
use super::records::Records;
use super::resolve::united_policies;
use crate::subject::entity::Entity;
use crate::subject::id::{EntityId, GroupId, MountAccessor};
use crate::subject::name::Name;

/// Who asks for a write.
#[derive(Clone, Copy, Debug)]
pub enum Author<'a> {
    /// Somebody who may raise anybody, or who has no entity that could be raised.
    Trusted,
    /// Somebody whose own policies the write must not add to.
    Holder {
        /// The entity of the token.
        entity_id: &'a str,
        /// All policies in force for the request, the token's own included.
        policies: &'a [String],
    },
}

impl<'a> Author<'a> {
    /// The caller of a request: trusted with `sudo` on its path.
    #[must_use]
    pub fn of(caller: &'a CallerSummary) -> Self {
        match &caller.entity_id {
            Some(entity_id) if !caller.is_root && !caller.has_sudo => Self::Holder {
                entity_id,
                policies: &caller.policies,
            },
            Some(_) | None => Self::Trusted,
        }
    }
}

/// What an author has before a write, and all that decides what it has afterwards.
pub(super) struct Standing<'a> {
    entity: EntityId,
    held: &'a [String],
    policies: BTreeSet<PolicyName>,
    /// The mounts and names under which the author logs in.
    logins: Vec<(MountAccessor, Name)>,
    /// The mounts and names of the groups that logins brought.
    groups: Vec<(MountAccessor, Name)>,
}

impl Records<'_> {
    /// What a write must not add to; `None` where nothing is to be watched.
    pub(super) async fn standing<'a>(
        &mut self,
        author: Author<'a>,
    ) -> Result<Option<Standing<'a>>, Error> {
        let Author::Holder {
            entity_id,
            policies: held,
        } = author
        else {
            return Ok(None);
        };
        let Some(id) = EntityId::parse(entity_id) else {
            return Ok(None);
        };
        let Some(entity) = self.entity_or_its_heir(&id).await? else {
            return Ok(None);
        };
        let named = |mount: &MountAccessor, name: &str| Some((mount.clone(), Name::find(name)?));
        let logins = entity.aliases.iter();
        let logins = logins
            .filter_map(|alias| named(&alias.mount_accessor, &alias.name))
            .collect();
        let mut groups = Vec::new();
        for id in &entity.direct_group_ids {
            let group = self.indexed_group(id).await?;
            let alias = group.alias.as_ref();
            groups.extend(alias.and_then(|alias| named(&alias.mount_accessor, &alias.name)));
        }
        let mut standing = Standing {
            entity: id,
            held,
            policies: BTreeSet::new(),
            logins,
            groups,
        };
        standing.policies = self.policies_within_reach(&standing).await?;
        Ok(Some(standing))
    }

    /// Refuses to go on if the writes so far give the author a policy that it does not hold.
    pub(super) async fn refuse_raise(
        &mut self,
        standing: Option<&Standing<'_>>,
    ) -> Result<(), Error> {
        let Some(standing) = standing else {
            return Ok(());
        };
        let after = self.policies_within_reach(standing).await?;
        let raised = after.difference(&standing.policies).find(|policy| {
            let mut held = standing.held.iter();
            !held.any(|held| held == policy.as_str())
        });
        match raised {
            None => Ok(()),
            Some(policy) => Err(Error::new(
                ErrorKind::PermissionDenied,
                "would_raise_own_policies",
                format!(
                    "this would give your own entity the policy {:?}, which you do not hold; \
                     that takes `sudo` on the path",
                    policy.as_str()
                ),
            )),
        }
    }

    /// The policies that an author has from identity, or would have after logging in again.
    async fn policies_within_reach(
        &mut self,
        standing: &Standing<'_>,
    ) -> Result<BTreeSet<PolicyName>, Error> {
        let mut entities: Vec<Entity> = Vec::new();
        entities.extend(self.entity_or_its_heir(&standing.entity).await?);
        for (mount, name) in &standing.logins {
            if let Some(entity) = self.entity_by_factors(mount, name).await?
                && entities.iter().all(|known| known.id != entity.id)
            {
                entities.push(entity);
            }
        }
        let direct = entities.iter().flat_map(|entity| &entity.direct_group_ids);
        let mut direct: BTreeSet<GroupId> = direct.cloned().collect();
        for (mount, name) in &standing.groups {
            let group = self.group_by_factors(mount, name).await?;
            direct.extend(group.map(|group| group.id));
        }
        let reached = reach(&direct, |group| &group.parent_group_ids, self).await?;
        let mut policies = BTreeSet::new();
        for entity in &entities {
            let united = united_policies(entity, reached.groups.iter());
            policies.extend(united.iter().cloned());
        }
        Ok(policies)
    }

    async fn entity_or_its_heir(&mut self, id: &EntityId) -> Result<Option<Entity>, Error> {
        if let Some(entity) = self.entity(id).await? {
            return Ok(Some(entity));
        }
        match self.read::<EntityId>(&keys::entity_merged(id)).await? {
            Some(heir) => self.entity(&heir).await,
            None => Ok(None),
        }
    }
}
