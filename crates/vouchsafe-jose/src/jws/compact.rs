//! The compact serialization taken apart (RFC 7515 §3.1, §7.1), whatever family signed it.

use super::header::AlgorithmParser;
use super::{HeaderOf, JwsError, JwsPart};
use crate::base64url;
use crate::limits::{HEADER_BYTES_MAX, TOKEN_BYTES_MAX};

/// The number of parts of a compact JWS and of a compact JWE.
const JWS_PARTS: usize = 3;
const JWE_PARTS: usize = 5;

/// The parts of a token of sound shape. Nothing of it has been verified.
pub(crate) struct Compact<'t, A> {
    header: HeaderOf<A>,
    signing_input: &'t str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'t, A: Copy> Compact<'t, A> {
    /// Takes a token apart; `algorithm` says which family is meant.
    pub(crate) fn parse(token: &'t str, algorithm: AlgorithmParser<A>) -> Result<Self, JwsError> {
        let [header, payload, signature] = parts(token)?;
        if header.len() > base64url::encoded_len(HEADER_BYTES_MAX) {
            return Err(JwsError::HeaderTooLong);
        }
        let header = HeaderOf::parse(&decode(header, JwsPart::Header)?, algorithm)?;
        let payload = decode(payload, JwsPart::Payload)?;
        if signature.is_empty() {
            return Err(JwsError::SignatureMissing);
        }
        let signing_input = token
            .strip_suffix(signature)
            .and_then(|rest| rest.strip_suffix('.'))
            .unwrap_or_default();
        let signature = decode(signature, JwsPart::Signature)?;
        Ok(Self {
            header,
            signing_input,
            payload,
            signature,
        })
    }

    pub(crate) const fn header(&self) -> &HeaderOf<A> {
        &self.header
    }

    /// What was signed.
    pub(crate) const fn message(&self) -> &[u8] {
        self.signing_input.as_bytes()
    }

    pub(crate) fn payload(&self) -> &[u8] {
        &self.payload
    }

    pub(crate) fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Header and payload, without a copy.
    pub(crate) fn into_parts(self) -> (HeaderOf<A>, Vec<u8>) {
        (self.header, self.payload)
    }
}

/// Header and payload of a compact token as bytes, with nothing checked but shape and length.
pub(crate) fn decode_parts(token: &str) -> Result<(Vec<u8>, Vec<u8>), JwsError> {
    let [header, payload, _] = parts(token)?;
    if header.len() > base64url::encoded_len(HEADER_BYTES_MAX) {
        return Err(JwsError::HeaderTooLong);
    }
    Ok((
        decode(header, JwsPart::Header)?,
        decode(payload, JwsPart::Payload)?,
    ))
}

/// Splits at the dots; the length is checked first, so that a token of dots costs little.
fn parts(token: &str) -> Result<[&str; JWS_PARTS], JwsError> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(JwsError::TooLong {
            found_bytes: token.len(),
        });
    }
    let mut split = token.split('.');
    match (split.next(), split.next(), split.next(), split.count()) {
        (Some(header), Some(payload), Some(signature), 0) => Ok([header, payload, signature]),
        (_, _, _, more) if more + JWS_PARTS == JWE_PARTS => Err(JwsError::Encrypted),
        _ => Err(JwsError::PartCount {
            found: token.split('.').count(),
        }),
    }
}

fn decode(text: &str, part: JwsPart) -> Result<Vec<u8>, JwsError> {
    base64url::decode(text).map_err(|_| JwsError::NotBase64Url { part })
}
