//! `role/<name>`: which tokens may log in, and what their tokens get.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vouchsafe_logical::duration::format_duration;
use vouchsafe_logical::record;
use vouchsafe_logical::{
    Access, Answer, Attempts, BoxFuture, Call, CommaList, Data, Error, KeyValues, Method, Reply,
    Route, TokenFields, TokenParameters, input,
};

use super::Jwt;
use super::bound_claims::{BoundClaims, ClaimsType};
use super::oidc::is_callback_of_server;
use crate::auth::former_names::{FormerNames, FormerTokenFields};
use crate::auth::role_name::RoleName;

/// The key of metadata that is the role's name, whatever the claims.
pub(super) const ROLE_METADATA: &str = "role";
/// Stands for every issuer of the mount.
pub(super) const ANY_ISSUER: &str = "*";
/// Stands for the mount's own issuer, that of `config`; no further issuer may have this name.
pub(super) const OWN_ISSUER: &str = "config";

pub(super) const LIST: Route<Jwt> = Route {
    pattern: "role",
    access: Access::Token,
    methods: &[Method::list(list)],
    exists: None,
    help: "List the roles.",
};

pub(super) const ROUTE: Route<Jwt> = Route {
    pattern: "role/{name^}",
    access: Access::Token,
    methods: &[
        Method::read(read),
        Method::update3::<RoleInput, FormerTokenFields, TokenFields>(write),
        Method::delete(delete),
    ],
    exists: Some(exists),
    help: "Read, write or delete a role.",
};

input! {
    /// What a write says about a role, beside the `token_*` parameters.
    pub(super) struct RoleInput {
        /// The name of the role; upper and lower case are the same.
        name: String,
        /// `jwt` for workloads, `oidc` for people. Where it is not said, `oidc` if the mount has an
        /// OIDC client, else `jwt`.
        role_type: Option<String>,
        /// The claim that names who logs in.
        user_claim: Option<String>,
        /// Whether `user_claim` is a JSON pointer.
        user_claim_json_pointer: Option<bool>,
        /// The claim with the names of groups.
        groups_claim: Option<String>,
        /// Audiences of which the token must name one.
        bound_audiences: Option<CommaList>,
        /// The `sub` that the token must have.
        bound_subject: Option<String>,
        /// Claims that the token must have, with the values that each may have.
        bound_claims: Option<BoundClaims>,
        /// How values of `bound_claims` are compared: `string` or `glob`.
        bound_claims_type: Option<String>,
        /// Claims that become metadata: claim and the metadata's key.
        claim_mappings: Option<KeyValues>,
        /// Further issuers of the mount whose tokens are accepted, by name; `*` for all.
        bound_issuers: Option<CommaList>,
        /// Claims that the token of the login keeps for templates; all where none is named.
        kept_claims: Option<CommaList>,
        /// Added to the issue to stand for an expiry that is absent, in seconds.
        expiration_leeway: Option<Leeway>,
        /// Taken from the expiry to stand for a start that is absent, in seconds.
        not_before_leeway: Option<Leeway>,
        /// How far the clocks may differ, in seconds.
        clock_skew_leeway: Option<Leeway>,
        /// Where a provider may send people back to.
        allowed_redirect_uris: Option<CommaList>,
        /// Where the provider's answer goes: `client`, to whoever began the login. OpenBao's others are
        /// refused.
        callback_mode: Option<String>,
        /// What a provider is asked for beside `openid`.
        oidc_scopes: Option<CommaList>,
        /// Whether logins of people are logged with their claims. Refused: claims are not logged.
        verbose_oidc_logging: Option<bool>,
        /// How old a person's login at the provider may be.
        max_age: Option<Duration>,
    }
}

/// Seconds with a sign: a number, or a duration such as `2m`.
pub(super) struct Leeway(i64);

impl vouchsafe_logical::field::FromField for Leeway {
    const KIND: vouchsafe_logical::field::Kind = vouchsafe_logical::field::Kind::Integer;

    fn from_field(name: &str, value: Option<&Value>) -> Result<Self, Error> {
        if let Ok(seconds) = i64::from_field(name, value) {
            return Ok(Self(seconds));
        }
        let (negative, magnitude) = match value.and_then(Value::as_str) {
            Some(text) if text.starts_with('-') => (true, Some(Value::from(&text[1..]))),
            _ => (false, value.cloned()),
        };
        let duration = Duration::from_field(name, magnitude.as_ref())?;
        let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        Ok(Self(if negative { -seconds } else { seconds }))
    }
}

