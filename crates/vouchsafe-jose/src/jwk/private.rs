//! A private key as a JWK (RFC 7518 §6.2.2, §6.3.2; RFC 8037 §2).

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use zeroize::Zeroizing;

use super::JwkError;
use super::members::Members;
use super::public::write_public;
use crate::algorithm::{Algorithm, KeyType};
use crate::base64url;
use crate::key::{KeyError, Material, PrivateMaterial, RsaPrivate, SigningKey};
use crate::key_id::KeyId;

/// Room for the longest private JWK: an RSA key of 8192 bits takes 6.2 KB, an escaped `kid` of the
/// longest kind 1.5 KB.
const PRIVATE_JWK_BYTES: usize = 8 * 1024;

impl SigningKey {
    /// Reads a private JWK.
    ///
    /// The algorithm is the caller's; `alg`, where present, must agree. An RSA key must carry all
    /// of its CRT numbers. Both halves are checked against each other.
    ///
    /// # Errors
    /// The first fault; see [`JwkError`].
    pub fn from_jwk(algorithm: Algorithm, json: &[u8]) -> Result<Self, JwkError> {
        let members = Members::parse(json)?;
        let key_type = members.key_type()?;
        members.permit("sign")?;
        match members.algorithm(key_type)? {
            Some(found) if found != algorithm => {
                return Err(JwkError::OtherAlgorithm {
                    found,
                    expected: algorithm,
                });
            }
            _ => {}
        }
        members.key_id()?;
        let public = members.public_material()?;
        let private = private_material(&members, key_type)?;
        Ok(Self::from_halves(algorithm, &public, &private)?)
    }

    /// The key as a private JWK, wiped from memory when dropped.
    ///
    /// # Errors
    /// [`KeyError::Library`] when aws-lc-rs cannot export the key.
    ///
    /// # Security
    /// This is the private key in the clear: encrypt it before it leaves the process.
    pub fn to_private_jwk(&self, key_id: Option<&KeyId>) -> Result<Zeroizing<String>, KeyError> {
        let document = PrivateJwk {
            public: self.public_key().material(),
            private: self.private_material()?,
            key_id,
            algorithm: self.algorithm(),
        };
        // Reserved ahead: a buffer that grew would leave copies of the key behind.
        let mut text = Vec::with_capacity(PRIVATE_JWK_BYTES);
        serde_json::to_writer(&mut text, &document).map_err(|_| KeyError::Library)?;
        String::from_utf8(text)
            .map(Zeroizing::new)
            .map_err(|_| KeyError::Library)
    }
}

fn private_material(members: &Members, key_type: KeyType) -> Result<PrivateMaterial, JwkError> {
    Ok(match key_type {
        KeyType::Rsa => {
            if members.contains("oth") {
                return Err(JwkError::MultiPrime);
            }
            PrivateMaterial::Rsa(RsaPrivate {
                d: members.number("d")?,
                p: members.number("p")?,
                q: members.number("q")?,
                dp: members.number("dp")?,
                dq: members.number("dq")?,
                qi: members.number("qi")?,
            })
        }
        KeyType::P256 | KeyType::P384 | KeyType::P521 => PrivateMaterial::Ec(members.bytes("d")?),
        KeyType::Ed25519 => PrivateMaterial::Ed25519(members.bytes("d")?),
    })
}

struct PrivateJwk<'k> {
    public: &'k Material,
    private: PrivateMaterial,
    key_id: Option<&'k KeyId>,
    algorithm: Algorithm,
}

impl Serialize for PrivateJwk<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("use", "sig")?;
        write_public(&mut map, self.public, self.key_id, Some(self.algorithm))?;
        let mut number = |member: &str, bytes: &[u8]| {
            map.serialize_entry(member, &*Zeroizing::new(base64url::encode(bytes)))
        };
        match &self.private {
            PrivateMaterial::Rsa(private) => {
                number("d", &private.d)?;
                number("p", &private.p)?;
                number("q", &private.q)?;
                number("dp", &private.dp)?;
                number("dq", &private.dq)?;
                number("qi", &private.qi)?;
            }
            PrivateMaterial::Ec(d) | PrivateMaterial::Ed25519(d) => number("d", d)?,
        }
        map.end()
    }
}
