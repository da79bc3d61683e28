//! `login`: from a service account's token to a proposal for a token of ours.
//!
//! The order is Vault's: role, address, configuration, then the token: its shape, its signature
//! where there are keys for that, its times, issuer and audience, the account's name and namespace,
//! and at last the API server's word. Everything before that last step only saves the API server
//! from being asked in vain; with it, the token's statements are compared.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use vouchsafe_jose::{
    AlgorithmSet, ClaimRules, Claims, ClaimsError, JwtError, NumericDate, UnverifiedJwt,
};
use vouchsafe_logical::{
    Access, AliasProposal, Answer, Call, Error, ErrorKind, Login, Method, Reply, Route, Secret,
    TokenParameters, input,
};
use vouchsafe_trust::times::numeric_date;

use super::Kubernetes;
use super::account::ServiceAccount;
use super::config::Config;
use super::role::{NamespaceRule, Role};
use crate::auth::role_name::RoleName;

/// The login.
pub(super) const ROUTE: Route<Kubernetes> = Route {
    pattern: "login",
    // Who cannot make a good token cannot guess one: there is nobody to lock out.
    access: Access::Login(|_| None),
    methods: &[Method::update::<LoginInput>(login)],
    exists: None,
    help: "Log in with the token of a service account.",
};

/// How far the clocks of the cluster and of this server may differ, in seconds, as in Vault.
pub(super) const CLOCK_SKEW_SECONDS: u64 = 60;

/// Annotations that become metadata of the alias begin with this, as in Vault.
const METADATA_ANNOTATION: &str = "vault.hashicorp.com/alias-metadata-";

input! {
    /// The proof.
    pub(super) struct LoginInput {
        /// The role to log in with.
        role: Option<String>,
        /// The token of a service account.
        jwt: Option<String>,
    }
}

fn login<'a>(kubernetes: &'a Kubernetes, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: LoginInput = call.input()?;
        let name = RoleName::parse(&given(input.role, "role")?)?;
        // A file with a token ends in a line end.
        let jwt = Secret::new(given(input.jwt, "jwt")?.trim().to_owned());
        let Some(role) = kubernetes.role(&name).await? else {
            return Err(Error::invalid_because(
                "role_unknown",
                format!("invalid role name {:?}", name.as_str()),
            ));
        };
        check_address(&role, &call)?;
        let config = kubernetes.config().await?;

        let claims = stated_claims(&config, jwt.expose())?;
        let now = numeric_date(kubernetes.system.clock().now());
        check_place_and_time(&config, &role, &claims, now)?;
        let account = ServiceAccount::of(&claims)?;
        if !role.allows_name(&account) {
            return Err(refused(
                "service_account_name_mismatch",
                "service account name not authorized",
            ));
        }
        let namespace = role.namespace_rule(&account)?;
        if matches!(namespace, NamespaceRule::Refused) {
            return Err(namespace_refused());
        }
        let alias_name = role.alias_name(&account)?;

        let (server, reviewed) = kubernetes
            .review(&config, &jwt, &audiences(&role, &claims))
            .await?;
        reviewed.confirm(&account)?;
        if let NamespaceRule::ByLabels(selector) = namespace
            && !selector.matches(&server.namespace_labels(&account).await?)
        {
            return Err(namespace_refused());
        }
        let annotations = if config.use_annotations_as_alias_metadata {
            server.annotations(&account).await?
        } else {
            BTreeMap::new()
        };
        let metadata = alias_metadata(&account, annotations);
        Ok(Reply::login(proposal(
            &name, role, &account, alias_name, metadata,
        )))
    })
}

fn given(value: Option<String>, name: &str) -> Result<String, Error> {
    value
        .filter(|text| !text.is_empty())
        .ok_or_else(|| Error::invalid_because("field_missing", format!("missing {name}")))
}

/// A refusal that may say why: who made the token knows what is in it.
fn refused(reason: &'static str, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::PermissionDenied, reason, message)
}

fn namespace_refused() -> Error {
    refused("namespace_mismatch", "namespace not authorized")
}

/// Before the token is looked at, so that from elsewhere nobody learns whether one is good.
fn check_address(role: &Role, call: &Call<'_>) -> Result<(), Error> {
    let blocks = &role.token.bound_cidrs;
    let peer = call.request.remote.map(|peer| peer.ip().to_canonical());
    if blocks.is_empty()
        || peer.is_some_and(|peer| blocks.iter().any(|block| block.contains(&peer)))
    {
        return Ok(());
    }
    Err(Error::denied("login_address_not_allowed"))
}

