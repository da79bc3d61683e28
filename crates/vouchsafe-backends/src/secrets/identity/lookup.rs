//! `lookup/entity`, `lookup/group`: find by id, name or alias.
//!
//! A lookup is a write in Vault's API, so one that finds nothing answers nothing: 204, not 404.

use vouchsafe_identity::subject::directory::Query;
use vouchsafe_logical::{Access, Answer, Call, Error, Method, Reply, Route, input};

use super::{Identity, answer};

/// Finds an entity.
pub(super) const ENTITY: Route<Identity> = Route {
    pattern: "lookup/entity",
    access: Access::Token,
    methods: &[Method::update::<LookupInput>(entity)],
    exists: None,
    help: "Find an entity by its id, its name or an alias of it.",
};

/// Finds a group.
pub(super) const GROUP: Route<Identity> = Route {
    pattern: "lookup/group",
    access: Access::Token,
    methods: &[Method::update::<LookupInput>(group)],
    exists: None,
    help: "Find a group by its id, its name or its alias.",
};

input! {
    /// What to look for.
    pub(super) struct LookupInput {
        /// The id.
        id: Option<String>,
        /// The name.
        name: Option<String>,
        /// The id of an alias.
        alias_id: Option<String>,
        /// The name of an alias; goes with `alias_mount_accessor`.
        alias_name: Option<String>,
        /// The mount of an alias; goes with `alias_name`.
        alias_mount_accessor: Option<String>,
    }
}

impl LookupInput {
    fn query(&self) -> Result<Query<'_>, Error> {
        let factors = self.alias_name.is_some() || self.alias_mount_accessor.is_some();
        let asked = [
            self.id.is_some(),
            self.name.is_some(),
            self.alias_id.is_some(),
            factors,
        ];
        let refuse = |text| Err(Error::invalid_because("query_invalid", text));
        match asked.iter().filter(|asked| **asked).count() {
            0 => return refuse("query parameter not supplied"),
            1 => {}
            _ => {
                return refuse(
                    "query parameter conflict; please supply distinct set of query parameters",
                );
            }
        }
        let factors = (
            self.alias_name.as_deref(),
            self.alias_mount_accessor.as_deref(),
        );
        match (
            self.id.as_deref(),
            self.name.as_deref(),
            self.alias_id.as_deref(),
            factors,
        ) {
            (Some(id), ..) => Ok(Query::Id(id)),
            (None, Some(name), ..) => Ok(Query::Name(name)),
            (None, None, Some(id), _) => Ok(Query::AliasId(id)),
            (None, None, None, (Some(name), Some(mount_accessor))) => Ok(Query::Factors {
                mount_accessor,
                name,
            }),
            (None, None, None, _) => {
                refuse("both 'alias_name' and 'alias_mount_accessor' needs to be set")
            }
        }
    }
}

fn entity<'a>(identity: &'a Identity, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: LookupInput = call.input()?;
        match identity.directory.find_entity(input.query()?).await? {
            Some(subject) => answer::entity(&subject, identity.system()),
            None => Ok(Reply::empty()),
        }
    })
}

fn group<'a>(identity: &'a Identity, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: LookupInput = call.input()?;
        match identity.directory.find_group(input.query()?).await? {
            Some((group, members)) => answer::group(&group, &members, identity.system()),
            None => Ok(Reply::empty()),
        }
    })
}
