//! `group`, `group/id`, `group/name`: entities that share policies.

use std::collections::BTreeSet;

use serde_json::json;
use vouchsafe_identity::subject::directory::{Author, GroupChange, Query, Written};
use vouchsafe_identity::subject::{EntityId, Group};
use vouchsafe_logical::{
    Access, Answer, Call, CommaList, Error, KeyValues, Method, Reply, Route, System, input,
};

use super::{Identity, answer};

/// Writes a group by the id or name in the body.
pub(super) const ROUTE: Route<Identity> = Route {
    pattern: "group",
    access: Access::Token,
    methods: &[Method::update::<GroupInput>(write)],
    exists: None,
    help: "Create a group, or update the one with the given id or name.",
};

/// All groups by id.
pub(super) const LIST_BY_ID: Route<Identity> = Route {
    pattern: "group/id",
    access: Access::Token,
    methods: &[Method::list(list_by_id)],
    exists: None,
    help: "List the ids of all groups, with their names and sizes.",
};

/// One group by id.
pub(super) const BY_ID: Route<Identity> = Route {
    pattern: "group/id/{id*}",
    access: Access::Token,
    methods: &[
        Method::read(read_by_id),
        Method::update::<GroupInput>(write),
        Method::delete(delete_by_id),
    ],
    exists: None,
    help: "Read, update or delete the group with this id.",
};

/// All groups by name.
pub(super) const LIST_BY_NAME: Route<Identity> = Route {
    pattern: "group/name",
    access: Access::Token,
    methods: &[Method::list(list_by_name)],
    exists: None,
    help: "List the names of all groups.",
};

/// One group by name.
pub(super) const BY_NAME: Route<Identity> = Route {
    pattern: "group/name/{name^...}",
    access: Access::Token,
    methods: &[
        Method::read(read_by_name),
        Method::update::<GroupInput>(write_by_name),
        Method::delete(delete_by_name),
    ],
    exists: None,
    help: "Create, read, update or delete the group with this name.",
};

input! {
    /// What a write says about a group.
    pub(super) struct GroupInput {
        /// The id of the group to update.
        id: Option<String>,
        /// The name of the group; with an id, its name from now on.
        name: Option<String>,
        /// `internal` (the default) or `external`; can't be changed.
        r#type: Option<String>,
        /// All metadata of the group.
        metadata: Option<KeyValues>,
        /// All policies of the group. Tokens of its members get them besides their own.
        policies: Option<CommaList>,
        /// The ids of all groups that are members.
        member_group_ids: Option<CommaList>,
        /// The ids of all entities that are members.
        member_entity_ids: Option<CommaList>,
    }
}

impl From<GroupInput> for GroupChange {
    fn from(input: GroupInput) -> Self {
        Self {
            id: input.id,
            name: input.name,
            kind: input.r#type,
            metadata: input.metadata.map(|pairs| pairs.0),
            policies: input.policies.map(|list| list.0),
            member_entity_ids: input.member_entity_ids.map(|list| list.0),
            member_group_ids: input.member_group_ids.map(|list| list.0),
        }
    }
}

fn write<'a>(identity: &'a Identity, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let change = call.input::<GroupInput>()?.into();
        save(identity, change, Author::of(call.caller)).await
    })
}

/// The path says which group, whatever id the body has.
fn write_by_name<'a>(identity: &'a Identity, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let change = GroupChange {
            id: None,
            ..call.input::<GroupInput>()?.into()
        };
        save(identity, change, Author::of(call.caller)).await
    })
}

async fn save(
    identity: &Identity,
    change: GroupChange,
    author: Author<'_>,
) -> Result<Reply, Error> {
    let system = identity.system();
    let now = system.clock().now();
    match identity
        .directory
        .write_group(&change, now, system.entropy(), author)
        .await?
    {
        Written::Updated => Ok(Reply::empty()),
        Written::Created(group) => answer::object(json!({ "id": group.id, "name": group.name })),
    }
}

fn read_by_id<'a>(identity: &'a Identity, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let found = identity
            .directory
            .find_group(Query::Id(call.captured("id")))
            .await?;
        show(found, identity.system())
    })
}

fn read_by_name<'a>(identity: &'a Identity, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let found = identity
            .directory
            .find_group(Query::Name(call.captured("name")))
            .await?;
        show(found, identity.system())
    })
}

fn show(found: Option<(Group, BTreeSet<EntityId>)>, system: &dyn System) -> Result<Reply, Error> {
    let (group, members) = found.ok_or_else(Error::not_found)?;
    answer::group(&group, &members, system)
}

fn delete_by_id<'a>(identity: &'a Identity, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        identity.directory.delete_group(call.captured("id")).await?;
        Ok(Reply::empty())
    })
}

fn delete_by_name<'a>(identity: &'a Identity, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        identity
            .directory
            .delete_group_by_name(call.captured("name"))
            .await?;
        Ok(Reply::empty())
    })
}

fn list_by_id<'a>(identity: &'a Identity, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let system = identity.system();
        let mut entries = Vec::new();
        for group in identity.directory.groups().await? {
            let mut info = json!({
                "name": group.name,
                "num_member_entities": identity.directory.count_members(&group).await?,
                "num_parent_groups": group.parent_group_ids.len(),
            });
            if let Some(alias) = &group.alias {
                let id = alias.id.as_str();
                info["alias"] = answer::short_alias(id, &alias.name, &alias.mount_accessor, system);
            }
            entries.push((group.id.to_string(), info));
        }
        answer::listing(entries)
    })
}

fn list_by_name<'a>(identity: &'a Identity, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let groups = identity.directory.groups().await?;
        let mut names: Vec<String> = groups.into_iter().map(|group| group.name).collect();
        names.sort();
        Reply::keys(names)
    })
}
