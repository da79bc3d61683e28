//! Characters to tokens, for HCL. Comments and white space end here.
//!
//! [`Cursor`] is shared with the JSON reader: it counts lines, columns and tokens.

use super::{Fault, Position, SyntaxError, TOKENS_MAX, excerpt};

/// A token of HCL 1.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A bare word: letters, digits, `_`, `-` and `.`, beginning with a letter or `_`.
    Ident(String),
    /// A quoted string or heredoc with its escapes replaced.
    String(String),
    Integer(i64),
    Float(f64),
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,
    Comma,
    Assign,
    End,
}

impl Token {
    /// The token in words, for errors.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Ident(text) => format!("word `{}`", excerpt(text)),
            Self::String(_) => "string".to_owned(),
            Self::Integer(_) | Self::Float(_) => "number".to_owned(),
            Self::OpenBrace => "`{`".to_owned(),
            Self::CloseBrace => "`}`".to_owned(),
            Self::OpenBracket => "`[`".to_owned(),
            Self::CloseBracket => "`]`".to_owned(),
            Self::Comma => "`,`".to_owned(),
            Self::Assign => "`=`".to_owned(),
            Self::End => "end of the text".to_owned(),
        }
    }
}

/// A place in the text that moves forward.
pub(super) struct Cursor<'a> {
    rest: &'a str,
    position: Position,
    tokens: usize,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self {
            rest: text,
            position: Position::START,
            tokens: 0,
        }
    }

    pub(super) const fn position(&self) -> Position {
        self.position
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.rest = self.rest.get(next.len_utf8()..).unwrap_or_default();
        if next == '\n' {
            self.position.line += 1;
            self.position.column = 1;
        } else {
            self.position.column += 1;
        }
        Some(next)
    }

    /// Consumes `expected` if it is next.
    pub(super) fn eat(&mut self, expected: &str) -> bool {
        let is_next = self.rest.starts_with(expected);
        if is_next {
            for _ in expected.chars() {
                self.next();
            }
        }
        is_next
    }

    /// Consumes characters while `wanted` holds, and gives them.
    pub(super) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let start = self.rest;
        while self.peek().is_some_and(&wanted) {
            self.next();
        }
        start
            .get(..start.len() - self.rest.len())
            .unwrap_or_default()
    }

    /// Counts a token.
    pub(super) fn count_token(&mut self) -> Result<(), SyntaxError> {
        self.tokens += 1;
        if self.tokens > TOKENS_MAX {
            return Err(self.error(Fault::TooManyTokens, "a smaller text"));
        }
        Ok(())
    }

    pub(super) const fn error(&self, fault: Fault, expected: &'static str) -> SyntaxError {
        SyntaxError::new(self.position, fault, expected)
    }

    /// An error about the character that is next.
    pub(super) fn unexpected(&self, expected: &'static str) -> SyntaxError {
        self.error(self.peek().map_or(Fault::End, Fault::Character), expected)
    }

    /// Reads exactly `count` digits of `radix`.
    pub(super) fn digits(&mut self, count: usize, radix: u32) -> Result<u32, SyntaxError> {
        let mut value = 0u32;
        for _ in 0..count {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(radix)) else {
                return Err(self.error(Fault::Escape, "the digits of a character code"));
            };
            self.next();
            // Eight hexadecimal digits fill a u32 exactly.
            value = value.wrapping_mul(radix).wrapping_add(digit);
        }
        Ok(value)
    }
}

