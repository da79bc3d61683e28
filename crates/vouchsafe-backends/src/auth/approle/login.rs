//! `login`: from a role id and a secret id to a proposal for a token.
//!
//! An unknown role id, a wrong, expired or used-up secret id and the secret id of another role
//! give the same bytes, after the same hashes and the same number of look-ups. A login that fails
//! writes nothing. The use of a secret id is counted by a write that fails if anybody else has
//! counted meanwhile, so that `n` uses are `n` logins whatever arrives at the same time.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Value, json};
use vouchsafe_identity::subject::Name;
use vouchsafe_logical::{
    Access, AliasProposal, Answer, Attempts, Call, Error, Login, Method, Reply, Route,
    TokenParameters, Transaction, input,
};

use super::AppRole;
use super::role::Role;
use super::secret_id::{Found, SECRET_ID_BYTES_MAX, SecretId, presented};
use crate::auth::role_name::RoleName;

/// The login.
pub(super) const ROUTE: Route<AppRole> = Route {
    pattern: "login",
    access: Access::Login(principal),
    methods: &[Method::update::<LoginInput>(login)],
    exists: None,
    help: "Log in with a role id and a secret id.",
};

/// Where secret ids of roles that do not exist are looked for. No instance has this name.
const NO_INSTANCE: &str = "none";

input! {
    /// The proof.
    pub(super) struct LoginInput {
        /// The role id.
        role_id: Option<String>,
        /// A secret id of the role, unless the role does without.
        secret_id: Option<String>,
    }
}

/// The role id in the form in which it is looked up; `None` where no role can have it.
fn role_id_of(input: &LoginInput) -> Option<Name> {
    Name::find(presented(input.role_id.as_deref())?)
}

fn principal(call: &Call<'_>) -> Option<String> {
    let input: LoginInput = call.input().ok()?;
    role_id_of(&input).map(|role_id| role_id.as_str().to_owned())
}

fn login<'a>(approle: &'a AppRole, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: LoginInput = call.input()?;
        let remote = call.request.remote.map(|peer| peer.ip().to_canonical());
        let mut attempts = Attempts::default();
        loop {
            let mut transaction = approle.view.begin();
            let login = approle.prove(&mut transaction, &input, remote).await?;
            if attempts.commit(transaction).await?.is_done() {
                return Ok(Reply::login(login));
            }
        }
    })
}

fn refused(detail: &'static str) -> Error {
    Error::invalid_credentials("invalid role or secret ID").with_detail(detail)
}

impl AppRole {
    /// Decides on a login. It holds if the transaction commits.
    async fn prove(
        &self,
        transaction: &mut Transaction,
        input: &LoginInput,
        remote: Option<IpAddr>,
    ) -> Result<Login, Error> {
        if presented(input.role_id.as_deref()).is_none() {
            return Err(Error::invalid("missing role_id"));
        }
        let Some(role_id) = role_id_of(input) else {
            return Err(refused("no role can have this role id"));
        };
        let hasher = self.hasher().await?;
        let now = self.system.clock().now();
        let role = self.role_by_role_id(transaction, &hasher, &role_id).await?;
        let (role, secret_id) = match role {
            Some(role) if !role.bind_secret_id => (role, None),
            role => {
                let Some(secret) = presented(input.secret_id.as_deref()) else {
                    return Err(Error::invalid("missing secret_id"));
                };
                if secret.len() > SECRET_ID_BYTES_MAX {
                    return Err(refused("no secret id is that long"));
                }
                let instance = role.as_ref().map_or(NO_INSTANCE, |role| &role.instance);
                let place = (instance, &*hasher.secret_id(secret));
                let found = Found::by_hash(transaction, &self.view, place, now).await?;
                match (role, found) {
                    (Some(role), Some(found)) => (role, Some(found)),
                    (Some(_), None) => return Err(refused("unknown secret id")),
                    (None, _) => return Err(refused("unknown role id")),
                }
            }
        };
        let login = proposal(
            role,
            secret_id.as_ref().map(|found| &found.secret_id),
            remote,
        )?;
        if let Some(mut found) = secret_id {
            found.count_use(transaction, &self.view, &hasher, now)?;
        }
        Ok(login)
    }
}