/// What the token says of itself, signed by one of the configured keys where there are any.
fn stated_claims(config: &Config, jwt: &str) -> Result<Claims, Error> {
    let malformed = |fault: JwtError| Error::invalid_because("token_malformed", fault.to_string());
    let token = UnverifiedJwt::parse(jwt).map_err(malformed)?;
    let Some(keys) = config.keys()? else {
        return Ok(token.claims_before_verification().clone());
    };
    match token.verify(&keys, AlgorithmSet::ALL) {
        Ok(verified) => Ok(verified.into_claims()),
        Err(fault) => Err(Error::denied("signature_invalid").with_detail(format!(
            "kubernetes: no pem_key verifies the token: {fault}"
        ))),
    }
}

fn check_place_and_time(
    config: &Config,
    role: &Role,
    claims: &Claims,
    now: NumericDate,
) -> Result<(), Error> {
    let mut rules = ClaimRules::new()
        .expiry_optional()
        .leeway_seconds(CLOCK_SKEW_SECONDS);
    if let Some(issuer) = config.expected_issuer() {
        rules = rules.issuer(issuer);
    }
    rules = match &*role.audience {
        "" => rules.audience_unchecked(),
        audience => rules.audiences([audience]),
    };
    rules.verify(claims, now).map_err(|fault| {
        let (reason, message) = match &fault {
            ClaimsError::Expired { .. } => (
                "expired",
                "invalid expiration time (exp) claim: token is expired",
            ),
            ClaimsError::NotYetValid { .. } => (
                "not_yet_valid",
                "invalid not before (nbf) claim: token not yet valid",
            ),
            ClaimsError::IssuedInFuture { .. } => (
                "not_yet_valid",
                "invalid issued at (iat) claim: token issued in the future",
            ),
            ClaimsError::IssuerMismatch { .. } => ("issuer_mismatch", "invalid issuer (iss) claim"),
            _ => (
                "audience_mismatch",
                "invalid audience (aud) claim: audience claim does not match any expected audience",
            ),
        };
        refused(reason, message).with_detail(format!("kubernetes: {fault}"))
    })
}

/// The audiences that the API server shall find in the token: the role's, else the token's own.
fn audiences(role: &Role, claims: &Claims) -> Vec<String> {
    match &*role.audience {
        "" => claims.audience().unwrap_or_default().to_vec(),
        audience => vec![audience.to_owned()],
    }
}

/// The facts of a service account, and what its annotations say on purpose.
fn alias_metadata(
    account: &ServiceAccount,
    annotations: BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut metadata: BTreeMap<String, String> = annotations
        .into_iter()
        .filter_map(|(name, value)| {
            Some((name.strip_prefix(METADATA_ANNOTATION)?.to_owned(), value))
        })
        .collect();
    // Last, so that no annotation stands in for one of them.
    for (name, value) in [
        ("service_account_uid", &account.uid),
        ("service_account_name", &account.name),
        ("service_account_namespace", &account.namespace),
        ("service_account_secret_name", &account.secret_name),
    ] {
        metadata.insert(name.to_owned(), value.clone());
    }
    metadata
}

fn proposal(
    name: &RoleName,
    role: Role,
    account: &ServiceAccount,
    alias_name: String,
    alias_metadata: BTreeMap<String, String>,
) -> Login {
    let mut metadata = alias_metadata.clone();
    metadata.insert("role".to_owned(), name.as_str().to_owned());
    Login {
        alias: Some(AliasProposal {
            name: alias_name,
            metadata: alias_metadata,
        }),
        group_aliases: Vec::new(),
        display_name: format!("{}-{}", account.namespace, account.name),
        metadata,
        claims: Default::default(),
        internal: json!({ "role": name.as_str() }),
        renewable: true,
        token: role.token,
    }
}

/// What a token of this mount may have now: what its role says today. The API server is not asked
/// again; the token of a deleted pod ends with its `token_max_ttl`.
pub(super) async fn renew(
    kubernetes: &Kubernetes,
    internal: &Value,
) -> Result<Option<TokenParameters>, Error> {
    let name = internal.get("role").and_then(Value::as_str);
    let name = RoleName::parse(name.unwrap_or_default())?;
    match kubernetes.role(&name).await? {
        Some(role) => Ok(Some(role.token)),
        None => Err(name.gone()),
    }
}
