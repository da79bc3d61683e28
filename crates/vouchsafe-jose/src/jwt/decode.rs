//! A token's content for people to look at: any algorithm, nothing verified.

use serde_json::{Map, Value};

use super::JwtError;
use crate::json;
use crate::jws;
use crate::limits::{HEADER_DEPTH_MAX, PAYLOAD_DEPTH_MAX};

/// What a token holds, whoever wrote it.
///
/// Also for tokens that this crate never accepts (`none`, HMAC), since those are the ones that
/// people wonder about. There is no way from here to a [`VerifiedJwt`](super::VerifiedJwt).
#[derive(Clone, Debug, PartialEq)]
pub struct DecodedJwt {
    /// The JOSE header.
    pub header: Map<String, Value>,
    /// The claims, of whatever type.
    pub claims: Map<String, Value>,
}

impl DecodedJwt {
    /// Takes a compact token apart.
    ///
    /// # Errors
    /// It is longer than a token may be, or not three parts of which the first two are JSON objects.
    pub fn parse(token: &str) -> Result<Self, JwtError> {
        let (header, payload) = jws::decode_parts(token)?;
        let header = json::parse_object(&header, HEADER_DEPTH_MAX)
            .map_err(|fault| JwtError::Jws(jws::JwsError::HeaderJson(fault)))?;
        let claims =
            json::parse_object(&payload, PAYLOAD_DEPTH_MAX).map_err(JwtError::PayloadJson)?;
        Ok(Self { header, claims })
    }
}
