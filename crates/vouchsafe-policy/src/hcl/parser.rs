//! Tokens to the tree, for HCL.
//!
//! Recursive descent; every level counts against [`DEPTH_MAX`] before it is entered.

use super::lexer::{Lexer, Token};
use super::{DEPTH_MAX, Fault, Item, Key, Object, Position, SyntaxError, Value, ValueKind};

/// The most keys before `{`: a block name and its labels.
const KEYS_MAX: usize = 8;

pub(super) fn parse(text: &str) -> Result<Object, SyntaxError> {
    let mut parser = Parser {
        lexer: Lexer::new(text),
        peeked: None,
        depth: 0,
    };
    let items = parser.items(&Token::End)?;
    Ok(Object {
        items,
        position: Position::START,
    })
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    peeked: Option<(Token, Position)>,
    depth: usize,
}

impl Parser<'_> {
    fn next(&mut self) -> Result<(Token, Position), SyntaxError> {
        match self.peeked.take() {
            Some(peeked) => Ok(peeked),
            None => self.lexer.next(),
        }
    }

    fn peek(&mut self) -> Result<&Token, SyntaxError> {
        if self.peeked.is_none() {
            self.peeked = Some(self.lexer.next()?);
        }
        Ok(self.peeked.as_ref().map_or(&Token::End, |(token, _)| token))
    }

    /// Consumes the next token if it is `token`.
    fn eat(&mut self, token: &Token) -> Result<bool, SyntaxError> {
        let is_next = self.peek()? == token;
        if is_next {
            self.peeked = None;
        }
        Ok(is_next)
    }

    fn enter(&mut self, position: Position) -> Result<(), SyntaxError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(SyntaxError::new(position, Fault::TooDeep, "less nesting"));
        }
        Ok(())
    }

    /// Items up to and including `close`. A comma may follow each.
    fn items(&mut self, close: &Token) -> Result<Vec<Item>, SyntaxError> {
        let mut items = Vec::new();
        loop {
            if self.eat(close)? {
                return Ok(items);
            }
            items.push(self.item()?);
            self.eat(&Token::Comma)?;
        }
    }

    fn item(&mut self) -> Result<Item, SyntaxError> {
        const AFTER_KEY: &str = "`=`, `{` or a label in quotes after a key";
        let key = self.key()?;
        if self.eat(&Token::Assign)? {
            let value = self.value()?;
            return Ok(Item {
                key,
                labels: Vec::new(),
                value,
            });
        }
        let mut labels = Vec::new();
        loop {
            match self.peek()? {
                Token::OpenBrace => {
                    let value = self.value()?;
                    return Ok(Item { key, labels, value });
                }
                Token::Ident(_) | Token::String(_) if labels.len() + 1 < KEYS_MAX => {
                    labels.push(self.key()?);
                }
                _ => {
                    let (token, position) = self.next()?;
                    return Err(unexpected(&token, position, AFTER_KEY));
                }
            }
        }
    }

    fn key(&mut self) -> Result<Key, SyntaxError> {
        let (token, position) = self.next()?;
        match token {
            Token::Ident(text) | Token::String(text) => Ok(Key { text, position }),
            token => Err(unexpected(
                &token,
                position,
                "a key, or the end of the object",
            )),
        }
    }

    fn value(&mut self) -> Result<Value, SyntaxError> {
        let (token, position) = self.next()?;
        let kind = match token {
            Token::String(text) => ValueKind::String(text),
            Token::Integer(number) => ValueKind::Integer(number),
            Token::Float(number) => ValueKind::Float(number),
            Token::Ident(word) if word == "true" => ValueKind::Bool(true),
            Token::Ident(word) if word == "false" => ValueKind::Bool(false),
            Token::OpenBrace => {
                self.enter(position)?;
                let items = self.items(&Token::CloseBrace)?;
                self.depth -= 1;
                ValueKind::Object(Object { items, position })
            }
            Token::OpenBracket => {
                self.enter(position)?;
                let values = self.list()?;
                self.depth -= 1;
                ValueKind::List(values)
            }
            token => {
                let expected = "a string in quotes, a number, a boolean, a list or an object";
                return Err(unexpected(&token, position, expected));
            }
        };
        Ok(Value { kind, position })
    }

    /// Values up to and including `]`, with commas between them; one may follow the last.
    fn list(&mut self) -> Result<Vec<Value>, SyntaxError> {
        let mut values = Vec::new();
        loop {
            if self.eat(&Token::CloseBracket)? {
                return Ok(values);
            }
            values.push(self.value()?);
            if !self.eat(&Token::Comma)? && *self.peek()? != Token::CloseBracket {
                let (token, position) = self.next()?;
                return Err(unexpected(
                    &token,
                    position,
                    "`,` or `]` after a value of a list",
                ));
            }
        }
    }
}

fn unexpected(token: &Token, position: Position, expected: &'static str) -> SyntaxError {
    SyntaxError::new(position, Fault::Token(token.describe()), expected)
}
