//! From tokens to settings, blocks and comments, in the file's order.

use super::DEPTH_MAX;
use super::lex::{Kind, Token};

/// One thing of a file or block.
pub(super) struct Item {
    /// Whether a blank line came before it.
    pub(super) apart: bool,
    /// Comments on the lines before it.
    pub(super) lead: Vec<String>,
    pub(super) content: Content,
    /// A comment on its last line.
    pub(super) tail: Option<String>,
}

/// What an item is.
pub(super) enum Content {
    /// Comments that belong to nothing.
    Comments,
    /// `name "label" { … }`.
    Block { names: Vec<String>, body: Vec<Item> },
    /// `name = value`.
    Setting { name: String, value: Value },
}

/// A setting's value.
pub(super) enum Value {
    List { items: Vec<Self>, spread: bool },
    Map(Vec<Item>),
    Scalar(String),
}

/// The items of a file.
pub(super) fn file(tokens: &[Token]) -> Result<Vec<Item>, String> {
    let mut parser = Parser {
        tokens,
        at: 0,
        last_line: 0,
    };
    let items = parser.items(None, 0)?;
    Ok(items)
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    last_line: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<&'a Token> {
        let token = self.tokens.get(self.at)?;
        self.at += 1;
        self.last_line = token.end;
        Some(token)
    }

    fn skip(&mut self, sign: char) -> bool {
        let found = self
            .peek()
            .is_some_and(|token| token.kind == Kind::Sign(sign));
        if found {
            self.next();
        }
        found
    }

    fn expected(&self, what: &str) -> String {
        match self.peek() {
            Some(token) => format!("line {}: expected {what}", token.line),
            None => format!("the file ends where {what} is expected"),
        }
    }

    fn items(&mut self, end: Option<char>, depth: usize) -> Result<Vec<Item>, String> {
        if depth > DEPTH_MAX {
            return Err(format!(
                "{} at most {DEPTH_MAX} levels",
                self.expected("nesting of")
            ));
        }
        let mut items = Vec::new();
        loop {
            let apart = self
                .peek()
                .is_some_and(|token| token.line > self.last_line + 1);
            let lead = self.comments();
            let done = match end {
                Some(sign) => self.skip(sign),
                None => self.peek().is_none(),
            };
            if done {
                if !lead.is_empty() {
                    items.push(Item {
                        apart,
                        lead,
                        content: Content::Comments,
                        tail: None,
                    });
                }
                return Ok(items);
            }
            // A blank line after a comment parts it from what follows.
            let gap = self
                .peek()
                .is_some_and(|token| token.line > self.last_line + 1);
            if gap && !lead.is_empty() {
                items.push(Item {
                    apart,
                    lead,
                    content: Content::Comments,
                    tail: None,
                });
                continue;
            }
            let content = self.content(depth)?;
            self.skip(',');
            let tail = self.tail();
            items.push(Item {
                apart,
                lead,
                content,
                tail,
            });
        }
    }

    fn comments(&mut self) -> Vec<String> {
        let mut comments = Vec::new();
        while let Some(Token {
            kind: Kind::Comment(text),
            line,
            ..
        }) = self.peek()
        {
            if !comments.is_empty() && *line > self.last_line + 1 {
                break;
            }
            comments.push(text.clone());
            self.next();
        }
        comments
    }

    fn tail(&mut self) -> Option<String> {
        match self.peek() {
            Some(Token {
                kind: Kind::Comment(text),
                line,
                ..
            }) if *line == self.last_line => {
                self.next();
                Some(text.clone())
            }
            _ => None,
        }
    }

    fn content(&mut self, depth: usize) -> Result<Content, String> {
        let mut names = Vec::new();
        while let Some(Token {
            kind: Kind::Name(text) | Kind::Quoted(text),
            ..
        }) = self.peek()
        {
            names.push(text.clone());
            self.next();
        }
        match names.len() {
            0 => Err(self.expected("a name")),
            1 if self.skip('=') => {
                let value = self.value(depth)?;
                Ok(Content::Setting {
                    name: names.remove(0),
                    value,
                })
            }
            _ if self.skip('{') => Ok(Content::Block {
                names,
                body: self.items(Some('}'), depth + 1)?,
            }),
            1 => Err(self.expected("`=` or `{`")),
            _ => Err(self.expected("`{`")),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        if self.skip('{') {
            return Ok(Value::Map(self.items(Some('}'), depth + 1)?));
        }
        if self.skip('[') {
            return self.list(depth + 1);
        }
        match self.peek() {
            Some(Token {
                kind: Kind::Name(text) | Kind::Quoted(text) | Kind::Heredoc(text),
                ..
            }) => {
                let text = text.clone();
                self.next();
                Ok(Value::Scalar(text))
            }
            _ => Err(self.expected("a value")),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, String> {
        if depth > DEPTH_MAX {
            return Err(format!(
                "{} at most {DEPTH_MAX} levels",
                self.expected("nesting of")
            ));
        }
        let first = self.last_line;
        let mut items = Vec::new();
        loop {
            if self.skip(']') {
                return Ok(Value::List {
                    items,
                    spread: self.last_line > first,
                });
            }
            items.push(self.value(depth)?);
            if !self.skip(',')
                && !matches!(
                    self.peek(),
                    Some(Token {
                        kind: Kind::Sign(']'),
                        ..
                    })
                )
            {
                return Err(self.expected("`,` or `]`"));
            }
        }
    }
}
