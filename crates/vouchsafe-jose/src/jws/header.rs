//! The JOSE header of a JWS (RFC 7515 §4), read strictly.
//!
//! Unknown parameters are ignored, as §4 demands; those that would change what is verified or with
//! which key are refused, each with its own error.

use serde_json::{Map, Value};

use super::JwsError;
use crate::algorithm::{Algorithm, UnknownAlgorithm};
use crate::json;
use crate::key_id::KeyId;
use crate::limits::{HEADER_BYTES_MAX, HEADER_DEPTH_MAX};

/// Header parameters that bring a key or say where to fetch one (RFC 7515 §4.1.2 to §4.1.6).
const KEY_PARAMETERS: [&str; 4] = ["jwk", "jku", "x5u", "x5c"];

/// What the header of a token says about itself; `A` is the family of its algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderOf<A> {
    algorithm: A,
    key_id: Option<KeyId>,
    typ: Option<String>,
}

/// The header of a token that a private key signed.
pub type JwsHeader = HeaderOf<Algorithm>;

/// Reads the value of `alg`, for one family of algorithms.
pub(crate) type AlgorithmParser<A> = fn(&str) -> Result<A, UnknownAlgorithm>;

impl<A: Copy> HeaderOf<A> {
    /// Reads a decoded header.
    pub(super) fn parse(bytes: &[u8], algorithm: AlgorithmParser<A>) -> Result<Self, JwsError> {
        if bytes.len() > HEADER_BYTES_MAX {
            return Err(JwsError::HeaderTooLong);
        }
        let members = json::parse_object(bytes, HEADER_DEPTH_MAX).map_err(JwsError::HeaderJson)?;
        let algorithm = match string(&members, "alg")? {
            None => return Err(JwsError::AlgorithmMissing),
            Some(alg) if alg.eq_ignore_ascii_case("none") => return Err(JwsError::Unsigned),
            Some(alg) => algorithm(alg).map_err(JwsError::UnknownAlgorithm)?,
        };
        if members.contains_key("crit") {
            return Err(JwsError::CriticalExtension);
        }
        if members.contains_key("b64") {
            return Err(JwsError::UnencodedPayload);
        }
        for parameter in KEY_PARAMETERS {
            if members.contains_key(parameter) {
                return Err(JwsError::EmbeddedKey { parameter });
            }
        }
        let key_id = string(&members, "kid")?.map(KeyId::new).transpose()?;
        let typ = string(&members, "typ")?.map(str::to_owned);
        Ok(Self {
            algorithm,
            key_id,
            typ,
        })
    }

    /// `alg`.
    #[must_use]
    pub const fn algorithm(&self) -> A {
        self.algorithm
    }

    /// `kid`.
    #[must_use]
    pub const fn key_id(&self) -> Option<&KeyId> {
        self.key_id.as_ref()
    }

    /// `typ`, as it stands; a caller that expects one kind of token compares it (RFC 8725 §3.11).
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }
}

fn string<'m>(
    members: &'m Map<String, Value>,
    parameter: &'static str,
) -> Result<Option<&'m str>, JwsError> {
    match members.get(parameter) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(JwsError::HeaderParameterType { parameter }),
    }
}
