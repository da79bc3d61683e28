//! `login`: from a JWT to a proposal for a token.
//!
//! [`Jwt::examine`] goes from the request to verified claims, step by step; [`CHECKS`] judge them.
//! `explain` goes the same way.

use std::sync::Arc;

use ipnet::IpNet;
use serde_json::{Value, json};
use vouchsafe_jose::{NumericDate, UnverifiedJwt, VerifiedJwt};
use vouchsafe_logical::{
    Access, AliasProposal, Answer, CLAIMS_BYTES_MAX, Call, Data, Error, Login, Method, Reply,
    Route, TokenParameters, input,
};
use vouchsafe_trust::times::numeric_date;
use vouchsafe_trust::{Refusal, RefusalKind};

use super::Jwt;
use super::check::{CHECKS, Failure, Outcome, Subject};
use super::config::Config;
use super::identity;
use super::role::{Role, RoleType};
use super::trusted::Trusted;

pub(super) const ROUTE: Route<Jwt> = Route {
    pattern: "login",
    // Whose proof it is stands in the token, and nobody can guess a signature.
    access: Access::Login(|_| None),
    methods: &[Method::update::<LoginInput>(login)],
    exists: None,
    help: "Log in with a JWT.",
};

input! {
    /// The proof.
    pub(super) struct LoginInput {
        /// The role; the mount's default where none is named.
        role: Option<String>,
        /// The JWT.
        jwt: Option<String>,
    }
}

/// The steps from a request to verified claims, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Configuration,
    Role,
    RoleType,
    Address,
    Token,
    Route,
    Signature,
}

/// Why an examination ended before there were verified claims.
pub(super) struct Stopped {
    pub(super) step: Step,
    pub(super) error: Error,
}

/// A verified token, and what it is judged by.
pub(super) struct Examined {
    pub(super) token: VerifiedJwt,
    pub(super) role: Arc<Role>,
    pub(super) role_name: String,
    pub(super) trusted: Trusted,
    pub(super) now: NumericDate,
}

impl Examined {
    pub(super) fn subject(&self) -> Subject<'_> {
        Subject {
            claims: self.token.claims(),
            facts: self.token.claims().all(),
            client_id: None,
            role: &self.role,
            role_name: &self.role_name,
            trusted: &self.trusted,
            now: self.now,
        }
    }
}

impl Step {
    fn stop(self, error: impl Into<Error>) -> Stopped {
        Stopped {
            step: self,
            error: error.into(),
        }
    }

    fn refuse(self, reason: &'static str, message: impl Into<String>) -> Stopped {
        self.stop(Error::invalid_because(reason, message))
    }
}

impl Jwt {
    /// Goes from a request to verified claims. Nothing of the token is believed before its
    /// signature is verified; its `iss` only chooses whose keys are tried.
    pub(super) async fn examine(
        &self,
        call: &Call<'_>,
        input: &LoginInput,
    ) -> Result<Examined, Stopped> {
        let config = self
            .config()
            .await
            .map_err(|e| Step::Configuration.stop(e))?;
        if config.is_none() && !self.has_issuers().await? {
            let message = "could not load configuration";
            return Err(Step::Configuration.refuse("not_configured", message));
        }
        let (role_name, role) = self.named_role(config.as_deref(), input).await?;
        if role.role_type == RoleType::Oidc {
            let message = "role with oidc role_type is not allowed";
            return Err(Step::RoleType.refuse("role_type_oidc", message));
        }
        if !address_allowed(&role.token.bound_cidrs, call) {
            return Err(Step::Address.stop(Error::denied("login_address_not_allowed")));
        }
        let text = input.jwt.as_deref().map(str::trim).unwrap_or_default();
        if text.is_empty() {
            return Err(Step::Token.refuse("token_missing", "missing token"));
        }
        let token = UnverifiedJwt::parse(text).map_err(|e| Step::Token.stop(refused(e.into())))?;
        let trusted = self.route(token.issuer(), config).await?;
        let token = self
            .verify(&trusted, token)
            .await
            .map_err(|error| Step::Signature.stop(error))?;
        Ok(Examined {
            token,
            role,
            role_name,
            trusted,
            now: numeric_date(self.system.clock().now()),
        })
    }

    async fn has_issuers(&self) -> Result<bool, Stopped> {
        let first = self.view.list_page("issuer/", None, 1).await;
        first
            .map(|names| !names.is_empty())
            .map_err(|error| Step::Configuration.stop(error))
    }

    async fn named_role(
        &self,
        config: Option<&Config>,
        input: &LoginInput,
    ) -> Result<(String, Arc<Role>), Stopped> {
        let named = input.role.as_deref().filter(|name| !name.is_empty());
        let default = config.map(|config| &*config.default_role);
        let name = named.or(default.filter(|name| !name.is_empty()));
        let Some(name) = name else {
            return Err(Step::Role.refuse("role_missing", "missing role"));
        };
        let found = self.role(name).await.map_err(|e| Step::Role.stop(e))?;
        let Some(role) = found else {
            let message = format!("role {name:?} could not be found");
            return Err(Step::Role.refuse("role_unknown", message));
        };
        Ok((name.to_ascii_lowercase(), role))
    }

