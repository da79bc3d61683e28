//! `role`, `role/{role_name^}`, its `role-id` and `local-secret-ids`.

use vouchsafe_identity::subject::Name;
use vouchsafe_logical::{
    Access, Answer, BoxFuture, Call, Data, Error, Method, Reply, Route, TokenFields, input,
};

use super::store::Absent;
use super::{Role, RoleInput, name_of};
use crate::auth::approle::AppRole;
use crate::auth::approle::secret_id::presented;

/// All roles.
pub(in crate::auth::approle) const LIST: Route<AppRole> = Route {
    pattern: "role",
    access: Access::Token,
    methods: &[Method::list(list)],
    exists: None,
    help: "List the roles.",
};

/// One role.
pub(in crate::auth::approle) const ROUTE: Route<AppRole> = Route {
    pattern: "role/{role_name^}",
    access: Access::Token,
    methods: &[
        Method::read(read),
        Method::update2::<RoleInput, TokenFields>(write),
        Method::delete(delete),
    ],
    exists: Some(exists),
    help: "Read, write or delete a role.",
};

/// The role id of a role.
pub(in crate::auth::approle) const ROLE_ID: Route<AppRole> = Route {
    pattern: "role/{role_name^}/role-id",
    access: Access::Token,
    methods: &[
        Method::read(read_role_id),
        Method::update::<RoleIdInput>(write_role_id),
    ],
    exists: None,
    help: "Read the role id of a role, or choose it.",
};

/// Whether the secret ids of a role stay in one cluster.
pub(in crate::auth::approle) const LOCAL_SECRET_IDS: Route<AppRole> = Route {
    pattern: "role/{role_name^}/local-secret-ids",
    access: Access::Token,
    methods: &[Method::read(read_local_secret_ids)],
    exists: None,
    help: "Read whether the secret ids of a role are local to the cluster.",
};

input! {
    /// A role id.
    pub(super) struct RoleIdInput {
        /// The name of the role.
        role_name: String,
        /// The role id.
        role_id: Option<String>,
    }
}

/// The answer of a write, with Vault's warning about a TTL that the mount will cut.
pub(in crate::auth::approle) fn written(role: &Role, call: &Call<'_>) -> Reply {
    if role.token.max_ttl > call.mount.max_lease_ttl {
        return Reply::empty().with_warning(
            "token_max_ttl is greater than the backend mount's maximum TTL value; issued tokens' \
             max TTL value will be truncated",
        );
    }
    Reply::empty()
}

fn exists<'a>(approle: &'a AppRole, call: Call<'a>) -> BoxFuture<'a, Result<bool, Error>> {
    Box::pin(async move { Ok(approle.role(&name_of(&call)?).await?.is_some()) })
}

fn list<'a>(approle: &'a AppRole, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move { Reply::keys(approle.view.list_all("role/").await?) })
}

fn read<'a>(approle: &'a AppRole, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let role = approle.role_of(&call).await?;
        Ok(Reply::data(role.describe()))
    })
}

fn write<'a>(approle: &'a AppRole, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let name = name_of(&call)?;
        let change = |role: &mut Role, freshness| role.update(&call, freshness);
        let role = approle.change_role(&name, Absent::Create, change).await?;
        Ok(written(&role, &call))
    })
}

fn delete<'a>(approle: &'a AppRole, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        approle.remove_role(&name_of(&call)?).await?;
        Ok(Reply::empty())
    })
}

fn read_role_id<'a>(approle: &'a AppRole, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let role = approle.role_of(&call).await?;
        let mut data = Data::new();
        data.insert("role_id".to_owned(), role.role_id.into());
        Ok(Reply::data(data))
    })
}

fn write_role_id<'a>(approle: &'a AppRole, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let name = name_of(&call)?;
        let input: RoleIdInput = call.input()?;
        let Some(role_id) = presented(input.role_id.as_deref()) else {
            return Err(Error::invalid("missing role_id"));
        };
        let role_id = Name::parse("role_id", role_id)?;
        let change = |role: &mut Role, _| {
            role.role_id = role_id.as_str().to_owned();
            Ok(())
        };
        approle.change_role(&name, Absent::Refuse, change).await?;
        Ok(Reply::empty())
    })
}

fn read_local_secret_ids<'a>(approle: &'a AppRole, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let role = approle.role_of(&call).await?;
        let mut data = Data::new();
        data.insert("local_secret_ids".to_owned(), role.local_secret_ids.into());
        Ok(Reply::data(data))
    })
}