/// Who logs in with a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RoleType {
    /// A workload, with a token that it has.
    Jwt,
    /// A person, through a provider.
    Oidc,
}

impl RoleType {
    fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "jwt" => Ok(Self::Jwt),
            "oidc" => Ok(Self::Oidc),
            other => Err(Error::invalid(format!(
                "invalid 'role_type': {other}; expected `jwt` or `oidc`"
            ))),
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Oidc => "oidc",
        }
    }
}

/// A role as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Role {
    pub(super) role_type: RoleType,
    pub(super) user_claim: String,
    pub(super) user_claim_json_pointer: bool,
    /// Empty for none.
    pub(super) groups_claim: String,
    pub(super) bound_audiences: Option<Vec<String>>,
    /// Empty for any.
    pub(super) bound_subject: String,
    pub(super) bound_claims: Option<BoundClaims>,
    pub(super) bound_claims_type: ClaimsType,
    /// In the order in which they were written.
    pub(super) claim_mappings: Option<Vec<(String, String)>>,
    #[serde(default)]
    pub(super) bound_issuers: Vec<String>,
    #[serde(default)]
    pub(super) kept_claims: Vec<String>,
    pub(super) expiration_leeway: i64,
    pub(super) not_before_leeway: i64,
    pub(super) clock_skew_leeway: i64,
    pub(super) allowed_redirect_uris: Option<Vec<String>>,
    pub(super) oidc_scopes: Option<Vec<String>>,
    verbose_oidc_logging: bool,
    pub(super) max_age: Duration,
    pub(super) token: TokenParameters,
    #[serde(default)]
    former_names: FormerNames,
}

impl Role {
    fn new(role_type: RoleType) -> Self {
        Self {
            role_type,
            user_claim: String::new(),
            user_claim_json_pointer: false,
            groups_claim: String::new(),
            bound_audiences: None,
            bound_subject: String::new(),
            bound_claims: None,
            bound_claims_type: ClaimsType::String,
            claim_mappings: None,
            bound_issuers: Vec::new(),
            kept_claims: Vec::new(),
            expiration_leeway: 0,
            not_before_leeway: 0,
            clock_skew_leeway: 0,
            allowed_redirect_uris: None,
            oidc_scopes: None,
            verbose_oidc_logging: false,
            max_age: Duration::ZERO,
            token: TokenParameters::default(),
            former_names: FormerNames::default(),
        }
    }

    /// Takes over what a call says about a role.
    fn update(&mut self, call: &Call<'_>) -> Result<(), Error> {
        let input: RoleInput = call.input()?;
        if let Some(role_type) = &input.role_type {
            self.role_type = RoleType::parse(role_type)?;
        }
        check_callback_mode(input.callback_mode.as_deref().unwrap_or_default())?;
        self.update_token(call)?;
        if let Some(kind) = &input.bound_claims_type {
            self.bound_claims_type = ClaimsType::parse(kind)?;
        }
        let leeway = |field: Option<Leeway>, known: &mut i64| {
            if let Some(Leeway(seconds)) = field {
                *known = seconds;
            }
        };
        leeway(input.expiration_leeway, &mut self.expiration_leeway);
        leeway(input.not_before_leeway, &mut self.not_before_leeway);
        leeway(input.clock_skew_leeway, &mut self.clock_skew_leeway);
        let list = |field: Option<CommaList>, known: &mut Option<Vec<String>>| {
            if let Some(CommaList(items)) = field {
                *known = Some(items);
            }
        };
        list(input.bound_audiences, &mut self.bound_audiences);
        list(input.allowed_redirect_uris, &mut self.allowed_redirect_uris);
        list(input.oidc_scopes, &mut self.oidc_scopes);
        if let Some(issuers) = input.bound_issuers {
            self.bound_issuers = issuers
                .0
                .iter()
                .map(|name| name.to_ascii_lowercase())
                .collect();
        }
        if let Some(claims) = input.kept_claims {
            self.kept_claims = claims.0;
        }
        if let Some(claims) = input.bound_claims {
            self.bound_claims = Some(claims);
        }
        if let Some(mappings) = input.claim_mappings {
            self.claim_mappings = Some(mappings.0.into_iter().collect());
        }
        let text = |field: Option<String>, known: &mut String| {
            if let Some(text) = field {
                *known = text;
            }
        };
        text(input.user_claim, &mut self.user_claim);
        text(input.groups_claim, &mut self.groups_claim);
        text(input.bound_subject, &mut self.bound_subject);
        self.user_claim_json_pointer = input
            .user_claim_json_pointer
            .unwrap_or(self.user_claim_json_pointer);
        self.verbose_oidc_logging = input
            .verbose_oidc_logging
            .unwrap_or(self.verbose_oidc_logging);
        self.max_age = input.max_age.unwrap_or(self.max_age);
        Ok(())
    }

