//! `role/{role_name}`: what a role is, and what its tokens get.

use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use vouchsafe_identity::subject::Name;
use vouchsafe_logical::login::parse_cidrs;
use vouchsafe_logical::view::TRANSACTION_ATTEMPTS_MAX;
use vouchsafe_logical::{
    Access, Answer, BoxFuture, Call, CommaList, CommitError, Data, EntropyExt, Error, ErrorKind,
    Method, Reply, Route, TokenFields, TokenParameters, Transaction, input,
};

use super::hash::Hasher;
use super::{AppRole, sweep};
use crate::auth::former_names::FormerNames;

/// The longest name of a role, in bytes.
pub(super) const ROLE_NAME_BYTES_MAX: usize = 512;
/// Hexadecimal digits of an instance: 128 bits, so that no two are ever the same.
const INSTANCE_DIGITS: usize = 32;

/// All roles.
pub(super) const LIST: Route<AppRole> = Route {
    pattern: "role",
    access: Access::Token,
    methods: &[Method::list(list)],
    exists: None,
    help: "List the roles.",
};

/// One role.
pub(super) const ROUTE: Route<AppRole> = Route {
    pattern: "role/{role_name}",
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
pub(super) const ROLE_ID: Route<AppRole> = Route {
    pattern: "role/{role_name}/role-id",
    access: Access::Token,
    methods: &[
        Method::read(read_role_id),
        Method::update::<RoleIdInput>(write_role_id),
    ],
    exists: None,
    help: "Read the role id of a role, or choose it.",
};

/// Whether the secret ids of a role stay in one cluster.
pub(super) const LOCAL_SECRET_IDS: Route<AppRole> = Route {
    pattern: "role/{role_name}/local-secret-ids",
    access: Access::Token,
    methods: &[Method::read(read_local_secret_ids)],
    exists: None,
    help: "Read whether the secret ids of a role are local to the cluster.",
};

input! {
    /// What a write says about a role, beside the `token_*` parameters.
    pub(super) struct RoleInput {
        /// The name of the role; upper and lower case are the same.
        role_name: String,
        /// Whether a login needs a secret id. On unless switched off.
        bind_secret_id: Option<bool>,
        /// Blocks of IP addresses from which logins are accepted.
        secret_id_bound_cidrs: Option<CommaList>,
        /// The former name of `secret_id_bound_cidrs`.
        bound_cidr_list: Option<CommaList>,
        /// How many logins a secret id is good for; 0 is no limit.
        secret_id_num_uses: Option<i64>,
        /// How long a secret id lives; 0 is for ever.
        secret_id_ttl: Option<Duration>,
        /// Whether secret ids are local to the cluster. Chosen when the role is made.
        local_secret_ids: Option<bool>,
        /// The role id. A random one is made where none is given.
        role_id: Option<String>,
        /// The former name of `token_policies`.
        policies: Option<CommaList>,
        /// The former name of `token_period`.
        period: Option<Duration>,
    }
}

input! {
    /// A role id.
    pub(super) struct RoleIdInput {
        /// The name of the role.
        role_name: String,
        /// The role id.
        role_id: Option<String>,
    }
}

/// The name of a role in its one normal form: lower case. The routes admit no other characters
/// than `[A-Za-z0-9_.-]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct RoleName(String);

impl RoleName {
    /// The role that a call is about.
    ///
    /// # Errors
    /// More than [`ROLE_NAME_BYTES_MAX`] bytes.
    pub(super) fn of(call: &Call<'_>) -> Result<Self, Error> {
        Self::parse(call.captured("role_name"))
    }

    /// Normalises a name.
    ///
    /// # Errors
    /// As [`RoleName::of`].
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > ROLE_NAME_BYTES_MAX {
            return Err(Error::invalid(format!(
                "role_name is {} bytes long; at most {ROLE_NAME_BYTES_MAX} are allowed",
                text.len()
            )));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    fn key(&self) -> String {
        format!("role/{}", self.0)
    }

    /// There is no role of this name.
    pub(super) fn unknown(&self) -> Error {
        Error::new(
            ErrorKind::NotFound,
            "role_unknown",
            format!("role {:?} does not exist", self.0),
        )
    }
}

/// A role as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Role {
    pub(super) name: RoleName,
    /// Which role of this name it is: secret ids belong to one instance.
    pub(super) instance: String,
    pub(super) role_id: String,
    pub(super) bind_secret_id: bool,
    pub(super) secret_id_bound_cidrs: Vec<IpNet>,
    /// 0 is no limit.
    pub(super) secret_id_num_uses: u64,
    /// Zero is no end.
    pub(super) secret_id_ttl: Duration,
    local_secret_ids: bool,
    pub(super) token: TokenParameters,
    #[serde(default)]
    former_names: FormerNames,
}

/// Whether a write makes its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    New,
    Stored,
}

/// What a write does where there is no such role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absent {
    Create,
    Refuse,
}

