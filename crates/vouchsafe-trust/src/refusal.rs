//! Why a token was not accepted, for machines and for people.
//!
//! The reason is a stable code. The text names claims and header parameters. It repeats no value of
//! a claim: a token that is refused may belong to somebody else.

use std::fmt;

use vouchsafe_jose::{ClaimsError, JwsError, JwtError};

/// Whose fault a refusal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// The token's: another one may be accepted.
    Token,
    /// The keys could not be had: the same token may be accepted later.
    Keys,
}

/// A token was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    kind: RefusalKind,
    reason: &'static str,
    message: String,
}

impl Refusal {
    /// A token is at fault, for a stable `reason`.
    pub fn token(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind: RefusalKind::Token,
            reason,
            message: message.into(),
        }
    }

    /// The keys can't be had, for a stable `reason`.
    pub fn keys(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind: RefusalKind::Keys,
            reason,
            message: message.into(),
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn kind(&self) -> RefusalKind {
        self.kind
    }

    /// The stable code, in `snake_case`.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        self.reason
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

impl From<JwsError> for Refusal {
    fn from(error: JwsError) -> Self {
        let reason = match &error {
            // `none` and the HMAC algorithms are algorithms that nobody can allow.
            JwsError::AlgorithmNotAllowed { .. }
            | JwsError::Unsigned
            | JwsError::UnknownAlgorithm(_)
            | JwsError::KeyAlgorithmMismatch { .. }
            | JwsError::HmacAlgorithmMismatch { .. } => "algorithm_not_allowed",
            JwsError::KeyNotFound { .. } => "key_not_found",
            JwsError::SignatureMismatch => "signature_invalid",
            JwsError::EmbeddedKey { .. } => "embedded_key",
            _ => "token_malformed",
        };
        let message = match error {
            JwsError::KeyNotFound { key_id: Some(_) } => {
                "no key of the issuer has the token's key id (`kid`)".to_owned()
            }
            JwsError::KeyNotFound { key_id: None } => "the issuer has no key".to_owned(),
            JwsError::KeyAlgorithmMismatch { found, .. } => {
                format!("the key that the token names does not serve algorithm `{found}`")
            }
            other => other.to_string(),
        };
        Self::token(reason, message)
    }
}

impl From<JwtError> for Refusal {
    fn from(error: JwtError) -> Self {
        match error {
            JwtError::Jws(error) => error.into(),
            error => Self::token("token_malformed", error.to_string()),
        }
    }
}

impl From<ClaimsError> for Refusal {
    fn from(error: ClaimsError) -> Self {
        let (reason, message) = match &error {
            ClaimsError::ExpiryMissing => ("expiry_missing", "token has no expiry (`exp`)"),
            ClaimsError::Expired { .. } => ("expired", "token is expired (`exp`)"),
            ClaimsError::NotYetValid { .. } => ("not_yet_valid", "token is not yet valid (`nbf`)"),
            ClaimsError::IssuedInFuture { .. } => {
                ("issued_in_future", "token was issued in the future (`iat`)")
            }
            ClaimsError::IssuerMismatch { .. } => (
                "issuer_mismatch",
                "token issuer (`iss`) is not the one that is expected",
            ),
            ClaimsError::AudienceUnexpected { .. } => (
                "audience_unexpected",
                "token names an audience (`aud`), and none is expected",
            ),
            ClaimsError::AudienceMismatch { .. } => (
                "audience_mismatch",
                "token audience (`aud`) is none of those that are expected",
            ),
            _ => ("claims_invalid", "token claims do not fit"),
        };
        Self::token(reason, message)
    }
}
