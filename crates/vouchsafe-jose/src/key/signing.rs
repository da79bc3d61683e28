//! A private key that signs with one algorithm, parsed once.

use std::fmt;

use aws_lc_rs::encoding::{AsBigEndian as _, AsDer as _};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPairComponents, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair, RsaPublicKeyComponents,
};
use zeroize::Zeroizing;

use super::material::{Material, coordinate_bytes, exact_length};
use super::{KeyError, PublicKey, der};
use crate::algorithm::{Algorithm, AlgorithmSet, KeyType};
use crate::jws::SignError;

/// Length of an Ed25519 signature (RFC 8032 §5.1.6).
const ED25519_SIGNATURE_BYTES: usize = 64;

/// The lengths of RSA keys that can be generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum RsaKeySize {
    /// 2048 bits: what Vault generates, and about 3,000 signatures per second and core.
    #[default]
    Bits2048,
    /// 3072 bits: a third of the rate.
    Bits3072,
    /// 4096 bits: a fifth of the rate, and up to two seconds to generate.
    Bits4096,
}

/// A private key, its public half and the one algorithm that it signs with.
///
/// Usable from many threads at once. The private numbers live in aws-lc's memory, which clears them
/// when the key is dropped. There is no `Display`, no `Serialize`, and `Debug` shows the public half.
pub struct SigningKey {
    algorithm: Algorithm,
    pair: KeyPair,
    public: PublicKey,
}

