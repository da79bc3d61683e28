//! Where the keys of an issuer come from.

use std::time::Duration;

use vouchsafe_jose::limits::KEYS_TRIED_MAX;
use vouchsafe_jose::{Jwk, JwkSet, KeyError, PublicKey};
use vouchsafe_logical::FetchRequest;
use vouchsafe_logical::fetch::{Addresses, FETCH_BYTES_MAX, FETCH_TIMEOUT, Plaintext};

/// How many addresses of JWK Sets one issuer may have. They are asked at the same time.
pub const ENDPOINTS_MAX: usize = 16;

/// Where the keys of one issuer come from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// Keys that the configuration holds. A key without id fits every `kid`.
    Fixed(JwkSet),
    /// JWK Sets at these addresses, at most [`ENDPOINTS_MAX`]; their keys are taken together.
    Jwks(Vec<Endpoint>),
    /// What the issuer's discovery document points at.
    Discovery(Endpoint),
}

/// An address, and who vouches for the server behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// An absolute URL.
    pub url: String,
    /// Certificate authorities in PEM that alone are trusted; `None` trusts the system's.
    pub ca_pem: Option<String>,
}

/// The guards of each fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchRules {
    /// Whether `http` will do.
    pub plaintext: Plaintext,
    /// Where requests may go.
    pub addresses: Addresses,
    /// The whole time of one request.
    pub timeout: Duration,
    /// How large a document may be, in bytes.
    pub bytes_max: usize,
}

impl Default for FetchRules {
    fn default() -> Self {
        Self {
            plaintext: Plaintext::default(),
            addresses: Addresses::default(),
            timeout: FETCH_TIMEOUT,
            bytes_max: FETCH_BYTES_MAX,
        }
    }
}

impl FetchRules {
    /// The rules for what the document at `document_url` names.
    pub(crate) fn for_named_by(&self, document_url: &str) -> Self {
        Self {
            plaintext: self.plaintext.for_named_by(document_url),
            ..self.clone()
        }
    }

    pub(crate) fn get(&self, endpoint: &Endpoint) -> FetchRequest {
        FetchRequest {
            ca_pem: endpoint.ca_pem.clone(),
            plaintext: self.plaintext,
            addresses: self.addresses,
            timeout: self.timeout,
            bytes_max: self.bytes_max,
            ..FetchRequest::get(endpoint.url.clone())
        }
    }
}

/// Why texts with public keys were not taken.
#[derive(Debug, thiserror::Error)]
pub enum PemKeysError {
    /// More than are ever tried for one token.
    #[error("{found} public keys; at most {KEYS_TRIED_MAX}")]
    TooMany {
        /// How many there are.
        found: usize,
    },
    /// One of the texts is no usable key or certificate.
    #[error("public key {position}: {reason}")]
    Key {
        /// Its place, from 1.
        position: usize,
        /// What is wrong with it.
        reason: KeyError,
    },
}

/// Reads public keys and certificates in PEM into a set in which each key is tried, whatever a
/// token's `kid`.
///
/// # Errors
/// The first text that is no usable key, or too many.
pub fn parse_pem_keys<T: AsRef<str>>(texts: &[T]) -> Result<JwkSet, PemKeysError> {
    if texts.len() > KEYS_TRIED_MAX {
        return Err(PemKeysError::TooMany { found: texts.len() });
    }
    let keys = texts.iter().enumerate().map(|(index, text)| {
        PublicKey::from_pem(text.as_ref())
            .and_then(|key| Jwk::new(key, None, None))
            .map_err(|reason| PemKeysError::Key {
                position: index + 1,
                reason,
            })
    });
    keys.collect()
}
