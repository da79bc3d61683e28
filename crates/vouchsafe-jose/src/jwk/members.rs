//! Access to the members of a JWK, shared by public and private keys.

use serde_json::{Map, Value};
use zeroize::{Zeroize as _, Zeroizing};

use super::JwkError;
use crate::algorithm::{Algorithm, KeyType, shortened};
use crate::base64url;
use crate::json;
use crate::key::Material;
use crate::key_id::KeyId;
use crate::limits::{JWK_BYTES_MAX, JWK_DEPTH_MAX};

/// The members of one JWK; strings are wiped when dropped, since some may be private.
pub(crate) struct Members(Map<String, Value>);

impl Drop for Members {
    fn drop(&mut self) {
        for (_, value) in &mut self.0 {
            if let Value::String(text) = value {
                text.zeroize();
            }
        }
    }
}

impl Members {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, JwkError> {
        if bytes.len() > JWK_BYTES_MAX {
            return Err(JwkError::TooLong {
                found_bytes: bytes.len(),
            });
        }
        Ok(Self(json::parse_object(bytes, JWK_DEPTH_MAX)?))
    }

    pub(crate) fn contains(&self, member: &str) -> bool {
        self.0.contains_key(member)
    }

    pub(crate) fn string(&self, member: &'static str) -> Result<Option<&str>, JwkError> {
        match self.0.get(member) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(JwkError::MemberType {
                member,
                expected: "a string",
            }),
        }
    }

    fn required_string(&self, member: &'static str) -> Result<&str, JwkError> {
        self.string(member)?.ok_or(JwkError::Missing { member })
    }

    /// A required member of base64url bytes.
    pub(crate) fn bytes(&self, member: &'static str) -> Result<Zeroizing<Vec<u8>>, JwkError> {
        let text = self.required_string(member)?;
        let bytes = base64url::decode(text).map_err(|_| JwkError::NotBase64Url { member })?;
        Ok(Zeroizing::new(bytes))
    }

    /// A required Base64urlUInt: big-endian, in the fewest bytes (RFC 7518 §2).
    pub(crate) fn number(&self, member: &'static str) -> Result<Zeroizing<Vec<u8>>, JwkError> {
        let bytes = self.bytes(member)?;
        match bytes.first() {
            None | Some(0) => Err(JwkError::NotMinimal { member }),
            Some(_) => Ok(bytes),
        }
    }

    /// `kty` and `crv`.
    pub(crate) fn key_type(&self) -> Result<KeyType, JwkError> {
        let kty = self.required_string("kty")?;
        if kty == KeyType::Rsa.kty() {
            return Ok(KeyType::Rsa);
        }
        let curves = [
            KeyType::P256,
            KeyType::P384,
            KeyType::P521,
            KeyType::Ed25519,
        ];
        if !curves.iter().any(|curve| curve.kty() == kty) {
            return Err(JwkError::UnsupportedKeyType {
                found: shortened(kty),
            });
        }
        let crv = self.required_string("crv")?;
        curves
            .into_iter()
            .find(|curve| curve.kty() == kty && curve.crv() == Some(crv))
            .ok_or_else(|| JwkError::UnsupportedCurve {
                found: shortened(crv),
            })
    }

    /// The public numbers.
    pub(crate) fn public_material(&self) -> Result<Material, JwkError> {
        Ok(match self.key_type()? {
            KeyType::Rsa => Material::rsa(&self.number("n")?, &self.number("e")?)?,
            KeyType::Ed25519 => Material::ed25519(&self.bytes("x")?)?,
            curve => Material::ec(curve, &self.bytes("x")?, &self.bytes("y")?)?,
        })
    }

    /// `alg`, which must suit the type of the key.
    pub(crate) fn algorithm(&self, key_type: KeyType) -> Result<Option<Algorithm>, JwkError> {
        let Some(alg) = self.string("alg")? else {
            return Ok(None);
        };
        let found = Algorithm::parse(alg)?;
        if found.key_type() != key_type {
            return Err(JwkError::AlgorithmMismatch { found, key_type });
        }
        Ok(Some(found))
    }

    pub(crate) fn key_id(&self) -> Result<Option<KeyId>, JwkError> {
        Ok(self.string("kid")?.map(KeyId::new).transpose()?)
    }

    /// `use` and `key_ops` (RFC 7517 §4.2, §4.3), where present, must permit `operation`.
    pub(crate) fn permit(&self, operation: &'static str) -> Result<(), JwkError> {
        match self.string("use")? {
            None | Some("sig") => {}
            Some(found) => {
                return Err(JwkError::NotForSignatures {
                    found: shortened(found),
                });
            }
        }
        let Some(operations) = self.0.get("key_ops") else {
            return Ok(());
        };
        let wrong_type = JwkError::MemberType {
            member: "key_ops",
            expected: "an array of strings",
        };
        let Value::Array(operations) = operations else {
            return Err(wrong_type);
        };
        if !operations.iter().all(Value::is_string) {
            return Err(wrong_type);
        }
        let repeated = operations.iter().enumerate().any(|(position, one)| {
            operations
                .iter()
                .skip(position + 1)
                .any(|other| other == one)
        });
        if repeated || !operations.iter().any(|found| found == operation) {
            return Err(JwkError::KeyOperations {
                expected: operation,
            });
        }
        Ok(())
    }
}
