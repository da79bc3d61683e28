//! Signing: one key, one header, many payloads.
//!
//! The header is rendered once. [`JwsSigner::signing_input`] and [`JwsSigner::finish`] are the two
//! halves around the signature, for callers that sign on another thread.

use serde::Serialize;

use crate::algorithm::Algorithm;
use crate::base64url;
use crate::key::SigningKey;
use crate::key_id::KeyId;
use crate::limits::TOKEN_BYTES_MAX;

/// Why a token could not be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The token would be longer than any verifier of this crate accepts.
    #[error("token would be {bytes} bytes long; at most {TOKEN_BYTES_MAX}")]
    TooLong {
        /// The length that the token would have.
        bytes: usize,
    },
    /// The library failed; not caused by input.
    #[error("cryptographic library failed to sign")]
    Library,
}

/// Signs payloads with one key under one header.
///
/// Usable from many threads at once.
#[derive(Debug)]
pub struct JwsSigner {
    key: SigningKey,
    key_id: KeyId,
    /// The encoded header and the dot after it.
    encoded_header: String,
}

/// The header, in the order in which Vault writes it.
#[derive(Serialize)]
struct Header<'h> {
    alg: Algorithm,
    kid: &'h KeyId,
    #[serde(skip_serializing_if = "Option::is_none")]
    typ: Option<&'h str>,
}

impl JwsSigner {
    /// A signer whose tokens carry `{"alg":…,"kid":…}`, and `typ` when it is given.
    #[must_use]
    pub fn new(key: SigningKey, key_id: KeyId, typ: Option<&str>) -> Self {
        let header = Header {
            alg: key.algorithm(),
            kid: &key_id,
            typ,
        };
        let json = render(&header);
        let encoded_header = base64url::encode(json.as_bytes()) + ".";
        Self {
            key,
            key_id,
            encoded_header,
        }
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &SigningKey {
        &self.key
    }

    /// The `kid` that the tokens carry.
    #[must_use]
    pub const fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// Signs `payload` and returns the compact token.
    ///
    /// # Errors
    /// [`SignError::TooLong`] when the token would be over the limit, before anything is signed;
    /// [`SignError::Library`] when aws-lc-rs fails.
    pub fn sign_compact(&self, payload: &[u8]) -> Result<String, SignError> {
        let signing_input = self.signing_input(payload)?;
        let signature = self.key.sign(signing_input.as_bytes())?;
        Ok(self.finish(signing_input, &signature))
    }

    /// The first half: header and payload, encoded; sign these bytes with [`SigningKey::sign`].
    ///
    /// # Errors
    /// [`SignError::TooLong`] when the whole token would be over the limit.
    pub fn signing_input(&self, payload: &[u8]) -> Result<String, SignError> {
        let signature_bytes = 1 + base64url::encoded_len(self.key.signature_bytes());
        let input_bytes = self.encoded_header.len() + base64url::encoded_len(payload.len());
        let bytes = input_bytes + signature_bytes;
        if bytes > TOKEN_BYTES_MAX {
            return Err(SignError::TooLong { bytes });
        }
        let mut signing_input = String::with_capacity(bytes);
        signing_input.push_str(&self.encoded_header);
        base64url::encode_onto(&mut signing_input, payload);
        Ok(signing_input)
    }

    /// The second half: the token, from a signing input and its signature.
    #[must_use]
    pub fn finish(&self, signing_input: String, signature: &[u8]) -> String {
        let mut token = signing_input;
        token.push('.');
        base64url::encode_onto(&mut token, signature);
        token
    }
}

/// JSON of a value that has no map with other than string keys and no failing serializer.
fn render(value: &impl Serialize) -> String {
    #[expect(
        clippy::expect_used,
        reason = "strings and unit variants always serialize"
    )]
    serde_json::to_string(value).expect("a header of strings serializes")
}
