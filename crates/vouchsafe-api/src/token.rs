//! A client token in memory: opaque, and silent in logs.

use std::fmt;

use serde::Deserialize;

/// A client or wrapping token.
///
/// Its text leaves this type through [`Token::expose`] alone.
///
/// # Security
///
/// `Debug` prints no part of the token. There is no `Display` and no `Serialize`.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Token(String);

impl Token {
    /// Takes a token as given, without the blanks and line ends around it.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(text.as_ref().trim().to_owned())
    }

    /// The token's text, for a request header or for the user who asked for it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is no text at all, which a server reads as "no token".
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(..)")
    }
}
