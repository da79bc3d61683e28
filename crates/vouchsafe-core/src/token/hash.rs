//! The storage names of tokens and accessors.

use std::fmt;

use aws_lc_rs::hmac;

/// The keyed hash of a token: what it is stored under. Knowing it does not help to make a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenHash(String);

impl TokenHash {
    /// Digits of the text.
    pub(crate) const DIGITS: usize = 64;

    /// The text, in lower-case hexadecimal.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes over a hash that was stored.
    #[must_use]
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The key of the hashes: random, stored behind the barrier, never changed.
pub(crate) struct Salt(hmac::Key);

impl Salt {
    /// From the stored bytes.
    #[must_use]
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The storage name of a token.
    #[must_use]
    pub(crate) fn token(&self, token: &str) -> TokenHash {
        TokenHash(self.hex(b"token:", token))
    }

    /// The storage name of an accessor.
    #[must_use]
    pub(crate) fn accessor(&self, accessor: &str) -> String {
        self.hex(b"accessor:", accessor)
    }

    fn hex(&self, domain: &[u8], text: &str) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(domain);
        context.update(text.as_bytes());
        hex::encode(context.sign().as_ref())
    }
}
