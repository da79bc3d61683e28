//! From an HTTP request to a [`Request`]: method, path, parameters, body, credential.
//!
//! Every value is normalised here, once. What can't be read in one way only is refused.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, header};
use serde_json::Value;
use vouchsafe_logical::duration::parse_duration;
use vouchsafe_logical::{Data, Error, ErrorKind, Operation, Request, RequestPath, Secret};

use crate::inline_login;
use crate::limit::{
    JSON_DEPTH_MAX, JSON_STRING_BYTES_MAX, JSON_VALUES_MAX, QUERY_PARAMETERS_MAX, TARGET_BYTES_MAX,
};

/// The parts of a request that are known before its body.
pub(crate) struct Head {
    pub(crate) operation: Operation,
    pub(crate) path: RequestPath,
    pub(crate) query: Vec<(String, String)>,
}

/// Reads method and target.
///
/// # Errors
/// A method that there is not, a path that could mean two things, a limit.
pub(crate) fn head(parts: &Parts) -> Result<Head, Error> {
    check_target(parts)?;
    let query = query(parts.uri.query().unwrap_or(""))?;
    let operation = operation(&parts.method, &query)?;
    let encoded = parts.uri.path().strip_prefix("/v1/").unwrap_or("");
    let path = path(&percent_decoded(encoded)?)?;
    let path = if operation == Operation::List {
        path.into_folder()
    } else {
        path
    };
    Ok(Head {
        operation,
        path,
        query,
    })
}

/// A head of another API, for an operation on a path (as it was sent) below a mount.
///
/// # Errors
/// A path that could mean two things, a limit.
pub(crate) fn head_of(
    parts: &Parts,
    operation: Operation,
    encoded: &str,
    mount: &str,
) -> Result<Head, Error> {
    check_target(parts)?;
    Ok(Head {
        operation,
        path: path(&format!("{mount}{}", percent_decoded(encoded)?))?,
        query: query(parts.uri.query().unwrap_or(""))?,
    })
}

/// A decoded path, without its leading slash.
pub(crate) fn path(decoded: &str) -> Result<RequestPath, Error> {
    RequestPath::parse(decoded)
        .map_err(|fault| Error::invalid_because("path_invalid", fault.to_string()))
}

/// Bounds the request target, before it is taken apart.
pub(crate) fn check_target(parts: &Parts) -> Result<(), Error> {
    let target_bytes = parts
        .uri
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if target_bytes > TARGET_BYTES_MAX {
        return Err(Error::new(
            ErrorKind::InvalidRequest,
            "target_too_long",
            format!(
                "the request target has {target_bytes} bytes; at most {TARGET_BYTES_MAX} are allowed"
            ),
        ));
    }
    Ok(())
}

/// Joins head and body to a request.
///
/// # Errors
/// A body or header that can't be read; a token and a login.
pub(crate) fn request(
    id: String,
    head: Head,
    headers: &HeaderMap,
    body: &Bytes,
    login: Option<Box<Request>>,
    remote: Option<SocketAddr>,
) -> Result<Request, Error> {
    let token = token(headers);
    if token.is_some() && login.is_some() {
        return Err(Error::invalid_because(
            "inline_login_and_token",
            "the request has a token and X-Vault-Inline-Auth headers; send one of them",
        ));
    }
    let data = match head.operation {
        Operation::Read | Operation::List | Operation::Delete | Operation::Help => {
            query_data(head.query)
        }
        Operation::Create | Operation::Update | Operation::Patch => body_data(headers, body)?,
    };
    if head.operation == Operation::Patch {
        check_patch_type(headers)?;
    }
    Ok(Request {
        id,
        operation: head.operation,
        path: head.path,
        data,
        token,
        login,
        remote,
        wrap_ttl: wrap_ttl(headers)?,
        headers: audited_headers(headers),
    })
}

fn operation(method: &Method, query: &[(String, String)]) -> Result<Operation, Error> {
    let parameter = |name: &str| {
        query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, v)| v.as_str())
    };
    if parameter("help").is_some_and(|value| go_bool(value) == Some(true)) && *method == Method::GET
    {
        return Ok(Operation::Help);
    }
    match *method {
        Method::GET | Method::HEAD => match parameter("list") {
            None | Some("") => Ok(Operation::Read),
            Some(value) => match go_bool(value) {
                Some(true) => Ok(Operation::List),
                Some(false) => Ok(Operation::Read),
                None => Err(Error::invalid(format!(
                    "query parameter `list` is {value:?}; expected `true` or `false`"
                ))),
            },
        },
        Method::POST | Method::PUT => Ok(Operation::Update),
        Method::DELETE => Ok(Operation::Delete),
        Method::PATCH => Ok(Operation::Patch),
        _ if method.as_str() == "LIST" => Ok(Operation::List),
        _ => Err(Error::new(
            ErrorKind::UnsupportedOperation,
            "unsupported_method",
            "",
        )),
    }
}

/// What Go's `ParseBool` takes.
fn go_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

