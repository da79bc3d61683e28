//! Why a JWS was not accepted.

use std::fmt;

use crate::algorithm::{Algorithm, AlgorithmSet, UnknownAlgorithm};
use crate::hmac::HmacAlgorithm;
use crate::json::JsonError;
use crate::key_id::{KeyId, KeyIdTooLong};
use crate::limits::{HEADER_BYTES_MAX, KEYS_TRIED_MAX, TOKEN_BYTES_MAX};

/// One of the three parts of a compact JWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JwsPart {
    /// The JOSE header.
    Header,
    /// The payload.
    Payload,
    /// The signature.
    Signature,
}

impl fmt::Display for JwsPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Payload => "payload",
            Self::Signature => "signature",
        })
    }
}

/// Why a JWS was not accepted, in the order of the checks.
///
/// The messages quote the token's header, which is not secret, and never its payload or signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwsError {
    /// Longer than [`TOKEN_BYTES_MAX`].
    #[error("token of {found_bytes} bytes; at most {TOKEN_BYTES_MAX}")]
    TooLong {
        /// Its length in bytes.
        found_bytes: usize,
    },
    /// Five parts: a JWE.
    #[error("token is encrypted (JWE), which is not supported")]
    Encrypted,
    /// Neither the three parts of a JWS nor the five of a JWE.
    #[error("token has {found} parts; expected 3, separated by `.`")]
    PartCount {
        /// The number of parts.
        found: usize,
    },
    /// A part is not canonical base64url (RFC 7515 §2).
    #[error("token {part} is not canonical base64url")]
    NotBase64Url {
        /// Which part.
        part: JwsPart,
    },
    /// The decoded header is longer than [`HEADER_BYTES_MAX`].
    #[error("token header is over {HEADER_BYTES_MAX} bytes")]
    HeaderTooLong,
    /// The header is not an acceptable JSON object.
    #[error("token header: {0}")]
    HeaderJson(JsonError),
    /// The header has no `alg`.
    #[error("token header has no `alg`")]
    AlgorithmMissing,
    /// A header parameter is not of the type that its definition gives.
    #[error("token header parameter `{parameter}` is not a string")]
    HeaderParameterType {
        /// `alg`, `kid` or `typ`.
        parameter: &'static str,
    },
    /// `alg` is `none`, in any case: an unsigned token.
    #[error("token is not signed (`alg` is `none`)")]
    Unsigned,
    /// `alg` names no algorithm of the family that was asked for; where keys are public, the HMAC
    /// algorithms are among these.
    #[error(transparent)]
    UnknownAlgorithm(UnknownAlgorithm),
    /// The header has `crit`; this crate implements no extension that could be critical
    /// (RFC 7515 §4.1.11).
    #[error("token header has `crit`; no critical extension is supported")]
    CriticalExtension,
    /// The header has `b64` (RFC 7797); an unencoded payload is not supported.
    #[error("token header has `b64`; an unencoded payload is not supported")]
    UnencodedPayload,
    /// The header brings or points to a key (`jwk`, `jku`, `x5u`, `x5c`), which is never used.
    #[error("token header has `{parameter}`; a key that comes with the token is never used")]
    EmbeddedKey {
        /// The parameter.
        parameter: &'static str,
    },
    /// `kid` is too long.
    #[error(transparent)]
    KeyIdTooLong(#[from] KeyIdTooLong),
    /// The signature part is empty.
    #[error("token has no signature")]
    SignatureMissing,
    /// The verifier is not configured to accept this algorithm.
    #[error("algorithm `{found}` is not allowed; allowed: {allowed}")]
    AlgorithmNotAllowed {
        /// The token's algorithm.
        found: Algorithm,
        /// What the verifier accepts.
        allowed: AlgorithmSet,
    },
    /// No key has this `kid`; without `kid`, there is no key at all.
    #[error("no key fits the token; key id {key_id:?}")]
    KeyNotFound {
        /// The token's `kid`.
        key_id: Option<KeyId>,
    },
    /// Keys with this `kid` exist, but none may serve the token's algorithm.
    #[error("the key with id {key_id:?} does not serve algorithm `{found}`")]
    KeyAlgorithmMismatch {
        /// The token's algorithm.
        found: Algorithm,
        /// The token's `kid`.
        key_id: Option<KeyId>,
    },
    /// Shared secrets with this `kid` exist, but none is bound to the token's algorithm.
    #[error("no shared secret that fits the token serves algorithm `{found}`")]
    HmacAlgorithmMismatch {
        /// The token's algorithm.
        found: HmacAlgorithm,
    },
    /// More than [`KEYS_TRIED_MAX`] keys would have to be tried.
    #[error("{found} keys fit the token; at most {KEYS_TRIED_MAX} are tried")]
    TooManyKeys {
        /// How many fit.
        found: usize,
    },
    /// No key that fits made this signature.
    #[error("token signature does not match")]
    SignatureMismatch,
}
