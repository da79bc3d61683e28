//! From a JWT in a request to who calls.
//!
//! The provider is chosen by what the token says of itself, exactly; nothing else of the token
//! counts before that provider's keys have verified it.

use std::collections::BTreeMap;
use std::sync::Arc;

use vouchsafe_iam::{Decision, Lookup, Provider};
use vouchsafe_jose::hmac::UnverifiedHmacJwt;
use vouchsafe_jose::limits::TOKEN_BYTES_MAX;
use vouchsafe_jose::{
    AlgorithmSet, ClaimRules, Claims, JwsError, JwtError, NumericDate, UnverifiedJwt,
};
use vouchsafe_logical::{Error, ErrorKind, ProvedLogin, Timestamp};
use vouchsafe_trust::times::numeric_date;
use vouchsafe_trust::{Refusal, RefusalKind};

use super::access::IamAccess;
use super::applied::{Applied, Verifier};
use super::remembered::{LEEWAY_SECONDS, Proof, Window};
use super::{Unstored, claims, entry_of, subject};
use crate::runtime::Runtime;

/// A token of either family, taken apart and not verified.
enum Unverified<'t> {
    Public(UnverifiedJwt<'t>),
    Symmetric(UnverifiedHmacJwt<'t>),
}

impl<'t> Unverified<'t> {
    fn parse(token: &'t str) -> Result<Self, Refusal> {
        match UnverifiedJwt::parse(token) {
            Ok(token) => Ok(Self::Public(token)),
            Err(JwtError::Jws(JwsError::UnknownAlgorithm(unknown))) => {
                match UnverifiedHmacJwt::parse(token) {
                    Ok(token) => Ok(Self::Symmetric(token)),
                    Err(JwtError::Jws(JwsError::UnknownAlgorithm(_))) => {
                        Err(JwsError::UnknownAlgorithm(unknown).into())
                    }
                    Err(error) => Err(error.into()),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    fn issuer(&self) -> Option<&str> {
        match self {
            Self::Public(token) => token.issuer(),
            Self::Symmetric(token) => token.issuer(),
        }
    }

    fn audience(&self) -> &[String] {
        match self {
            Self::Public(token) => token.audience(),
            Self::Symmetric(token) => token.audience(),
        }
    }
}

/// Who calls with a JWT.
///
/// # Errors
/// `permission denied` with the reason for the audit entry and the log; the provider's keys can't be
/// had; the store's.
pub(crate) async fn bearer(
    runtime: &Runtime,
    token: &str,
    now: Timestamp,
) -> Result<Arc<Unstored>, Error> {
    let Some(applied) = runtime.iam.applied().await? else {
        return Err(Error::denied("iam_not_configured"));
    };
    if token.len() > TOKEN_BYTES_MAX {
        return Err(Error::denied("token_malformed"));
    }
    let hash = runtime.tokens.hash(token);
    let date = numeric_date(now);
    if let Some(proof) = runtime.iam.remembered.get(&hash) {
        if holds(&proof, &applied, date) {
            return Ok(Arc::clone(&proof.caller));
        }
        runtime.iam.remembered.remove(&hash);
    }
    let proof = Arc::new(verify(runtime, &applied, token, date, now).await?);
    let caller = Arc::clone(&proof.caller);
    runtime.iam.remembered.insert(hash, proof);
    Ok(caller)
}

/// Whether what was found out about a token is still true.
fn holds(proof: &Proof, applied: &Applied, now: NumericDate) -> bool {
    proof.generation == applied.generation
        && proof.window.contains(now)
        && applied
            .verifier(&proof.provider)
            .is_some_and(|verifier| verifier.still_has(proof.keys))
}

async fn verify(
    runtime: &Runtime,
    applied: &Applied,
    token: &str,
    date: NumericDate,
    now: Timestamp,
) -> Result<Proof, Error> {
    let token = Unverified::parse(token).map_err(|refusal| refused(&refusal))?;
    let (provider, is_enabled) = match applied.config.provider(token.issuer(), token.audience()) {
        Lookup::Found(provider) => (provider, true),
        Lookup::Disabled(provider) => (provider, false),
        Lookup::Ambiguous => return Err(Error::denied("idp_ambiguous")),
        Lookup::Unknown => return Err(Error::denied("idp_unknown")),
    };
    let outcome = if is_enabled {
        verify_as(runtime, applied, provider, token, (date, now)).await
    } else {
        Err(Error::denied("idp_disabled"))
    };
    outcome.map_err(|error| naming(error, provider))
}

/// What a token is worth as one of this provider.
async fn verify_as(
    runtime: &Runtime,
    applied: &Applied,
    provider: &Provider,
    token: Unverified<'_>,
    (date, now): (NumericDate, Timestamp),
) -> Result<Proof, Error> {
    let verifier = applied
        .verifier(&provider.name)
        .ok_or_else(|| Error::internal("a provider of the IAM file has no verifier"))?;
    let (claims, keys) = match (token, verifier) {
        (Unverified::Public(token), Verifier::Public(keys)) => {
            let ports = &runtime.ports;
            let (fetch, clock) = (&*ports.fetcher, &*ports.clock);
            let verified = keys.verify_noting(token, AlgorithmSet::ALL, fetch, clock);
            let (verified, generation) = verified.await.map_err(|refusal| refused(&refusal))?;
            (verified.into_claims(), generation)
        }
        (Unverified::Symmetric(token), Verifier::Symmetric(keys)) => {
            let verified = token.verify(keys).map_err(|error| refused(&error.into()))?;
            (verified.into_claims(), verifier.generation())
        }
        // A public key is no secret, and a secret is no public key.
        (Unverified::Public(_) | Unverified::Symmetric(_), _) => {
            let message = "the provider's keys are of the other family";
            return Err(refused(&Refusal::token("algorithm_not_allowed", message)));
        }
    };
    ClaimRules::new()
        .issuer(provider.issuer.as_str())
        .audiences([provider.audience.as_str()])
        .leeway_seconds(LEEWAY_SECONDS)
        .verify(&claims, date)
        .map_err(|error| refused(&error.into()))?;
    let decision = provider
        .decide(&applied.config, claims.all())
        .map_err(|refusal| Error::denied(refusal.reason()).with_detail(refusal.detail()))?;
    let mount_accessor = subject::mount(&runtime.mounts.table())?.accessor.clone();
    proof(
        applied,
        provider,
        &claims,
        (decision, mount_accessor),
        keys,
        now,
    )
}

fn proof(
    applied: &Applied,
    provider: &Provider,
    claims: &Claims,
    (decision, mount_accessor): (Decision, String),
    keys: u64,
    now: Timestamp,
) -> Result<Proof, Error> {
    let window =
        Window::of(claims).ok_or_else(|| Error::internal("a token without expiry was verified"))?;
    let Decision { subject, role } = decision;
    let meta = BTreeMap::from([
        ("idp".to_owned(), provider.name.clone()),
        ("iss".to_owned(), provider.issuer.clone()),
        ("role".to_owned(), role.name.clone()),
        ("sub".to_owned(), subject.clone()),
    ]);
    let mut entry = entry_of(
        format!("{}/{subject}", provider.name),
        role.acl_policies.clone(),
        meta,
        claims.issued_at().and_then(timestamp_of).unwrap_or(now),
        claims.expires_at().and_then(timestamp_of),
        "direct-jwt",
    );
    let alias = alias_name(&provider.issuer, &subject);
    entry.login = Some(Arc::new(ProvedLogin {
        mount_accessor,
        name: alias.clone(),
        groups: Some(Vec::new()),
    }));
    entry.claims = claims::kept(claims.all()).map(Arc::new);
    Ok(Proof {
        generation: applied.generation,
        provider: provider.name.clone(),
        keys,
        window,
        caller: Arc::new(Unstored {
            alias: Some(alias),
            create_entity: role.create_entity,
            ..Unstored::new(entry, IamAccess::of(&role.capabilities))
        }),
    })
}

/// The name of the alias that stands for a subject of an issuer: `<iss>#<sub>`. What of the issuer
/// could be taken for the `#` is escaped, so that no two pairs have one name.
fn alias_name(issuer: &str, subject: &str) -> String {
    let issuer = issuer.replace('%', "%25").replace('#', "%23");
    format!("{issuer}#{subject}")
}

/// A refusal as the pipeline knows it. A dead issuer is not the client's fault.
fn refused(refusal: &Refusal) -> Error {
    match refusal.kind() {
        RefusalKind::Token => Error::denied(refusal.reason()),
        RefusalKind::Keys => Error::new(
            ErrorKind::Unavailable,
            refusal.reason(),
            "the keys of the token's identity provider can't be had now; try again later",
        ),
    }
    .with_detail(refusal.to_string())
}

/// A refusal that names the provider, in log and audit entry. The name is the file's; what the token
/// says of itself is not proved, and said nowhere.
fn naming(error: Error, provider: &Provider) -> Error {
    let name = &provider.name;
    let detail = match error.detail() {
        Some(detail) => format!("idp `{name}`: {}", detail.for_operator()),
        None => format!("idp `{name}`"),
    };
    error
        .with_detail(detail)
        .with_metadata(BTreeMap::from([("idp".to_owned(), name.clone())]))
}

fn timestamp_of(date: NumericDate) -> Option<Timestamp> {
    let seconds = i64::try_from(date.seconds()).ok()?;
    Timestamp::from_second(seconds).ok()
}
