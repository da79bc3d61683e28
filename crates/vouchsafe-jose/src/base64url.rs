//! Base64url as JOSE uses it (RFC 7515 §2): no padding, no whitespace, one encoding per value.
//!
//! Decoding refuses `=`, line breaks, the characters `+` and `/`, impossible lengths and set bits
//! beyond the last byte, so two different texts never stand for the same bytes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The text is not canonical base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotCanonical;

/// Decodes canonical text.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, NotCanonical> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| NotCanonical)
}

/// Encodes to canonical text.
pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Appends the encoding of `bytes` to `text`.
pub(crate) fn encode_onto(text: &mut String, bytes: &[u8]) {
    URL_SAFE_NO_PAD.encode_string(bytes, text);
}

/// The length of the encoding of `count` bytes.
pub(crate) const fn encoded_len(count: usize) -> usize {
    (count * 4).div_ceil(3)
}
