//! `create`, `create-orphan`, `create/{role_name}`.
//!
//! What a token may become is worked out from the request, its maker and the role into a
//! [`TokenEntry`] before anything is written.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use vouchsafe_logical::glob;
use vouchsafe_logical::{
    Access, AliasProposal, Answer, Attempts, Call, CommaList, Error, Input, KeyValues, Method,
    PolicyName, PolicyNames, ProvedLogin, Reply, Route, Timestamp, TokenKind, input,
};

use super::own;
use super::policies::{self, Wanted};
use super::role::{self, TokenRole};
use crate::attach;
use crate::runtime::Runtime;
use crate::sys::Sys;
use crate::token::{
    Bounds, Found, TOKEN_BYTES_MAX, TokenEntry, TokenStore, TokenType, end_of_life, lifetime,
};

/// The longest display name, in bytes.
const DISPLAY_NAME_BYTES_MAX: usize = 512;
/// The most policies of one token: each is looked up at each of its requests.
const POLICIES_MAX: usize = 256;
/// The most facts that are kept with a token. They stand in every audit entry of its requests.
const META_PAIRS_MAX: usize = 64;
/// The longest name of such a fact, in bytes.
const META_NAME_BYTES_MAX: usize = 128;
/// The longest such fact, in bytes.
const META_VALUE_BYTES_MAX: usize = 512;

input! {
    /// Body of all three.
    pub(crate) struct CreateInput {
        /// The token itself, chosen by a caller with `sudo`.
        id: Option<String>,
        /// Policies; those of the calling token where absent.
        policies: Option<CommaList>,
        /// Facts that are kept with the token.
        meta: Option<KeyValues>,
        /// Life.
        ttl: Option<Duration>,
        /// Older name of `ttl`.
        lease: Option<Duration>,
        /// Hard end of life, whatever the renewals.
        explicit_max_ttl: Option<Duration>,
        /// Makes the token periodic.
        period: Option<Duration>,
        /// Shown in audit entries.
        display_name: Option<String>,
        /// How many requests it is good for; 0 is no limit.
        num_uses: Option<i64>,
        /// Whether it can be renewed.
        renewable: Option<bool>,
        /// Makes it an orphan.
        no_parent: Option<bool>,
        /// Leaves the `default` policy out.
        no_default_policy: Option<bool>,
        /// `service` or `batch`.
        r#type: Option<String>,
        /// With a role that allows it: the alias name that the token stands for.
        entity_alias: Option<String>,
    }
}

pub(crate) const CREATE: Route<Sys> = Route {
    pattern: "create",
    access: Access::Token,
    methods: &[Method::update::<CreateInput>(create)],
    exists: None,
    help: "Make a token that is revoked with the calling one.",
};

pub(crate) const CREATE_ORPHAN: Route<Sys> = Route {
    pattern: "create-orphan",
    access: Access::Token,
    methods: &[Method::update::<CreateInput>(create_orphan)],
    exists: None,
    help: "Make a token that no other token's revocation takes along.",
};

pub(crate) const CREATE_WITH_ROLE: Route<Sys> = Route {
    pattern: "create/{role_name}",
    access: Access::Token,
    methods: &[Method::update::<CreateInput>(create)],
    exists: None,
    help: "Make a token within what a role allows.",
};

fn create<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(make(sys, call, false))
}

fn create_orphan<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(make(sys, call, true))
}

async fn make(sys: &Sys, call: Call<'_>, orphan_route: bool) -> Result<Reply, Error> {
    let input = CreateInput::parse(&call)?;
    let runtime = sys.runtime()?;
    let now = runtime.ports.clock.now();
    let maker = own(&runtime, &call, now).await?;
    // From the path, never from the body: that is what policies were asked about.
    let role = match call.captures.get("role_name") {
        Some(name) => Some(role::load(&runtime, name).await?.ok_or_else(|| {
            Error::invalid_because("unknown_role", format!("unknown role {name}"))
        })?),
        None => None,
    };
    let request = Creation {
        call: &call,
        maker: &maker,
        role,
        has_sudo: call.caller.has_sudo,
    };
    request.check(&input, orphan_route)?;
    let mut warnings = Vec::new();
    let mut entry = request.entry(&runtime, &input, orphan_route, now, &mut warnings)?;
    for name in entry.policies.iter() {
        if !runtime.policies.exists(name).await? {
            warnings.push(format!("Policy \"{name}\" does not exist"));
        }
    }
    let token = issue(&runtime, &request, &input, &mut entry, now).await?;
    if input.id.as_ref().is_some_and(|id| !id.is_empty()) {
        warnings.push(
            "Supplying a custom ID for the token uses the weaker of the two token formats: choose one that can't be guessed".to_owned(),
        );
    }
    let mut reply = Reply::auth(attach::auth_of(&runtime, &entry, token, false, now).await?);
    reply.warnings = warnings;
    Ok(reply)
}

