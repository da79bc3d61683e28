//! Nobody raises their own rights by a write to the directory.
//!
//! Whoever may write entities, aliases and groups decides what others may do; that is what such a
//! policy is for. But a write must not give its own author a policy that the author does not hold:
//! else `update` on `identity/*` would be as good as every policy there is. So each write looks, in
//! its own transaction, at what the author would have before and after: as the entity of the token,
//! over groups, over the entity into which it was merged, and by the next login. That is the login
//! which the author has proved, whatever alias it has now or lacks, and each other one of the entity.
//! Each of these ways is compared with itself, and what it newly gives with what the author holds:
//! what only another way gives is not held. Two writes of two authors that only together raise one of
//! them conflict, because the records that were looked at are preconditions.
//!
//! Out of scope is what policies say about metadata and names (templated paths), and a second
//! entity that the author can log in as.

use std::collections::BTreeSet;

use vouchsafe_logical::{CallerSummary, Error, ErrorKind, PolicyName, ProvedLogin};

use super::keys;
use super::reach::reach;
use super::records::Records;
use crate::subject::entity::Entity;
use crate::subject::group::GroupKind;
use crate::subject::id::{EntityId, GroupId, MountAccessor};
use crate::subject::name::Name;

/// Who asks for a write.
#[derive(Clone, Copy, Debug)]
pub enum Author<'a> {
    /// Somebody who may raise anybody, or who has neither an entity nor a login that could be raised.
    Trusted,
    /// Somebody whose own policies the write must not add to.
    Holder {
        /// The entity of the credential.
        entity_id: Option<&'a str>,
        /// The login behind the credential; tokens made by earlier versions lack it.
        login: Option<&'a ProvedLogin>,
        /// All policies in force for the request, the token's own included.
        policies: &'a [String],
    },
}

impl<'a> Author<'a> {
    /// The caller of a request: trusted with `sudo` on its path.
    #[must_use]
    pub fn of(caller: &'a CallerSummary) -> Self {
        let entity_id = caller.entity_id.as_deref();
        let login = caller.login.as_deref();
        let is_nobody = entity_id.is_none() && login.is_none();
        if caller.is_root || caller.has_sudo || is_nobody {
            return Self::Trusted;
        }
        Self::Holder {
            entity_id,
            login,
            policies: &caller.policies,
        }
    }
}

/// The name that a mount gives to somebody, or to a group.
type Factors = (MountAccessor, Name);

/// What an author has before a write, and all that decides what it has afterwards.
pub(super) struct Standing<'a> {
    entity: Option<EntityId>,
    held: &'a [String],
    /// What each of the ways gives, always in the same order.
    ways: Vec<BTreeSet<PolicyName>>,
    /// The login that the author has proved.
    proved: Option<Proved>,
    /// The aliases of the entity.
    logins: Vec<Factors>,
    /// The aliases of the groups that logins brought.
    groups: Vec<Factors>,
}

/// A login that was proved.
struct Proved {
    alias: Factors,
    /// The groups that it named, if they are known.
    groups: Option<Vec<Name>>,
}

impl Proved {
    fn of(login: &ProvedLogin) -> Option<Self> {
        let groups = login.groups.as_ref();
        Some(Self {
            alias: factors(MountAccessor::parse(&login.mount_accessor)?, &login.name)?,
            groups: groups.map(|names| names.iter().filter_map(|name| Name::find(name)).collect()),
        })
    }
}

/// None where no alias can have such a name.
fn factors(mount: MountAccessor, name: &str) -> Option<Factors> {
    Some((mount, Name::find(name)?))
}