/// What the token shall be, if the caller's address is an allowed one.
fn proposal(
    role: Role,
    secret_id: Option<&SecretId>,
    remote: Option<IpAddr>,
) -> Result<Login, Error> {
    if let Some(secret_id) = secret_id {
        check_address(
            remote,
            &secret_id.cidr_list,
            "through CIDR restrictions on the secret ID",
        )?;
    }
    check_address(
        remote,
        &role.secret_id_bound_cidrs,
        "by CIDR restrictions on the role",
    )?;
    let token_bound_cidrs = secret_id.map_or(&[][..], |secret_id| &secret_id.token_bound_cidrs);
    let mut metadata = secret_id
        .map(|secret_id| secret_id.metadata.clone())
        .unwrap_or_default();
    metadata.insert("role_name".to_owned(), role.name.as_str().to_owned());
    Ok(Login {
        alias: Some(AliasProposal {
            name: role.role_id.clone(),
            metadata: metadata.clone(),
        }),
        group_aliases: Vec::new(),
        display_name: String::new(),
        metadata,
        claims: Default::default(),
        internal: json!({
            "role_name": role.name,
            "instance": role.instance,
            "token_bound_cidrs": token_bound_cidrs,
        }),
        renewable: true,
        token: token_parameters(role, token_bound_cidrs)?,
    })
}

fn check_address(remote: Option<IpAddr>, blocks: &[IpNet], how: &str) -> Result<(), Error> {
    if blocks.is_empty() || remote.is_some_and(|address| contains(blocks, address)) {
        return Ok(());
    }
    let shown = remote.map_or_else(|| "unknown".to_owned(), |address| address.to_string());
    Err(Error::invalid_because(
        "login_address_not_allowed",
        format!("source address {shown:?} unauthorized {how}"),
    ))
}

fn contains(blocks: &[IpNet], address: IpAddr) -> bool {
    blocks.iter().any(|block| block.contains(&address))
}

/// The role's parameters, with the addresses narrowed to those that the secret id allows too.
fn token_parameters(role: Role, secret_id_blocks: &[IpNet]) -> Result<TokenParameters, Error> {
    let mut parameters = role.token;
    if secret_id_blocks.is_empty() {
        return Ok(parameters);
    }
    if parameters.bound_cidrs.is_empty() {
        parameters.bound_cidrs = secret_id_blocks.to_vec();
        return Ok(parameters);
    }
    parameters.bound_cidrs = intersection(&parameters.bound_cidrs, secret_id_blocks);
    if parameters.bound_cidrs.is_empty() {
        // An empty list would mean everywhere.
        return Err(Error::invalid_because(
            "login_address_not_allowed",
            "the role and the secret ID have no address in common from which the token could be \
             used",
        ));
    }
    Ok(parameters)
}

/// The addresses that are in both. Two blocks are apart, or one lies within the other.
fn intersection(a: &[IpNet], b: &[IpNet]) -> Vec<IpNet> {
    let pairs = a
        .iter()
        .flat_map(|one| b.iter().map(move |other| (one, other)));
    pairs
        .filter_map(|(one, other)| {
            let inner = if one.contains(other) {
                Some(other)
            } else {
                None
            };
            inner
                .or(if other.contains(one) { Some(one) } else { None })
                .copied()
        })
        .collect()
}

/// What a token of this mount may have now: what its role says today. It is not renewed when its
/// role is gone, even if there is another one of the same name by now.
pub(super) async fn renew(
    approle: &AppRole,
    internal: &Value,
) -> Result<Option<TokenParameters>, Error> {
    let text = |name: &str| {
        internal
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let name = RoleName::parse(text("role_name"))?;
    let role = approle
        .role(&name)
        .await?
        .filter(|role| role.instance == text("instance"));
    let Some(role) = role else {
        return Err(name.gone());
    };
    let blocks = internal
        .get("token_bound_cidrs")
        .cloned()
        .unwrap_or_else(|| json!([]));
    let blocks: Vec<IpNet> = serde_json::from_value(blocks)
        .map_err(|_| Error::internal("approle: the token's addresses can't be read"))?;
    token_parameters(role, &blocks).map(Some)
}
