//! Pipelines: declarations, commands, operands.

use std::iter::Peekable;
use std::vec::IntoIter;

use super::ast::{Base, Call, Command, Field, Operand, Pipeline, Slot};
use super::function::Function;
use super::lex::{Token, TokenKind};
use super::parse::Scope;
use super::value::{ENTITY_FIELDS, ROOT_FIELDS, TIME_FIELDS, TOKEN_FIELDS, unknown_field};
use crate::template::error::Fault;

/// The tokens of one action that are still to be parsed.
pub(super) struct Cursor<'s> {
    tokens: Peekable<IntoIter<Token<'s>>>,
    /// Where the last token stood, for faults about what is missing after it.
    at: usize,
}

/// The variables that a `range` sets.
#[derive(Debug, Default)]
pub(super) struct RangeVariables {
    pub(super) index: Option<Slot>,
    pub(super) element: Option<Slot>,
}

/// What stands before a pipeline's value.
enum Setting<'s> {
    Declare(Vec<&'s str>),
    Assign(Vec<(&'s str, usize)>),
}

impl<'s> Cursor<'s> {
    pub(super) fn new(at: usize, tokens: Vec<Token<'s>>) -> Self {
        Self {
            tokens: tokens.into_iter().peekable(),
            at,
        }
    }

    /// A pipeline that fills the action, and may set one variable.
    pub(super) fn whole_pipeline(mut self, scope: &mut Scope<'s>) -> Result<Pipeline, Fault> {
        let setting = self.setting()?;
        let mut pipeline = self.pipeline(scope)?;
        self.expect_end()?;
        pipeline.sets = match setting {
            None => None,
            Some(Setting::Declare(names)) => match names.as_slice() {
                [name] => Some(scope.declare(name)),
                _ => return Err(self.fault("only `range` sets two variables")),
            },
            Some(Setting::Assign(names)) => match names.as_slice() {
                [(name, at)] => Some(scope.find(name, *at)?),
                _ => return Err(self.fault("only `range` sets two variables")),
            },
        };
        Ok(pipeline)
    }

    /// What follows `range`: `$i, $g := pipeline`, `$g := pipeline` or a bare pipeline.
    pub(super) fn range_header(
        mut self,
        scope: &mut Scope<'s>,
    ) -> Result<(Pipeline, RangeVariables), Fault> {
        let setting = self.setting()?;
        let over = self.pipeline(scope)?;
        self.expect_end()?;
        let slots: Vec<Slot> = match setting {
            None => Vec::new(),
            Some(Setting::Declare(names)) => {
                names.into_iter().map(|name| scope.declare(name)).collect()
            }
            Some(Setting::Assign(names)) => names
                .into_iter()
                .map(|(name, at)| scope.find(name, at))
                .collect::<Result<_, _>>()?,
        };
        let variables = match slots.as_slice() {
            [] => RangeVariables::default(),
            [element] => RangeVariables {
                index: None,
                element: Some(*element),
            },
            [index, element] => RangeVariables {
                index: Some(*index),
                element: Some(*element),
            },
            _ => return Err(self.fault("`range` sets at most two variables")),
        };
        Ok((over, variables))
    }

    /// `$a :=`, `$a, $b :=` or the same with `=`, if the action begins with one.
    fn setting(&mut self) -> Result<Option<Setting<'s>>, Fault> {
        let mut ahead = self.tokens.clone();
        let mut names = Vec::new();
        loop {
            let Some(Token {
                at,
                kind: TokenKind::Variable(name),
                ..
            }) = ahead.next()
            else {
                return Ok(None);
            };
            names.push((name, at));
            let setting = match ahead.next().map(|token| token.kind) {
                Some(TokenKind::Comma) => continue,
                Some(TokenKind::Declare) => {
                    Setting::Declare(names.iter().map(|(name, _)| *name).collect())
                }
                Some(TokenKind::Assign) => Setting::Assign(names.clone()),
                _ => return Ok(None),
            };
            if let Some((_, at)) = names.iter().find(|(name, _)| name.is_empty()) {
                return Err(Fault::action(
                    *at,
                    "`$` is the template's data and cannot be set",
                ));
            }
            self.tokens = ahead;
            return Ok(Some(setting));
        }
    }

    fn pipeline(&mut self, scope: &mut Scope<'s>) -> Result<Pipeline, Fault> {
        let first = self.command(scope, 0)?;
        let mut rest = Vec::new();
        while self.next_if(&TokenKind::Pipe) {
            let Some(Token { at, .. }) = self.tokens.peek() else {
                return Err(self.fault("missing command after `|`"));
            };
            let at = *at;
            match self.command(scope, 1)? {
                Command::Call(call) => rest.push(call),
                Command::Operand(_) => {
                    return Err(Fault::action(at, "what follows `|` must be a function"));
                }
            }
        }
        Ok(Pipeline {
            sets: None,
            first,
            rest,
        })
    }

    /// A function with its arguments, or one operand; `piped` arguments come from the pipe.
    fn command(&mut self, scope: &mut Scope<'s>, piped: usize) -> Result<Command, Fault> {
        let Some(token) = self.tokens.peek() else {
            return Err(self.fault("missing value"));
        };
        let (at, function) = match token.kind {
            TokenKind::Identifier("true" | "false" | "nil") => (token.at, None),
            TokenKind::Identifier(name) => (token.at, Some(named(name, token.at)?)),
            _ => (token.at, None),
        };
        let Some(function) = function else {
            let operand = self.operand(scope)?;
            if matches!(operand.base, Base::Nil) {
                return Err(Fault::action(at, "nil is not a command"));
            }
            if self.at_operand() {
                let at = self.tokens.peek().map_or(at, |token| token.at);
                return Err(Fault::action(
                    at,
                    "a value takes no argument; only a function does",
                ));
            }
            return Ok(Command::Operand(operand));
        };
        self.tokens.next();
        let mut arguments = Vec::new();
        while self.at_operand() {
            arguments.push(self.operand(scope)?);
        }
        function
            .check_arity(arguments.len() + piped)
            .map_err(|text| Fault::action(at, text))?;
        Ok(Command::Call(Call {
            at,
            function,
            arguments,
        }))
    }

    /// Whether an operand follows, rather than `|`, `)` or the end. A token that fits nowhere
    /// counts as an operand, whose parser then names it.
    fn at_operand(&mut self) -> bool {
        !matches!(
            self.tokens.peek().map(|token| &token.kind),
            None | Some(TokenKind::Pipe | TokenKind::RightParen)
        )
    }

    fn operand(&mut self, scope: &mut Scope<'s>) -> Result<Operand, Fault> {
        let Some(token) = self.tokens.next() else {
            return Err(self.fault("missing value"));
        };
        self.at = token.at;
        let at = token.at;
        let mut fields = Vec::new();
        let base = match token.kind {
            TokenKind::Dot => Base::Dot,
            TokenKind::Field(name) => {
                fields.push(Field {
                    at,
                    name: name.to_owned(),
                });
                Base::Dot
            }
            TokenKind::Float(value) => Base::Float(value),
            TokenKind::Identifier("true") => Base::Bool(true),
            TokenKind::Identifier("false") => Base::Bool(false),
            TokenKind::Identifier("nil") => Base::Nil,
            TokenKind::Identifier(name) => {
                named(name, at)?;
                return Err(Fault::action(
                    at,
                    format!("as an argument, a function needs parentheses: `({name} …)`"),
                ));
            }
            TokenKind::Int(value) => Base::Int(value),
            TokenKind::LeftParen => self.parenthesis(scope, at)?,
            TokenKind::Text(text) => Base::Text(text),
            TokenKind::Variable(name) => Base::Variable(scope.find(name, at)?),
            TokenKind::Assign | TokenKind::Declare => {
                return Err(Fault::action(
                    at,
                    "only a variable such as `$x` can be set, at the start of an action",
                ));
            }
            TokenKind::Comma => return Err(Fault::action(at, "unexpected `,`")),
            TokenKind::Pipe => return Err(Fault::action(at, "missing value before `|`")),
            TokenKind::RightParen => return Err(Fault::action(at, "unexpected `)`")),
        };
        while let Some(Token {
            at,
            spaced: false,
            kind: TokenKind::Field(name),
        }) = self.tokens.peek()
        {
            fields.push(Field {
                at: *at,
                name: (*name).to_owned(),
            });
            self.tokens.next();
        }
        let operand = Operand { at, base, fields };
        check_root_fields(&operand, scope)?;
        Ok(operand)
    }

    fn parenthesis(&mut self, scope: &mut Scope<'s>, at: usize) -> Result<Base, Fault> {
        scope.enter(at)?;
        let pipeline = self.pipeline(scope)?;
        if !self.next_if(&TokenKind::RightParen) {
            return Err(Fault::action(at, "the parenthesis is not closed"));
        }
        scope.leave();
        Ok(Base::Pipeline(Box::new(pipeline)))
    }

    fn next_if(&mut self, kind: &TokenKind<'_>) -> bool {
        let token = self.tokens.next_if(|token| token.kind == *kind);
        if let Some(token) = &token {
            self.at = token.at;
        }
        token.is_some()
    }

    fn expect_end(&mut self) -> Result<(), Fault> {
        match self.tokens.next() {
            None => Ok(()),
            Some(token) => Err(Fault::action(token.at, "unexpected `)`")),
        }
    }

    fn fault(&self, text: &str) -> Fault {
        Fault::action(self.at, text)
    }
}

fn named(name: &str, at: usize) -> Result<Function, Fault> {
    Function::find(name).map_err(|text| Fault::action(at, text))
}

/// Finds a misspelt `.entity.nmae` when the role is written, even in a branch that no trial takes.
fn check_root_fields(operand: &Operand, scope: &Scope<'_>) -> Result<(), Fault> {
    let from_root = match operand.base {
        Base::Dot => scope.dot_is_root,
        Base::Variable(slot) => slot == 0,
        _ => false,
    };
    if !from_root {
        return Ok(());
    }
    let Some(first) = operand.fields.first() else {
        return Ok(());
    };
    if !ROOT_FIELDS.contains(&first.name.as_str()) {
        return Err(unknown_field(first, "the template's data", &ROOT_FIELDS));
    }
    let (owner, known): (_, &[&str]) = if first.name == "entity" {
        ("the entity", &ENTITY_FIELDS)
    } else if first.name == "token" {
        ("the token", &TOKEN_FIELDS)
    } else {
        ("the time", &TIME_FIELDS)
    };
    match operand.fields.get(1) {
        Some(second) if !known.contains(&second.name.as_str()) => {
            Err(unknown_field(second, owner, known))
        }
        _ => Ok(()),
    }
}
