//! Whether registered claims fit a place and a time (RFC 7519 §4.1, RFC 8725 §3.8 to §3.10).
//!
//! The rules refuse by default: a token without `exp`, and a token with `aud` when no audience is
//! configured, are refused until a rule says otherwise.

use super::{Claims, NumericDate};

/// What the registered claims of a token must say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRules {
    issuer: Option<String>,
    audience: AudienceRule,
    expiry: ExpiryRule,
    leeway_seconds: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum AudienceRule {
    /// The verifier has no name that an audience could match (RFC 7519 §4.1.3).
    MustBeAbsent,
    OneOf(Vec<String>),
    Unchecked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ExpiryRule {
    Required,
    Optional,
}

impl Default for ClaimRules {
    fn default() -> Self {
        Self::new()
    }
}

impl ClaimRules {
    /// Any issuer, no audience, `exp` required, no leeway.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            issuer: None,
            audience: AudienceRule::MustBeAbsent,
            expiry: ExpiryRule::Required,
            leeway_seconds: 0,
        }
    }

    /// `iss` must be exactly this.
    #[must_use]
    pub fn issuer(self, issuer: impl Into<String>) -> Self {
        Self {
            issuer: Some(issuer.into()),
            ..self
        }
    }

    /// `aud` must name at least one of these, exactly.
    #[must_use]
    pub fn audiences<A: Into<String>>(self, accepted: impl IntoIterator<Item = A>) -> Self {
        let accepted = accepted.into_iter().map(Into::into).collect();
        Self {
            audience: AudienceRule::OneOf(accepted),
            ..self
        }
    }

    /// `aud` may be anything or absent: the caller checks it.
    #[must_use]
    pub fn audience_unchecked(self) -> Self {
        Self {
            audience: AudienceRule::Unchecked,
            ..self
        }
    }

    /// A token without `exp` is accepted; where there is one, it counts.
    #[must_use]
    pub fn expiry_optional(self) -> Self {
        Self {
            expiry: ExpiryRule::Optional,
            ..self
        }
    }

    /// How far the clocks of issuer and verifier may differ, for each of `exp`, `nbf` and `iat`.
    #[must_use]
    pub fn leeway_seconds(self, leeway_seconds: u64) -> Self {
        Self {
            leeway_seconds,
            ..self
        }
    }

    /// Checks the claims at the time `now`.
    ///
    /// # Errors
    /// The first rule that is broken, in the order of [`ClaimsError`].
    pub fn verify(&self, claims: &Claims, now: NumericDate) -> Result<(), ClaimsError> {
        self.verify_times(claims, now)?;
        self.verify_issuer(claims)?;
        self.verify_audience(claims)
    }

    fn verify_times(&self, claims: &Claims, now: NumericDate) -> Result<(), ClaimsError> {
        match claims.expires_at() {
            None if self.expiry == ExpiryRule::Required => return Err(ClaimsError::ExpiryMissing),
            // RFC 7519 §4.1.4: the current time must be before `exp`.
            Some(expires_at) if now >= expires_at.plus_seconds(self.leeway_seconds) => {
                return Err(ClaimsError::Expired {
                    expired_at: expires_at,
                    now,
                });
            }
            _ => {}
        }
        let latest = now.plus_seconds(self.leeway_seconds);
        match claims.not_before() {
            // RFC 7519 §4.1.5: the current time must be `nbf` or after.
            Some(not_before) if latest < not_before => {
                return Err(ClaimsError::NotYetValid { not_before, now });
            }
            _ => {}
        }
        match claims.issued_at() {
            Some(issued_at) if latest < issued_at => {
                Err(ClaimsError::IssuedInFuture { issued_at, now })
            }
            _ => Ok(()),
        }
    }

    fn verify_issuer(&self, claims: &Claims) -> Result<(), ClaimsError> {
        match &self.issuer {
            Some(expected) if claims.issuer() != Some(expected) => {
                Err(ClaimsError::IssuerMismatch {
                    expected: expected.clone(),
                    found: claims.issuer().map(str::to_owned),
                })
            }
            _ => Ok(()),
        }
    }

    fn verify_audience(&self, claims: &Claims) -> Result<(), ClaimsError> {
        let found = claims.audience().unwrap_or_default();
        match &self.audience {
            AudienceRule::Unchecked => Ok(()),
            AudienceRule::MustBeAbsent if found.is_empty() => Ok(()),
            AudienceRule::MustBeAbsent => Err(ClaimsError::AudienceUnexpected {
                found: found.to_vec(),
            }),
            AudienceRule::OneOf(expected) if found.iter().any(|one| expected.contains(one)) => {
                Ok(())
            }
            AudienceRule::OneOf(expected) => Err(ClaimsError::AudienceMismatch {
                expected: expected.clone(),
                found: found.to_vec(),
            }),
        }
    }
}

/// Why verified claims do not fit, in the order of the checks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimsError {
    /// No `exp`, and the rules require it.
    #[error("token has no expiry (`exp`)")]
    ExpiryMissing,
    /// `exp` is not after the current time.
    #[error("token expired at {expired_at} (now {now}, seconds since 1970)")]
    Expired {
        /// `exp`.
        expired_at: NumericDate,
        /// The time of the check.
        now: NumericDate,
    },
    /// `nbf` is after the current time.
    #[error("token is not valid before {not_before} (now {now}, seconds since 1970)")]
    NotYetValid {
        /// `nbf`.
        not_before: NumericDate,
        /// The time of the check.
        now: NumericDate,
    },
    /// `iat` is after the current time.
    #[error("token was issued in the future, at {issued_at} (now {now}, seconds since 1970)")]
    IssuedInFuture {
        /// `iat`.
        issued_at: NumericDate,
        /// The time of the check.
        now: NumericDate,
    },
    /// `iss` is another, or absent.
    #[error("token issuer (`iss`) is {found:?}; expected {expected:?}")]
    IssuerMismatch {
        /// The issuer that the rules name.
        expected: String,
        /// `iss`.
        found: Option<String>,
    },
    /// `aud` is present and the rules name no audience.
    #[error("token is for the audience (`aud`) {found:?}; no audience is configured")]
    AudienceUnexpected {
        /// `aud`.
        found: Vec<String>,
    },
    /// `aud` names none of the accepted audiences, or is absent.
    #[error("token is for the audience (`aud`) {found:?}; expected one of {expected:?}")]
    AudienceMismatch {
        /// The audiences that the rules name.
        expected: Vec<String>,
        /// `aud`; empty when absent.
        found: Vec<String>,
    },
}
