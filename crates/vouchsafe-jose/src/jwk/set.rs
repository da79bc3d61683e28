//! A JWK Set (RFC 7517 §5): the keys of one issuer.
//!
//! A key that cannot be used is skipped with a reason (§5: implementations should ignore what they
//! do not understand), so an issuer may add new kinds of key without breaking its verifiers. The
//! same `kid` on several keys is accepted; each is tried.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Jwk, JwkError, JwkSetError};
use crate::algorithm::shortened;
use crate::key::PublicKey;
use crate::key_id::KeyId;
use crate::limits::{JWK_SET_BYTES_MAX, JWK_SET_KEYS_MAX};

/// The public keys of one issuer, in their order; serializes as `{"keys":[…]}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct JwkSet {
    keys: Vec<Jwk>,
    #[serde(skip)]
    skipped: Vec<SkippedKey>,
}

/// A key of a set that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedKey {
    /// Its place in `keys`, from 0.
    pub position: usize,
    /// Its `kid`, where it could be read, cut to 64 characters.
    pub key_id: Option<String>,
    /// Why it cannot be used.
    pub reason: JwkError,
}

/// The document; a second `keys` is an error, other members are ignored.
#[derive(Deserialize)]
struct Document<'d> {
    #[serde(borrow)]
    keys: Vec<&'d RawValue>,
}

/// Of a skipped key only its id is of interest.
#[derive(Deserialize)]
struct Named {
    kid: Option<String>,
}

impl JwkSet {
    /// Reads a JWK Set document.
    ///
    /// A set without a usable key is not an error: what that means is for the caller to decide.
    ///
    /// # Errors
    /// [`JwkSetError`] when the document as a whole is at fault, never for a single key.
    pub fn parse(json: &[u8]) -> Result<Self, JwkSetError> {
        if json.len() > JWK_SET_BYTES_MAX {
            return Err(JwkSetError::TooLong {
                found_bytes: json.len(),
            });
        }
        let document: Document<'_> =
            serde_json::from_slice(json).map_err(|error| JwkSetError::Malformed {
                line: error.line(),
                column: error.column(),
            })?;
        if document.keys.len() > JWK_SET_KEYS_MAX {
            return Err(JwkSetError::TooManyKeys {
                found: document.keys.len(),
            });
        }
        let mut set = Self::default();
        for (position, raw) in document.keys.into_iter().enumerate() {
            match Jwk::parse(raw.get().as_bytes()) {
                Ok(jwk) => set.keys.push(jwk),
                Err(reason) => {
                    let named = serde_json::from_str::<Named>(raw.get()).ok();
                    let key_id = named.and_then(|named| named.kid).map(|kid| shortened(&kid));
                    set.skipped.push(SkippedKey {
                        position,
                        key_id,
                        reason,
                    });
                }
            }
        }
        Ok(set)
    }

    /// The usable keys, in the order of the document.
    #[must_use]
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// The keys that could not be used, in the order of the document.
    #[must_use]
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }

    /// The keys that a token with this `kid` may have been signed with: those with the same id and
    /// those without one; every key for a token without `kid`.
    pub(crate) fn with_key_id(&self, key_id: Option<&KeyId>) -> impl Iterator<Item = &PublicKey> {
        self.keys
            .iter()
            .filter(move |jwk| match (key_id, jwk.key_id()) {
                (Some(wanted), Some(found)) => wanted == found,
                (None, _) | (_, None) => true,
            })
            .map(Jwk::key)
    }
}

impl FromIterator<Jwk> for JwkSet {
    fn from_iter<I: IntoIterator<Item = Jwk>>(keys: I) -> Self {
        Self {
            keys: keys.into_iter().collect(),
            skipped: Vec::new(),
        }
    }
}
