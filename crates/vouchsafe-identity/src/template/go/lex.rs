//! Tokens of one Go template action.

use std::iter::Peekable;
use std::str::CharIndices;

use crate::template::error::Fault;
use crate::template::scan::{Closed, closing};

/// A token and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::template) struct Token<'s> {
    pub(super) at: usize,
    /// Whether white space stands before it: `$x .y` are two operands, `$x.y` is one.
    pub(super) spaced: bool,
    pub(super) kind: TokenKind<'s>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind<'s> {
    Assign,
    Comma,
    Declare,
    Dot,
    /// `.name`, without the dot.
    Field(&'s str),
    Float(f64),
    Identifier(&'s str),
    Int(i64),
    LeftParen,
    Pipe,
    RightParen,
    Text(String),
    /// `$name`, without the dollar sign.
    Variable(&'s str),
}

impl Token<'_> {
    /// The text of a text constant.
    pub(in crate::template) fn text(&self) -> Option<&str> {
        match &self.kind {
            TokenKind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The name of a field.
    pub(in crate::template) fn field(&self) -> Option<&str> {
        match &self.kind {
            TokenKind::Field(name) => Some(name),
            _ => None,
        }
    }
}

/// Tokens from byte `inner` up to the closing delimiter; `open` is where the action starts.
pub(in crate::template) fn action(
    source: &str,
    open: usize,
    inner: usize,
) -> Result<(Vec<Token<'_>>, Closed), Fault> {
    let mut tokens = Vec::new();
    let mut at = inner;
    let mut spaced = false;
    loop {
        if let Some(closed) = closing(source, at) {
            return Ok((tokens, closed));
        }
        let rest = &source[at..];
        let Some(first) = rest.chars().next() else {
            return Err(Fault::action(
                open,
                "the action is not closed: expected `}}`",
            ));
        };
        if matches!(first, ' ' | '\t' | '\r' | '\n') {
            spaced = true;
            at += 1;
            continue;
        }
        let (kind, length) = token(rest, first, at)?;
        tokens.push(Token { at, spaced, kind });
        spaced = false;
        at += length;
    }
}

/// The token at the start of `rest`, and its length in bytes.
fn token(rest: &str, first: char, at: usize) -> Result<(TokenKind<'_>, usize), Fault> {
    let second = rest[first.len_utf8()..].chars().next();
    let single = |kind| Ok((kind, 1));
    match first {
        '|' => single(TokenKind::Pipe),
        ',' => single(TokenKind::Comma),
        '(' => single(TokenKind::LeftParen),
        ')' => single(TokenKind::RightParen),
        '=' => single(TokenKind::Assign),
        ':' if second == Some('=') => Ok((TokenKind::Declare, 2)),
        '"' => quoted(rest, at),
        '`' => raw(rest, at),
        '\'' => character(rest, at),
        '$' => {
            let name = word(&rest[1..]);
            Ok((TokenKind::Variable(name), 1 + name.len()))
        }
        '.' if second.is_some_and(|c| c.is_ascii_digit()) => number(rest, at),
        '.' => {
            let name = word(&rest[1..]);
            reject_hyphen(rest, 1 + name.len(), at)?;
            let kind = if name.is_empty() {
                TokenKind::Dot
            } else {
                TokenKind::Field(name)
            };
            Ok((kind, 1 + name.len()))
        }
        '+' | '-' | '0'..='9' => number(rest, at),
        _ if is_word(first) => {
            let name = word(rest);
            Ok((TokenKind::Identifier(name), name.len()))
        }
        _ => Err(Fault::action(
            at,
            format!("unexpected {first:?} in an action"),
        )),
    }
}

/// `.metadata.cost-center` reads as a subtraction to some; Go refuses it, and so do we, with
/// advice.
fn reject_hyphen(rest: &str, end: usize, at: usize) -> Result<(), Fault> {
    if rest[end..].starts_with('-') && !rest[end..].starts_with("-}}") {
        return Err(Fault::action(
            at + end,
            "a name in `.a.b` holds letters, digits and `_` only; for other keys write `index \
             .entity.metadata \"key\"`",
        ));
    }
    Ok(())
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn word(text: &str) -> &str {
    &text[..text.find(|c| !is_word(c)).unwrap_or(text.len())]
}

fn number(rest: &str, at: usize) -> Result<(TokenKind<'_>, usize), Fault> {
    let mut previous = ' ';
    let length = rest
        .char_indices()
        .find(|(index, c)| {
            let sign = matches!(c, '+' | '-') && (*index == 0 || matches!(previous, 'e' | 'E'));
            previous = *c;
            !(sign || *c == '.' || is_word(*c))
        })
        .map_or(rest.len(), |(index, _)| index);
    let text = &rest[..length];
    let fault = || Fault::action(at, format!("`{text}` is not a number"));
    if let Some(value) = integer(text) {
        return Ok((TokenKind::Int(value), length));
    }
    let digits = text.trim_start_matches(['+', '-']);
    let octal = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    // Rust would read `inf` and `nan` as well.
    if octal || !digits.contains(|c: char| c.is_ascii_digit()) || text.contains('_') {
        return Err(fault());
    }
    let value: f64 = text.parse().map_err(|_| fault())?;
    if !value.is_finite() {
        return Err(fault());
    }
    Ok((TokenKind::Float(value), length))
}

/// A decimal, `0x`, `0o` or `0b` integer. A leading zero alone is refused: Go reads it as octal,
/// most people as decimal.
fn integer(text: &str) -> Option<i64> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let (radix, digits) = match digits.get(..2) {
        Some("0x" | "0X") => (16, &digits[2..]),
        Some("0o" | "0O") => (8, &digits[2..]),
        Some("0b" | "0B") => (2, &digits[2..]),
        _ => (10, digits),
    };
    if digits.starts_with(['+', '-'])
        || (radix == 10 && digits.len() > 1 && digits.starts_with('0'))
    {
        return None;
    }
    let magnitude = i128::from(u64::from_str_radix(digits, radix).ok()?);
    i64::try_from(sign * magnitude).ok()
}

fn raw(rest: &str, at: usize) -> Result<(TokenKind<'_>, usize), Fault> {
    let end = rest[1..]
        .find('`')
        .ok_or_else(|| Fault::action(at, "the raw string is not closed"))?;
    Ok((TokenKind::Text(rest[1..=end].replace('\r', "")), end + 2))
}

fn character(rest: &str, at: usize) -> Result<(TokenKind<'_>, usize), Fault> {
    let (bytes, length) = unquote(rest, '\'', at)?;
    let text = String::from_utf8(bytes).unwrap_or_default();
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(only), None) => Ok((TokenKind::Int(i64::from(u32::from(only))), length)),
        _ => Err(Fault::action(
            at,
            "a character constant holds one character; use \"…\" for text",
        )),
    }
}

fn quoted(rest: &str, at: usize) -> Result<(TokenKind<'_>, usize), Fault> {
    let (bytes, length) = unquote(rest, '"', at)?;
    let text =
        String::from_utf8(bytes).map_err(|_| Fault::action(at, "the string is not UTF-8 text"))?;
    Ok((TokenKind::Text(text), length))
}

/// The bytes of a quoted constant with Go's escapes, and its length in the source.
fn unquote(rest: &str, quote: char, at: usize) -> Result<(Vec<u8>, usize), Fault> {
    let unclosed = || Fault::action(at, "the string is not closed");
    let mut bytes = Vec::new();
    let mut chars = rest.char_indices().peekable();
    chars.next();
    loop {
        let (index, c) = chars.next().ok_or_else(unclosed)?;
        match c {
            '\n' => return Err(unclosed()),
            '\\' => {
                let (_, escape) = chars.next().ok_or_else(unclosed)?;
                unescape(escape, quote, &mut chars, &mut bytes)
                    .ok_or_else(|| Fault::action(at + index, "unknown escape in a string"))?;
            }
            c if c == quote => return Ok((bytes, index + 1)),
            c => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// One escape after its backslash; `None` if Go has no such escape.
fn unescape(
    escape: char,
    quote: char,
    chars: &mut Peekable<CharIndices<'_>>,
    bytes: &mut Vec<u8>,
) -> Option<()> {
    let mut digits = |mut value: u32, count: usize, radix: u32| {
        for _ in 0..count {
            let (_, digit) = chars.next()?;
            value = value
                .checked_mul(radix)?
                .checked_add(digit.to_digit(radix)?)?;
        }
        Some(value)
    };
    let byte = match escape {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0c,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0b,
        '\\' => b'\\',
        _ if escape == quote => u8::try_from(escape).ok()?,
        'x' => u8::try_from(digits(0, 2, 16)?).ok()?,
        '0'..='7' => u8::try_from(digits(escape.to_digit(8)?, 2, 8)?).ok()?,
        'u' | 'U' => {
            let code = digits(0, if escape == 'u' { 4 } else { 8 }, 16)?;
            let decoded = char::from_u32(code)?;
            bytes.extend_from_slice(decoded.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(());
        }
        _ => return None,
    };
    bytes.push(byte);
    Some(())
}
