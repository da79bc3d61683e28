//! A public key as a JWK.

use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::members::Members;
use super::{JwkError, Thumbprint};
use crate::algorithm::Algorithm;
use crate::base64url;
use crate::key::{KeyError, Material, PublicKey, SigningKey};
use crate::key_id::KeyId;

/// Members that only a private or symmetric key has (RFC 7518 §6.2.2, §6.3.2, §6.4).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A public signature key with its id and its algorithm.
///
/// Serializes with the members `use`, `kty`, `kid`, `crv`, `alg` and the numbers, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwk {
    key: PublicKey,
    key_id: Option<KeyId>,
    algorithm: Option<Algorithm>,
}

impl Jwk {
    /// A JWK of `key`; with `algorithm`, the key serves no other.
    ///
    /// # Errors
    /// [`KeyError::AlgorithmMismatch`] when the key cannot serve the algorithm.
    pub fn new(
        key: PublicKey,
        key_id: Option<KeyId>,
        algorithm: Option<Algorithm>,
    ) -> Result<Self, KeyError> {
        let key = match algorithm {
            None => key,
            Some(algorithm) => key.restricted_to(algorithm)?,
        };
        Ok(Self {
            key,
            key_id,
            algorithm,
        })
    }

    /// The JWK to publish for a signing key.
    #[must_use]
    pub fn for_signing_key(key: &SigningKey, key_id: Option<KeyId>) -> Self {
        Self {
            key: key.public_key().clone(),
            key_id,
            algorithm: Some(key.algorithm()),
        }
    }

    /// Reads a public JWK.
    ///
    /// `use` must be `sig` or absent, `key_ops` must name `verify` or be absent, and `alg` must be a
    /// signature algorithm for the type of the key or be absent; without it the key serves every
    /// algorithm of its type. Unknown members are ignored, certificates (`x5c`) among them.
    ///
    /// # Errors
    /// The first fault; see [`JwkError`].
    pub fn parse(json: &[u8]) -> Result<Self, JwkError> {
        let members = Members::parse(json)?;
        // `oct` is refused by its type, before its `k` could be taken for a leaked secret.
        let key_type = members.key_type()?;
        for member in PRIVATE_MEMBERS {
            if members.contains(member) {
                return Err(JwkError::PrivateMember { member });
            }
        }
        members.permit("verify")?;
        let algorithm = members.algorithm(key_type)?;
        let material = members.public_material()?;
        let key_id = members.key_id()?;
        let algorithms = algorithm.map_or(key_type.algorithms(), Into::into);
        Ok(Self {
            key: PublicKey::new(material, algorithms)?,
            key_id,
            algorithm,
        })
    }

    /// The key, ready to verify.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// `kid`.
    #[must_use]
    pub const fn key_id(&self) -> Option<&KeyId> {
        self.key_id.as_ref()
    }

    /// `alg`.
    #[must_use]
    pub const fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm
    }

    /// The SHA-256 thumbprint of the key (RFC 7638, RFC 8037 Appendix A.3); `kid` and `alg` have no
    /// part in it.
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        Thumbprint::of(self.key.material())
    }
}

impl PublicKey {
    /// The SHA-256 thumbprint of the key (RFC 7638, RFC 8037 Appendix A.3).
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        Thumbprint::of(self.material())
    }
}

impl Serialize for Jwk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("use", "sig")?;
        write_public(&mut map, self.key.material(), self.key_id(), self.algorithm)?;
        map.end()
    }
}

/// Writes `kty`, `kid`, `crv`, `alg` and the public numbers.
pub(super) fn write_public<M: serde::ser::SerializeMap>(
    map: &mut M,
    material: &Material,
    key_id: Option<&KeyId>,
    algorithm: Option<Algorithm>,
) -> Result<(), M::Error> {
    map.serialize_entry("kty", material.key_type().kty())?;
    if let Some(key_id) = key_id {
        map.serialize_entry("kid", key_id)?;
    }
    if let Some(crv) = material.key_type().crv() {
        map.serialize_entry("crv", crv)?;
    }
    if let Some(algorithm) = algorithm {
        map.serialize_entry("alg", &algorithm)?;
    }
    let mut number = |member, bytes| map.serialize_entry(member, &base64url::encode(bytes));
    match material {
        Material::Rsa { n, e } => {
            number("n", n)?;
            number("e", e)
        }
        Material::Ec { x, y, .. } => {
            number("x", x)?;
            number("y", y)
        }
        Material::Ed25519 { x } => number("x", x),
    }
}