enum KeyPair {
    Rsa {
        pair: Box<RsaKeyPair>,
        encoding: &'static dyn RsaEncoding,
    },
    Ec(Box<EcdsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

/// The private numbers of a key, as a private JWK carries them.
pub(crate) enum PrivateMaterial {
    Rsa(RsaPrivate),
    /// The scalar, padded to the size of the field.
    Ec(Zeroizing<Vec<u8>>),
    /// The seed of 32 bytes.
    Ed25519(Zeroizing<Vec<u8>>),
}

/// The private numbers of a two-prime RSA key (RFC 7518 §6.3.2), big-endian.
pub(crate) struct RsaPrivate {
    pub(crate) d: Zeroizing<Vec<u8>>,
    pub(crate) p: Zeroizing<Vec<u8>>,
    pub(crate) q: Zeroizing<Vec<u8>>,
    pub(crate) dp: Zeroizing<Vec<u8>>,
    pub(crate) dq: Zeroizing<Vec<u8>>,
    pub(crate) qi: Zeroizing<Vec<u8>>,
}

impl SigningKey {
    /// Generates a key; RSA keys have 2048 bits.
    ///
    /// RSA takes 20 to 300 ms of CPU: not for an async task, and best done ahead of need. The
    /// others take microseconds.
    ///
    /// # Errors
    /// [`KeyError::Library`] when aws-lc-rs fails.
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        match algorithm.key_type() {
            KeyType::Rsa => Self::generate_rsa(algorithm, RsaKeySize::default()),
            KeyType::P256 | KeyType::P384 | KeyType::P521 => {
                let pair = EcdsaKeyPair::generate(ecdsa_algorithm(algorithm)?)
                    .map_err(|_| KeyError::Library)?;
                Self::from_ec(algorithm, pair)
            }
            KeyType::Ed25519 => {
                let pair = Ed25519KeyPair::generate().map_err(|_| KeyError::Library)?;
                Self::from_ed25519(algorithm, pair)
            }
        }
    }

    /// Generates an RSA key of the given length.
    ///
    /// # Errors
    /// [`KeyError::AlgorithmMismatch`] when the algorithm is not an RSA algorithm;
    /// [`KeyError::Library`] when aws-lc-rs fails.
    pub fn generate_rsa(algorithm: Algorithm, size: RsaKeySize) -> Result<Self, KeyError> {
        rsa_encoding(algorithm)?;
        let size = match size {
            RsaKeySize::Bits2048 => KeySize::Rsa2048,
            RsaKeySize::Bits3072 => KeySize::Rsa3072,
            RsaKeySize::Bits4096 => KeySize::Rsa4096,
        };
        let pair = RsaKeyPair::generate(size).map_err(|_| KeyError::Library)?;
        Self::from_rsa(algorithm, pair)
    }

    /// Reads an unencrypted PKCS#8 document, the form in which keys are stored.
    ///
    /// # Errors
    /// [`KeyError::Invalid`] when the document is not a sound key of the type that `algorithm`
    /// needs; the RSA errors for a key outside the accepted sizes.
    pub fn from_pkcs8(algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, KeyError> {
        let key_type = algorithm.key_type();
        let invalid = |_| KeyError::Invalid { key_type };
        // aws-lc-rs ignores bytes after the document.
        let mut reader = der::Reader::new(pkcs8);
        if reader.read(der::SEQUENCE).is_none() || !reader.is_empty() {
            return Err(KeyError::Invalid { key_type });
        }
        match key_type {
            KeyType::Rsa => {
                Self::from_rsa(algorithm, RsaKeyPair::from_pkcs8(pkcs8).map_err(invalid)?)
            }
            KeyType::P256 | KeyType::P384 | KeyType::P521 => {
                let pair = EcdsaKeyPair::from_pkcs8(ecdsa_algorithm(algorithm)?, pkcs8);
                Self::from_ec(algorithm, pair.map_err(invalid)?)
            }
            KeyType::Ed25519 => {
                let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(invalid)?;
                Self::from_ed25519(algorithm, pair)
            }
        }
    }

    /// Builds a key from both of its halves, which must belong together.
    pub(crate) fn from_halves(
        algorithm: Algorithm,
        public: &Material,
        private: &PrivateMaterial,
    ) -> Result<Self, KeyError> {
        let key_type = public.key_type();
        if algorithm.key_type() != key_type {
            return Err(KeyError::AlgorithmMismatch {
                algorithm,
                key_type,
            });
        }
        let halves_differ = |_| KeyError::HalvesDiffer { key_type };
        match (public, private) {
            (Material::Rsa { n, e }, PrivateMaterial::Rsa(private)) => {
                let pair = RsaKeyPair::from_components(&KeyPairComponents {
                    public_key: RsaPublicKeyComponents { n, e },
                    d: private.d.as_slice(),
                    p: private.p.as_slice(),
                    q: private.q.as_slice(),
                    dP: private.dp.as_slice(),
                    dQ: private.dq.as_slice(),
                    qInv: private.qi.as_slice(),
                });
                Self::from_rsa(algorithm, pair.map_err(halves_differ)?)
            }
            (Material::Ec { curve, .. }, PrivateMaterial::Ec(scalar)) => {
                exact_length(*curve, scalar, coordinate_bytes(*curve).unwrap_or_default())?;
                // Parsed first, so that a point off the curve is not reported as a mismatch.
                PublicKey::new(public.clone(), AlgorithmSet::only(algorithm))?;
                let pair = EcdsaKeyPair::from_private_key_and_public_key(
                    ecdsa_algorithm(algorithm)?,
                    scalar,
                    &public.encoded()?,
                );
                Self::from_ec(algorithm, pair.map_err(halves_differ)?)
            }
            (Material::Ed25519 { x }, PrivateMaterial::Ed25519(seed)) => {
                exact_length(key_type, seed, x.len())?;
                let pair = Ed25519KeyPair::from_seed_and_public_key(seed, x);
                Self::from_ed25519(algorithm, pair.map_err(halves_differ)?)
            }
            _ => Err(KeyError::HalvesDiffer { key_type }),
        }
    }

    fn from_rsa(algorithm: Algorithm, pair: RsaKeyPair) -> Result<Self, KeyError> {
        let encoding = rsa_encoding(algorithm)?;
        let public = PublicKey::from_rsa(pair.public_key())?.restricted_to(algorithm)?;
        Ok(Self {
            algorithm,
            pair: KeyPair::Rsa {
                pair: Box::new(pair),
                encoding,
            },
            public,
        })
    }

    fn from_ec(algorithm: Algorithm, pair: EcdsaKeyPair) -> Result<Self, KeyError> {
        let material = Material::ec_point(algorithm.key_type(), pair.public_key().as_ref())?;
        let public = PublicKey::new(material, AlgorithmSet::only(algorithm))?;
        Ok(Self {
            algorithm,
            pair: KeyPair::Ec(Box::new(pair)),
            public,
        })
    }

    fn from_ed25519(algorithm: Algorithm, pair: Ed25519KeyPair) -> Result<Self, KeyError> {
        let material = Material::ed25519(pair.public_key().as_ref())?;
        let public = PublicKey::new(material, AlgorithmSet::only(algorithm))?;
        Ok(Self {
            algorithm,
            pair: KeyPair::Ed25519(Box::new(pair)),
            public,
        })
    }

    /// The key as an unencrypted PKCS#8 v1 document, wiped from memory when dropped.
    ///
    /// # Errors
    /// [`KeyError::Library`] when aws-lc-rs cannot write it.
    ///
    /// # Security
    /// This is the private key in the clear: encrypt it before it leaves the process.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let library = |_| KeyError::Library;
        Ok(Zeroizing::new(match &self.pair {
            KeyPair::Rsa { pair, .. } => pair.as_der().map_err(library)?.as_ref().to_vec(),
            KeyPair::Ec(pair) => pair.to_pkcs8v1().map_err(library)?.as_ref().to_vec(),
            KeyPair::Ed25519(pair) => pair.to_pkcs8v1().map_err(library)?.as_ref().to_vec(),
        }))
    }

    /// The private numbers, for a private JWK.
    pub(crate) fn private_material(&self) -> Result<PrivateMaterial, KeyError> {
        let library = |_| KeyError::Library;
        match &self.pair {
            KeyPair::Rsa { .. } => {
                let pkcs8 = self.to_pkcs8()?;
                let numbers = der::rsa_private_numbers(&pkcs8).ok_or(KeyError::Library)?;
                let [_n, _e, d, p, q, dp, dq, qi] =
                    numbers.map(|number| Zeroizing::new(number.to_vec()));
                Ok(PrivateMaterial::Rsa(RsaPrivate {
                    d,
                    p,
                    q,
                    dp,
                    dq,
                    qi,
                }))
            }
            KeyPair::Ec(pair) => {
                let scalar = pair.private_key().as_be_bytes().map_err(library)?;
                Ok(PrivateMaterial::Ec(Zeroizing::new(
                    scalar.as_ref().to_vec(),
                )))
            }
            KeyPair::Ed25519(pair) => {
                let seed = pair
                    .seed()
                    .and_then(|seed| seed.as_be_bytes())
                    .map_err(library)?;
                Ok(PrivateMaterial::Ed25519(Zeroizing::new(
                    seed.as_ref().to_vec(),
                )))
            }
        }
    }

    /// The algorithm that this key signs with.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The public half, restricted to the same algorithm.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The length of every signature that this key makes.
    #[must_use]
    pub fn signature_bytes(&self) -> usize {
        match &self.pair {
            KeyPair::Rsa { pair, .. } => pair.public_modulus_len(),
            KeyPair::Ec(_) => {
                coordinate_bytes(self.algorithm.key_type()).map_or(0, |size| 2 * size)
            }
            KeyPair::Ed25519(_) => ED25519_SIGNATURE_BYTES,
        }
    }

    /// Signs `signing_input`, the bytes as they are.
    ///
    /// Takes about 20 µs with Ed25519 and ES256, 0.3 ms with RSA-2048, up to 2 ms with RSA-4096.
    ///
    /// # Errors
    /// [`SignError::Library`] when aws-lc-rs fails.
    pub fn sign(&self, signing_input: &[u8]) -> Result<Vec<u8>, SignError> {
        let library = |_| SignError::Library;
        // aws-lc-rs takes a random source for the sake of its interface and uses its own.
        let random = SystemRandom::new();
        match &self.pair {
            KeyPair::Rsa { pair, encoding } => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, signing_input, &mut signature)
                    .map_err(library)?;
                Ok(signature)
            }
            KeyPair::Ec(pair) => {
                let signature = pair.sign(&random, signing_input).map_err(library)?;
                Ok(signature.as_ref().to_vec())
            }
            KeyPair::Ed25519(pair) => {
                let signature = pair.try_sign(signing_input).map_err(library)?;
                Ok(signature.as_ref().to_vec())
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm)
            .field("public", &self.public)
            .field("private", &"[redacted]")
            .finish()
    }
}