    fn update_token(&mut self, call: &Call<'_>) -> Result<(), Error> {
        let mut fields: TokenFields = call.input()?;
        self.former_names.take_all(&mut fields, call.input()?);
        self.token.update(fields)?;
        let max = call.mount.max_lease_ttl;
        if self.token.period > max {
            return Err(Error::invalid(format!(
                "'period' of {:?} is greater than the backend's maximum lease TTL of {:?}",
                format_duration(self.token.period),
                format_duration(max)
            )));
        }
        Ok(())
    }

    /// Checks a role as a whole. `mount_binds` tells whether the mount itself asks for an audience.
    fn check(&self, mount_binds: bool) -> Result<(), Error> {
        if let Some(claims) = &self.bound_claims {
            claims.check(self.bound_claims_type)?;
        }
        let mut taken = BTreeSet::new();
        for (_, key) in self.claim_mappings.iter().flatten() {
            if key == ROLE_METADATA {
                return Err(Error::invalid(format!(
                    "metadata key {key:?} is reserved and may not be a mapping destination"
                )));
            }
            if !taken.insert(key) {
                return Err(Error::invalid(format!(
                    "multiple keys are mapped to metadata key {key:?}"
                )));
            }
        }
        let mut uris = self.allowed_redirect_uris.iter().flatten();
        if let Some(uri) = uris.find(|uri| is_callback_of_server(uri)) {
            return Err(Error::invalid_because(
                "redirect_uri_of_server",
                format!(
                    "'allowed_redirect_uris' has {uri:?}, the callback of a server: whoever begins a login \
                     would get the token of whoever ends it; expected an address at which the program that \
                     logs in listens"
                ),
            ));
        }
        if self.user_claim.is_empty() {
            return Err(Error::invalid("a user claim must be defined on the role"));
        }
        match self.role_type {
            RoleType::Oidc if self.allowed_redirect_uris.iter().flatten().next().is_none() => {
                Err(Error::invalid(
                    "'allowed_redirect_uris' must be set if 'role_type' is 'oidc' or unspecified.",
                ))
            }
            RoleType::Jwt if !mount_binds && !self.is_bound() => Err(Error::invalid(
                "must have at least one bound constraint when creating/updating a role: \
                 bound_audiences, bound_subject, bound_claims or token_bound_cidrs",
            )),
            _ => Ok(()),
        }
    }

    fn is_bound(&self) -> bool {
        !self.audiences().is_empty()
            || !self.bound_subject.is_empty()
            || self
                .bound_claims
                .as_ref()
                .is_some_and(|claims| !claims.0.is_empty())
            || !self.token.bound_cidrs.is_empty()
    }

    /// The audiences that the role asks for; none where it does not ask.
    pub(super) fn audiences(&self) -> &[String] {
        self.bound_audiences.as_deref().unwrap_or_default()
    }

