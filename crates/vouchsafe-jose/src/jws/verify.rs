//! Verification: shape, header, key, signature, in that order.

use super::compact::Compact;
use super::{JwsError, JwsHeader};
use crate::algorithm::{Algorithm, AlgorithmSet};
use crate::jwk::JwkSet;
use crate::key::PublicKey;
use crate::key_id::KeyId;
use crate::limits::KEYS_TRIED_MAX;

/// A token of sound shape whose signature has not been checked.
///
/// It shows what is needed to find a key and nothing else.
pub struct UnverifiedJws<'t> {
    compact: Compact<'t, Algorithm>,
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
        let compact = Compact::parse(token, Algorithm::parse)?;
        Ok(Self { compact })
    }

    /// `alg` of the header, to find a key.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.compact.header().algorithm()
    }

    /// `kid` of the header, to find a key.
    #[must_use]
    pub const fn key_id(&self) -> Option<&KeyId> {
        self.compact.header().key_id()
    }

    /// Checks the signature with the keys of a set; see [`verify`] for which keys fit.
    ///
    /// # Errors
    /// The [`JwsError`] variants from `AlgorithmNotAllowed` on.
    pub fn verify(self, keys: &JwkSet, allowed: AlgorithmSet) -> Result<VerifiedJws, JwsError> {
        self.try_verify(keys, allowed).map_err(|(_, error)| error)
    }

    /// Checks the signature with the keys of a set. A token that is refused comes back, so that
    /// newer keys can be tried without parsing it again.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub(crate) fn try_verify(
        self,
        keys: &JwkSet,
        allowed: AlgorithmSet,
    ) -> Result<VerifiedJws, (Self, JwsError)> {
        let named: Vec<&PublicKey> = keys.with_key_id(self.key_id()).collect();
        self.try_keys(&named, allowed)
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
        self.try_keys(&[key], allowed).map_err(|(_, error)| error)
    }

    fn try_keys(
        self,
        named: &[&PublicKey],
        allowed: AlgorithmSet,
    ) -> Result<VerifiedJws, (Self, JwsError)> {
        match self.check_signature(named, allowed) {
            Ok(()) => {
                let (header, payload) = self.compact.into_parts();
                Ok(VerifiedJws { header, payload })
            }
            Err(error) => Err((self, error)),
        }
    }

    fn check_signature(&self, named: &[&PublicKey], allowed: AlgorithmSet) -> Result<(), JwsError> {
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
        let (message, signature) = (self.compact.message(), self.compact.signature());
        if serving().any(|key| key.verifies(found, message, signature)) {
            return Ok(());
        }
        Err(JwsError::SignatureMismatch)
    }

    /// The payload, for the part of this crate that reads the issuer before a key is chosen.
    pub(crate) fn payload_before_verification(&self) -> &[u8] {
        self.compact.payload()
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
            .field("header", self.compact.header())
            .finish_non_exhaustive()
    }
}
