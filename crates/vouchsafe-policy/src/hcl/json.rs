//! JSON (RFC 8259) to the tree of HCL, with positions.
//!
//! Stricter than Vault's reader: a text after the object, an unclosed object and a repeated member
//! are errors, since two readers of such a policy may understand two different things.

use std::collections::HashSet;

use super::lexer::Cursor;
use super::{DEPTH_MAX, Fault, Item, Key, Object, SyntaxError, Value, ValueKind, excerpt};

pub(super) fn parse(text: &str) -> Result<Object, SyntaxError> {
    let mut reader = Reader {
        cursor: Cursor::new(text),
        depth: 0,
    };
    reader.skip_space();
    let object = reader.object()?;
    reader.skip_space();
    if reader.cursor.peek().is_some() {
        return Err(reader.cursor.unexpected("nothing after the JSON object"));
    }
    Ok(object)
}

struct Reader<'a> {
    cursor: Cursor<'a>,
    depth: usize,
}

impl Reader<'_> {
    fn skip_space(&mut self) {
        self.cursor
            .take_while(|c| matches!(c, ' ' | '\t' | '\r' | '\n'));
    }

    fn value(&mut self) -> Result<Value, SyntaxError> {
        self.cursor.count_token()?;
        let position = self.cursor.position();
        let kind = match self.cursor.peek() {
            Some('{') => ValueKind::Object(self.object()?),
            Some('[') => ValueKind::List(self.list()?),
            Some('"') => ValueKind::String(self.string()?),
            Some('-' | '0'..='9') => self.number()?,
            Some('a'..='z') => match self.cursor.take_while(|c| c.is_ascii_alphabetic()) {
                "true" => ValueKind::Bool(true),
                "false" => ValueKind::Bool(false),
                "null" => ValueKind::Null,
                word => {
                    let fault = Fault::Token(format!("word `{}`", excerpt(word)));
                    return Err(SyntaxError::new(position, fault, "a JSON value"));
                }
            },
            _ => return Err(self.cursor.unexpected("a JSON value")),
        };
        Ok(Value { kind, position })
    }

    fn enter(&mut self) -> Result<(), SyntaxError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.cursor.error(Fault::TooDeep, "less nesting"));
        }
        Ok(())
    }

    fn object(&mut self) -> Result<Object, SyntaxError> {
        let position = self.cursor.position();
        self.enter()?;
        self.cursor.next();
        let mut items = Vec::new();
        let mut names = HashSet::new();
        self.skip_space();
        if !self.cursor.eat("}") {
            loop {
                let item = self.member()?;
                if !names.insert(item.key.text.clone()) {
                    let fault = Fault::DuplicateMember(excerpt(&item.key.text));
                    return Err(SyntaxError::new(
                        item.key.position,
                        fault,
                        "each member once",
                    ));
                }
                items.push(item);
                if self.ends("}", "`,` or `}` after a member")? {
                    break;
                }
            }
        }
        self.depth -= 1;
        Ok(Object { items, position })
    }

    fn member(&mut self) -> Result<Item, SyntaxError> {
        self.skip_space();
        self.cursor.count_token()?;
        let position = self.cursor.position();
        if self.cursor.peek() != Some('"') {
            return Err(self.cursor.unexpected("a member name in quotes"));
        }
        let text = self.string()?;
        self.skip_space();
        if !self.cursor.eat(":") {
            return Err(self.cursor.unexpected("`:` after a member name"));
        }
        self.skip_space();
        let value = self.value()?;
        Ok(Item {
            key: Key { text, position },
            labels: Vec::new(),
            value,
        })
    }

    fn list(&mut self) -> Result<Vec<Value>, SyntaxError> {
        self.enter()?;
        self.cursor.next();
        let mut values = Vec::new();
        self.skip_space();
        if !self.cursor.eat("]") {
            loop {
                self.skip_space();
                values.push(self.value()?);
                if self.ends("]", "`,` or `]` after a value of a list")? {
                    break;
                }
            }
        }
        self.depth -= 1;
        Ok(values)
    }

    /// Consumes a comma (more follows) or `close` (true).
    fn ends(&mut self, close: &str, expected: &'static str) -> Result<bool, SyntaxError> {
        self.skip_space();
        if self.cursor.eat(",") {
            Ok(false)
        } else if self.cursor.eat(close) {
            Ok(true)
        } else {
            Err(self.cursor.unexpected(expected))
        }
    }

    fn string(&mut self) -> Result<String, SyntaxError> {
        let mut text = String::new();
        self.cursor.next();
        loop {
            match self.cursor.peek() {
                None => return Err(self.cursor.error(Fault::StringNotTerminated, "`\"`")),
                Some('"') => {
                    self.cursor.next();
                    return Ok(text);
                }
                Some('\\') => {
                    self.cursor.next();
                    text.push(self.escape()?);
                }
                Some(control) if control < ' ' => {
                    return Err(self.cursor.unexpected("control characters to be escaped"));
                }
                Some(plain) => {
                    text.push(plain);
                    self.cursor.next();
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, SyntaxError> {
        let escaped = match self.cursor.peek() {
            Some('u') => {
                self.cursor.next();
                return self.unicode_escape();
            }
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some(same @ ('"' | '\\' | '/')) => same,
            _ => return Err(self.cursor.error(Fault::Escape, "an escape of JSON")),
        };
        self.cursor.next();
        Ok(escaped)
    }

    /// The digits of `\uXXXX`, and of the second half of a surrogate pair.
    fn unicode_escape(&mut self) -> Result<char, SyntaxError> {
        let mut code = self.cursor.digits(4, 16)?;
        if (0xd800..0xdc00).contains(&code) && self.cursor.eat("\\u") {
            let low = self.cursor.digits(4, 16)?;
            if (0xdc00..0xe000).contains(&low) {
                code = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            }
        }
        match char::from_u32(code) {
            Some(c) if c != '\0' => Ok(c),
            _ => Err(self.cursor.error(Fault::Escape, "the code of a character")),
        }
    }

    fn number(&mut self) -> Result<ValueKind, SyntaxError> {
        let start = self.cursor.position();
        let wanted = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.');
        let text = self.cursor.take_while(wanted);
        parse_number(text).ok_or_else(|| {
            let fault = Fault::Number(excerpt(text));
            SyntaxError::new(start, fault, "a JSON number in the range of 64 bits")
        })
    }
}

fn parse_number(text: &str) -> Option<ValueKind> {
    let magnitude = text.strip_prefix('-').unwrap_or(text);
    let mut integer_digits = magnitude.bytes().take_while(u8::is_ascii_digit);
    let first = integer_digits.next()?;
    if first == b'0' && integer_digits.next().is_some() {
        return None;
    }
    if magnitude.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(ValueKind::Integer);
    }
    // Rust's grammar of floats also knows words and a bare trailing point.
    let plain = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    if !magnitude.chars().all(plain) || magnitude.ends_with('.') || magnitude.contains(".e") {
        return None;
    }
    text.parse::<f64>()
        .ok()
        .filter(|value| value.is_finite())
        .map(ValueKind::Float)
}
