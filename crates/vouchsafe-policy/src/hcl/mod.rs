//! HCL version 1: the language of policies and of the server's configuration files.
//!
//! [`parse`] turns a text into a tree of items with positions; it gives them no meaning, resolves
//! no `${...}` (kept literally) and reads no files. A text whose first character is `{` is read as
//! JSON instead, into the same tree. HCL 2 is another language: expressions, functions and dynamic
//! blocks do not exist here, and newlines between attributes are not required.
//!
//! Invariants:
//! - The work and the memory are linear in the text, which is bounded by [`TEXT_BYTES_MAX`] and
//!   [`TOKENS_MAX`]; nesting is bounded by [`DEPTH_MAX`], so that recursion can't exhaust a stack.
//! - Every error has the position where reading stopped, what was found and what was expected.
//! - Printing an [`Object`] and parsing the result gives an equal tree, positions apart.

mod json;
mod lexer;
mod parser;
mod print;

#[cfg(test)]
mod tests;

use std::fmt;

/// The longest text, in bytes. The same as the limit of a stored policy in Vault's storage.
pub const TEXT_BYTES_MAX: usize = 1 << 20;
/// The deepest nesting of objects and lists. Vault's own configuration reaches 5.
pub const DEPTH_MAX: usize = 64;
/// The most tokens in one text. Bounds the memory of the tree to some tens of MiB.
pub const TOKENS_MAX: usize = 200_000;

/// Parses a text: JSON when its first character that is not white space is `{`, else HCL.
///
/// A byte order mark at the beginning is skipped.
///
/// # Errors
/// [`SyntaxError`] for text that is neither, or that exceeds a limit.
pub fn parse(text: &str) -> Result<Object, SyntaxError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(SyntaxError::new(
            Position::START,
            Fault::TooLarge { bytes: text.len() },
            "a text of at most 1 MiB",
        ));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with('{') {
        json::parse(text)
    } else {
        parser::parse(text)
    }
}

/// The beginning of a text of unknown length, for errors.
pub(crate) fn excerpt(text: &str) -> String {
    const CHARS_MAX: usize = 64;
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A place in a text. Both numbers begin at 1; columns count characters, not bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The character in the line.
    pub column: u32,
}

impl Position {
    /// The beginning of a text.
    pub const START: Self = Self { line: 1, column: 1 };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// An ordered list of items; keys may repeat.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// The items in the order of the text.
    pub items: Vec<Item>,
    /// Where the object begins.
    pub position: Position,
}

/// `key = value`, `key { ... }` or `key "label" { ... }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The name of the item.
    pub key: Key,
    /// The labels of a block; empty for attributes and in JSON.
    pub labels: Vec<Key>,
    /// What the item holds; an object for blocks.
    pub value: Value,
}

/// A key or a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The text without quotes, escapes replaced.
    pub text: String,
    /// Where the key begins.
    pub position: Position,
}

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// The value itself.
    pub kind: ValueKind,
    /// Where the value begins.
    pub position: Position,
}

/// The values that HCL 1 and JSON know.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueKind {
    /// A quoted string or a heredoc.
    String(String),
    /// A whole number: decimal, `0x` hexadecimal or `0` octal.
    Integer(i64),
    /// A finite number with a fraction or an exponent.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// JSON's `null`. HCL has none.
    Null,
    /// `[a, b]`.
    List(Vec<Value>),
    /// `{ ... }`.
    Object(Object),
}

impl ValueKind {
    /// The kind in words, with article: for errors that say what was found.
    #[must_use]
    pub const fn describe(&self) -> &'static str {
        match self {
            Self::String(_) => "a string",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::Bool(_) => "a boolean",
            Self::Null => "null",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

/// Why a text can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    position: Position,
    fault: Fault,
    expected: &'static str,
}

impl SyntaxError {
    pub(crate) const fn new(position: Position, fault: Fault, expected: &'static str) -> Self {
        Self {
            position,
            fault,
            expected,
        }
    }

    /// Where reading stopped.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
    }

    /// What is wrong there.
    #[must_use]
    pub const fn fault(&self) -> &Fault {
        &self.fault
    }

    /// What would have been right.
    #[must_use]
    pub const fn expected(&self) -> &'static str {
        self.expected
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "At {}: {}; expected {}",
            self.position, self.fault, self.expected
        )
    }
}

impl std::error::Error for SyntaxError {}

/// What is wrong at a place of a text.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A character that begins nothing, or that may not be here.
    Character(char),
    /// A token that does not fit here, in words.
    Token(String),
    /// The text ends too early.
    End,
    /// A string whose quote is not closed on its line.
    StringNotTerminated,
    /// A `/*` without `*/`.
    CommentNotTerminated,
    /// A heredoc without its end marker.
    HeredocNotTerminated,
    /// A backslash with something that is not an escape.
    Escape,
    /// A number that is malformed or not representable.
    Number(String),
    /// JSON only: the same member twice in one object.
    DuplicateMember(String),
    /// More than [`DEPTH_MAX`] levels.
    TooDeep,
    /// More than [`TEXT_BYTES_MAX`] bytes.
    TooLarge {
        /// The size of the text.
        bytes: usize,
    },
    /// More than [`TOKENS_MAX`] tokens.
    TooManyTokens,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Character(found) => write!(f, "illegal character {found:?}"),
            Self::Token(found) => write!(f, "unexpected {found}"),
            Self::End => f.write_str("the text ends too early"),
            Self::StringNotTerminated => f.write_str("string not terminated"),
            Self::CommentNotTerminated => f.write_str("comment not terminated"),
            Self::HeredocNotTerminated => f.write_str("heredoc not terminated"),
            Self::Escape => f.write_str("illegal escape in a string"),
            Self::Number(text) => write!(f, "invalid number `{text}`"),
            Self::DuplicateMember(name) => write!(f, "member {name:?} appears twice"),
            Self::TooDeep => write!(f, "nested deeper than {DEPTH_MAX} levels"),
            Self::TooLarge { bytes } => write!(f, "the text has {bytes} bytes"),
            Self::TooManyTokens => write!(f, "the text has more than {TOKENS_MAX} tokens"),
        }
    }
}
