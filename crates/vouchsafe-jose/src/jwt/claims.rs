//! The claims set (RFC 7519 §4): registered claims with their types checked, and all claims.
//!
//! A registered claim of the wrong type makes the whole set unacceptable. It is never treated as
//! absent: that is how tokens without a valid `exp` came to be accepted elsewhere (CVE-2026-25537).

use serde_json::{Map, Value};

use super::{JwtError, NumericDate};
use crate::json;
use crate::limits::PAYLOAD_DEPTH_MAX;

/// The claims of a verified token.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims {
    issuer: Option<String>,
    subject: Option<String>,
    audience: Option<Vec<String>>,
    expires_at: Option<NumericDate>,
    not_before: Option<NumericDate>,
    issued_at: Option<NumericDate>,
    jwt_id: Option<String>,
    all: Map<String, Value>,
}

impl Claims {
    /// Reads a payload; only this crate can, after or on the way to a signature check.
    pub(crate) fn parse(payload: &[u8]) -> Result<Self, JwtError> {
        let all = json::parse_object(payload, PAYLOAD_DEPTH_MAX).map_err(JwtError::PayloadJson)?;
        Ok(Self {
            issuer: string(&all, "iss")?,
            subject: string(&all, "sub")?,
            audience: audience(&all)?,
            expires_at: date(&all, "exp")?,
            not_before: date(&all, "nbf")?,
            issued_at: date(&all, "iat")?,
            jwt_id: string(&all, "jti")?,
            all,
        })
    }

    /// `iss`.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// `sub`.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// `aud`, a single string as a list of one; `None` when the claim is absent.
    #[must_use]
    pub fn audience(&self) -> Option<&[String]> {
        self.audience.as_deref()
    }

    /// `exp`.
    #[must_use]
    pub const fn expires_at(&self) -> Option<NumericDate> {
        self.expires_at
    }

    /// `nbf`.
    #[must_use]
    pub const fn not_before(&self) -> Option<NumericDate> {
        self.not_before
    }

    /// `iat`.
    #[must_use]
    pub const fn issued_at(&self) -> Option<NumericDate> {
        self.issued_at
    }

    /// `jti`.
    #[must_use]
    pub fn jwt_id(&self) -> Option<&str> {
        self.jwt_id.as_deref()
    }

    /// One claim by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.all.get(name)
    }

    /// Every claim, registered ones included, in the order of the token.
    #[must_use]
    pub const fn all(&self) -> &Map<String, Value> {
        &self.all
    }

    /// Every claim, without a copy.
    #[must_use]
    pub fn into_all(self) -> Map<String, Value> {
        self.all
    }
}

fn string(all: &Map<String, Value>, claim: &'static str) -> Result<Option<String>, JwtError> {
    match all.get(claim) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(JwtError::ClaimType {
            claim,
            expected: "a string",
        }),
    }
}

fn date(all: &Map<String, Value>, claim: &'static str) -> Result<Option<NumericDate>, JwtError> {
    all.get(claim)
        .map(NumericDate::from_json)
        .transpose()
        .map_err(|reason| JwtError::ClaimDate { claim, reason })
}

/// RFC 7519 §4.1.3: an array of strings, or one string.
fn audience(all: &Map<String, Value>) -> Result<Option<Vec<String>>, JwtError> {
    let wrong_type = || JwtError::ClaimType {
        claim: "aud",
        expected: "a string or an array of strings",
    };
    match all.get("aud") {
        None => Ok(None),
        Some(Value::String(one)) => Ok(Some(vec![one.clone()])),
        Some(Value::Array(several)) => several
            .iter()
            .map(|audience| audience.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .map(Some)
            .ok_or_else(wrong_type),
        Some(_) => Err(wrong_type()),
    }
}
