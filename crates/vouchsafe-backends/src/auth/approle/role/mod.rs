//! What a role is, and what its tokens get.
//!
//! This file decides; [`store`] keeps roles and their role ids, [`request`] serves the paths.

mod request;
mod store;

use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use vouchsafe_identity::subject::Name;
use vouchsafe_logical::login::parse_cidrs;
use vouchsafe_logical::{
    Call, CommaList, Data, EntropyExt, Error, ErrorKind, System, TokenFields, TokenParameters,
    input,
};

use super::secret_id::presented;
use crate::auth::former_names::FormerNames;
use crate::auth::role_name::RoleName;

pub(super) use request::{LIST, LOCAL_SECRET_IDS, ROLE_ID, ROUTE, written};
pub(super) use store::Absent;

/// Hexadecimal digits of an instance: 128 bits, so that no two are ever the same.
const INSTANCE_DIGITS: usize = 32;

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

/// The name of the role that a call is about.
///
/// # Errors
/// It is too long.
pub(super) fn name_of(call: &Call<'_>) -> Result<RoleName, Error> {
    RoleName::parse(call.captured("role_name"))
}

/// There is no role of this name.
pub(super) fn unknown_role(name: &RoleName) -> Error {
    Error::new(
        ErrorKind::NotFound,
        "role_unknown",
        format!("role {:?} does not exist", name.as_str()),
    )
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

impl Role {
    fn new(name: RoleName, system: &dyn System) -> Self {
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
        if let Some(role_id) = presented(input.role_id.as_deref()) {
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
}
