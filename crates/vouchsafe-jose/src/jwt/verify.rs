//! From text to claims: the JWS checks, then the claims set.

use super::{Claims, NumericDateError};
use crate::algorithm::{Algorithm, AlgorithmSet};
use crate::json::JsonError;
use crate::jwk::JwkSet;
use crate::jws::{self, JwsError, JwsHeader, UnverifiedJws, VerifiedJws};
use crate::key::PublicKey;
use crate::key_id::KeyId;

/// Why a JWT was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwtError {
    /// The JWS around the claims was not accepted.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// The payload is not an acceptable JSON object.
    #[error("token payload: {0}")]
    PayloadJson(JsonError),
    /// A registered claim is not of the type that RFC 7519 §4.1 gives it.
    #[error("claim `{claim}` is not {expected}")]
    ClaimType {
        /// The claim.
        claim: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A registered claim is not a NumericDate.
    #[error("claim `{claim}`: {reason}")]
    ClaimDate {
        /// `exp`, `nbf` or `iat`.
        claim: &'static str,
        /// What is wrong with it.
        reason: NumericDateError,
    },
}

/// Verifies a compact JWT against a set of trusted keys; see [`jws::verify`] for which keys fit.
///
/// The claims are read only after the signature was found good. Their content is not judged: that
/// is the next step, [`ClaimRules::verify`](super::ClaimRules::verify).
///
/// # Errors
/// [`JwtError::Jws`] when the token is not a JWS by one of the keys; the others when its payload is
/// not a claims set.
pub fn verify(token: &str, keys: &JwkSet, allowed: AlgorithmSet) -> Result<VerifiedJwt, JwtError> {
    let (header, payload) = jws::verify(token, keys, allowed)?.into_parts();
    Ok(VerifiedJwt {
        header,
        claims: Claims::parse(&payload)?,
    })
}

/// A JWT whose signature has not been checked.
///
/// For a verifier that trusts several issuers: it shows what selects one of their key sets, and
/// keeps everything else to itself until the signature is checked.
pub struct UnverifiedJwt<'t> {
    jws: UnverifiedJws<'t>,
    claims: Claims,
}

impl<'t> UnverifiedJwt<'t> {
    /// Takes a token apart and checks everything but algorithm policy, key and signature.
    ///
    /// # Errors
    /// The first fault; see [`JwtError`].
    pub fn parse(token: &'t str) -> Result<Self, JwtError> {
        let jws = UnverifiedJws::parse(token)?;
        let claims = Claims::parse(jws.payload_before_verification())?;
        Ok(Self { jws, claims })
    }

    /// `iss`, to choose a key set. Until the token is verified this is a stranger's statement.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.claims.issuer()
    }

    /// `aud`, to choose a key set where one issuer has several. Until the token is verified this is a
    /// stranger's statement.
    #[must_use]
    pub fn audience(&self) -> &[String] {
        self.claims.audience().unwrap_or_default()
    }

    /// `alg` of the header, to choose a key.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.jws.algorithm()
    }

    /// `kid` of the header, to choose a key.
    #[must_use]
    pub const fn key_id(&self) -> Option<&KeyId> {
        self.jws.key_id()
    }

    /// What the token says of itself, for a verifier who sends it on to its issuer for judgement
    /// and compares the answer with this.
    ///
    /// # Security
    /// Anybody can write these claims. Nothing may be granted for them.
    #[must_use]
    pub const fn claims_before_verification(&self) -> &Claims {
        &self.claims
    }

    /// Checks the signature with the keys of a set.
    ///
    /// # Errors
    /// [`JwtError::Jws`], as [`UnverifiedJws::verify`].
    pub fn verify(self, keys: &JwkSet, allowed: AlgorithmSet) -> Result<VerifiedJwt, JwtError> {
        Ok(Self::verified(self.jws.verify(keys, allowed)?, self.claims))
    }

    /// Checks the signature with the keys of a set. A token that is refused comes back, so that
    /// newer keys can be tried without parsing it again.
    ///
    /// # Errors
    /// As [`Self::verify`], with the token.
    pub fn try_verify(
        self,
        keys: &JwkSet,
        allowed: AlgorithmSet,
    ) -> Result<VerifiedJwt, (Self, JwsError)> {
        let Self { jws, claims } = self;
        match jws.try_verify(keys, allowed) {
            Ok(jws) => Ok(Self::verified(jws, claims)),
            Err((jws, error)) => Err((Self { jws, claims }, error)),
        }
    }

    /// Checks the signature with one key that the caller has chosen.
    ///
    /// # Errors
    /// [`JwtError::Jws`], as [`UnverifiedJws::verify_with_key`].
    pub fn verify_with_key(
        self,
        key: &PublicKey,
        allowed: AlgorithmSet,
    ) -> Result<VerifiedJwt, JwtError> {
        Ok(Self::verified(
            self.jws.verify_with_key(key, allowed)?,
            self.claims,
        ))
    }

    fn verified(jws: VerifiedJws, claims: Claims) -> VerifiedJwt {
        let (header, _) = jws.into_parts();
        VerifiedJwt { header, claims }
    }
}

/// Shows what selects a key; nothing else of the token is trusted or fit for a log.
impl std::fmt::Debug for UnverifiedJwt<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnverifiedJwt")
            .field("issuer", &self.issuer())
            .field("jws", &self.jws)
            .finish_non_exhaustive()
    }
}

/// Claims that a trusted key signed. Whether they are in force here and now is not yet known.
///
/// Made only by verifying.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifiedJwt {
    header: JwsHeader,
    claims: Claims,
}

impl VerifiedJwt {
    /// The header that was signed.
    #[must_use]
    pub const fn header(&self) -> &JwsHeader {
        &self.header
    }

    /// The claims that were signed.
    #[must_use]
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The claims, without a copy.
    #[must_use]
    pub fn into_claims(self) -> Claims {
        self.claims
    }
}
