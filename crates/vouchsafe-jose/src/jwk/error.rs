//! Why a JWK or a JWK Set was not accepted.

use crate::algorithm::{KeyType, UnknownAlgorithm};
use crate::json::JsonError;
use crate::key::KeyError;
use crate::key_id::KeyIdTooLong;
use crate::limits::{JWK_BYTES_MAX, JWK_SET_BYTES_MAX, JWK_SET_KEYS_MAX};

/// Why a JWK was not accepted.
///
/// The messages quote member names and public values, never private numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwkError {
    /// Longer than [`JWK_BYTES_MAX`].
    #[error("JWK of {found_bytes} bytes; at most {JWK_BYTES_MAX}")]
    TooLong {
        /// Its length in bytes.
        found_bytes: usize,
    },
    /// Not an acceptable JSON object.
    #[error("JWK: {0}")]
    Json(#[from] JsonError),
    /// A required member is absent.
    #[error("JWK has no `{member}`")]
    Missing {
        /// The member.
        member: &'static str,
    },
    /// A member is not of the type that its definition gives.
    #[error("JWK member `{member}` is not {expected}")]
    MemberType {
        /// The member.
        member: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A number is not canonical base64url.
    #[error("JWK member `{member}` is not canonical base64url")]
    NotBase64Url {
        /// The member.
        member: &'static str,
    },
    /// A number is empty or has leading zero bytes (RFC 7518 §2, Base64urlUInt).
    #[error("JWK member `{member}` is not a number in the fewest bytes")]
    NotMinimal {
        /// The member.
        member: &'static str,
    },
    /// A `kty` that has no place here; `oct` among them, since no symmetric key ever verifies.
    #[error("JWK has unsupported `kty` {found:?}; supported: `RSA`, `EC`, `OKP`")]
    UnsupportedKeyType {
        /// The value, cut to 64 characters.
        found: String,
    },
    /// A `crv` that has no place here.
    #[error("JWK has unsupported `crv` {found:?}; supported: `P-256`, `P-384`, `P-521`, `Ed25519`")]
    UnsupportedCurve {
        /// The value, cut to 64 characters.
        found: String,
    },
    /// `alg` names no signature algorithm of this crate.
    #[error("JWK `alg`: {0}")]
    UnsupportedAlgorithm(#[from] UnknownAlgorithm),
    /// `use` is not `sig`.
    #[error("JWK has `use` {found:?}; expected `sig`")]
    NotForSignatures {
        /// The value, cut to 64 characters.
        found: String,
    },
    /// `key_ops` repeats a value or leaves out the operation that is needed.
    #[error("JWK `key_ops` must name `{expected}`, and each operation once")]
    KeyOperations {
        /// `verify` for a public key, `sign` for a private one.
        expected: &'static str,
    },
    /// A public key was expected and private numbers were found: the key must be considered lost.
    #[error("JWK holds the private member `{member}`; a public key was expected")]
    PrivateMember {
        /// The member.
        member: &'static str,
    },
    /// An RSA key of more than two primes (`oth`).
    #[error("JWK is an RSA key of more than two primes, which is not supported")]
    MultiPrime,
    /// `kid` is too long.
    #[error(transparent)]
    KeyIdTooLong(#[from] KeyIdTooLong),
    /// The numbers do not make a sound key.
    #[error("JWK: {0}")]
    Key(#[from] KeyError),
    /// `alg` is for another type of key.
    #[error("JWK has `alg` `{found}`, which does not fit a key of type {key_type}")]
    AlgorithmMismatch {
        /// The value of `alg`.
        found: crate::Algorithm,
        /// The type of the key.
        key_type: KeyType,
    },
    /// `alg` differs from the algorithm that the caller asked for.
    #[error("JWK has `alg` `{found}`; expected `{expected}`")]
    OtherAlgorithm {
        /// The value of `alg`.
        found: crate::Algorithm,
        /// The algorithm that was asked for.
        expected: crate::Algorithm,
    },
}

/// Why a document is not a JWK Set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwkSetError {
    /// Longer than [`JWK_SET_BYTES_MAX`].
    #[error("JWK Set of {found_bytes} bytes; at most {JWK_SET_BYTES_MAX}")]
    TooLong {
        /// Its length in bytes.
        found_bytes: usize,
    },
    /// More than [`JWK_SET_KEYS_MAX`] keys.
    #[error("JWK Set of {found} keys; at most {JWK_SET_KEYS_MAX}")]
    TooManyKeys {
        /// How many.
        found: usize,
    },
    /// Not a JSON object with one array `keys`.
    #[error("expected a JSON object with an array `keys`; line {line}, column {column}")]
    Malformed {
        /// Line of the fault, from 1.
        line: usize,
        /// Column of the fault.
        column: usize,
    },
}
