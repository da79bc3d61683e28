//! `oidc/token/{name}`: a signed token about the caller.
//!
//! The hot path. Role, template and private key are parsed and compiled when they change, never per
//! token; each use only asks the storage whether they are still current. What is left is the claims'
//! text and the signature.

use std::sync::Arc;

use serde_json::Map;
use vouchsafe_identity::issuer::{RegisteredClaims, UnixSeconds};
use vouchsafe_identity::subject::Subject;
use vouchsafe_identity::template::TemplateSubject;
use vouchsafe_jose::{Algorithm, JwsSigner, SignError};
use vouchsafe_logical::{
    Access, Call, Data, EntropyExt as _, Error, Method, Pool, Reply, Route, run_on,
};

use super::Oidc;
use super::named_keys::ReadyKey;
use super::role::ReadyRole;
use crate::secrets::identity::Identity;

pub(in crate::secrets::identity) const ROUTE: Route<Identity> = Route {
    pattern: "oidc/token/{name}",
    access: Access::Token,
    methods: &[Method::read(|identity, call| {
        Box::pin(async move { issue(identity, &call).await })
    })],
    exists: None,
    help: "A signed identity token for the caller's entity.",
};

/// The id of the one namespace.
const NAMESPACE_ID: &str = "root";

async fn issue(identity: &Identity, call: &Call<'_>) -> Result<Reply, Error> {
    let oidc = &identity.oidc;
    let name = call.captured("name");
    let role = oidc.ready_role(name).await?.ok_or_else(|| {
        Error::invalid_because("role_not_found", format!("role {name:?} not found"))
    })?;
    let key_name = &role.role.key;
    let key = oidc.ready_key(key_name).await?.ok_or_else(|| {
        Error::invalid_because("key_not_found", format!("key {key_name:?} not found"))
    })?;
    if !key.named_key.allows(&role.role.client_id) {
        return Err(Error::invalid_because(
            "client_id_not_allowed",
            format!(
                "the key {key_name:?} does not list the client ID of the role {name:?} as an allowed client ID"
            ),
        ));
    }
    let entity_id = call.caller.entity_id.as_deref().ok_or_else(|| {
        Error::invalid_because(
            "entity_missing",
            "no entity associated with the request's token",
        )
    })?;
    let subject = match call.caller.subject.open::<Subject>() {
        Some(subject) => Some(subject),
        None => identity.directory.subject(entity_id).await?,
    };
    let subject = subject
        .filter(|subject| !subject.disabled())
        .ok_or_else(|| Error::denied("entity_missing_or_disabled"))?;
    let now = oidc.now();
    let payload = oidc
        .payload(&role, &key, (&subject, call.caller.claims.as_deref()), now)
        .await?;
    let signer = key.signer(now)?.ok_or_else(|| {
        Error::internal(format!("the key {key_name:?} has a role and no key pairs"))
    })?;
    let token = oidc.sign(signer, payload).await?;
    let ttl_seconds = role.role.ttl_seconds;
    Ok(Reply::data(Data::from_iter([
        ("client_id".to_owned(), role.role.client_id.clone().into()),
        ("token".to_owned(), token.into()),
        ("ttl".to_owned(), ttl_seconds.into()),
    ])))
}

impl Oidc {
    async fn payload(
        &self,
        role: &ReadyRole,
        key: &ReadyKey,
        (subject, token_claims): (&Subject, Option<&Data>),
        now: UnixSeconds,
    ) -> Result<Vec<u8>, Error> {
        let template_failed = |fault: String| Error::invalid_because("template_failed", fault);
        let custom = match &role.template {
            Ok(None) => Map::new(),
            Ok(Some(template)) => template
                .render(
                    &TemplateSubject {
                        token_claims,
                        ..subject.template_data()
                    },
                    i64::try_from(now.0).unwrap_or(i64::MAX),
                )
                .map_err(|error| template_failed(error.to_string()))?,
            Err(error) => return Err(template_failed(error.to_string())),
        };
        let discovery = self.discovery().await?;
        // Writes of roles and keys hold the role's TTL below the key's; a token may not outlive its
        // key even if a record says otherwise.
        let ttl_seconds = role
            .role
            .ttl_seconds
            .min(key.named_key.verification_ttl_seconds);
        let claims = RegisteredClaims {
            issuer: discovery.issuer(),
            subject: subject.entity().id.as_str(),
            audience: &role.role.client_id,
            issued_at: now,
            expires_at: now.plus(ttl_seconds),
            namespace: NAMESPACE_ID,
            jwt_id: &self.system.entropy().uuid(),
        };
        Ok(claims.payload(&custom))
    }

    /// Signs here what is signed in microseconds, and on the signing threads what would hold up
    /// everybody else.
    async fn sign(&self, signer: &Arc<JwsSigner>, payload: Vec<u8>) -> Result<String, Error> {
        let signed = match signer.key().algorithm() {
            Algorithm::Es256 | Algorithm::EdDsa => signer.sign_compact(&payload),
            _ => {
                let signer = Arc::clone(signer);
                let job = move || signer.sign_compact(&payload);
                run_on(self.system.workers(), Pool::Signing, job).await?
            }
        };
        signed.map_err(|error| match error {
            SignError::TooLong { .. } => Error::invalid_because(
                "token_too_long",
                format!("the template's claims are too large for this entity: {error}"),
            ),
            other => Error::internal(other.to_string()),
        })
    }
}
