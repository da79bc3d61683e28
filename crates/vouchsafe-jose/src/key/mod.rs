//! Keys: parsed once, checked when they are built, ready to verify or sign.
//!
//! All cryptography is aws-lc-rs's. This module decides what a sound key is (RFC 7518 §3 and §6,
//! RFC 8037), converts between the forms in which keys arrive (JWK members, PKCS#8,
//! SubjectPublicKeyInfo, PEM) and ties each key to the algorithms that it may serve.
//!
//! Invariant: private and public halves are built together and checked against each other, so no
//! signature is ever made with a public half that someone else supplied.

mod der;
mod material;
mod pem;
mod public;
mod roca;
mod signing;

pub(crate) use material::Material;
pub use pem::PemError;
pub use public::PublicKey;
pub(crate) use signing::{PrivateMaterial, RsaPrivate};
pub use signing::{RsaKeySize, SigningKey};

use crate::algorithm::{Algorithm, KeyType};
use crate::limits::{RSA_EXPONENT_BITS_MAX, RSA_MODULUS_BITS_MAX, RSA_MODULUS_BITS_MIN};

/// Why a key is not fit for use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// An RSA modulus that is too short to be safe or too long to be verified cheaply.
    #[error(
        "RSA modulus of {found_bits} bits; \
         expected {RSA_MODULUS_BITS_MIN} to {RSA_MODULUS_BITS_MAX}"
    )]
    RsaModulusSize {
        /// Length of the modulus, in bits.
        found_bits: usize,
    },
    /// An RSA public exponent that is even, below 3, or longer than 33 bits.
    #[error("RSA public exponent must be odd, at least 3 and at most {RSA_EXPONENT_BITS_MAX} bits")]
    RsaExponent,
    /// An RSA modulus made by a generator whose keys can be factored (CVE-2017-15361, "ROCA").
    #[error("RSA modulus has the structure of a key that can be factored (CVE-2017-15361)")]
    RsaFactorable,
    /// The wrong number of bytes for this type of key.
    #[error("{key_type} key part of {found_bytes} bytes; expected {expected_bytes}")]
    Length {
        /// The type of key that was expected.
        key_type: KeyType,
        /// What was found.
        found_bytes: usize,
        /// What the type requires.
        expected_bytes: usize,
    },
    /// The parts do not make up a key of this type: a point off its curve, an even modulus,
    /// private and public halves that do not belong together.
    #[error("not a valid {key_type} key")]
    Invalid {
        /// The type of key that was expected.
        key_type: KeyType,
    },
    /// The private half belongs to another public half.
    #[error("private and public halves of the {key_type} key do not match")]
    HalvesDiffer {
        /// The type of key that was expected.
        key_type: KeyType,
    },
    /// The algorithm needs another type of key.
    #[error("algorithm `{algorithm}` needs a key of type {}; found {key_type}", algorithm.key_type())]
    AlgorithmMismatch {
        /// The algorithm that was asked for.
        algorithm: Algorithm,
        /// The type of the key at hand.
        key_type: KeyType,
    },
    /// The DER document holds no key that this crate supports.
    #[error(
        "not a public key of a supported type; supported: RSA, EC P-256, P-384, P-521, Ed25519"
    )]
    UnsupportedDer,
    /// The PEM text around the key is at fault.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// The library could not generate or export a key; not caused by input.
    #[error("cryptographic library failed")]
    Library,
}
