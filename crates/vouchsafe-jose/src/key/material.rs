//! The public half of a key as numbers: what a JWK carries, checked, in canonical form.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, RsaPublicKeyComponents, VerificationAlgorithm,
};

use super::{KeyError, roca};
use crate::algorithm::{Algorithm, KeyType};
use crate::limits::{RSA_EXPONENT_BITS_MAX, RSA_MODULUS_BITS_MAX, RSA_MODULUS_BITS_MIN};

/// The first byte of an uncompressed point (SEC 1 §2.3.3).
const POINT_UNCOMPRESSED: u8 = 0x04;

/// The numbers of a public key, in the form that JWK and thumbprint use.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Material {
    /// Modulus and exponent, big-endian, without leading zeros.
    Rsa { n: Box<[u8]>, e: Box<[u8]> },
    /// Coordinates of `curve`, big-endian, padded to the size of its field.
    Ec {
        curve: KeyType,
        x: Box<[u8]>,
        y: Box<[u8]>,
    },
    /// The encoded point of RFC 8032 §5.1.5.
    Ed25519 { x: [u8; ED25519_KEY_BYTES] },
}

/// Length of an Ed25519 public key and of its seed.
pub(crate) const ED25519_KEY_BYTES: usize = 32;

/// The length of one coordinate, and of the private scalar, of an EC key (RFC 7518 §6.2.1.2).
pub(crate) const fn coordinate_bytes(curve: KeyType) -> Option<usize> {
    match curve {
        KeyType::P256 => Some(32),
        KeyType::P384 => Some(48),
        KeyType::P521 => Some(66),
        KeyType::Rsa | KeyType::Ed25519 => None,
    }
}

impl Material {
    /// Checks the size of the numbers and that the modulus was not made by a broken generator.
    pub(crate) fn rsa(n: &[u8], e: &[u8]) -> Result<Self, KeyError> {
        let (n, e) = (without_leading_zeros(n), without_leading_zeros(e));
        let found_bits = bits(n);
        if !(RSA_MODULUS_BITS_MIN..=RSA_MODULUS_BITS_MAX).contains(&found_bits) {
            return Err(KeyError::RsaModulusSize { found_bits });
        }
        let odd = e.last().is_some_and(|byte| byte & 1 == 1);
        if !odd || bits(e) < 2 || bits(e) > RSA_EXPONENT_BITS_MAX {
            return Err(KeyError::RsaExponent);
        }
        if roca::has_fingerprint(n) {
            return Err(KeyError::RsaFactorable);
        }
        Ok(Self::Rsa {
            n: n.into(),
            e: e.into(),
        })
    }

    /// Takes coordinates of exactly the size of the field; whether the point is on the curve is
    /// seen when the key is parsed.
    pub(crate) fn ec(curve: KeyType, x: &[u8], y: &[u8]) -> Result<Self, KeyError> {
        let expected_bytes = coordinate_bytes(curve).ok_or(KeyError::UnsupportedDer)?;
        for coordinate in [x, y] {
            exact_length(curve, coordinate, expected_bytes)?;
        }
        Ok(Self::Ec {
            curve,
            x: x.into(),
            y: y.into(),
        })
    }

    /// Takes an uncompressed point as SEC 1 writes it.
    pub(crate) fn ec_point(curve: KeyType, point: &[u8]) -> Result<Self, KeyError> {
        let invalid = KeyError::Invalid { key_type: curve };
        let (form, coordinates) = point.split_first().ok_or(invalid.clone())?;
        let size = coordinate_bytes(curve).ok_or(KeyError::UnsupportedDer)?;
        match coordinates.split_at_checked(size) {
            Some((x, y)) if *form == POINT_UNCOMPRESSED => Self::ec(curve, x, y),
            _ => Err(invalid),
        }
    }

    /// Takes an encoded Ed25519 point.
    pub(crate) fn ed25519(x: &[u8]) -> Result<Self, KeyError> {
        exact_length(KeyType::Ed25519, x, ED25519_KEY_BYTES)?;
        let x = x.try_into().map_err(|_| KeyError::Invalid {
            key_type: KeyType::Ed25519,
        })?;
        Ok(Self::Ed25519 { x })
    }

    pub(crate) const fn key_type(&self) -> KeyType {
        match self {
            Self::Rsa { .. } => KeyType::Rsa,
            Self::Ec { curve, .. } => *curve,
            Self::Ed25519 { .. } => KeyType::Ed25519,
        }
    }

    /// The bytes that aws-lc-rs parses: SubjectPublicKeyInfo for RSA (which it checks on the way
    /// in), the point for the others.
    pub(crate) fn encoded(&self) -> Result<Vec<u8>, KeyError> {
        match self {
            Self::Rsa { n, e } => Ok(RsaPublicKeyComponents { n, e }
                .as_der()
                .map_err(|_| KeyError::Invalid {
                    key_type: KeyType::Rsa,
                })?
                .as_ref()
                .to_vec()),
            Self::Ec { x, y, .. } => Ok([&[POINT_UNCOMPRESSED], &x[..], &y[..]].concat()),
            Self::Ed25519 { x } => Ok(x.to_vec()),
        }
    }

    /// The key, ready to verify with `algorithm`.
    pub(crate) fn verifier(
        &self,
        encoded: &[u8],
        algorithm: Algorithm,
    ) -> Result<ParsedPublicKey, KeyError> {
        let key_type = self.key_type();
        if algorithm.key_type() != key_type {
            return Err(KeyError::AlgorithmMismatch {
                algorithm,
                key_type,
            });
        }
        ParsedPublicKey::new(verification_algorithm(algorithm), encoded)
            .map_err(|_| KeyError::Invalid { key_type })
    }
}

pub(crate) fn verification_algorithm(algorithm: Algorithm) -> &'static dyn VerificationAlgorithm {
    match algorithm {
        Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
        Algorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
        Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
        Algorithm::Ps384 => &RSA_PSS_2048_8192_SHA384,
        Algorithm::Ps512 => &RSA_PSS_2048_8192_SHA512,
        Algorithm::Es256 => &ECDSA_P256_SHA256_FIXED,
        Algorithm::Es384 => &ECDSA_P384_SHA384_FIXED,
        Algorithm::Es512 => &ECDSA_P521_SHA512_FIXED,
        Algorithm::EdDsa => &ED25519,
    }
}

pub(crate) fn exact_length(
    key_type: KeyType,
    part: &[u8],
    expected_bytes: usize,
) -> Result<(), KeyError> {
    if part.len() == expected_bytes {
        return Ok(());
    }
    Err(KeyError::Length {
        key_type,
        found_bytes: part.len(),
        expected_bytes,
    })
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// The length in bits of a big-endian number without leading zeros; 0 for none.
fn bits(number: &[u8]) -> usize {
    number.first().map_or(0, |first| {
        let unused = usize::try_from(first.leading_zeros()).unwrap_or_default();
        number.len() * 8 - unused
    })
}