pub(crate) fn percent_decoded(text: &str) -> Result<String, Error> {
    let fault =
        || Error::invalid_because("path_invalid", "the path has an invalid percent-encoding");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let [high, low, after @ ..] = rest else {
            return Err(fault());
        };
        let digit = |byte: u8| {
            char::from(byte)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        };
        let (Some(high), Some(low)) = (digit(*high), digit(*low)) else {
            return Err(fault());
        };
        bytes.push(high * 16 + low);
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| fault())
}

pub(crate) fn query(text: &str) -> Result<Vec<(String, String)>, Error> {
    parameters(text.split('&'))
}

/// Takes no more pairs than there may be.
fn parameters<'t>(pairs: impl Iterator<Item = &'t str>) -> Result<Vec<(String, String)>, Error> {
    let mut parameters = Vec::new();
    for pair in pairs.filter(|pair| !pair.is_empty()) {
        if parameters.len() == QUERY_PARAMETERS_MAX {
            return Err(Error::invalid_because(
                "query_too_long",
                format!("more than {QUERY_PARAMETERS_MAX} query parameters"),
            ));
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if name.len().max(value.len()) > JSON_STRING_BYTES_MAX {
            return Err(Error::invalid_because(
                "body_invalid",
                format!("a field has more than {JSON_STRING_BYTES_MAX} bytes"),
            ));
        }
        parameters.push((form_decoded(name)?, form_decoded(value)?));
    }
    Ok(parameters)
}

fn form_decoded(text: &str) -> Result<String, Error> {
    percent_decoded(&text.replace('+', " "))
        .map_err(|_| Error::invalid("a parameter has an invalid percent-encoding"))
}

pub(crate) fn query_data(query: Vec<(String, String)>) -> Data {
    let mut data = Data::new();
    for (name, value) in query {
        if matches!(name.as_str(), "list" | "help") {
            continue;
        }
        match data.get_mut(&name) {
            None => drop(data.insert(name, Value::String(value))),
            Some(Value::Array(values)) => values.push(Value::String(value)),
            Some(first) => *first = Value::Array(vec![first.take(), Value::String(value)]),
        }
    }
    data
}

pub(crate) fn body_data(headers: &HeaderMap, body: &Bytes) -> Result<Data, Error> {
    let text = body.trim_ascii();
    if text.is_empty() {
        return Ok(Data::new());
    }
    let is_form = media_type(headers) == "application/x-www-form-urlencoded";
    if is_form && !matches!(text.first(), Some(b'{' | b'[')) {
        return form_data(text);
    }
    check_json_limits(text.iter().copied())?;
    match serde_json::from_slice(text) {
        Ok(Value::Object(data)) => Ok(data),
        Ok(Value::Null) => Ok(Data::new()),
        Ok(_) => Err(json_error("expected an object")),
        Err(error) => Err(json_error(format_args!(
            "line {}, column {}: {}",
            error.line(),
            error.column(),
            json_fault(&error)
        ))),
    }
}

fn json_error(fault: impl std::fmt::Display) -> Error {
    Error::invalid_because(
        "body_invalid",
        format!("failed to decode JSON input: {fault}"),
    )
}

/// The category only: the parser's own text may quote the body, which may hold secrets.
fn json_fault(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Eof => "unexpected end of input",
        serde_json::error::Category::Syntax => "invalid character",
        serde_json::error::Category::Data => "a value that can't be taken",
        serde_json::error::Category::Io => "the body can't be read",
    }
}

/// Bounds depth, number of values and length of strings before anything is allocated for them, looking
/// at each byte once and at none past the first fault. In a text that is not JSON it may count
/// wrongly; the parser refuses that afterwards.
pub(crate) fn check_json_limits(text: impl Iterator<Item = u8>) -> Result<(), Error> {
    let (mut depth, mut values, mut string_bytes) = (0_usize, 0_usize, 0_usize);
    let (mut in_string, mut escaped) = (false, false);
    // Whether a bracket has been opened and nothing has come in it yet: what comes is a value that
    // no comma announces.
    let mut opened = false;
    for byte in text {
        if in_string {
            string_bytes += 1;
            // The quote that ends it is counted, too.
            if string_bytes > JSON_STRING_BYTES_MAX + 1 {
                return Err(json_error(format_args!(
                    "a string of more than {JSON_STRING_BYTES_MAX} bytes"
                )));
            }
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => continue,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => values += usize::from(opened),
        }
        opened = matches!(byte, b'{' | b'[');
        depth += usize::from(opened);
        in_string = byte == b'"';
        string_bytes = 0;
        if depth > JSON_DEPTH_MAX {
            return Err(json_error(format_args!(
                "nested deeper than {JSON_DEPTH_MAX} levels"
            )));
        }
        if values > JSON_VALUES_MAX {
            return Err(json_error(format_args!(
                "more than {JSON_VALUES_MAX} values"
            )));
        }
    }
    Ok(())
}