impl Records<'_> {
    /// What a write must not add to; `None` where nothing is to be watched.
    pub(super) async fn standing<'a>(
        &mut self,
        author: Author<'a>,
    ) -> Result<Option<Standing<'a>>, Error> {
        let Author::Holder {
            entity_id,
            login,
            policies: held,
        } = author
        else {
            return Ok(None);
        };
        let mut standing = Standing {
            entity: entity_id.and_then(EntityId::parse),
            held,
            ways: Vec::new(),
            proved: login.and_then(Proved::of),
            logins: Vec::new(),
            groups: Vec::new(),
        };
        if let Some(id) = &standing.entity
            && let Some(entity) = self.entity_or_its_heir(id).await?
        {
            let aliases = entity.aliases.into_iter();
            standing.logins = aliases
                .filter_map(|alias| factors(alias.mount_accessor, &alias.name))
                .collect();
            for id in &entity.direct_group_ids {
                let alias = self.indexed_group(id).await?.alias;
                let known = alias.and_then(|alias| factors(alias.mount_accessor, &alias.name));
                standing.groups.extend(known);
            }
        }
        standing.ways = self.ways(&standing).await?;
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
        let after = self.ways(standing).await?;
        let mut ways = standing.ways.iter().zip(&after);
        let raised = ways.find_map(|(before, after)| {
            let mut added = after.difference(before);
            added.find(|policy| {
                let mut held = standing.held.iter();
                !held.any(|held| held == policy.as_str())
            })
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

    /// The policies that an author has from identity, or would have after logging in again, by each
    /// of the ways.
    async fn ways(&mut self, standing: &Standing<'_>) -> Result<Vec<BTreeSet<PolicyName>>, Error> {
        let mut ways = Vec::with_capacity(standing.logins.len() + 3);
        if let Some(id) = &standing.entity {
            let entity = self.entity_or_its_heir(id).await?;
            ways.push(self.policies_as_stored(entity).await?);
        }
        for (mount, name) in &standing.logins {
            let entity = self.entity_by_factors(mount, name).await?;
            ways.push(self.policies_as_stored(entity).await?);
        }
        let mut named = BTreeSet::new();
        for (mount, name) in &standing.groups {
            let group = self.group_by_factors(mount, name).await?;
            named.extend(group.map(|group| group.id));
        }
        ways.push(self.policies_of(None, &named).await?);
        if let Some(proved) = &standing.proved {
            ways.push(self.policies_by_login(proved).await?);
        }
        Ok(ways)
    }

    /// What an entity has with the groups that it is in.
    async fn policies_as_stored(
        &mut self,
        entity: Option<Entity>,
    ) -> Result<BTreeSet<PolicyName>, Error> {
        match entity {
            Some(entity) => {
                let direct = &entity.direct_group_ids;
                self.policies_of(Some(&entity), direct).await
            }
            None => Ok(BTreeSet::new()),
        }
    }

    /// What a login would have that proves the same again: of the external groups of its mount, those
    /// that it names, whichever are stored.
    async fn policies_by_login(&mut self, proved: &Proved) -> Result<BTreeSet<PolicyName>, Error> {
        let (mount, name) = &proved.alias;
        let entity = self.entity_by_factors(mount, name).await?;
        let Some(names) = &proved.groups else {
            return self.policies_as_stored(entity).await;
        };
        let mut direct = BTreeSet::new();
        for name in names {
            let group = self.group_by_factors(mount, name).await?;
            direct.extend(group.map(|group| group.id));
        }
        for id in entity.iter().flat_map(|entity| &entity.direct_group_ids) {
            let group = self.indexed_group(id).await?;
            let alias = group.alias.filter(|_| group.kind == GroupKind::External);
            if alias.is_none_or(|alias| alias.mount_accessor != *mount) {
                direct.insert(group.id);
            }
        }
        self.policies_of(entity.as_ref(), &direct).await
    }

    async fn policies_of(
        &mut self,
        entity: Option<&Entity>,
        direct: &BTreeSet<GroupId>,
    ) -> Result<BTreeSet<PolicyName>, Error> {
        let reached = reach(direct, |group| &group.parent_group_ids, self).await?;
        let groups = reached
            .groups
            .iter()
            .flat_map(|group| group.policies.iter());
        let own = entity.into_iter().flat_map(|entity| entity.policies.iter());
        Ok(own.chain(groups).cloned().collect())
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
