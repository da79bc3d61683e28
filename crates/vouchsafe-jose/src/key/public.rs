//! A public key, parsed once, that verifies signatures of the algorithms it may serve.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{ParsedPublicKey, RsaPublicKeyComponents, RsaSubjectPublicKey};

use super::der;
use super::material::{self, Material, coordinate_bytes};
use super::pem::{self, PublicBlock};
use super::{KeyError, KeyType};
use crate::algorithm::{Algorithm, AlgorithmSet};

/// A sound public key and the algorithms that it may serve.
///
/// A clone shares the parsed key. Equality compares the key, not the algorithms.
#[derive(Clone)]
pub struct PublicKey {
    parsed: Arc<Parsed>,
}

struct Parsed {
    material: Material,
    /// One per algorithm: aws-lc-rs ties a parsed key to one set of parameters.
    verifiers: Box<[(Algorithm, ParsedPublicKey)]>,
}

impl PublicKey {
    /// Parses the key for each of `algorithms`, all of which must suit its type.
    pub(crate) fn new(material: Material, algorithms: AlgorithmSet) -> Result<Self, KeyError> {
        let encoded = material.encoded()?;
        let verifiers = algorithms
            .iter()
            .map(|algorithm| Ok((algorithm, material.verifier(&encoded, algorithm)?)))
            .collect::<Result<_, KeyError>>()?;
        Ok(Self {
            parsed: Arc::new(Parsed {
                material,
                verifiers,
            }),
        })
    }

    fn for_every_algorithm(material: Material) -> Result<Self, KeyError> {
        let algorithms = material.key_type().algorithms();
        Self::new(material, algorithms)
    }

