//! `group-alias`: the names under which auth methods know external groups.

use vouchsafe_identity::subject::directory::{Author, GroupAliasChange, Query};
use vouchsafe_logical::{Access, Answer, Call, Error, Method, Reply, Route, input};

use super::{Identity, answer};

/// Writes an alias, by the id in the body if there is one.
pub(super) const ROUTE: Route<Identity> = Route {
    pattern: "group-alias",
    access: Access::Token,
    methods: &[Method::update::<GroupAliasInput>(write)],
    exists: None,
    help: "Create an alias of an external group, or update the one with the given id.",
};

/// All aliases.
pub(super) const LIST: Route<Identity> = Route {
    pattern: "group-alias/id",
    access: Access::Token,
    methods: &[Method::list(list)],
    exists: None,
    help: "List the aliases of all external groups.",
};

/// One alias.
pub(super) const BY_ID: Route<Identity> = Route {
    pattern: "group-alias/id/{id*}",
    access: Access::Token,
    methods: &[
        Method::read(read),
        Method::update::<GroupAliasInput>(write),
        Method::delete(delete),
    ],
    exists: None,
    help: "Read, update or delete the alias with this id.",
};

input! {
    /// What a write says about an alias of a group.
    pub(super) struct GroupAliasInput {
        /// The id of the alias to update.
        id: Option<String>,
        /// The name that the auth method gives.
        name: Option<String>,
        /// The accessor of the auth method's mount.
        mount_accessor: Option<String>,
        /// The id of the external group. Without it, a new alias gets a new group.
        canonical_id: Option<String>,
    }
}

fn write<'a>(identity: &'a Identity, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: GroupAliasInput = call.input()?;
        let change = GroupAliasChange {
            id: input.id,
            name: input.name,
            mount: input
                .mount_accessor
                .and_then(|accessor| identity.requested_mount(accessor)),
            canonical_id: input.canonical_id,
        };
        let system = identity.system();
        let now = system.clock().now();
        match identity
            .directory
            .write_group_alias(&change, now, system.entropy(), Author::of(call.caller))
            .await?
        {
            Some(alias) => answer::placed(alias.id.as_str(), alias.canonical_id.as_str()),
            None => Ok(Reply::empty()),
        }
    })
}

fn read<'a>(identity: &'a Identity, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let found = identity
            .directory
            .find_group(Query::AliasId(call.captured("id")))
            .await?;
        let (group, _) = found.ok_or_else(Error::not_found)?;
        let alias = group.alias.as_ref().ok_or_else(Error::not_found)?;
        answer::group_alias_alone(&group, alias, identity.system())
    })
}

fn delete<'a>(identity: &'a Identity, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let now = identity.system().clock().now();
        identity
            .directory
            .delete_group_alias(call.captured("id"), now)
            .await?;
        Ok(Reply::empty())
    })
}

fn list<'a>(identity: &'a Identity, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let system = identity.system();
        let mut entries = Vec::new();
        for group in identity.directory.groups().await? {
            if let Some(alias) = &group.alias {
                let info = answer::listed_group_alias(&group, alias, system);
                entries.push((alias.id.to_string(), info));
            }
        }
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        answer::listing(entries)
    })
}
