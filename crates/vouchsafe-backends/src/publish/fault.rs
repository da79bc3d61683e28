//! Why an upload is refused, each with a stable code.
//!
//! A message names the key and the fault. It shows public values only: a private number is in no
//! message, whatever else is wrong.

use vouchsafe_logical::{Error, ErrorKind};

/// The most characters of somebody's text in a message.
const SHOWN_CHARS_MAX: usize = 200;

/// Somebody's text, cut to what a message shows.
pub(super) fn shortened(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .take(SHOWN_CHARS_MAX)
        .collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// Why an upload is refused.
#[derive(Debug)]
pub(super) enum Fault {
    /// A document lacks a member.
    Missing(&'static str),
    /// A member is of another type than it must be.
    MemberType(&'static str, &'static str),
    /// The upload is of another issuer.
    OtherIssuer {
        found: String,
        public: String,
        source: Option<String>,
    },
    /// A document is larger than allowed.
    TooLarge {
        what: &'static str,
        found: usize,
        max: usize,
    },
    /// A list is longer than allowed.
    TooMany {
        what: &'static str,
        found: usize,
        max: usize,
    },
    /// With the keys that stay for a while, there are more keys than allowed.
    TooManyRetiring { found: usize, max: usize },
    /// A key holds private numbers.
    Private { name: String, member: &'static str },
    /// A key is symmetric: who can verify with it can sign with it.
    Symmetric(String),
    /// A key is of a type that this server does not know.
    UnknownType { name: String, found: String },
    /// An RSA key is too short, or longer than verifiers take.
    RsaLength { name: String, found_bits: usize },
    /// Something else is wrong with a key.
    Key { name: String, fault: String },
    /// No key is left.
    NoKeys,
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let kind = match fault {
            Fault::TooLarge { .. } => ErrorKind::TooLarge,
            _ => ErrorKind::InvalidRequest,
        };
        let (reason, message) = fault.said();
        Self::new(kind, reason, message)
    }
}

impl Fault {
    fn said(self) -> (&'static str, String) {
        match self {
            Self::Missing(member) => (
                "document_incomplete",
                format!("the upload has no `{member}`"),
            ),
            Self::MemberType(member, expected) => (
                "document_malformed",
                format!("the member `{member}` is not {expected}"),
            ),
            Self::OtherIssuer {
                found,
                public,
                source,
            } => {
                let source = source.map_or_else(String::new, |source| {
                    format!(" nor of its source, `{source}`")
                });
                let message = format!(
                    "the upload is of the issuer `{found}`, which is neither that of the service, `{public}`,{source}"
                );
                ("issuer_mismatch", message.trim_end_matches(',').to_owned())
            }
            Self::TooLarge { what, found, max } => (
                "document_too_large",
                format!("`{what}` has {found} bytes; at most {max} are allowed"),
            ),
            Self::TooMany { what, found, max } => (
                "too_many_entries",
                format!("`{what}` has {found} entries; at most {max} are allowed"),
            ),
            Self::TooManyRetiring { found, max } => (
                "too_many_keys",
                format!(
                    "there would be {found} keys with those that stay until tokens of theirs have expired; at most {max} are allowed: wait, lower `retire_after`, or publish with `force`"
                ),
            ),
            Self::Private { name, member } => (
                "private_key",
                format!(
                    "the key {name} holds the private member `{member}`: nothing was published; take the key for lost, and replace it"
                ),
            ),
            Self::Symmetric(name) => (
                "symmetric_key",
                format!(
                    "the key {name} is symmetric (`oct`): who knows it can sign with it. Nothing was published; take the key for lost, and replace it"
                ),
            ),
            Self::UnknownType { name, found } => (
                "key_type_unknown",
                format!(
                    "the key {name} is of the type `{found}`, which this server does not know; `allowed_key_types` of the configuration can allow it"
                ),
            ),
            Self::RsaLength { name, found_bits } => (
                "rsa_key_length",
                format!(
                    "the key {name} is an RSA key of {found_bits} bits; expected {} to {}",
                    vouchsafe_jose::limits::RSA_MODULUS_BITS_MIN,
                    vouchsafe_jose::limits::RSA_MODULUS_BITS_MAX
                ),
            ),
            Self::Key { name, fault } => (
                "key_invalid",
                format!("the key {name} can't be published: {fault}"),
            ),
            Self::NoKeys => (
                "no_keys",
                "the key set has no key that verifies tokens".to_owned(),
            ),
        }
    }
}