    /// Reads a DER SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
    ///
    /// The key may serve every algorithm of its type; narrow it with [`Self::restricted_to`].
    ///
    /// # Errors
    /// [`KeyError::UnsupportedDer`] when the bytes are not such a document, or hold a key of
    /// another type; otherwise why the key is not sound.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, KeyError> {
        // aws-lc-rs would also take a bare point or PKCS#1 here, and ignore bytes at the end.
        let mut reader = der::Reader::new(der);
        let is_one_sequence = reader.read(der::SEQUENCE).is_some() && reader.is_empty();
        if !is_one_sequence {
            return Err(KeyError::UnsupportedDer);
        }
        if let Ok(key) = RsaSubjectPublicKey::from_der(der) {
            return Self::from_rsa(&key);
        }
        let material = [
            Algorithm::Es256,
            Algorithm::Es384,
            Algorithm::Es512,
            Algorithm::EdDsa,
        ]
        .into_iter()
        .find_map(|algorithm| point_of_spki(der, algorithm))
        .ok_or(KeyError::UnsupportedDer)?;
        Self::for_every_algorithm(material?)
    }

    /// Reads PEM: one `PUBLIC KEY`, `RSA PUBLIC KEY` or `CERTIFICATE` block.
    ///
    /// Of a certificate only the key is taken. Its signature, names and dates are not looked at:
    /// the caller trusts the key because an operator configured it.
    ///
    /// # Errors
    /// [`KeyError::Pem`] for faults of the text, otherwise as [`Self::from_spki_der`].
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        match pem::parse(text)? {
            PublicBlock::PublicKey(spki) => Self::from_spki_der(&spki),
            PublicBlock::RsaPublicKey(pkcs1) => {
                let key = RsaSubjectPublicKey::from_der(&pkcs1).map_err(|_| KeyError::Invalid {
                    key_type: KeyType::Rsa,
                })?;
                Self::from_rsa(&key)
            }
            PublicBlock::Certificate(certificate) => {
                let spki =
                    der::certificate_public_key(&certificate).ok_or(KeyError::UnsupportedDer)?;
                Self::from_spki_der(spki)
            }
        }
    }

    pub(super) fn from_rsa(key: &RsaSubjectPublicKey) -> Result<Self, KeyError> {
        let RsaPublicKeyComponents { n, e } = RsaPublicKeyComponents::<Vec<u8>>::from(key);
        Self::for_every_algorithm(Material::rsa(&n, &e)?)
    }

    /// The same key for one algorithm only.
    ///
    /// # Errors
    /// [`KeyError::AlgorithmMismatch`] when this key cannot serve it.
    pub fn restricted_to(&self, algorithm: Algorithm) -> Result<Self, KeyError> {
        let Some((_, verifier)) = self.verifier(algorithm) else {
            return Err(KeyError::AlgorithmMismatch {
                algorithm,
                key_type: self.key_type(),
            });
        };
        let parsed = Parsed {
            material: self.parsed.material.clone(),
            verifiers: Box::new([(algorithm, verifier.clone())]),
        };
        Ok(Self {
            parsed: Arc::new(parsed),
        })
    }

    /// The type of the key.
    #[must_use]
    pub fn key_type(&self) -> KeyType {
        self.parsed.material.key_type()
    }

    /// The algorithms that this key may serve.
    #[must_use]
    pub fn algorithms(&self) -> AlgorithmSet {
        self.parsed
            .verifiers
            .iter()
            .map(|(algorithm, _)| *algorithm)
            .collect()
    }

    /// Whether `signature` is `algorithm`'s signature of `message` by this key.
    ///
    /// False also when the key may not serve the algorithm. This is the bare primitive: a token is
    /// verified with [`crate::jws::verify`] or [`crate::jwt::verify`].
    #[must_use]
    pub fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        self.verifier(algorithm)
            .is_some_and(|(_, verifier)| verifier.verify_sig(message, signature).is_ok())
    }

    /// The key as DER SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// [`KeyError::Library`] when aws-lc-rs cannot write it.
    pub fn to_spki_der(&self) -> Result<Vec<u8>, KeyError> {
        let (_, verifier) = self.parsed.verifiers.first().ok_or(KeyError::Library)?;
        let der = verifier.as_der().map_err(|_| KeyError::Library)?;
        Ok(der.as_ref().to_vec())
    }

    /// The key as one PEM block `PUBLIC KEY`.
    ///
    /// # Errors
    /// [`KeyError::Library`] when aws-lc-rs cannot write it.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        Ok(pem::public_key(&self.to_spki_der()?))
    }

    pub(crate) fn material(&self) -> &Material {
        &self.parsed.material
    }

    fn verifier(&self, algorithm: Algorithm) -> Option<&(Algorithm, ParsedPublicKey)> {
        self.parsed
            .verifiers
            .iter()
            .find(|(served, _)| *served == algorithm)
    }
}

/// The point inside a SubjectPublicKeyInfo, if aws-lc-rs accepts it as a key of this algorithm.
fn point_of_spki(der: &[u8], algorithm: Algorithm) -> Option<Result<Material, KeyError>> {
    let parsed = ParsedPublicKey::new(material::verification_algorithm(algorithm), der).ok()?;
    let canonical = parsed.as_der().ok()?;
    // The encoding ends with the point as a BIT STRING, written uncompressed.
    let curve = algorithm.key_type();
    let point_bytes =
        coordinate_bytes(curve).map_or(material::ED25519_KEY_BYTES, |size| 1 + 2 * size);
    let canonical = canonical.as_ref();
    let (_, point) = canonical.split_at_checked(canonical.len().checked_sub(point_bytes)?)?;
    Some(match curve {
        KeyType::Ed25519 => Material::ed25519(point),
        _ => Material::ec_point(curve, point),
    })
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.parsed.material == other.parsed.material
    }
}

impl Eq for PublicKey {}

/// Names the type of the key and its algorithms; the numbers say little to a reader.
impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey")
            .field("key_type", &self.key_type())
            .field("algorithms", &self.algorithms())
            .finish()
    }
}
