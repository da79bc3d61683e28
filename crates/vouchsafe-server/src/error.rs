//! The one place that knows status codes.

use http::StatusCode;
use vouchsafe_logical::{Error, ErrorKind};

/// The status of an error.
pub(crate) const fn status_of(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::InvalidRequest => StatusCode::BAD_REQUEST,
        ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorKind::PermissionDenied => StatusCode::FORBIDDEN,
        ErrorKind::NotFound | ErrorKind::UnsupportedPath => StatusCode::NOT_FOUND,
        ErrorKind::UnsupportedOperation => StatusCode::METHOD_NOT_ALLOWED,
        ErrorKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Sealed | ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Uninitialized => StatusCode::NOT_IMPLEMENTED,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The status of an error, its code and its message, as Piiano Vault's API has them. Where it names
/// no message of its own, ours is the one.
pub(crate) fn pvlt_of(error: &Error) -> (StatusCode, &'static str, Option<&'static str>) {
    const UNAUTHORIZED: &str = "The request is unauthorized.";
    const CAPABILITIES: &str = "The operation is forbidden due to missing capabilities.";
    match error.kind() {
        ErrorKind::UnsupportedPath => (StatusCode::NOT_IMPLEMENTED, "PV2001", None),
        ErrorKind::PermissionDenied => match error.reason() {
            "policy_denied" => (StatusCode::FORBIDDEN, "PV1007", Some(CAPABILITIES)),
            "admin_key_is_fixed" => (StatusCode::FORBIDDEN, "PV1006", None),
            "user_disabled" => (
                StatusCode::FORBIDDEN,
                "PV1011",
                Some("The user is disabled."),
            ),
            // One answer for every proof that failed; what differs is the reason, in the audit log.
            _ => (StatusCode::UNAUTHORIZED, "PV1005", Some(UNAUTHORIZED)),
        },
        ErrorKind::InvalidRequest | ErrorKind::UnsupportedMediaType => {
            (StatusCode::BAD_REQUEST, "PV1012", None)
        }
        ErrorKind::UnsupportedOperation => (StatusCode::METHOD_NOT_ALLOWED, "PV1012", None),
        ErrorKind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "PV1012", None),
        ErrorKind::NotFound => (StatusCode::NOT_FOUND, "PV1004", None),
        ErrorKind::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "PV1009", None),
        ErrorKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "PV1009", None),
        ErrorKind::Sealed | ErrorKind::Uninitialized => {
            (StatusCode::SERVICE_UNAVAILABLE, "PV1010", None)
        }
        ErrorKind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "PV1000", None),
    }
}
