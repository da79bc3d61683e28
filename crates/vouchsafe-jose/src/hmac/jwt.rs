//! A JWT with an HMAC: take it apart, choose keys, verify, read the claims.

use super::{HmacAlgorithm, SymmetricKey};
use crate::jws::{Compact, HeaderOf, JwsError};
use crate::jwt::{Claims, JwtError};
use crate::key_id::KeyId;
use crate::limits::KEYS_TRIED_MAX;

/// A JWT with an HMAC that has not been checked. It shows what selects a key, and no more.
pub struct UnverifiedHmacJwt<'t> {
    compact: Compact<'t, HmacAlgorithm>,
    claims: Claims,
}

/// Claims that a holder of the shared secret signed. Made only by verifying.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifiedHmacJwt {
    header: HeaderOf<HmacAlgorithm>,
    claims: Claims,
}

impl<'t> UnverifiedHmacJwt<'t> {
    /// Takes a token apart and checks everything but key and signature.
    ///
    /// # Errors
    /// The first fault; see [`JwtError`]. A token for public keys is an unknown algorithm here.
    pub fn parse(token: &'t str) -> Result<Self, JwtError> {
        let compact = Compact::parse(token, HmacAlgorithm::parse)?;
        let claims = Claims::parse(compact.payload())?;
        Ok(Self { compact, claims })
    }

    /// `iss`, to choose keys. Until the token is verified this is a stranger's statement.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.claims.issuer()
    }

    /// `aud`, to choose keys. Until the token is verified this is a stranger's statement.
    #[must_use]
    pub fn audience(&self) -> &[String] {
        self.claims.audience().unwrap_or_default()
    }

    /// `kid` of the header, to choose a key.
    #[must_use]
    pub const fn key_id(&self) -> Option<&KeyId> {
        self.compact.header().key_id()
    }

    /// Checks the signature with a verifier's secrets; see [`verify`] for which of them fit.
    ///
    /// # Errors
    /// [`JwtError::Jws`] with `KeyNotFound` and what follows it.
    pub fn verify(self, keys: &[SymmetricKey]) -> Result<VerifiedHmacJwt, JwtError> {
        let (header, _) = verify_compact(self.compact, keys)?;
        Ok(VerifiedHmacJwt {
            header,
            claims: self.claims,
        })
    }
}

/// Verifies a compact JWS with a verifier's secrets and returns its payload.
///
/// A key fits as with public keys: its `kid` is the token's or one of the two has none, and its
/// algorithm is the token's. Where several fit, each is tried, up to [`KEYS_TRIED_MAX`].
///
/// # Errors
/// The first check that failed: those of every JWS, then `KeyNotFound`, `HmacAlgorithmMismatch`,
/// `TooManyKeys` or `SignatureMismatch`.
pub fn verify(token: &str, keys: &[SymmetricKey]) -> Result<Vec<u8>, JwsError> {
    let compact = Compact::parse(token, HmacAlgorithm::parse)?;
    Ok(verify_compact(compact, keys)?.1)
}

fn verify_compact(
    compact: Compact<'_, HmacAlgorithm>,
    keys: &[SymmetricKey],
) -> Result<(HeaderOf<HmacAlgorithm>, Vec<u8>), JwsError> {
    let found = compact.header().algorithm();
    let wanted = compact.header().key_id();
    let named: Vec<&SymmetricKey> = keys
        .iter()
        .filter(|key| match (wanted, key.key_id()) {
            (Some(wanted), Some(found)) => wanted == found,
            (None, _) | (_, None) => true,
        })
        .collect();
    if named.is_empty() {
        let key_id = wanted.cloned();
        return Err(JwsError::KeyNotFound { key_id });
    }
    let serving = || named.iter().filter(|key| key.algorithm() == found);
    match serving().count() {
        0 => return Err(JwsError::HmacAlgorithmMismatch { found }),
        1..=KEYS_TRIED_MAX => {}
        found => return Err(JwsError::TooManyKeys { found }),
    }
    let (message, tag) = (compact.message(), compact.signature());
    if serving().any(|key| key.verifies(message, tag)) {
        return Ok(compact.into_parts());
    }
    Err(JwsError::SignatureMismatch)
}

/// Shows what selects a key; nothing else of the token is trusted or fit for a log.
impl std::fmt::Debug for UnverifiedHmacJwt<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnverifiedHmacJwt")
            .field("issuer", &self.issuer())
            .field("header", &self.compact.header())
            .finish_non_exhaustive()
    }
}

impl VerifiedHmacJwt {
    /// The header that was signed.
    #[must_use]
    pub const fn header(&self) -> &HeaderOf<HmacAlgorithm> {
        &self.header
    }

    /// The claims that were signed. Whether they are in force here and now is not yet known.
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