/// Writes the token, with the entity of its alias where it has one, in one transaction.
async fn issue(
    runtime: &Runtime,
    request: &Creation<'_>,
    input: &CreateInput,
    entry: &mut TokenEntry,
    now: Timestamp,
) -> Result<String, Error> {
    let entropy = &*runtime.ports.entropy;
    let alias = request.alias(input)?;
    let chosen_id = input.id.as_deref().filter(|id| !id.is_empty());
    let mut attempts = Attempts::default();
    loop {
        let mut transaction = runtime.root.begin();
        if let Some(alias) = &alias {
            let attached = match runtime
                .directory
                .attach_login(
                    &mut transaction,
                    request.call.mount,
                    alias,
                    &[],
                    now,
                    entropy,
                )
                .await
            {
                Ok(attached) => attached,
                Err(error) => {
                    attempts.again(error)?;
                    continue;
                }
            };
            if attached.disabled {
                return Err(Error::denied("entity_disabled"));
            }
            entry.entity_id = Some(attached.entity_id.to_string());
            entry.login = Some(Arc::new(ProvedLogin {
                mount_accessor: request.call.mount.accessor.clone(),
                name: alias.name.clone(),
                groups: Some(Vec::new()),
            }));
        }
        let token = runtime
            .tokens
            .issue(&mut transaction, entry, chosen_id, entropy)
            .await?;
        if attempts.commit(transaction).await?.is_done() {
            return Ok(token);
        }
    }
}

/// What bears on a new token besides the request's body.
struct Creation<'a> {
    call: &'a Call<'a>,
    maker: &'a Found,
    role: Option<TokenRole>,
    has_sudo: bool,
}

