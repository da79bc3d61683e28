//! PEM (RFC 7468): one public key or certificate as text, in the strict form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::algorithm::shortened;
use crate::limits::PEM_BYTES_MAX;

/// Characters in a line of base64 (RFC 7468 §2).
const LINE_CHARACTERS: usize = 64;

/// Why text is not the PEM form of a public key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PemError {
    /// Longer than [`PEM_BYTES_MAX`].
    #[error("PEM text of {found_bytes} bytes; at most {PEM_BYTES_MAX}")]
    TooLong {
        /// Its length in bytes.
        found_bytes: usize,
    },
    /// Not exactly one block from `-----BEGIN` to the matching `-----END`, with nothing around it.
    #[error("expected exactly one PEM block, from `-----BEGIN` to the matching `-----END`")]
    NotOneBlock,
    /// A block of another kind.
    #[error("PEM block {found:?}; expected `PUBLIC KEY`, `RSA PUBLIC KEY` or `CERTIFICATE`")]
    Label {
        /// The label, cut to 64 characters.
        found: String,
    },
    /// The content is not base64.
    #[error("PEM block holds text that is not base64")]
    NotBase64,
}

/// The kinds of block that can hold a public key.
pub(super) enum PublicBlock {
    /// SubjectPublicKeyInfo.
    PublicKey(Vec<u8>),
    /// PKCS#1 RSAPublicKey.
    RsaPublicKey(Vec<u8>),
    /// An X.509 certificate.
    Certificate(Vec<u8>),
}

pub(super) fn parse(text: &str) -> Result<PublicBlock, PemError> {
    if text.len() > PEM_BYTES_MAX {
        return Err(PemError::TooLong {
            found_bytes: text.len(),
        });
    }
    let (label, body) = split(text.trim()).ok_or(PemError::NotOneBlock)?;
    let block = match label {
        "PUBLIC KEY" => PublicBlock::PublicKey,
        "RSA PUBLIC KEY" => PublicBlock::RsaPublicKey,
        "CERTIFICATE" => PublicBlock::Certificate,
        other => {
            return Err(PemError::Label {
                found: shortened(other),
            });
        }
    };
    let compact: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD
        .decode(compact)
        .map(block)
        .map_err(|_| PemError::NotBase64)
}

/// The label and the text between the two boundary lines.
fn split(text: &str) -> Option<(&str, &str)> {
    let (label, rest) = text.strip_prefix("-----BEGIN ")?.split_once("-----")?;
    let (body, end) = rest.split_once("-----END ")?;
    let matching = end.strip_suffix("-----")? == label;
    matching.then_some((label, body))
}

pub(super) fn public_key(der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let mut text = String::from("-----BEGIN PUBLIC KEY-----\n");
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(LINE_CHARACTERS).unwrap_or((rest, ""));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str("-----END PUBLIC KEY-----\n");
    text
}