impl Role {
    fn new(name: RoleName, system: &dyn vouchsafe_logical::System) -> Self {
        Self {
            name,
            instance: system.entropy().hex(INSTANCE_DIGITS),
            role_id: system.entropy().uuid(),
            bind_secret_id: true,
            secret_id_bound_cidrs: Vec::new(),
            secret_id_num_uses: 0,
            secret_id_ttl: Duration::ZERO,
            local_secret_ids: false,
            token: TokenParameters::default(),
            former_names: FormerNames::default(),
        }
    }

    /// Takes over what a call says about a role.
    ///
    /// # Errors
    /// Values that no role can have.
    pub(super) fn update(&mut self, call: &Call<'_>, freshness: Freshness) -> Result<(), Error> {
        let input: RoleInput = call.input()?;
        let mut fields: TokenFields = call.input()?;
        self.former_names
            .take("policies", &mut fields.token_policies, input.policies);
        self.former_names
            .take("period", &mut fields.token_period, input.period);
        self.token.update(fields)?;
        if let Some(local) = input.local_secret_ids {
            if freshness == Freshness::Stored && local != self.local_secret_ids {
                return Err(Error::invalid(
                    "local_secret_ids can only be modified during role creation",
                ));
            }
            self.local_secret_ids = local;
        }
        if let Some(cidrs) = input.secret_id_bound_cidrs.or(input.bound_cidr_list) {
            self.secret_id_bound_cidrs = parse_cidrs("secret_id_bound_cidrs", &cidrs.0)?;
        }
        if let Some(uses) = input.secret_id_num_uses {
            self.secret_id_num_uses = u64::try_from(uses)
                .map_err(|_| Error::invalid("secret_id_num_uses cannot be negative"))?;
        }
        if let Some(role_id) = input
            .role_id
            .as_deref()
            .map(str::trim)
            .filter(|id| !id.is_empty())
        {
            self.role_id = Name::parse("role_id", role_id)?.as_str().to_owned();
        }
        self.bind_secret_id = input.bind_secret_id.unwrap_or(self.bind_secret_id);
        self.secret_id_ttl = input.secret_id_ttl.unwrap_or(self.secret_id_ttl);
        Ok(())
    }

    /// A role without a secret and without an address range would let everybody in who knows its
    /// role id, which is no secret.
    fn check(&self) -> Result<(), Error> {
        if !self.bind_secret_id
            && self.secret_id_bound_cidrs.is_empty()
            && self.token.bound_cidrs.is_empty()
        {
            return Err(Error::invalid(
                "at least one constraint should be enabled on the role",
            ));
        }
        Ok(())
    }

    /// The answer of a read. The role id is not part of it.
    pub(super) fn describe(&self) -> Data {
        let mut data = Data::new();
        let cidrs: Vec<String> = self
            .secret_id_bound_cidrs
            .iter()
            .map(IpNet::to_string)
            .collect();
        data.insert("bind_secret_id".to_owned(), self.bind_secret_id.into());
        data.insert("local_secret_ids".to_owned(), self.local_secret_ids.into());
        data.insert("secret_id_bound_cidrs".to_owned(), cidrs.into());
        data.insert(
            "secret_id_num_uses".to_owned(),
            self.secret_id_num_uses.into(),
        );
        data.insert(
            "secret_id_ttl".to_owned(),
            self.secret_id_ttl.as_secs().into(),
        );
        self.token.describe(&mut data);
        self.former_names.describe(&mut data);
        data
    }

    /// The storage key of the index by role id. Two role ids that differ in case only would be
    /// one alias, and so one entity: they can't both be taken.
    fn index_key(hasher: &Hasher, role_id: &Name) -> String {
        format!("role-id/{}", hasher.role_id(role_id.key()))
    }
}

impl AppRole {
    /// The role of this name.
    pub(super) async fn role(&self, name: &RoleName) -> Result<Option<Role>, Error> {
        Ok(self.view.read(&name.key()).await?)
    }

    /// The role of this name, which then has to stay as it is until the commit.
    pub(super) async fn role_in(
        &self,
        transaction: &mut Transaction,
        name: &RoleName,
    ) -> Result<Option<Role>, Error> {
        Ok(transaction.read(&self.view, &name.key()).await?)
    }

    /// The role with this role id, which then has to stay as it is until the commit. Looks twice
    /// in any case, so that a known and an unknown role id take the same way.
    pub(super) async fn role_by_role_id(
        &self,
        transaction: &mut Transaction,
        hasher: &Hasher,
        role_id: &Name,
    ) -> Result<Option<Role>, Error> {
        let key = Role::index_key(hasher, role_id);
        let name: Option<RoleName> = transaction.read(&self.view, &key).await?;
        // No role is called `-`: the routes do not admit it.
        let name = name.unwrap_or_else(|| RoleName("-".to_owned()));
        let role = self.role_in(transaction, &name).await?;
        // Found without regard to case, but taken only as it was set.
        Ok(role.filter(|role| role.role_id == role_id.as_str()))
    }

