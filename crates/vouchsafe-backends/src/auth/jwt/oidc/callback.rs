//! `oidc/callback`: ends a login with what the provider sent to whoever logs in.

use std::sync::Arc;

use serde_json::{Map, Value};
use vouchsafe_jose::{UnverifiedJwt, VerifiedJwt};
use vouchsafe_logical::{Access, Answer, Call, Error, Method, Operation, Route, input};
use vouchsafe_trust::RefusalKind;
use vouchsafe_trust::discovery::ProviderMetadata;
use vouchsafe_trust::times::numeric_date;

use super::super::Jwt;
use super::super::check::{Failure, Subject};
use super::super::login::{address_allowed, judge};
use super::super::role::{Role, RoleType};
use super::super::trusted::Trusted;
use super::id_token::Expected;
use super::pending::Pending;
use super::provider::{self, Tokens};
use super::{login_failed, redirect, verification_failed};

pub(in super::super) const ROUTE: Route<Jwt> = Route {
    pattern: "oidc/callback",
    access: Access::Login(|_| None),
    // No POST: with `form_post` the program that began the login receives the form, and asks here. What
    // a browser brought itself would wait for whoever began, and that need not be who logged in.
    methods: &[Method::with::<CallbackInput>(Operation::Read, callback)],
    exists: None,
    help: "End a login through the OpenID provider with what the provider answered.",
};

/// The longest authorization code, in bytes.
const CODE_BYTES_MAX: usize = 4_096;

/// Claims about the ID token itself and the login at the provider (OpenID Connect Core 1.0 §2). Nothing
/// that is not signed says how somebody logged in.
const OF_THE_TOKEN: [&str; 14] = [
    "acr",
    "amr",
    "at_hash",
    "aud",
    "auth_time",
    "azp",
    "c_hash",
    "exp",
    "iat",
    "iss",
    "jti",
    "nbf",
    "nonce",
    "sid",
];

input! {
    /// The provider's answer (OpenID Connect Core 1.0 §3.1.2.5), and who passes it on.
    pub(super) struct CallbackInput {
        /// The state of the login.
        state: Option<String>,
        /// The authorization code.
        code: Option<String>,
        /// Not used: logins take the code flow.
        id_token: Option<String>,
        /// What was given when the login was begun.
        client_nonce: Option<String>,
        /// The issuer of the answer (RFC 9207).
        iss: Option<String>,
        /// Why the provider refuses.
        error: Option<String>,
        /// The same for people. Not used: anybody can write it.
        error_description: Option<String>,
        /// Where there is more about it. Not used.
        error_uri: Option<String>,
    }
}

fn expired() -> Error {
    login_failed("oidc_state_unknown", "Expired or missing OAuth state.")
}

fn callback<'a>(jwt: &'a Jwt, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: CallbackInput = call.input()?;
        if jwt.config().await?.is_none() {
            return Err(login_failed(
                "not_configured",
                "Could not load configuration.",
            ));
        }
        let state = input.state.as_deref().unwrap_or_default();
        let taken = jwt.pending.take(state, jwt.system.clock().now());
        let pending = taken.ok_or_else(expired)?;
        if !pending.is_begun_by(input.client_nonce.as_deref().unwrap_or_default()) {
            let message = "invalid client_nonce";
            return Err(Error::invalid_because("client_nonce_mismatch", message));
        }
        let Some(role) = jwt.role(&pending.role).await? else {
            return Err(login_failed("role_unknown", "Role could not be found"));
        };
        jwt.check_unchanged(&pending, &role).await?;
        if !address_allowed(&role.token.bound_cidrs, &call) {
            return Err(Error::denied("login_address_not_allowed"));
        }
        let metadata = jwt.provider_metadata(&pending.config).await;
        let metadata = metadata.map_err(|fault| {
            login_failed("keys_unavailable", "The provider is not available.").with_detail(fault)
        })?;
        let mount = &*call.mount.path;
        check_answer(&input, &metadata, mount)?;
        let code = checked(input.code.as_deref().unwrap_or_default())?;
        let fetcher = jwt.system.fetcher();
        let tokens = provider::exchange(&pending.config, &metadata, &pending, code, fetcher).await;
        let tokens = tokens.map_err(|fault| {
            let detail = fault.detail;
            tracing::warn!(%mount, fault = %detail, "a code was not exchanged");
            let message = format_args!("Error exchanging oidc code: {:?}.", fault.message);
            login_failed("code_not_exchanged", message).with_detail(detail)
        })?;
        let token = jwt.verified(&pending, &metadata, &role, &tokens).await?;
        let facts = jwt.facts(&pending, &metadata, &token, &tokens, mount).await;
        let subject = Subject {
            claims: token.claims(),
            facts: &facts,
            client_id: Some(&pending.config.oidc_client_id),
            role: &role,
            role_name: &pending.role,
            trusted: &Trusted::Mount(Arc::clone(&pending.config)),
            now: numeric_date(jwt.system.clock().now()),
        };
        judge(&subject).map_err(refused)
    })
}

