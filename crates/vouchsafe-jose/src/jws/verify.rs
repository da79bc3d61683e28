//! Verification: shape, header, key, signature, in that order.

use super::{JwsError, JwsHeader, JwsPart};
use crate::algorithm::{Algorithm, AlgorithmSet};
use crate::base64url;
use crate::jwk::JwkSet;
use crate::key::PublicKey;
use crate::key_id::KeyId;
use crate::limits::{HEADER_BYTES_MAX, KEYS_TRIED_MAX, TOKEN_BYTES_MAX};

/// The number of parts of a compact JWS and of a compact JWE.
const JWS_PARTS: usize = 3;
const JWE_PARTS: usize = 5;

/// A token of sound shape whose signature has not been checked.
///
/// It shows what is needed to find a key and nothing else.
pub struct UnverifiedJws<'t> {
    header: JwsHeader,
    signing_input: &'t str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// A payload and the header that was signed with it, by a key that the verifier trusts.
///
/// Made only by verifying.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifiedJws {
    header: JwsHeader,
    payload: Vec<u8>,
}

/// Verifies a compact JWS against a set of trusted keys.
///
/// A key fits when its `kid` equals the token's, or one of the two has none, and when it serves the
/// token's algorithm. Where several fit, each is tried, up to
/// [`KEYS_TRIED_MAX`](crate::limits::KEYS_TRIED_MAX).
///
/// # Errors
/// The first check that failed; see [`JwsError`] for their order.
pub fn verify(token: &str, keys: &JwkSet, allowed: AlgorithmSet) -> Result<VerifiedJws, JwsError> {
    UnverifiedJws::parse(token)?.verify(keys, allowed)
}

impl<'t> UnverifiedJws<'t> {
    /// Takes a token apart and checks everything but algorithm policy, key and signature.
    ///
    /// # Errors
    /// The [`JwsError`] variants from `TooLong` to `SignatureMissing`.
    pub fn parse(token: &'t str) -> Result<Self, JwsError> {
        let [header, payload, signature] = parts(token)?;
        if header.len() > base64url::encoded_len(HEADER_BYTES_MAX) {
            return Err(JwsError::HeaderTooLong);
        }
        let header = JwsHeader::parse(&decode(header, JwsPart::Header)?)?;
        let payload = decode(payload, JwsPart::Payload)?;
        if signature.is_empty() {
            return Err(JwsError::SignatureMissing);
        }
        let signing_input = token
            .strip_suffix(signature)
            .and_then(|rest| rest.strip_suffix('.'))
            .unwrap_or_default();
        let signature = decode(signature, JwsPart::Signature)?;
        Ok(Self {
            header,
            signing_input,
            payload,
            signature,
        })
    }

    /// `alg` of the header, to find a key.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.header.algorithm()
    }

    /// `kid` of the header, to find a key.
    #[must_use]
    pub const fn key_id(&self) -> Option<&KeyId> {
        self.header.key_id()
    }

    /// Checks the signature with the keys of a set; see [`verify`] for which keys fit.
    ///
    /// # Errors
    /// The [`JwsError`] variants from `AlgorithmNotAllowed` on.
    pub fn verify(self, keys: &JwkSet, allowed: AlgorithmSet) -> Result<VerifiedJws, JwsError> {
        let named: Vec<&PublicKey> = keys.with_key_id(self.key_id()).collect();
        self.verify_with_keys(&named, allowed)
    }

    /// Checks the signature with one key that the caller has chosen.
    ///
    /// # Errors
    /// The [`JwsError`] variants from `AlgorithmNotAllowed` on.
    pub fn verify_with_key(
        self,
        key: &PublicKey,
        allowed: AlgorithmSet,
    ) -> Result<VerifiedJws, JwsError> {
        self.verify_with_keys(&[key], allowed)
    }

    fn verify_with_keys(
        self,
        named: &[&PublicKey],
        allowed: AlgorithmSet,
    ) -> Result<VerifiedJws, JwsError> {
        let found = self.algorithm();
        if !allowed.contains(found) {
            return Err(JwsError::AlgorithmNotAllowed { found, allowed });
        }
        if named.is_empty() {
            return Err(JwsError::KeyNotFound {
                key_id: self.key_id().cloned(),
            });
        }
        let serving = || named.iter().filter(|key| key.algorithms().contains(found));
        match serving().count() {
            0 => {
                let key_id = self.key_id().cloned();
                return Err(JwsError::KeyAlgorithmMismatch { found, key_id });
            }
            1..=KEYS_TRIED_MAX => {}
            found => return Err(JwsError::TooManyKeys { found }),
        }
        let message = self.signing_input.as_bytes();
        if serving().any(|key| key.verifies(found, message, &self.signature)) {
            return Ok(VerifiedJws {
                header: self.header,
                payload: self.payload,
            });
        }
        Err(JwsError::SignatureMismatch)
    }

    /// The payload, for the part of this crate that reads the issuer before a key is chosen.
    pub(crate) fn payload_before_verification(&self) -> &[u8] {
        &self.payload
    }
}

impl VerifiedJws {
    /// The header that was signed.
    #[must_use]
    pub const fn header(&self) -> &JwsHeader {
        &self.header
    }

    /// The payload that was signed.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Header and payload, without a copy.
    #[must_use]
    pub fn into_parts(self) -> (JwsHeader, Vec<u8>) {
        (self.header, self.payload)
    }
}

/// Shows the header; the payload may hold what does not belong in a log.
impl std::fmt::Debug for VerifiedJws {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifiedJws")
            .field("header", &self.header)
            .field("payload_bytes", &self.payload.len())
            .finish()
    }
}

/// Shows the header; nothing else of the token is trusted or fit for a log.
impl std::fmt::Debug for UnverifiedJws<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnverifiedJws")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

/// Splits at the dots; the length is checked first, so that a token of dots costs little.
fn parts(token: &str) -> Result<[&str; JWS_PARTS], JwsError> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(JwsError::TooLong {
            found_bytes: token.len(),
        });
    }
    let mut split = token.split('.');
    match (split.next(), split.next(), split.next(), split.count()) {
        (Some(header), Some(payload), Some(signature), 0) => Ok([header, payload, signature]),
        (_, _, _, more) if more + JWS_PARTS == JWE_PARTS => Err(JwsError::Encrypted),
        _ => Err(JwsError::PartCount {
            found: token.split('.').count(),
        }),
    }
}

fn decode(text: &str, part: JwsPart) -> Result<Vec<u8>, JwsError> {
    base64url::decode(text).map_err(|_| JwsError::NotBase64Url { part })
}
