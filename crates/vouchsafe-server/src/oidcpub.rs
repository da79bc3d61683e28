//! `/api`: the shape of oidc.pub's API around the same requests.
//!
//! Only paths, bodies and errors are others; a request goes to the core like every other, to the routes
//! below `publish/`, so that one ACL rule governs both spellings. Nothing is decided here. Other APIs below
//! `/api/` have prefixes of their own; what is neither theirs nor one of these five paths does not exist.

use std::net::SocketAddr;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Value, json};
use vouchsafe_core::Outcome;
use vouchsafe_logical::{Error, ErrorKind, Operation, Request, Response as Logical};

use crate::decode::{self, Head};
use crate::encode::{self, Answer};
use crate::error::status_of;

/// What the API's paths begin with.
const PREFIX: &str = "/api/";
/// The mount that serves them.
const MOUNT: &str = "publish/";

/// Whether a request is for this API.
pub(crate) fn is_below(uri: &Uri) -> bool {
    let path = uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let (collection, _) = path.split_once('/').unwrap_or((path, ""));
    matches!(collection, "services" | "service-accounts")
}

/// Reads method and target.
///
/// # Errors
/// A method or a path that there is not.
pub(crate) fn head(parts: &Parts) -> Result<Head, Error> {
    let operation = match parts.method {
        Method::GET | Method::HEAD => Operation::Read,
        Method::POST | Method::PUT => Operation::Update,
        Method::DELETE => Operation::Delete,
        _ => {
            return Err(Error::new(
                ErrorKind::UnsupportedOperation,
                "unsupported_method",
                format!("the API has no method {}", parts.method),
            ));
        }
    };
    let path = parts.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let segments: Vec<&str> = path.split('/').collect();
    match segments[..] {
        ["services" | "service-accounts"]
        | ["services" | "service-accounts", _]
        | ["services", _, "config"] => {}
        _ => return Err(Error::not_found()),
    }
    decode::head_of(parts, operation, path, MOUNT)
}

/// Joins head and body to a request.
///
/// # Errors
/// A body that can't be read.
pub(crate) fn request(
    id: String,
    head: Head,
    headers: &HeaderMap,
    body: &Bytes,
    remote: Option<SocketAddr>,
) -> Result<Request, Error> {
    let request = decode::request(id, head, headers, body, None, remote)?;
    Ok(Request {
        // Answers of this API can't be wrapped.
        wrap_ttl: None,
        ..request
    })
}

/// The answer to a request that went through the core.
pub(crate) fn outcome(is_post: bool, headers: &HeaderMap, outcome: Outcome) -> Answer {
    let reply = match outcome.result {
        Ok(reply) => reply,
        Err(error) => return refusal(&error),
    };
    let mut members = match reply.response {
        Logical::Data(data) => data,
        Logical::Raw(raw) => return encode::document(headers, &raw),
        Logical::Empty => return encode::no_content(),
        Logical::Accepted | Logical::Login(_) | Logical::Auth(_) | Logical::Stream(_) => {
            return refusal(&Error::internal("an answer has no shape in this API"));
        }
    };
    if !reply.warnings.is_empty() {
        members.insert("warnings".to_owned(), json!(reply.warnings));
    }
    // What a POST makes is new; a PUT replaces.
    let status = if is_post {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    encode::json_answer(status, Value::Object(members).to_string())
}

/// The answer to a request that failed or was refused. Why somebody may not is for the operator only,
/// as everywhere.
pub(crate) fn refusal(error: &Error) -> Answer {
    let code = match error.kind() {
        ErrorKind::PermissionDenied => "permission_denied",
        ErrorKind::Internal => "internal_error",
        _ => error.reason(),
    };
    let message = match (error.kind(), error.messages()) {
        (ErrorKind::PermissionDenied, _) => "permission denied".to_owned(),
        (_, []) => "there is nothing here".to_owned(),
        (_, messages) => messages.join("; "),
    };
    let body = json!({ "error": { "code": code, "message": message } });
    encode::json_answer(status_of(error.kind()), body.to_string())
}