/// A code that may be exchanged.
fn checked(code: &str) -> Result<&str, Error> {
    if code.is_empty() {
        let message = "No code or id_token received.";
        return Err(login_failed("oidc_code_missing", message));
    }
    if code.len() > CODE_BYTES_MAX {
        let bytes = code.len();
        let message = format_args!("The code has {bytes} bytes; at most {CODE_BYTES_MAX}.");
        return Err(login_failed("oidc_code_too_long", message));
    }
    Ok(code)
}

/// What the provider answered, before its code is looked at.
fn check_answer(
    input: &CallbackInput,
    metadata: &ProviderMetadata,
    mount: &str,
) -> Result<(), Error> {
    // RFC 9207 §2.4. Command lines of others pass no `iss` on, so one that is absent is no fault.
    if input
        .iss
        .as_ref()
        .is_some_and(|iss| *iss != metadata.issuer)
    {
        let message = "The answer is not of the provider that was asked (iss).";
        return Err(login_failed("issuer_mismatch", message));
    }
    let Some(error) = input.error.as_deref().filter(|error| !error.is_empty()) else {
        return Ok(());
    };
    // Anybody can write it, so only what is registered is told and logged.
    let known = provider::known_error(&error.trim().to_ascii_lowercase());
    let code = known.unwrap_or("An unknown error occurred during OIDC authentication.");
    tracing::warn!(%mount, error = code, "the provider refused a login");
    Err(login_failed("oidc_provider_refused", code))
}

/// A failed check, in Vault's words.
fn refused(failure: Failure) -> Error {
    match failure.message.strip_prefix("error validating token: ") {
        Some(of_token) => verification_failed(failure.reason, of_token),
        None => login_failed(failure.reason, failure.message),
    }
}

impl Jwt {
    /// Whether what the login began under still holds: the provider and its client, and where the role
    /// lets people be sent.
    async fn check_unchanged(&self, pending: &Pending, role: &Role) -> Result<(), Error> {
        let config = self.config().await?;
        if config.is_none_or(|config| *config != *pending.config) {
            return Err(expired().with_reason("oidc_configuration_changed"));
        }
        let allowed = role.allowed_redirect_uris.as_deref().unwrap_or_default();
        if role.role_type != RoleType::Oidc || !redirect::is_allowed(&pending.redirect_uri, allowed)
        {
            return Err(expired().with_reason("oidc_role_changed"));
        }
        Ok(())
    }

    /// The ID token, verified by the mount's keys and made for this login.
    async fn verified(
        &self,
        pending: &Pending,
        metadata: &ProviderMetadata,
        role: &Role,
        tokens: &Tokens,
    ) -> Result<VerifiedJwt, Error> {
        let trusted = Trusted::Mount(Arc::clone(&pending.config));
        let Some(text) = &tokens.id_token else {
            let message = "No id_token found in response.";
            return Err(verification_failed("token_missing", message));
        };
        let of_token = |refusal: vouchsafe_trust::Refusal| match refusal.kind() {
            RefusalKind::Token => verification_failed(refusal.reason(), &refusal),
            RefusalKind::Keys => {
                let message = "the keys of the provider are not available";
                verification_failed(refusal.reason(), message).with_detail(refusal.to_string())
            }
        };
        let token = UnverifiedJwt::parse(text).map_err(|error| of_token(error.into()))?;
        let (keys, allowed) = (trusted.keys(self)?, trusted.algorithms()?);
        let (fetcher, clock) = (self.system.fetcher(), self.system.clock());
        let verified = keys.verify(token, allowed, fetcher, clock).await;
        let token = verified.map_err(of_token)?;
        let expected = Expected {
            issuer: &metadata.issuer,
            client_id: &pending.config.oidc_client_id,
            nonce: &pending.nonce,
            access_token: tokens.access_token.as_deref(),
            max_age: role.max_age.as_secs(),
            clock_skew: trusted.leeways(role).clock_skew,
        };
        match expected.check(&token, numeric_date(clock.now())) {
            Ok(()) => Ok(token),
            Err((reason, message)) => Err(verification_failed(reason, message)),
        }
    }

    /// The claims of the ID token, and those that the userinfo endpoint adds. What was signed is never
    /// replaced. Where the endpoint fails, the login goes on without.
    async fn facts(
        &self,
        pending: &Pending,
        metadata: &ProviderMetadata,
        token: &VerifiedJwt,
        tokens: &Tokens,
        mount: &str,
    ) -> Map<String, Value> {
        let mut facts = token.claims().all().clone();
        // It has done its work, and is of no use in templates.
        facts.shift_remove("nonce");
        let (Some(access_token), Some(subject)) = (&tokens.access_token, token.claims().subject())
        else {
            return facts;
        };
        let (config, fetcher) = (&pending.config, self.system.fetcher());
        match provider::userinfo(config, metadata, access_token, subject, fetcher).await {
            Ok(found) => {
                for (name, value) in found.into_iter().flatten() {
                    if !OF_THE_TOKEN.contains(&name.as_str()) {
                        facts.entry(name).or_insert(value);
                    }
                }
            }
            Err(fault) => tracing::warn!(%mount, %fault, "no claims from the userinfo endpoint"),
        }
        facts
    }
}
