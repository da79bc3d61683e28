//! `entity`, `entity/id`, `entity/name`: people and workloads.

use std::sync::Arc;

use serde_json::{Value, json};
use vouchsafe_identity::subject::Subject;
use vouchsafe_identity::subject::directory::{Author, EntityChange, Query, Written};
use vouchsafe_logical::{
    Access, Answer, Call, CommaList, Error, KeyValues, Method, Reply, Route, System, input,
};

use super::{Identity, answer};

/// Writes an entity by the id or name in the body.
pub(super) const ROUTE: Route<Identity> = Route {
    pattern: "entity",
    access: Access::Token,
    methods: &[Method::update::<EntityInput>(write)],
    exists: None,
    help: "Create an entity, or update the one with the given id or name.",
};

/// All entities by id.
pub(super) const LIST_BY_ID: Route<Identity> = Route {
    pattern: "entity/id",
    access: Access::Token,
    methods: &[Method::list(list_by_id)],
    exists: None,
    help: "List the ids of all entities, with their names and aliases.",
};

/// One entity by id.
pub(super) const BY_ID: Route<Identity> = Route {
    pattern: "entity/id/{id*}",
    access: Access::Token,
    methods: &[
        Method::read(read_by_id),
        Method::update::<EntityInput>(write),
        Method::delete(delete_by_id),
    ],
    exists: None,
    help: "Read, update or delete the entity with this id.",
};

/// All entities by name.
pub(super) const LIST_BY_NAME: Route<Identity> = Route {
    pattern: "entity/name",
    access: Access::Token,
    methods: &[Method::list(list_by_name)],
    exists: None,
    help: "List the names of all entities.",
};

/// One entity by name.
pub(super) const BY_NAME: Route<Identity> = Route {
    pattern: "entity/name/{name^...}",
    access: Access::Token,
    methods: &[
        Method::read(read_by_name),
        Method::update::<EntityInput>(write),
        Method::delete(delete_by_name),
    ],
    exists: None,
    help: "Create, read, update or delete the entity with this name.",
};

input! {
    /// What a write says about an entity.
    pub(super) struct EntityInput {
        /// The id of the entity to update.
        id: Option<String>,
        /// The name of the entity; with an id, its name from now on.
        name: Option<String>,
        /// All metadata of the entity.
        metadata: Option<KeyValues>,
        /// All policies of the entity. Its tokens get them besides their own.
        policies: Option<CommaList>,
        /// Whether tokens of the entity are refused.
        disabled: Option<bool>,
    }
}

fn write<'a>(identity: &'a Identity, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: EntityInput = call.input()?;
        // Policies were asked about the name in the path: an id beside it names nobody else.
        let named_by_path = call.captures.get("name").is_some();
        let change = EntityChange {
            id: input.id.filter(|_| !named_by_path),
            name: input.name,
            policies: input.policies.map(|list| list.0),
            disabled: input.disabled,
            metadata: input.metadata.map(|pairs| pairs.0),
        };
        let system = identity.system();
        let now = system.clock().now();
        match identity
            .directory
            .write_entity(&change, now, system.entropy(), Author::of(call.caller))
            .await?
        {
            Written::Updated => Ok(Reply::empty()),
            Written::Created(entity) => {
                answer::object(json!({ "aliases": null, "id": entity.id, "name": entity.name }))
            }
        }
    })
}

fn read_by_id<'a>(identity: &'a Identity, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let found = identity
            .directory
            .find_entity(Query::Id(call.captured("id")))
            .await?;
        show(found, identity.system())
    })
}

fn read_by_name<'a>(identity: &'a Identity, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let found = identity
            .directory
            .find_entity(Query::Name(call.captured("name")))
            .await?;
        show(found, identity.system())
    })
}

fn show(found: Option<Arc<Subject>>, system: &dyn System) -> Result<Reply, Error> {
    answer::entity(&*found.ok_or_else(Error::not_found)?, system)
}

fn delete_by_id<'a>(identity: &'a Identity, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        identity
            .directory
            .delete_entity(call.captured("id"))
            .await?;
        Ok(Reply::empty())
    })
}

fn delete_by_name<'a>(identity: &'a Identity, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        identity
            .directory
            .delete_entity_by_name(call.captured("name"))
            .await?;
        Ok(Reply::empty())
    })
}

fn list_by_id<'a>(identity: &'a Identity, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let system = identity.system();
        let mut entries = Vec::new();
        for entity in identity.directory.entities().await? {
            let mut info = json!({ "name": entity.name });
            let aliases = entity.aliases.iter().map(|alias| {
                answer::short_alias(
                    alias.id.as_str(),
                    &alias.name,
                    &alias.mount_accessor,
                    system,
                )
            });
            let aliases: Vec<Value> = aliases.collect();
            if !aliases.is_empty() {
                info["aliases"] = aliases.into();
            }
            entries.push((entity.id.to_string(), info));
        }
        answer::listing(entries)
    })
}

fn list_by_name<'a>(identity: &'a Identity, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let entities = identity.directory.entities().await?;
        let mut names: Vec<String> = entities.into_iter().map(|entity| entity.name).collect();
        names.sort();
        Reply::keys(names)
    })
}
