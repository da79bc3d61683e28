//! Whether a token is in force now, by the rules of Vault's `jwt` auth method.
//!
//! Pure. RFC 7519 makes `exp`, `nbf` and `iat` optional; these rules derive what is absent from what
//! is there. The leeways of expiry and of not-before are used only for that; the clock skew is added
//! to every comparison.

use vouchsafe_jose::{Claims, NumericDate};
use vouchsafe_logical::Timestamp;

use crate::refusal::Refusal;

/// Added to the issue to stand for an expiry that is absent, in seconds, unless configured.
pub const EXPIRATION_LEEWAY_DEFAULT: u64 = 150;
/// Taken from the expiry to stand for a start that is absent, in seconds, unless configured.
pub const NOT_BEFORE_LEEWAY_DEFAULT: u64 = 150;
/// How far the clocks of issuer and verifier may differ, in seconds, unless configured.
pub const CLOCK_SKEW_LEEWAY_DEFAULT: u64 = 60;

/// Seconds to be lenient by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leeways {
    /// For an absent `exp`.
    pub expiration: u64,
    /// For an absent `nbf`.
    pub not_before: u64,
    /// For every comparison.
    pub clock_skew: u64,
}

impl Default for Leeways {
    fn default() -> Self {
        Self::from_parameters(0, 0, 0)
    }
}

impl Leeways {
    /// From the parameters of a role: 0 is the default, a negative number is none.
    #[must_use]
    pub fn from_parameters(expiration: i64, not_before: i64, clock_skew: i64) -> Self {
        Self {
            expiration: leeway(expiration, EXPIRATION_LEEWAY_DEFAULT),
            not_before: leeway(not_before, NOT_BEFORE_LEEWAY_DEFAULT),
            clock_skew: leeway(clock_skew, CLOCK_SKEW_LEEWAY_DEFAULT),
        }
    }
}

fn leeway(parameter: i64, default: u64) -> u64 {
    match parameter {
        0 => default,
        seconds => u64::try_from(seconds).unwrap_or(0),
    }
}

/// Why a token is not in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeFault {
    /// It has none of `iat`, `nbf` and `exp`.
    #[error("no issued at (iat), not before (nbf), or expiration time (exp) claims in token")]
    Missing,
    /// Its start lies ahead.
    #[error("invalid not before (nbf) claim: token not yet valid")]
    NotYetValid {
        /// `nbf`, or what stands for it.
        not_before: NumericDate,
    },
    /// Its end lies behind.
    #[error("invalid expiration time (exp) claim: token is expired")]
    Expired {
        /// `exp`, or what stands for it.
        expires_at: NumericDate,
    },
    /// Its issue lies ahead.
    #[error("invalid issued at (iat) claim: token issued in the future")]
    IssuedInFuture {
        /// `iat`.
        issued_at: NumericDate,
    },
}

impl TimeFault {
    /// The stable code.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Missing => "claim_missing",
            Self::NotYetValid { .. } => "not_yet_valid",
            Self::Expired { .. } => "expired",
            Self::IssuedInFuture { .. } => "issued_in_future",
        }
    }
}

impl From<TimeFault> for Refusal {
    fn from(fault: TimeFault) -> Self {
        Self::token(fault.reason(), fault.to_string())
    }
}

/// What the clock shows, as the claims of a token write it: whole seconds. A time before 1970, which no
/// token can name, is 0.
#[must_use]
pub fn numeric_date(now: Timestamp) -> NumericDate {
    let seconds = u64::try_from(now.as_second()).unwrap_or(0);
    // A `Timestamp` ends with the year 9999, a `NumericDate` long after it.
    NumericDate::from_seconds(seconds).unwrap_or(NumericDate::LATEST)
}

/// Checks that a token is in force at the time `now`.
///
/// # Errors
/// The first rule that is broken, in the order of [`TimeFault`].
pub fn check(claims: &Claims, leeways: Leeways, now: NumericDate) -> Result<(), TimeFault> {
    let (issued_at, not_before, expires_at) =
        (claims.issued_at(), claims.not_before(), claims.expires_at());
    let expires_at = expires_at
        .or_else(|| {
            let begin = issued_at.max(not_before)?;
            Some(begin.plus_seconds(leeways.expiration))
        })
        .ok_or(TimeFault::Missing)?;
    let not_before = not_before
        .or(issued_at)
        .unwrap_or_else(|| expires_at.minus_seconds(leeways.not_before));

    let latest = now.plus_seconds(leeways.clock_skew);
    if latest < not_before {
        return Err(TimeFault::NotYetValid { not_before });
    }
    if now.minus_seconds(leeways.clock_skew) > expires_at {
        return Err(TimeFault::Expired { expires_at });
    }
    match issued_at {
        Some(issued_at) if latest < issued_at => Err(TimeFault::IssuedInFuture { issued_at }),
        _ => Ok(()),
    }
}
