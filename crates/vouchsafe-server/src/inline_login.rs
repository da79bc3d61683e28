//! In-line login: from request headers to the login that a request brings along.
//!
//! `X-Vault-Inline-Auth-Path` names the login, `X-Vault-Inline-Auth-Operation` what is done there, and
//! each `X-Vault-Inline-Auth-Parameter-<anything>` one field of it: unpadded base64url (RFC 4648 §5) of
//! `{"key": <name>, "value": <value>}`, so that a field keeps its type and the case of its name. What
//! such a header holds is a credential: no error quotes it, and no audit entry shows it.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderName};
use serde_json::Value;
use vouchsafe_logical::{Data, Error, Operation, Request};

use crate::decode;

/// What all of these headers begin with.
const PREFIX: &str = "x-vault-inline-auth-";
/// What those begin with that hold a field.
const PARAMETER_PREFIX: &str = "x-vault-inline-auth-parameter-";
/// Says in an answer that it is the login's.
pub(crate) const FAILED: HeaderName = HeaderName::from_static("x-vault-inline-auth-failed");

/// Whether a header holds a field of a login, which is a credential.
pub(crate) fn is_parameter(name: &HeaderName) -> bool {
    name.as_str().starts_with(PARAMETER_PREFIX)
}

/// The headers of one login.
#[derive(Default)]
struct Found<'h> {
    path: Option<&'h str>,
    operation: Option<&'h str>,
    namespace: Option<&'h str>,
    data: Data,
}

/// The login of a request, if its headers bring one. It gets an id of its own.
///
/// # Errors
/// A header that can't be read, that is there twice or that says nothing; fields without a path.
pub(crate) fn login(
    headers: &HeaderMap,
    new_id: impl FnOnce() -> String,
    remote: Option<SocketAddr>,
) -> Result<Option<Box<Request>>, Error> {
    if !headers.keys().any(|name| name.as_str().starts_with(PREFIX)) {
        return Ok(None);
    }
    let found = find(headers)?;
    let Some(path) = found.path.filter(|path| !path.is_empty()) else {
        return Err(Error::invalid_because(
            "inline_login_path_missing",
            "X-Vault-Inline-Auth-Path is missing; it names the login, as auth/userpass/login/bob",
        ));
    };
    if path.starts_with('/') {
        return Err(Error::invalid_because(
            "inline_login_path_invalid",
            "X-Vault-Inline-Auth-Path begins with `/`; write it as auth/userpass/login/bob",
        ));
    }
    check_namespace(found.namespace)?;
    Ok(Some(Box::new(Request {
        id: new_id(),
        operation: operation(found.operation)?,
        path: decode::path(path).map_err(|error| {
            let text = format!("X-Vault-Inline-Auth-Path: {}", error.messages().join("; "));
            Error::invalid_because("inline_login_path_invalid", text)
        })?,
        data: found.data,
        token: None,
        login: None,
        remote,
        wrap_ttl: None,
        headers: decode::audited_headers(headers),
    })))
}

fn find(headers: &HeaderMap) -> Result<Found<'_>, Error> {
    let mut found = Found::default();
    for name in headers.keys() {
        let Some(rest) = name.as_str().strip_prefix(PREFIX) else {
            continue;
        };
        let value = only_value(headers, name)?;
        match rest {
            "path" => found.path = Some(value),
            "operation" => found.operation = Some(value),
            "namespace" => found.namespace = Some(value),
            _ if is_parameter(name) => {
                let (key, value) = parameter(name, value)?;
                if found.data.insert(key, value).is_some() {
                    return Err(fault(name, "its key is that of another such header"));
                }
            }
            _ => {
                return Err(fault(
                    name,
                    "there is no such header; there are -Path, -Operation, -Namespace and -Parameter-*",
                ));
            }
        }
    }
    Ok(found)
}

/// The text of a header that is there once.
fn only_value<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<&'h str, Error> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(fault(name, "it is there more than once"));
    };
    value
        .to_str()
        .map_err(|_| fault(name, "it is not visible ASCII"))
}

/// One field of the login.
fn parameter(name: &HeaderName, value: &str) -> Result<(String, Value), Error> {
    const SHAPE: &str = "expected unpadded base64url of {\"key\": <name>, \"value\": <value>}";
    let not = |what: &str| fault(name, &format!("{what}; {SHAPE}"));
    let json = URL_SAFE_NO_PAD
        .decode(value)
        .map_err(|_| not("it is not unpadded base64url"))?;
    decode::check_json_limits(json.iter().copied())
        .map_err(|error| not(&error.messages().join("; ")))?;
    let Ok(Value::Object(mut members)) = serde_json::from_slice(&json) else {
        return Err(not("it does not hold a JSON object"));
    };
    let key = members.remove("key");
    let value = members.remove("value");
    match (key, value) {
        (Some(Value::String(key)), Some(value)) if members.is_empty() && !key.is_empty() => {
            Ok((key, value))
        }
        _ => Err(not(
            "its object has other members, or a key that is no name",
        )),
    }
}

/// There are no namespaces; the root one may be named.
fn check_namespace(namespace: Option<&str>) -> Result<(), Error> {
    match namespace.map(|text| text.trim_matches('/')) {
        None | Some("" | "root") => Ok(()),
        Some(other) => Err(Error::invalid_because(
            "inline_login_namespace",
            format!("X-Vault-Inline-Auth-Namespace is {other:?}, and there are no namespaces here"),
        )),
    }
}

fn operation(text: Option<&str>) -> Result<Operation, Error> {
    match text {
        None | Some("" | "create" | "update") => Ok(Operation::Update),
        Some("read") => Ok(Operation::Read),
        Some(other) => Err(Error::invalid_because(
            "inline_login_operation",
            format!(
                "X-Vault-Inline-Auth-Operation is {other:?}; expected `update`, `create` or `read`"
            ),
        )),
    }
}

/// What is wrong with a header. Its value is not told.
fn fault(name: &HeaderName, what: &str) -> Error {
    Error::invalid_because("inline_login_header", format!("header `{name}`: {what}"))
}