    /// Reads a role, changes it, and writes it if nobody else has done so meanwhile.
    ///
    /// # Errors
    /// Those of `change`; the role is absent and may not be made, has no constraint, or its role
    /// id belongs to another one.
    pub(super) async fn change_role(
        &self,
        name: &RoleName,
        absent: Absent,
        change: impl Fn(&mut Role, Freshness) -> Result<(), Error> + Send + Sync,
    ) -> Result<Role, Error> {
        let hasher = self.hasher_or_new().await?;
        for _ in 0..TRANSACTION_ATTEMPTS_MAX {
            let mut transaction = self.view.begin();
            let before = self.role_in(&mut transaction, name).await?;
            let (mut role, freshness) = match (&before, absent) {
                (Some(role), _) => (role.clone(), Freshness::Stored),
                (None, Absent::Create) => (Role::new(name.clone(), &*self.system), Freshness::New),
                (None, Absent::Refuse) => return Err(name.unknown()),
            };
            change(&mut role, freshness)?;
            role.check()?;
            self.put_role(&mut transaction, &hasher, before.as_ref(), &role)
                .await?;
            match transaction.commit().await {
                Ok(()) => return Ok(role),
                Err(CommitError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// Writes a role and the index by role id.
    async fn put_role(
        &self,
        transaction: &mut Transaction,
        hasher: &Hasher,
        before: Option<&Role>,
        role: &Role,
    ) -> Result<(), Error> {
        let role_id = Name::parse("role_id", &role.role_id)?;
        let key = Role::index_key(hasher, &role_id);
        let owner: Option<RoleName> = transaction.read(&self.view, &key).await?;
        if owner.is_some_and(|owner| owner != role.name) {
            return Err(Error::invalid("role_id already in use"));
        }
        if let Some(before) = before {
            let key = Role::index_key(hasher, &Name::parse("role_id", &before.role_id)?);
            transaction.delete(&self.view, &key);
        }
        transaction.put_record(&self.view, &key, &role.name)?;
        transaction.put_record(&self.view, &role.name.key(), role)?;
        Ok(())
    }

    /// Deletes a role. Its secret ids are out of reach at once and are removed by and by.
    async fn remove_role(&self, name: &RoleName) -> Result<(), Error> {
        let hasher = self.hasher().await?;
        for _ in 0..TRANSACTION_ATTEMPTS_MAX {
            let mut transaction = self.view.begin();
            let Some(role) = self.role_in(&mut transaction, name).await? else {
                return Ok(());
            };
            let role_id = Name::parse("role_id", &role.role_id)?;
            transaction.delete(&self.view, &name.key());
            transaction.delete(&self.view, &Role::index_key(&hasher, &role_id));
            transaction.put(&self.view, &sweep::removed_key(&role.instance), Vec::new());
            match transaction.commit().await {
                Ok(()) => return Ok(()),
                Err(CommitError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(CommitError::Conflict.into())
    }
}

/// The answer of a write, with Vault's warning about a TTL that the mount will cut.
pub(super) fn written(role: &Role, call: &Call<'_>) -> Reply {
    if role.token.max_ttl > call.mount.max_lease_ttl {
        return Reply::empty().with_warning(
            "token_max_ttl is greater than the backend mount's maximum TTL value; issued tokens' \
             max TTL value will be truncated",
        );
    }
    Reply::empty()
}

fn exists<'a>(approle: &'a AppRole, call: Call<'a>) -> BoxFuture<'a, Result<bool, Error>> {
    Box::pin(async move { Ok(approle.role(&RoleName::of(&call)?).await?.is_some()) })
}

fn list<'a>(approle: &'a AppRole, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move { Reply::keys(approle.view.list_all("role/").await?) })
}

fn read<'a>(approle: &'a AppRole, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let role = approle
            .role(&RoleName::of(&call)?)
            .await?
            .ok_or_else(Error::not_found)?;
        Ok(Reply::data(role.describe()))
    })
}

fn write<'a>(approle: &'a AppRole, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let name = RoleName::of(&call)?;
        let change = |role: &mut Role, freshness| role.update(&call, freshness);
        let role = approle.change_role(&name, Absent::Create, change).await?;
        Ok(written(&role, &call))
    })
}

fn delete<'a>(approle: &'a AppRole, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        approle.remove_role(&RoleName::of(&call)?).await?;
        Ok(Reply::empty())
    })
}

fn read_role_id<'a>(approle: &'a AppRole, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let role = approle
            .role(&RoleName::of(&call)?)
            .await?
            .ok_or_else(Error::not_found)?;
        let mut data = Data::new();
        data.insert("role_id".to_owned(), role.role_id.into());
        Ok(Reply::data(data))
    })
}

fn write_role_id<'a>(approle: &'a AppRole, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let name = RoleName::of(&call)?;
        let input: RoleIdInput = call.input()?;
        let Some(role_id) = input
            .role_id
            .map(|id| id.trim().to_owned())
            .filter(|id| !id.is_empty())
        else {
            return Err(Error::invalid("missing role_id"));
        };
        let role_id = Name::parse("role_id", &role_id)?;
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
        let role = approle
            .role(&RoleName::of(&call)?)
            .await?
            .ok_or_else(Error::not_found)?;
        let mut data = Data::new();
        data.insert("local_secret_ids".to_owned(), role.local_secret_ids.into());
        Ok(Reply::data(data))
    })
}
