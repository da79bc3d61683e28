//! Response wrapping: the answer stays here, and the caller gets a token that is good for fetching
//! it once (Vault's `X-Vault-Wrap-TTL`).
//!
//! Whoever unwraps knows that nobody did before. `wrap` is a step of the pipeline, between the
//! backend and the audit entry of the answer; `sys/wrapping/*` is in `routes`.
//!
//! Invariants:
//! - Wrapping token and wrapped answer are written by one commit.
//! - A wrapped answer leaves storage at most once: the use of its token is taken first, and of
//!   all that try at the same time one gets it.
//! - What is asked for wrapped is never sent in the clear: it is wrapped, or refused.

mod answer;
pub(crate) mod routes;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vouchsafe_logical::{
    Error, ErrorKind, Operation, PolicyName, Reply, Request, Timestamp, WrapInfo, rfc3339,
};

use self::answer::StoredAnswer;
use crate::mount::SYSTEM_LEASE_TTL;
use crate::runtime::Runtime;
use crate::token::{TokenEntry, TokenStore, TokenType, UsesLeft, end_of_life};

/// The longest life of a wrapped answer; more is cut down to it, as with every other token.
pub const WRAP_TTL_MAX: Duration = SYSTEM_LEASE_TTL;

/// A wrapped answer as stored.
#[derive(Serialize, Deserialize)]
pub(crate) struct Wrapped {
    created_at: Timestamp,
    ttl: Duration,
    creation_path: String,
    answer: StoredAnswer,
}

/// Wraps the answer of a request that asked for it. Refusals and answers that say nothing pass.
///
/// # Errors
/// The request's own; an answer that can't be kept: a document outside the envelope, or one that
/// is too large for storage.
pub(crate) async fn wrap(
    runtime: &Runtime,
    request: &Request,
    result: Result<Reply, Error>,
    now: Timestamp,
) -> Result<Reply, Error> {
    let reply = result?;
    let Some(ttl) = request.wrap_ttl else {
        return Ok(reply);
    };
    let is_wrapped = reply.wrap_info.is_some();
    if reply.says_nothing() || is_wrapped || request.operation == Operation::Help {
        return Ok(reply);
    }
    let wrapped = Wrapped {
        created_at: now,
        ttl: ttl.min(WRAP_TTL_MAX),
        creation_path: request.path.as_str().to_owned(),
        answer: StoredAnswer::of(reply)?,
    };
    keep(runtime, &wrapped, request).await
}

/// Stores a wrapped answer under a new wrapping token.
async fn keep(runtime: &Runtime, wrapped: &Wrapped, request: &Request) -> Result<Reply, Error> {
    let entropy = &*runtime.ports.entropy;
    let entry = TokenEntry {
        accessor: TokenStore::new_accessor(entropy),
        display_name: "token".to_owned(),
        path: request.path.as_str().to_owned(),
        policies: [PolicyName::response_wrapping()].into_iter().collect(),
        meta: None,
        token_type: TokenType::Service,
        entity_id: None,
        login: None,
        parent: None,
        role: None,
        created_at: wrapped.created_at,
        creation_ttl: wrapped.ttl,
        expire_at: Some(end_of_life(wrapped.created_at, wrapped.ttl)),
        last_renewed_at: None,
        explicit_max_ttl: wrapped.ttl,
        max_ttl: Duration::ZERO,
        period: Duration::ZERO,
        renewable: false,
        num_uses: 1,
        spent: false,
        bound_cidrs: Vec::new(),
        claims: None,
        internal: serde_json::Value::Null,
        mount_accessor: None,
        initial_root: false,
    };
    let tokens = &runtime.tokens;
    let mut transaction = runtime.root.begin();
    let token = tokens
        .issue(&mut transaction, &entry, None, entropy)
        .await?;
    tokens
        .cubbyholes()
        .put_wrapped(&mut transaction, &tokens.hash(&token), wrapped)?;
    transaction.commit().await?;
    Ok(Reply::wrapped(WrapInfo {
        token,
        accessor: entry.accessor,
        ttl: wrapped.ttl.as_secs(),
        creation_time: rfc3339(wrapped.created_at),
        creation_path: wrapped.creation_path.clone(),
        wrapped_accessor: wrapped.answer.accessor().to_owned(),
    }))
}

/// What a wrapping token stands for, without using it.
///
/// # Errors
/// The token is none, or no longer.
async fn look(runtime: &Runtime, token: &str, now: Timestamp) -> Result<Wrapped, Error> {
    let Some(found) = runtime.tokens.find(token, now).await? else {
        return Err(invalid());
    };
    let wrapped = runtime.tokens.cubbyholes().wrapped(&found.hash).await?;
    wrapped.ok_or_else(invalid)
}

/// Takes what a wrapping token stands for. The token is gone afterwards.
///
/// # Errors
/// The token is none, or no longer, or somebody else takes it at this moment.
async fn take(runtime: &Runtime, token: &str, now: Timestamp) -> Result<Wrapped, Error> {
    let wrapped = look(runtime, token, now).await?;
    let hash = runtime.tokens.hash(token);
    match runtime.tokens.take_use(&hash).await? {
        Some(UsesLeft::Last) => {}
        Some(UsesLeft::More) | None => return Err(invalid()),
    }
    runtime.tokens.revoke(&hash).await?;
    Ok(wrapped)
}

/// Unknown, used and expired tokens are refused with the same words.
fn invalid() -> Error {
    Error::invalid_because(
        "wrapping_token_invalid",
        "wrapping token is not valid or does not exist",
    )
}

fn missing(what: &str) -> Error {
    Error::new(
        ErrorKind::PermissionDenied,
        "wrapping_token_missing",
        format!("error validating wrapping token: {what}"),
    )
}