/// Gives the tokens of a text one by one.
pub(super) struct Lexer<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Lexer<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self {
            cursor: Cursor::new(text),
        }
    }

    /// The next token and where it begins; [`Token::End`] again and again at the end.
    pub(super) fn next(&mut self) -> Result<(Token, Position), SyntaxError> {
        self.skip_blank()?;
        self.cursor.count_token()?;
        let start = self.cursor.position();
        let Some(first) = self.cursor.peek() else {
            return Ok((Token::End, start));
        };
        let punctuation = match first {
            '{' => Some(Token::OpenBrace),
            '}' => Some(Token::CloseBrace),
            '[' => Some(Token::OpenBracket),
            ']' => Some(Token::CloseBracket),
            ',' => Some(Token::Comma),
            '=' => Some(Token::Assign),
            _ => None,
        };
        if let Some(token) = punctuation {
            self.cursor.next();
            return Ok((token, start));
        }
        let token = match first {
            '"' => Token::String(self.string()?),
            '<' => Token::String(self.heredoc()?),
            '-' | '0'..='9' => self.number()?,
            c if is_word_start(c) => Token::Ident(self.cursor.take_while(is_word).to_owned()),
            _ => return Err(self.cursor.unexpected("a key, a value or a bracket")),
        };
        Ok((token, start))
    }

    /// Skips white space and comments.
    fn skip_blank(&mut self) -> Result<(), SyntaxError> {
        loop {
            self.cursor
                .take_while(|c| matches!(c, ' ' | '\t' | '\r' | '\n'));
            if self.cursor.eat("#") || self.cursor.eat("//") {
                self.cursor.take_while(|c| c != '\n');
            } else if self.cursor.eat("/*") {
                while !self.cursor.eat("*/") {
                    if self.cursor.next().is_none() {
                        return Err(self.cursor.error(Fault::CommentNotTerminated, "`*/`"));
                    }
                }
            } else {
                return Ok(());
            }
        }
    }

    /// A quoted string. `${...}` is copied as it is: quotes and backslashes inside it do not count,
    /// as in HCL 1, where they belong to the interpolated expression.
    fn string(&mut self) -> Result<String, SyntaxError> {
        const CLOSED: &str = "`\"` before the end of the line";
        let not_terminated = |cursor: &Cursor<'_>| cursor.error(Fault::StringNotTerminated, CLOSED);
        let mut text = String::new();
        let mut interpolation_depth = 0usize;
        self.cursor.next();
        loop {
            if self.cursor.eat("${") {
                text.push_str("${");
                interpolation_depth += 1;
                continue;
            }
            let next = self
                .cursor
                .peek()
                .ok_or_else(|| not_terminated(&self.cursor))?;
            if next == '\n' {
                return Err(not_terminated(&self.cursor));
            }
            if next == '\0' {
                return Err(self.cursor.unexpected("a string without NUL characters"));
            }
            self.cursor.next();
            match next {
                '{' if interpolation_depth > 0 => interpolation_depth += 1,
                '}' if interpolation_depth > 0 => interpolation_depth -= 1,
                '"' if interpolation_depth == 0 => return Ok(text),
                '\\' if interpolation_depth == 0 => {
                    text.push(self.escape()?);
                    continue;
                }
                _ => {}
            }
            text.push(next);
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Result<char, SyntaxError> {
        const ESCAPES: &str =
            "one of \\a \\b \\f \\n \\r \\t \\v \\\\ \\\" \\ooo \\xhh \\uhhhh \\Uhhhhhhhh";
        let illegal = |cursor: &Cursor<'_>| cursor.error(Fault::Escape, ESCAPES);
        let code = match self.cursor.peek() {
            Some('x') => (2, 16),
            Some('u') => (4, 16),
            Some('U') => (8, 16),
            Some('0'..='7') => (3, 8),
            Some(simple) => {
                let escaped = match simple {
                    'a' => '\u{7}',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'v' => '\u{b}',
                    '\\' | '"' => simple,
                    _ => return Err(illegal(&self.cursor)),
                };
                self.cursor.next();
                return Ok(escaped);
            }
            None => return Err(illegal(&self.cursor)),
        };
        let (digits, radix) = code;
        if radix == 16 {
            self.cursor.next();
        }
        let value = self.cursor.digits(digits, radix)?;
        // \ooo and \xhh give bytes in Go; a byte above 127 alone is no character.
        let is_byte = digits <= 3;
        match char::from_u32(value) {
            Some(c) if c != '\0' && (!is_byte || c.is_ascii()) => Ok(c),
            _ => Err(self.cursor.error(Fault::Escape, "the code of a character")),
        }
    }

    /// `<<MARK` or `<<-MARK`, then lines, then the mark on a line of its own, which may be indented.
    fn heredoc(&mut self) -> Result<String, SyntaxError> {
        if !self.cursor.eat("<<") {
            return Err(self.cursor.unexpected("`<<` of a heredoc"));
        }
        let is_indented = self.cursor.eat("-");
        let mark = self.cursor.take_while(|c| c.is_alphanumeric() || c == '_');
        self.cursor.eat("\r");
        if mark.is_empty() || !self.cursor.eat("\n") {
            return Err(self
                .cursor
                .unexpected("a mark and the end of the line after `<<`"));
        }
        let mut lines = Vec::new();
        loop {
            let line = self.cursor.take_while(|c| c != '\n' && c != '\0');
            if self.cursor.peek() == Some('\0') {
                return Err(self.cursor.unexpected("a heredoc without NUL characters"));
            }
            let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
            if line.trim_matches([' ', '\t', '\r']) == mark {
                let margin = if is_indented {
                    line.get(..indent).unwrap_or_default()
                } else {
                    ""
                };
                return Ok(unindented(&lines, margin));
            }
            lines.push(line);
            if !self.cursor.eat("\n") {
                return Err(self
                    .cursor
                    .error(Fault::HeredocNotTerminated, "the end mark"));
            }
        }
    }

    /// A number and whatever is stuck to it, so that `5m` is one fault and not two tokens.
    fn number(&mut self) -> Result<Token, SyntaxError> {
        let start = self.cursor.position();
        let mut text = String::new();
        while let Some(next) = self.cursor.peek() {
            let is_part = next.is_ascii_alphanumeric() || matches!(next, '.' | '_');
            let is_sign =
                matches!(next, '+' | '-') && (text.is_empty() || text.ends_with(['e', 'E']));
            if !is_part && !is_sign {
                break;
            }
            text.push(next);
            self.cursor.next();
        }
        parse_number(&text).ok_or_else(|| {
            SyntaxError::new(
                start,
                Fault::Number(excerpt(&text)),
                "a number in the range of 64 bits; a duration goes in quotes",
            )
        })
    }
}

/// The text of a heredoc: `margin` is taken from every line if every line has it (HCL 1's rule).
fn unindented(lines: &[&str], margin: &str) -> String {
    let all_indented = lines.iter().all(|line| line.starts_with(margin));
    let mut text = String::new();
    for line in lines {
        let kept = if all_indented {
            line.strip_prefix(margin)
        } else {
            None
        };
        text.push_str(kept.unwrap_or(line));
        text.push('\n');
    }
    text
}

fn parse_number(text: &str) -> Option<Token> {
    let (negative, magnitude) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let radix = if let Some(hex) = magnitude
        .strip_prefix("0x")
        .or(magnitude.strip_prefix("0X"))
    {
        Some((hex, 16))
    } else if magnitude.len() > 1 && magnitude.starts_with('0') && is_digits(magnitude) {
        Some((magnitude, 8))
    } else if is_digits(magnitude) {
        Some((magnitude, 10))
    } else {
        None
    };
    if let Some((digits, radix)) = radix {
        if !digits.chars().all(|c| c.is_digit(radix)) {
            return None;
        }
        let magnitude = i128::from_str_radix(digits, radix).ok()?;
        let value = if negative { -magnitude } else { magnitude };
        return i64::try_from(value).ok().map(Token::Integer);
    }
    // Rust's grammar of floats also knows words and a bare leading or trailing point.
    let plain = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    if !magnitude.chars().all(plain) || magnitude.starts_with('.') || magnitude.ends_with('.') {
        return None;
    }
    text.parse::<f64>()
        .ok()
        .filter(|value| value.is_finite())
        .map(Token::Float)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_word_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn is_word(c: char) -> bool {
    is_word_start(c) || c.is_numeric() || matches!(c, '-' | '.')
}