    fn describe(&self) -> Data {
        let mut data = Data::new();
        let mut put = |name: &str, value: Value| data.insert(name.to_owned(), value);
        put(
            "allowed_redirect_uris",
            list_or_null(self.allowed_redirect_uris.as_deref()),
        );
        put(
            "bound_audiences",
            list_or_null(self.bound_audiences.as_deref()),
        );
        let claims = self.bound_claims.clone();
        put(
            "bound_claims",
            claims.map_or(Value::Null, |claims| Value::Object(claims.0)),
        );
        put("bound_claims_type", self.bound_claims_type.as_str().into());
        put("bound_issuers", self.bound_issuers.clone().into());
        put("bound_subject", self.bound_subject.clone().into());
        let mappings = self.claim_mappings.as_ref().map(|mappings| {
            let pairs = mappings.iter();
            let pairs = pairs.map(|(claim, key)| (claim.clone(), Value::from(key.as_str())));
            Value::Object(pairs.collect())
        });
        put("claim_mappings", mappings.unwrap_or(Value::Null));
        put("clock_skew_leeway", self.clock_skew_leeway.into());
        put("expiration_leeway", self.expiration_leeway.into());
        put("groups_claim", self.groups_claim.clone().into());
        put("kept_claims", self.kept_claims.clone().into());
        put("max_age", self.max_age.as_secs().into());
        put("not_before_leeway", self.not_before_leeway.into());
        put("oidc_scopes", list_or_null(self.oidc_scopes.as_deref()));
        put("role_type", self.role_type.as_str().into());
        put("user_claim", self.user_claim.clone().into());
        put(
            "user_claim_json_pointer",
            self.user_claim_json_pointer.into(),
        );
        put("verbose_oidc_logging", self.verbose_oidc_logging.into());
        self.token.describe(&mut data);
        self.former_names.describe(&mut data);
        data
    }
}

fn list_or_null(items: Option<&[String]>) -> Value {
    items.map_or(Value::Null, |items| items.to_vec().into())
}

/// What is not built is refused: to take a role for another kind of login than it was written for
/// would surprise somebody.
fn check_callback_mode(mode: &str) -> Result<(), Error> {
    match mode {
        "" | "client" => Ok(()),
        "direct" | "device" => Err(Error::invalid_because(
            "callback_mode_unsupported",
            format!("'callback_mode' {mode:?} is not supported; expected `client`"),
        )),
        _ => Err(Error::invalid("invalid 'callback_mode'; expected `client`")),
    }
}

impl Jwt {
    /// The role of this name, parsed once.
    pub(super) async fn role(&self, name: &str) -> Result<Option<Arc<Role>>, Error> {
        let key = RoleName::parse(name)?.key();
        let loaded = self.roles.load(&self.view, &key, record::decode).await?;
        Ok(loaded.map(|(_, role)| role))
    }
}

fn exists<'a>(jwt: &'a Jwt, call: Call<'a>) -> BoxFuture<'a, Result<bool, Error>> {
    Box::pin(async move { Ok(jwt.role(call.captured("name")).await?.is_some()) })
}

fn list<'a>(jwt: &'a Jwt, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move { Reply::keys(jwt.view.list_all("role/").await?) })
}

fn read<'a>(jwt: &'a Jwt, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let role = jwt.role(call.captured("name")).await?;
        Ok(Reply::data(role.ok_or_else(Error::not_found)?.describe()))
    })
}

fn write<'a>(jwt: &'a Jwt, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let key = RoleName::parse(call.captured("name"))?.key();
        let config = jwt.config().await?;
        let config = config.as_deref();
        let role_type = match config.is_some_and(super::config::Config::has_client) {
            true => RoleType::Oidc,
            false => RoleType::Jwt,
        };
        let mount_binds = config.is_some_and(|config| !config.token_audiences.is_empty());
        let mut attempts = Attempts::default();
        loop {
            let mut transaction = jwt.view.begin();
            let stored: Option<Role> = transaction.read(&jwt.view, &key).await?;
            let mut role = stored.unwrap_or_else(|| Role::new(role_type));
            role.update(&call)?;
            role.check(mount_binds)?;
            transaction.put_record(&jwt.view, &key, &role)?;
            if attempts.commit(transaction).await?.is_done() {
                return Ok(written(&role, &call));
            }
        }
    })
}

fn written(role: &Role, call: &Call<'_>) -> Reply {
    let mut reply = Reply::empty();
    if role.token.max_ttl > call.mount.max_lease_ttl {
        reply = reply.with_warning(
            "token max ttl is greater than the system or backend mount's maximum TTL value; \
             issued tokens' max TTL value will be truncated",
        );
    }
    if role.verbose_oidc_logging {
        reply = reply.with_warning(
            "verbose_oidc_logging is kept and has no effect: claims are never logged; \
             `explain` shows what a token has",
        );
    }
    reply
}

fn delete<'a>(jwt: &'a Jwt, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let key = RoleName::parse(call.captured("name"))?.key();
        let mut transaction = jwt.view.begin();
        transaction.delete(&jwt.view, &key);
        transaction.commit().await?;
        Ok(Reply::empty())
    })
}