fn form_data(text: &[u8]) -> Result<Data, Error> {
    let text = std::str::from_utf8(text)
        .map_err(|_| Error::invalid_because("body_invalid", "the form body is not UTF-8"))?;
    let mut data = Data::new();
    for (name, value) in query(text)? {
        match data.get_mut(&name) {
            Some(Value::String(joined)) => {
                joined.push(',');
                joined.push_str(&value);
            }
            _ => drop(data.insert(name, Value::String(value))),
        }
    }
    Ok(data)
}

fn media_type(headers: &HeaderMap) -> &str {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    value
        .and_then(|value| value.split(';').next())
        .unwrap_or("")
        .trim()
}

fn check_patch_type(headers: &HeaderMap) -> Result<(), Error> {
    match media_type(headers) {
        "application/merge-patch+json" => Ok(()),
        "" => Err(Error::invalid("mime: no media type")),
        other => Err(Error::new(
            ErrorKind::UnsupportedMediaType,
            "unsupported_media_type",
            format!("PATCH takes `application/merge-patch+json`, not {other:?}"),
        )),
    }
}

/// `X-Vault-Token`, else the first `Authorization` of the scheme `Bearer`.
pub(crate) fn token(headers: &HeaderMap) -> Option<Secret<String>> {
    let text = |value: &http::HeaderValue| value.to_str().ok().map(str::to_owned);
    let sent = headers.get("x-vault-token").and_then(text);
    let token = sent.filter(|token| !token.is_empty()).or_else(|| {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        values.find_map(|value| bearer(value.to_str().ok()?))
    });
    token.map(Secret::new)
}

fn bearer(authorization: &str) -> Option<String> {
    let (scheme, token) = authorization.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| token.to_owned())
}

fn wrap_ttl(headers: &HeaderMap) -> Result<Option<Duration>, Error> {
    let Some(value) = headers.get("x-vault-wrap-ttl") else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or("?");
    match parse_duration(text) {
        Ok(Duration::ZERO) => Ok(None),
        Ok(ttl) => Ok(Some(ttl)),
        Err(fault) => Err(Error::invalid(format!(
            "error parsing X-Vault-Wrap-TTL header: {fault}"
        ))),
    }
}

/// Headers that an operator may ask to have in audit entries. Credentials are never among them.
pub(crate) fn audited_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _)| {
            !matches!(
                name.as_str(),
                "x-vault-token" | "authorization" | "cookie" | "proxy-authorization"
            ) && !inline_login::is_parameter(name)
        })
        .filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many bytes were looked at, and what was said.
    fn looked_at(text: &str) -> (usize, Result<(), Error>) {
        let mut bytes = 0;
        let checked = check_json_limits(text.bytes().inspect(|_| bytes += 1));
        (bytes, checked)
    }

    #[test]
    fn a_megabyte_of_brackets_costs_a_look_at_one_more_than_the_depth() {
        let (bytes, checked) = looked_at(&"[".repeat(1_000_000));
        assert!(checked.is_err());
        assert_eq!(bytes, JSON_DEPTH_MAX + 1);
    }

    #[test]
    fn too_many_values_cost_a_look_at_as_many() {
        let (bytes, checked) = looked_at(&format!("[{}", "1,".repeat(10_000_000)));
        assert!(checked.is_err());
        assert!(bytes <= 2 * (JSON_VALUES_MAX + 2), "{bytes}");
    }

    #[test]
    fn a_string_has_its_length_and_not_a_byte_more() {
        let text = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes));
        looked_at(&text(JSON_STRING_BYTES_MAX)).1.expect("fits");
        let (bytes, checked) = looked_at(&text(10 * JSON_STRING_BYTES_MAX));
        let error = checked.expect_err("too long");
        assert!(
            error
                .to_string()
                .ends_with("a string of more than 2097152 bytes"),
            "{error}"
        );
        assert!(bytes < JSON_STRING_BYTES_MAX + 10, "{bytes}");
        looked_at(&text(JSON_STRING_BYTES_MAX + 1))
            .1
            .expect_err("one too long");
        // Each string for itself.
        let half = "x".repeat(JSON_STRING_BYTES_MAX - 1);
        looked_at(&format!("[\"{half}\",\"{half}\"]"))
            .1
            .expect("fit");
    }

    #[test]
    fn a_million_parameters_cost_a_look_at_one_more_than_there_may_be() {
        let text = "a=1&".repeat(1_000_000);
        let mut pairs = 0;
        let taken = parameters(text.split('&').inspect(|_| pairs += 1));
        assert!(taken.is_err());
        assert_eq!(pairs, QUERY_PARAMETERS_MAX + 1);
    }

    #[test]
    fn a_field_of_a_form_has_its_length_and_not_a_byte_more() {
        let text = |bytes: usize| format!("a={}", "x".repeat(bytes));
        query(&text(JSON_STRING_BYTES_MAX)).expect("fits");
        query(&text(JSON_STRING_BYTES_MAX + 1)).expect_err("one too long");
    }
}
