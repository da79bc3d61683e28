//! One key pair of a named key: its material, and the times that decide its state.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use vouchsafe_jose::{Algorithm, Jwk, KeyError, KeyId, SigningKey};
use vouchsafe_logical::Secret;

use super::UnixSeconds;

/// A private key with its id and its public half, as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeyMaterial {
    key_id: String,
    algorithm: Algorithm,
    private: Pkcs8,
    public: Box<RawValue>,
}

/// Key material could not be written or read back; not caused by input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaterialError(String);

impl fmt::Display for MaterialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for MaterialError {}

impl MaterialError {
    fn new(key_id: &str, fault: impl fmt::Display) -> Self {
        Self(format!("signing key `{key_id}`: {fault}"))
    }
}

impl KeyMaterial {
    /// The stored form of a freshly generated key.
    ///
    /// # Errors
    /// The cryptographic library can't write the key.
    pub fn new(key: &SigningKey, key_id: String) -> Result<Self, MaterialError> {
        let fault = |error: KeyError| MaterialError::new(&key_id, error);
        let private = Pkcs8(Secret::new(key.to_pkcs8().map_err(fault)?.to_vec()));
        let kid = KeyId::new(key_id.clone()).map_err(|error| MaterialError::new(&key_id, error))?;
        let public = serde_json::value::to_raw_value(&Jwk::for_signing_key(key, Some(kid)))
            .map_err(|error| MaterialError::new(&key_id, error))?;
        Ok(Self {
            algorithm: key.algorithm(),
            private,
            public,
            key_id,
        })
    }

    /// The private key, parsed. Takes up to a millisecond: keep the result.
    ///
    /// # Errors
    /// What was stored is not the key that it should be.
    pub fn signing_key(&self) -> Result<SigningKey, MaterialError> {
        SigningKey::from_pkcs8(self.algorithm, self.private.0.expose())
            .map_err(|error| MaterialError::new(&self.key_id, error))
    }

    /// The `kid`.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The algorithm that the key signs with.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The public JWK, as JSON.
    #[must_use]
    pub fn public(&self) -> &RawValue {
        &self.public
    }
}

/// A PKCS#8 document. Serializes as base64, for records only: storage encrypts them.
#[derive(Clone)]
struct Pkcs8(Secret<Vec<u8>>);

impl fmt::Debug for Pkcs8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pkcs8(..)")
    }
}

impl Serialize for Pkcs8 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let encoded = Secret::new(STANDARD.encode(self.0.expose()));
        serializer.serialize_str(encoded.expose())
    }
}

impl<'de> Deserialize<'de> for Pkcs8 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let encoded = Secret::new(String::deserialize(deserializer)?);
        // The decoder's own message would quote a byte of the key.
        let decoded = STANDARD.decode(encoded.expose());
        let decoded = decoded.map_err(|_| D::Error::custom("a private key is not base64"))?;
        Ok(Self(Secret::new(decoded)))
    }
}

/// Since when a pair is in the key set, and when every cache has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    /// When the pair entered the key set.
    pub at: UnixSeconds,
    /// From when on no cache may hold a key set without the pair.
    pub known_from: UnixSeconds,
}

/// A pair in the life of a named key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeyPair {
    /// The keys.
    pub material: KeyMaterial,
    /// Absent while no role uses the named key: then nothing of it is published.
    pub published: Option<Publication>,
    /// From when on the pair signs, until its successor does.
    pub active_from: UnixSeconds,
    /// A token that the pair signed may live this long, whatever the settings are by now.
    pub needed_until: Option<UnixSeconds>,
    /// When the pair leaves the key set, once that is settled.
    pub expires_at: Option<UnixSeconds>,
}

impl KeyPair {
    pub(super) const fn new(
        material: KeyMaterial,
        published: Option<Publication>,
        active_from: UnixSeconds,
    ) -> Self {
        Self {
            material,
            published,
            active_from,
            needed_until: None,
            expires_at: None,
        }
    }

    /// The `kid`.
    #[must_use]
    pub fn key_id(&self) -> &str {
        self.material.key_id()
    }

    /// From when on every cache has the pair; 0 where nothing is published, as nobody waits for it.
    pub(super) fn known_from(&self) -> UnixSeconds {
        self.published
            .map_or(UnixSeconds(0), |publication| publication.known_from)
    }
}

/// Key material that was generated ahead of a decision which may need it.
///
/// Generating takes up to a second, so it does not happen inside a transaction: one that runs out of
/// spares says so, and is tried again with one more. Spares that nobody took are dropped.
#[derive(Clone, Debug, Default)]
pub struct Spares(Vec<KeyMaterial>);

impl Spares {
    /// Adds a spare.
    pub fn add(&mut self, material: KeyMaterial) {
        self.0.push(material);
    }

    /// Takes a spare of an algorithm; the error is the algorithm that is missing.
    pub(super) fn take(&mut self, algorithm: Algorithm) -> Result<KeyMaterial, Algorithm> {
        let found = self.0.iter().position(|spare| spare.algorithm == algorithm);
        found
            .map(|index| self.0.swap_remove(index))
            .ok_or(algorithm)
    }
}
