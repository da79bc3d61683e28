//! `oidc/introspect`: whether a token that we issued is in force.

use serde_json::json;
use vouchsafe_jose::{
    AlgorithmSet, ClaimRules, Claims, ClaimsError, JwsError, JwtError, NumericDate, UnverifiedJwt,
};
use vouchsafe_logical::{Access, Call, Error, Method, Reply, Route, input};
use vouchsafe_trust::times::numeric_date;

use crate::secrets::identity::Identity;

/// How far the clocks of the nodes may differ.
const LEEWAY_SECONDS: u64 = 60;

input! {
    /// Body of `oidc/introspect`.
    struct IntrospectInput {
        /// The token.
        token: Option<String>,
        /// An audience that the token must have.
        client_id: Option<String>,
    }
}

pub(in crate::secrets::identity) const ROUTE: Route<Identity> = Route {
    pattern: "oidc/introspect",
    access: Access::Token,
    methods: &[
        Method::<Identity>::update::<IntrospectInput>(|identity, call| {
            Box::pin(async move { introspect(identity, &call).await })
        })
        .document(),
    ],
    exists: None,
    help: "Whether an identity token is valid: signature, issuer, times, audience and entity.",
};

async fn introspect(identity: &Identity, call: &Call<'_>) -> Result<Reply, Error> {
    let verdict = judge(identity, call.input()?).await?;
    let body = match verdict {
        Ok(()) => json!({ "active": true }),
        Err(fault) => json!({ "active": false, "error": fault }),
    };
    Ok(Reply::raw_json(200, &body))
}

/// The outer error is ours; the inner one is the token's.
async fn judge(identity: &Identity, input: IntrospectInput) -> Result<Result<(), String>, Error> {
    let oidc = &identity.oidc;
    let token = input.token.unwrap_or_default();
    let unverified = match UnverifiedJwt::parse(&token) {
        Ok(unverified) => unverified,
        Err(error) => return Ok(Err(format!("error parsing token: {}", parse_fault(&error)))),
    };
    let key_set = oidc.key_set(oidc.now()).await?;
    let Ok(verified) = unverified.verify(key_set.keys(), AlgorithmSet::ALL) else {
        return Ok(Err("unable to validate the token signature".to_owned()));
    };
    let claims = verified.claims();
    let discovery = oidc.discovery().await?;
    let now = numeric_date(oidc.system.clock().now());
    if let Err(error) = check_claims(claims, discovery.issuer(), input.client_id, now) {
        return Ok(Err(format!(
            "error validating claims: {}",
            claims_fault(&error)
        )));
    }
    let subject = identity
        .directory
        .subject(claims.subject().unwrap_or_default())
        .await?;
    Ok(match subject {
        None => Err("entity was not found".to_owned()),
        Some(subject) if subject.disabled() => Err("entity is disabled".to_owned()),
        Some(_) => Ok(()),
    })
}

fn check_claims(
    claims: &Claims,
    issuer: &str,
    client_id: Option<String>,
    now: NumericDate,
) -> Result<(), ClaimsError> {
    let rules = ClaimRules::new()
        .issuer(issuer)
        .leeway_seconds(LEEWAY_SECONDS);
    let rules = match client_id.filter(|client_id| !client_id.is_empty()) {
        Some(client_id) => rules.audiences([client_id]),
        None => rules.audience_unchecked(),
    };
    rules.verify(claims, now)
}

/// Scripts compare these texts: they are Vault's where Vault has one.
fn parse_fault(error: &JwtError) -> String {
    match error {
        JwtError::Jws(JwsError::PartCount { .. }) => {
            "go-jose/go-jose: compact JWS format must have three parts".to_owned()
        }
        other => other.to_string(),
    }
}

fn claims_fault(error: &ClaimsError) -> String {
    let fault = match error {
        ClaimsError::Expired { .. } | ClaimsError::ExpiryMissing => "token is expired (exp)",
        ClaimsError::NotYetValid { .. } => "token not valid yet (nbf)",
        ClaimsError::IssuedInFuture { .. } => "token issued in the future (iat)",
        ClaimsError::IssuerMismatch { .. } => "invalid issuer claim (iss)",
        ClaimsError::AudienceMismatch { .. } | ClaimsError::AudienceUnexpected { .. } => {
            "invalid audience claim (aud)"
        }
        other => return other.to_string(),
    };
    format!("go-jose/go-jose/jwt: validation failed, {fault}")
}