impl Creation<'_> {
    /// What the maker may not ask for at all.
    fn check(&self, input: &CreateInput, orphan_route: bool) -> Result<(), Error> {
        check_sizes(input)?;
        let maker = &self.maker.entry;
        if maker.num_uses > 0 || maker.spent {
            return Err(Error::invalid(
                "restricted use token cannot generate child tokens",
            ));
        }
        if maker.token_type == TokenType::Batch {
            return Err(Error::invalid("batch tokens cannot create more tokens"));
        }
        if let Some(id) = input.id.as_deref().filter(|id| !id.is_empty()) {
            self.check_id(id)?;
        }
        if input.no_parent == Some(true) && !orphan_route && !self.has_sudo {
            return Err(Error::invalid(
                "root or sudo privileges required to create orphan token",
            ));
        }
        let asks_period = input.period.is_some_and(|period| !period.is_zero());
        if asks_period && !self.has_sudo {
            return Err(Error::invalid(
                "root or sudo privileges required to create periodic token",
            ));
        }
        if input.num_uses.is_some_and(|uses| uses < 0) {
            return Err(Error::invalid("number of uses cannot be negative"));
        }
        if input
            .entity_alias
            .as_ref()
            .is_some_and(|alias| !alias.is_empty())
            && self.role.is_none()
        {
            return Err(Error::invalid(
                "'entity_alias' is only allowed in combination with token role",
            ));
        }
        Ok(())
    }

    fn check_id(&self, id: &str) -> Result<(), Error> {
        if !self.has_sudo {
            return Err(Error::invalid(
                "root or sudo privileges required to specify token id",
            ));
        }
        for prefix in ["s.", "b.", "hvs.", "hvb.", "hvr."] {
            if id.starts_with(prefix) {
                return Err(Error::invalid(format!(
                    "custom token ID cannot have the '{prefix}' prefix"
                )));
            }
        }
        // What no header can carry, or no request may send, would be a token of nobody.
        if id.len() > TOKEN_BYTES_MAX || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::invalid(format!(
                "custom token ID must have at most {TOKEN_BYTES_MAX} visible ASCII characters"
            )));
        }
        if id.contains('.') {
            return Err(Error::invalid(
                "custom token ID cannot have a '.' in the value",
            ));
        }
        Ok(())
    }

    /// Service or batch, from role and request.
    fn token_type(&self, input: &CreateInput) -> Result<TokenType, Error> {
        let asked = match input.r#type.as_deref() {
            None | Some("" | "default") => None,
            Some("service") => Some(TokenType::Service),
            Some("batch") => Some(TokenType::Batch),
            Some(other) => {
                return Err(Error::invalid(format!(
                    "invalid 'token_type' value {other:?}; expected `service` or `batch`"
                )));
            }
        };
        Ok(match self.role.as_ref().map(|role| role.token.kind) {
            Some(TokenKind::Service) => TokenType::Service,
            Some(TokenKind::Batch) => TokenType::Batch,
            Some(TokenKind::DefaultBatch) => asked.unwrap_or(TokenType::Batch),
            Some(TokenKind::Default | TokenKind::DefaultService) | None => {
                asked.unwrap_or(TokenType::Service)
            }
        })
    }

    fn entry(
        &self,
        runtime: &Runtime,
        input: &CreateInput,
        orphan_route: bool,
        now: Timestamp,
        warnings: &mut Vec<String>,
    ) -> Result<TokenEntry, Error> {
        let token_type = self.token_type(input)?;
        let policies = policies::of(&Wanted {
            asked: input.policies.as_ref().map(|list| &list.0[..]),
            no_default_policy: input.no_default_policy.unwrap_or_default(),
            maker: &self.maker.entry.policies,
            role: self.role.as_ref(),
            has_sudo: self.has_sudo,
        })?;
        let is_root = policies.contains_root();
        let role = self.role.as_ref();
        let parameters = role.map(|role| role.token.clone()).unwrap_or_default();
        let explicit_max_ttl = lesser(input.explicit_max_ttl, parameters.explicit_max_ttl);
        let period = lesser(input.period, parameters.period);
        let bound_cidrs = if parameters.bound_cidrs.is_empty() {
            self.maker.entry.bound_cidrs.clone()
        } else {
            parameters.bound_cidrs
        };
        let num_uses = match input.num_uses.and_then(|uses| u64::try_from(uses).ok()) {
            None | Some(0) => parameters.num_uses,
            Some(asked) if parameters.num_uses == 0 => asked,
            Some(asked) => asked.min(parameters.num_uses),
        };
        if token_type == TokenType::Batch {
            check_batch(explicit_max_ttl, period, num_uses, is_root)?;
        }
        let requested = input.ttl.or(input.lease).unwrap_or_default();
        let expiring_maker = self.maker.entry.expire_at.is_some();
        if is_root && expiring_maker && requested.is_zero() {
            return Err(Error::invalid(
                "expiring root tokens cannot create non-expiring root tokens",
            ));
        }
        let never_ends =
            is_root && requested.is_zero() && period.is_zero() && explicit_max_ttl.is_zero();
        let ttl = if never_ends {
            Duration::ZERO
        } else {
            let life = lifetime(
                Bounds {
                    requested,
                    period,
                    max_ttl: Duration::ZERO,
                    explicit_max_ttl,
                    mount_default: self.call.mount.default_lease_ttl,
                    mount_max: self.call.mount.max_lease_ttl,
                },
                now,
                now,
            );
            warnings.extend(life.warnings);
            life.ttl
        };
        let orphan =
            orphan_route || input.no_parent == Some(true) || role.is_some_and(|role| role.orphan);
        let renewable = role.is_none_or(|role| role.renewable)
            && input.renewable.unwrap_or(true)
            && token_type == TokenType::Service
            && !never_ends;
        let meta: Option<BTreeMap<String, String>> = input
            .meta
            .as_ref()
            .map(|meta| meta.0.clone())
            .filter(|meta| !meta.is_empty());
        Ok(TokenEntry {
            accessor: match token_type {
                TokenType::Service => TokenStore::new_accessor(&*runtime.ports.entropy),
                TokenType::Batch => String::new(),
            },
            display_name: display_name(input.display_name.as_deref()),
            path: self.path(),
            policies,
            meta,
            token_type,
            entity_id: if orphan {
                None
            } else {
                self.maker.entry.entity_id.clone()
            },
            login: if orphan { None } else { self.login(token_type) },
            parent: if orphan {
                None
            } else {
                Some(self.maker.hash.as_str().to_owned())
            },
            role: self.call.captures.get("role_name").map(str::to_owned),
            created_at: now,
            creation_ttl: ttl,
            expire_at: (!never_ends).then(|| end_of_life(now, ttl)),
            last_renewed_at: None,
            explicit_max_ttl,
            max_ttl: Duration::ZERO,
            period,
            renewable,
            num_uses,
            spent: false,
            bound_cidrs,
            claims: None,
            internal: Value::Null,
            mount_accessor: None,
            initial_root: false,
        })
    }

    /// The login of the maker. A batch token has no room for the groups.
    fn login(&self, token_type: TokenType) -> Option<Arc<ProvedLogin>> {
        let login = self.maker.entry.login.as_ref()?;
        Some(match token_type {
            TokenType::Service => Arc::clone(login),
            TokenType::Batch => Arc::new(ProvedLogin {
                groups: None,
                ..ProvedLogin::clone(login)
            }),
        })
    }

    fn path(&self) -> String {
        let path = self.call.request.path.as_str();
        match &self.role {
            Some(role) if !role.path_suffix.is_empty() => format!("{path}/{}", role.path_suffix),
            Some(_) | None => path.to_owned(),
        }
    }

    /// The alias that the token shall stand for, if the role allows it.
    fn alias(&self, input: &CreateInput) -> Result<Option<AliasProposal>, Error> {
        let (Some(name), Some(role)) = (&input.entity_alias, &self.role) else {
            return Ok(None);
        };
        if name.is_empty() {
            return Ok(None);
        }
        let lower = name.to_lowercase();
        if !role
            .allowed_entity_aliases
            .iter()
            .any(|allowed| glob::matches(allowed, &lower))
        {
            return Err(Error::invalid("invalid 'entity_alias' value"));
        }
        Ok(Some(AliasProposal {
            name: name.clone(),
            metadata: BTreeMap::new(),
        }))
    }
}

