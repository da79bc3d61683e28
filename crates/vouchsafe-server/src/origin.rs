//! Cross-origin requests at the edge: what browsers are told, as Vault tells them.
//!
//! Only while an operator has switched CORS on, and only for requests that carry `Origin`. Answers to
//! credentials in cookies are never allowed: there are no cookies.

use http::{HeaderMap, HeaderValue, Method, header};
use vouchsafe_core::cors::Cors;
use vouchsafe_logical::{Error, ErrorKind};

use crate::encode::{self, Answer};

/// The methods that pages may use.
const METHODS: &str = "DELETE,GET,OPTIONS,POST,PUT,PATCH,LIST";
/// How long a browser may remember a preflight, in seconds: Vault's.
const MAX_AGE: &str = "300";

/// What becomes of a request.
pub(crate) enum Verdict {
    /// It has no origin: nothing is said of one.
    Unconcerned,
    /// It is answered here: a preflight.
    Answered(Answer),
    /// It goes on; its answer is told to be for this origin.
    Allowed(HeaderValue),
}

/// Judges a request.
///
/// # Errors
/// An origin that is not allowed, or a preflight for a method that there is not.
pub(crate) fn judge(cors: &Cors, method: &Method, headers: &HeaderMap) -> Result<Verdict, Error> {
    let Some(origin) = headers
        .get(header::ORIGIN)
        .filter(|origin| !origin.is_empty())
    else {
        return Ok(Verdict::Unconcerned);
    };
    if !origin.to_str().is_ok_and(|origin| cors.allows(origin)) {
        let kind = ErrorKind::PermissionDenied;
        return Err(Error::new(kind, "origin_not_allowed", "origin not allowed"));
    }
    if *method != Method::OPTIONS {
        return Ok(Verdict::Allowed(origin.clone()));
    }
    let asked = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD);
    let asked = asked.and_then(|asked| asked.to_str().ok()).unwrap_or("");
    if !METHODS.split(',').any(|known| known == asked) {
        return Err(Error::new(
            ErrorKind::UnsupportedOperation,
            "unsupported_method",
            "",
        ));
    }
    let mut answer = encode::no_content();
    let told = answer.headers_mut();
    told.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static(METHODS),
    );
    if let Ok(allowed) = HeaderValue::from_str(&cors.allowed_headers()) {
        told.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    }
    told.insert(
        header::ACCESS_CONTROL_MAX_AGE,
        HeaderValue::from_static(MAX_AGE),
    );
    tell(told, origin.clone());
    Ok(Verdict::Answered(answer))
}

/// Says for which origin an answer is, also to caches on the way.
pub(crate) fn tell(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
}