fn rsa_encoding(algorithm: Algorithm) -> Result<&'static dyn RsaEncoding, KeyError> {
    match algorithm {
        Algorithm::Rs256 => Ok(&RSA_PKCS1_SHA256),
        Algorithm::Rs384 => Ok(&RSA_PKCS1_SHA384),
        Algorithm::Rs512 => Ok(&RSA_PKCS1_SHA512),
        Algorithm::Ps256 => Ok(&RSA_PSS_SHA256),
        Algorithm::Ps384 => Ok(&RSA_PSS_SHA384),
        Algorithm::Ps512 => Ok(&RSA_PSS_SHA512),
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::Es512 | Algorithm::EdDsa => {
            Err(KeyError::AlgorithmMismatch {
                algorithm,
                key_type: KeyType::Rsa,
            })
        }
    }
}

fn ecdsa_algorithm(algorithm: Algorithm) -> Result<&'static EcdsaSigningAlgorithm, KeyError> {
    match algorithm {
        Algorithm::Es256 => Ok(&ECDSA_P256_SHA256_FIXED_SIGNING),
        Algorithm::Es384 => Ok(&ECDSA_P384_SHA384_FIXED_SIGNING),
        Algorithm::Es512 => Ok(&ECDSA_P521_SHA512_FIXED_SIGNING),
        other => Err(KeyError::AlgorithmMismatch {
            algorithm: other,
            key_type: KeyType::P256,
        }),
    }
}
