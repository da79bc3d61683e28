//! From text to tokens.

/// A token and the line that it begins on, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) line: usize,
    /// The line that it ends on: heredocs and block comments span several.
    pub(super) end: usize,
}

/// What a token is. Texts are kept as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Comment(String),
    Heredoc(String),
    Name(String),
    Quoted(String),
    Sign(char),
}

/// The tokens of a text.
pub(super) fn tokens(source: &str) -> Result<Vec<Token>, String> {
    let mut lexer = Lexer {
        rest: source,
        line: 1,
    };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next()? {
        tokens.push(token);
    }
    Ok(tokens)
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
}

impl Lexer<'_> {
    fn next(&mut self) -> Result<Option<Token>, String> {
        let blanks = self.rest.len() - self.rest.trim_start().len();
        self.take(blanks);
        let Some(first) = self.rest.chars().next() else {
            return Ok(None);
        };
        let line = self.line;
        let kind = match first {
            '"' => Kind::Quoted(self.quoted()?),
            '#' => Kind::Comment(self.line_comment()),
            '/' if self.rest.starts_with("//") => Kind::Comment(self.line_comment()),
            '/' if self.rest.starts_with("/*") => Kind::Comment(self.block_comment()?),
            '<' if self.rest.starts_with("<<") => Kind::Heredoc(self.heredoc()?),
            '{' | '}' | '[' | ']' | ',' | '=' => {
                self.take(1);
                Kind::Sign(first)
            }
            c if is_name(c) => {
                let end = self.rest.find(|c| !is_name(c)).unwrap_or(self.rest.len());
                Kind::Name(self.take(end))
            }
            c => return Err(format!("line {line}: unexpected character `{c}`")),
        };
        Ok(Some(Token {
            kind,
            line,
            end: self.line,
        }))
    }

    fn take(&mut self, length: usize) -> String {
        let (taken, rest) = self.rest.split_at(length);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken.to_owned()
    }

    fn line_comment(&mut self) -> String {
        let end = self.rest.find('\n').unwrap_or(self.rest.len());
        self.take(end).trim_end().to_owned()
    }

    fn block_comment(&mut self) -> Result<String, String> {
        match self.rest.find("*/") {
            Some(end) => Ok(self.take(end + 2)),
            None => Err(format!("line {}: comment has no end", self.line)),
        }
    }

    fn quoted(&mut self) -> Result<String, String> {
        let mut escaped = false;
        for (at, c) in self.rest.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => return Ok(self.take(at + 1)),
                '\n' => break,
                _ => {}
            }
        }
        Err(format!("line {}: string has no end", self.line))
    }

    fn heredoc(&mut self) -> Result<String, String> {
        let header = self.rest.find('\n').unwrap_or(self.rest.len());
        let mark = self.rest[2..header].trim_start_matches('-').trim();
        let mut end = header;
        while !mark.is_empty() && end < self.rest.len() {
            let start = end + 1;
            end = self.rest[start..]
                .find('\n')
                .map_or(self.rest.len(), |at| start + at);
            if self.rest[start..end].trim() == mark {
                return Ok(self.take(end));
            }
        }
        Err(format!("line {}: heredoc has no end", self.line))
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '+')
}