/// What is kept of a token, and read again at each of its requests, is bounded.
fn check_sizes(input: &CreateInput) -> Result<(), Error> {
    let bounded = |what: &str, found: usize, max: usize| {
        if found <= max {
            return Ok(());
        }
        let text = format!("{what}: {found}; at most {max} are allowed");
        Err(Error::invalid_because("token_too_large", text))
    };
    let name = input.display_name.as_deref().unwrap_or_default();
    bounded("bytes of display_name", name.len(), DISPLAY_NAME_BYTES_MAX)?;
    let policies = input.policies.as_ref().map_or(0, |list| list.0.len());
    bounded("policies", policies, POLICIES_MAX)?;
    let Some(meta) = &input.meta else {
        return Ok(());
    };
    bounded("pairs of meta", meta.0.len(), META_PAIRS_MAX)?;
    for (name, value) in &meta.0 {
        bounded("bytes of a name in meta", name.len(), META_NAME_BYTES_MAX)?;
        bounded(
            "bytes of a value in meta",
            value.len(),
            META_VALUE_BYTES_MAX,
        )?;
    }
    Ok(())
}

/// The shorter of what the request and the role say, where zero says nothing.
fn lesser(asked: Option<Duration>, of_role: Duration) -> Duration {
    match asked.unwrap_or_default() {
        Duration::ZERO => of_role,
        asked if of_role.is_zero() => asked,
        asked => asked.min(of_role),
    }
}

fn check_batch(
    explicit_max_ttl: Duration,
    period: Duration,
    num_uses: u64,
    is_root: bool,
) -> Result<(), Error> {
    let set = [
        ("explicit_max_ttl", !explicit_max_ttl.is_zero()),
        ("num_uses", num_uses != 0),
        ("period", !period.is_zero()),
    ];
    if let Some((name, _)) = set.iter().find(|(_, set)| *set) {
        return Err(Error::invalid(format!(
            "batch tokens cannot have {name:?} set"
        )));
    }
    if is_root {
        return Err(Error::invalid("batch tokens cannot be root tokens"));
    }
    Ok(())
}

/// `token`, or `token-` and the name with everything odd as `-`.
fn display_name(asked: Option<&str>) -> String {
    match asked {
        None | Some("") => "token".to_owned(),
        Some(name) => {
            let plain: String = name
                .chars()
                .map(|c| {
                    if c.is_ascii_alphanumeric() || c == '-' {
                        c
                    } else {
                        '-'
                    }
                })
                .collect();
            format!("token-{plain}")
        }
    }
}

/// Root tokens have no other policy beside.
pub(super) fn root_alone(policies: PolicyNames) -> PolicyNames {
    if policies.contains_root() {
        [PolicyName::root()].into_iter().collect()
    } else {
        policies
    }
}
