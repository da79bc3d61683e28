//! A shared secret that verifies, read from a JWK of type `oct` (RFC 7518 §6.4).

use std::fmt;

use aws_lc_rs::hmac;

use super::HmacAlgorithm;
use crate::algorithm::{UnknownAlgorithm, shortened};
use crate::jwk::{JwkError, Members};
use crate::key_id::KeyId;

/// The value of `kty` of symmetric keys.
const KTY: &str = "oct";

/// A shared secret, bound to one algorithm. It verifies and does nothing else; it can't be shown.
#[derive(Clone)]
pub struct SymmetricKey {
    key: hmac::Key,
    key_id: Option<KeyId>,
    algorithm: HmacAlgorithm,
}

/// Why a JWK is no symmetric key. The messages never quote the secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SymmetricKeyError {
    /// What is the same for every kind of key.
    #[error(transparent)]
    Jwk(#[from] JwkError),
    /// `kty` is not `oct`.
    #[error("JWK has `kty` {found:?}; expected `oct`")]
    NotSymmetric {
        /// The value, cut to 64 characters.
        found: String,
    },
    /// `alg` names no HMAC algorithm.
    #[error("JWK `alg` is {:?}; a symmetric key takes `HS256`, `HS384` or `HS512`", .0.found)]
    NotHmac(UnknownAlgorithm),
    /// The secret is shorter than the output of its algorithm.
    #[error(
        "JWK member `k` has {found_bytes} bytes; `{algorithm}` takes at least {} (RFC 7518 §3.2)",
        algorithm.key_bytes_min()
    )]
    TooShort {
        /// The algorithm that the key names.
        algorithm: HmacAlgorithm,
        /// The length of the secret in bytes.
        found_bytes: usize,
    },
}

impl SymmetricKey {
    /// Reads a JWK of type `oct`.
    ///
    /// `alg` must be there: it is what binds the key to one algorithm. `use` must be `sig` or absent,
    /// `key_ops` must name `verify` or be absent.
    ///
    /// # Errors
    /// The first fault; see [`SymmetricKeyError`].
    pub fn parse(json: &[u8]) -> Result<Self, SymmetricKeyError> {
        let members = Members::parse(json)?;
        let missing = |member| JwkError::Missing { member };
        let kty = members.string("kty")?.ok_or_else(|| missing("kty"))?;
        if kty != KTY {
            let found = shortened(kty);
            return Err(SymmetricKeyError::NotSymmetric { found });
        }
        members.permit("verify")?;
        let alg = members.string("alg")?.ok_or_else(|| missing("alg"))?;
        let algorithm = HmacAlgorithm::parse(alg).map_err(SymmetricKeyError::NotHmac)?;
        let secret = members.bytes("k")?;
        if secret.len() < algorithm.key_bytes_min() {
            return Err(SymmetricKeyError::TooShort {
                algorithm,
                found_bytes: secret.len(),
            });
        }
        Ok(Self {
            key: hmac::Key::new(algorithm.primitive(), &secret),
            key_id: members.key_id()?,
            algorithm,
        })
    }

    /// `kid`.
    #[must_use]
    pub const fn key_id(&self) -> Option<&KeyId> {
        self.key_id.as_ref()
    }

    /// The one algorithm that the key serves.
    #[must_use]
    pub const fn algorithm(&self) -> HmacAlgorithm {
        self.algorithm
    }

    /// Whether the key made this tag, compared in constant time. The whole tag is compared: one that
    /// was cut short is none.
    pub(super) fn verifies(&self, message: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&self.key, message, tag).is_ok()
    }
}

impl fmt::Debug for SymmetricKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SymmetricKey")
            .field("key_id", &self.key_id)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}
