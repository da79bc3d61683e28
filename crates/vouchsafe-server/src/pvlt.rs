//! `/api/pvlt/1.0`: the shape of Piiano Vault's API around the same requests.
//!
//! Only paths, bodies and errors are others; a request goes to the core like every other, to the
//! routes below `sys/pvlt/`. Nothing is decided here.

use std::net::SocketAddr;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use serde_json::{Map, Value, json};
use vouchsafe_core::{Outcome, PVLT_PREFIX};
use vouchsafe_logical::{Data, Error, ErrorKind, Operation, Request, Response as Logical};

use crate::decode::{self, Head};
use crate::encode::{self, Answer};
use crate::error::pvlt_of;

/// What the API's paths begin with.
const PREFIX: &str = "/api/pvlt/1.0/";
/// The one call whose body is no JSON but the file itself.
const CONF: &str = "ctl/iam/conf";

/// Whether a request is for this API.
pub(crate) fn is_below(uri: &Uri) -> bool {
    uri.path().starts_with(PREFIX)
}

/// Reads method and target.
///
/// # Errors
/// A method that there is not, a path that could mean two things, a limit.
pub(crate) fn head(parts: &Parts) -> Result<Head, Error> {
    decode::check_target(parts)?;
    let operation = match parts.method {
        Method::GET | Method::HEAD => Operation::Read,
        Method::POST => Operation::Update,
        Method::DELETE => Operation::Delete,
        Method::PATCH => Operation::Patch,
        _ => {
            let message = "the API has no such method";
            let kind = ErrorKind::UnsupportedOperation;
            return Err(Error::new(kind, "unsupported_method", message));
        }
    };
    let encoded = parts.uri.path().strip_prefix(PREFIX).unwrap_or("");
    let decoded = decode::percent_decoded(encoded)?;
    Ok(Head {
        operation,
        path: decode::path(&format!("{PVLT_PREFIX}{decoded}"))?,
        query: decode::query(parts.uri.query().unwrap_or(""))?,
    })
}

/// Joins head and body to a request.
///
/// # Errors
/// A body that can't be read; wrapping, which this API does not have.
pub(crate) fn request(
    id: String,
    head: Head,
    headers: &HeaderMap,
    body: &Bytes,
    remote: Option<SocketAddr>,
) -> Result<Request, Error> {
    if headers.contains_key("x-vault-wrap-ttl") {
        return Err(Error::invalid_because(
            "wrapping_not_available",
            "answers of this API can't be wrapped; leave X-Vault-Wrap-TTL out",
        ));
    }
    let is_conf = head.path.as_str().strip_prefix(PVLT_PREFIX) == Some(CONF);
    let data = match head.operation {
        Operation::Update if is_conf => file(body)?,
        Operation::Create | Operation::Update | Operation::Patch => {
            decode::body_data(headers, body)?
        }
        Operation::Read | Operation::List | Operation::Delete | Operation::Help => {
            decode::query_data(head.query)
        }
    };
    Ok(Request {
        id,
        operation: head.operation,
        path: head.path,
        data,
        token: decode::token(headers),
        remote,
        login: None,
        wrap_ttl: None,
        headers: decode::audited_headers(headers),
    })
}

/// The IAM file, whatever its media type says.
fn file(body: &Bytes) -> Result<Data, Error> {
    let text = std::str::from_utf8(body)
        .map_err(|_| Error::invalid_because("body_invalid", "the IAM file is not UTF-8"))?;
    Ok(Data::from_iter([("conf".to_owned(), text.into())]))
}

/// The answer to a request.
pub(crate) fn outcome(headers: &HeaderMap, outcome: Outcome) -> Answer {
    match outcome.result {
        Ok(reply) => match &reply.response {
            Logical::Raw(raw) => encode::document(headers, raw),
            Logical::Empty => done(),
            _ => refusal(
                &Error::internal("an answer without a shape in this API"),
                "",
            ),
        },
        Err(error) => refusal(&error, &outcome.caller),
    }
}

/// The answer to a request that failed or was refused; `caller` is who was recognised.
pub(crate) fn refusal(error: &Error, caller: &str) -> Answer {
    let (status, code, message) = pvlt_of(error);
    let message = match message {
        Some(message) => message.to_owned(),
        None => error.messages().join("; ").trim().to_owned(),
    };
    let body = json!({
        "error_code": code,
        "message": message,
        "context": context(error, status, caller),
    });
    let mut answer = encode::json_answer(status, body.to_string());
    if status == StatusCode::UNAUTHORIZED {
        // RFC 9110 §15.5.2: a 401 MUST say how to authenticate.
        let scheme = HeaderValue::from_static("Bearer");
        answer
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, scheme);
    }
    answer
}

/// Strings by name, always there: the faults of a file by key, or whom a refusal is about.
fn context(error: &Error, status: StatusCode, caller: &str) -> Map<String, Value> {
    if status == StatusCode::FORBIDDEN && !caller.is_empty() {
        return Map::from_iter([("username".to_owned(), caller.into())]);
    }
    match error.data() {
        Some(Value::Object(members)) => members
            .iter()
            .filter(|(_, value)| value.is_string())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        Some(_) | None => Map::new(),
    }
}

/// Done, with nothing to say. Without a media type, as clients of this API expect of an empty body.
fn done() -> Answer {
    let mut answer = encode::no_content();
    *answer.status_mut() = StatusCode::OK;
    answer.headers_mut().remove(header::CONTENT_TYPE);
    answer
}
