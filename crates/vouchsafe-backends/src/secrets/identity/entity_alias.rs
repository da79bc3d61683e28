//! `entity-alias`: the names under which auth methods know entities.

use vouchsafe_identity::subject::directory::{AliasChange, Author};
use vouchsafe_logical::{Access, Answer, Call, Error, KeyValues, Method, Reply, Route, input};

use super::{Identity, answer};

/// Writes an alias by the id, or the mount and name, in the body.
pub(super) const ROUTE: Route<Identity> = Route {
    pattern: "entity-alias",
    access: Access::Token,
    methods: &[Method::update::<AliasInput>(write)],
    exists: None,
    help: "Create an alias of an entity, or update the one with the given id, or mount and name.",
};

/// All aliases.
pub(super) const LIST: Route<Identity> = Route {
    pattern: "entity-alias/id",
    access: Access::Token,
    methods: &[Method::list(list)],
    exists: None,
    help: "List the aliases of all entities.",
};

/// One alias.
pub(super) const BY_ID: Route<Identity> = Route {
    pattern: "entity-alias/id/{id*}",
    access: Access::Token,
    methods: &[
        Method::read(read),
        Method::update::<AliasInput>(write),
        Method::delete(delete),
    ],
    exists: None,
    help: "Read, update or delete the alias with this id.",
};

input! {
    /// What a write says about an alias of an entity.
    pub(super) struct AliasInput {
        /// The id of the alias to update.
        id: Option<String>,
        /// The name that the auth method gives.
        name: Option<String>,
        /// The accessor of the auth method's mount.
        mount_accessor: Option<String>,
        /// The id of the entity. Without it, a new alias gets a new entity.
        canonical_id: Option<String>,
        /// The same as `canonical_id`, under its former name.
        entity_id: Option<String>,
        /// All custom metadata of the alias.
        custom_metadata: Option<KeyValues>,
    }
}

fn write<'a>(identity: &'a Identity, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: AliasInput = call.input()?;
        let change = AliasChange {
            id: input.id,
            name: input.name,
            mount: input
                .mount_accessor
                .and_then(|accessor| identity.requested_mount(accessor)),
            canonical_id: input
                .canonical_id
                .filter(|id| !id.is_empty())
                .or(input.entity_id),
            custom_metadata: input.custom_metadata.map(|pairs| pairs.0),
        };
        let system = identity.system();
        let now = system.clock().now();
        match identity
            .directory
            .write_alias(&change, now, system.entropy(), Author::of(call.caller))
            .await?
        {
            Some(alias) => answer::placed(alias.id.as_str(), alias.canonical_id.as_str()),
            None => Ok(Reply::empty()),
        }
    })
}

fn read<'a>(identity: &'a Identity, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let found = identity.directory.find_alias(call.captured("id")).await?;
        let (owner, alias) = found.ok_or_else(Error::not_found)?;
        answer::alias_alone(&owner, &alias, identity.system())
    })
}

fn delete<'a>(identity: &'a Identity, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        identity.directory.delete_alias(call.captured("id")).await?;
        Ok(Reply::empty())
    })
}

fn list<'a>(identity: &'a Identity, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let system = identity.system();
        let mut entries = Vec::new();
        for entity in identity.directory.entities().await? {
            entries.extend(entity.aliases.iter().map(|alias| {
                (
                    alias.id.to_string(),
                    answer::listed_alias(&entity.id, alias, system),
                )
            }));
        }
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        answer::listing(entries)
    })
}