    /// Whose token it claims to be. An issuer that has settings of its own is never verified by the
    /// mount's.
    async fn route(
        &self,
        iss: Option<&str>,
        config: Option<Arc<Config>>,
    ) -> Result<Trusted, Stopped> {
        if let Some(iss) = iss {
            let found = self.issuer_of(iss).await.map_err(|e| Step::Route.stop(e))?;
            if let Some((name, issuer)) = found {
                return Ok(Trusted::Further(name, issuer));
            }
        }
        config.map(Trusted::Mount).ok_or_else(|| {
            let message = "error validating token: invalid issuer (iss) claim: no issuer of this \
                           mount has it; the slash at its end counts";
            Step::Route.refuse("issuer_mismatch", message)
        })
    }

    async fn verify(
        &self,
        trusted: &Trusted,
        token: UnverifiedJwt<'_>,
    ) -> Result<VerifiedJwt, Error> {
        let (keys, allowed) = (trusted.keys(self)?, trusted.algorithms()?);
        let (fetcher, clock) = (self.system.fetcher(), self.system.clock());
        keys.verify(token, allowed, fetcher, clock)
            .await
            .map_err(refused)
    }
}

/// Says in Vault's words why a token was not verified.
fn refused(refusal: Refusal) -> Error {
    let reason = refusal.reason();
    let message = match (refusal.kind(), reason) {
        (RefusalKind::Keys, _) => {
            // Where the keys are, and what is wrong there, is the operator's to know.
            let message = "error configuring token validator: keyset configuration error: the \
                           keys of the issuer are not available";
            return Error::invalid_because(reason, message).with_detail(refusal.to_string());
        }
        (_, "algorithm_not_allowed") => format!(
            "invalid algorithm (alg) header parameter: token signed with unexpected algorithm: \
             {refusal}"
        ),
        _ => format!("error verifying token signature: {refusal}"),
    };
    Error::invalid_because(reason, format!("error validating token: {message}"))
}

pub(super) fn address_allowed(blocks: &[IpNet], call: &Call<'_>) -> bool {
    let remote = call.request.remote.map(|peer| peer.ip().to_canonical());
    blocks.is_empty()
        || remote.is_some_and(|address| blocks.iter().any(|block| block.contains(&address)))
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::invalid_because(failure.reason, failure.message)
    }
}

fn login<'a>(jwt: &'a Jwt, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: LoginInput = call.input()?;
        let examined = jwt
            .examine(&call, &input)
            .await
            .map_err(|stopped| stopped.error)?;
        Ok(judge(&examined.subject())?)
    })
}

/// The answer to who proved to be somebody: a proposal, if every check passes.
pub(super) fn judge(subject: &Subject<'_>) -> Result<Reply, Failure> {
    for check in CHECKS {
        if let Outcome::Fail(failure) = (check.judge)(subject) {
            return Err(failure);
        }
    }
    let kept = identity::kept(subject);
    let is_too_large = kept.is_none();
    let reply = Reply::login(proposal(subject, kept)?);
    Ok(match is_too_large {
        true => reply.with_warning(format!(
            "the claims are larger than {CLAIMS_BYTES_MAX} bytes and not kept with the token; \
             name those to keep in the role's kept_claims"
        )),
        false => reply,
    })
}

/// What the token shall be. The checks have seen that all of this is there.
fn proposal(subject: &Subject<'_>, kept: Option<Data>) -> Result<Login, Failure> {
    let metadata = identity::metadata(subject)?;
    Ok(Login {
        alias: Some(AliasProposal {
            name: identity::alias(subject)?,
            metadata: metadata.clone(),
        }),
        group_aliases: identity::groups(subject)?,
        display_name: identity::user(subject)?.to_owned(),
        metadata,
        token: subject.role.token.clone(),
        renewable: true,
        claims: kept.unwrap_or_default(),
        internal: json!({"role": subject.role_name}),
    })
}

/// What a token of this mount may have now: what its role says today. Claims are not looked at
/// again; the JWT that they came from is long gone.
pub(super) async fn renew(jwt: &Jwt, internal: &Value) -> Result<Option<TokenParameters>, Error> {
    let name = internal.get("role").and_then(Value::as_str);
    let name = name.unwrap_or_default();
    match jwt.role(name).await? {
        Some(role) => Ok(Some(role.token.clone())),
        None => Err(Error::invalid_because(
            "role_gone",
            format!("role {name} does not exist during renewal; log in again"),
        )),
    }
}
