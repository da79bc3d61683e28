//! Blocks: text, actions, `if`, `with`, `range`. Pipelines are in `pipeline`.
//!
//! Recursion here and in evaluation follows the nesting of blocks and parentheses, which is bounded
//! by [`NESTING_MAX`]; there are no named templates, so nothing else can recurse.

use super::ast::{Arm, Block, Branch, Node, NodeKind, Range, Slot};
use super::lex::{Token, TokenKind};
use super::pipeline::Cursor;
use crate::template::NESTING_MAX;
use crate::template::error::Fault;
use crate::template::scan::Segment;

/// The result of parsing: the nodes, and how many variables live at once at most.
pub(super) struct Parsed {
    pub(super) block: Block,
    pub(super) slots: usize,
}

/// Parses a template that has no Vault directives.
pub(super) fn parse(segments: Vec<Segment<'_>>) -> Result<Parsed, Fault> {
    let mut parser = Parser {
        segments: segments.into_iter(),
        scope: Scope::new(),
        open_ranges: 0,
    };
    let (block, end) = parser.block()?;
    match end {
        BlockEnd::Template => Ok(Parsed {
            block,
            slots: parser.scope.slots_max,
        }),
        BlockEnd::End { at } => Err(Fault::action(
            at,
            "`end` without an `if`, `with` or `range` before it",
        )),
        BlockEnd::Else { at, .. } => Err(Fault::action(
            at,
            "`else` without an `if`, `with` or `range` before it",
        )),
    }
}

struct Parser<'s> {
    segments: std::vec::IntoIter<Segment<'s>>,
    scope: Scope<'s>,
    open_ranges: usize,
}

/// The variables in reach, and what else parsing a pipeline must know.
pub(super) struct Scope<'s> {
    variables: Vec<&'s str>,
    slots_max: usize,
    depth: usize,
    /// Outside `with` and `range` the dot is the root, so that its fields can be checked.
    pub(super) dot_is_root: bool,
}

/// What ended a block.
enum BlockEnd<'s> {
    Template,
    End { at: usize },
    Else { at: usize, rest: Vec<Token<'s>> },
}

impl<'s> Scope<'s> {
    fn new() -> Self {
        Self {
            variables: vec![""],
            slots_max: 1,
            depth: 0,
            dot_is_root: true,
        }
    }

    /// Goes one level deeper, into a block or a parenthesis.
    pub(super) fn enter(&mut self, at: usize) -> Result<(), Fault> {
        if self.depth == NESTING_MAX {
            return Err(Fault::action(
                at,
                format!("nested more than {NESTING_MAX} deep"),
            ));
        }
        self.depth += 1;
        Ok(())
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    pub(super) fn declare(&mut self, name: &'s str) -> Slot {
        self.variables.push(name);
        self.slots_max = self.slots_max.max(self.variables.len());
        self.variables.len() - 1
    }

    /// The innermost variable of that name.
    pub(super) fn find(&self, name: &str, at: usize) -> Result<Slot, Fault> {
        self.variables
            .iter()
            .rposition(|variable| *variable == name)
            .ok_or_else(|| Fault::action(at, format!("undefined variable `${name}`")))
    }
}

impl<'s> Parser<'s> {
    /// Nodes up to `end`, `else` or the end of the template.
    fn block(&mut self) -> Result<(Block, BlockEnd<'s>), Fault> {
        let mut nodes = Vec::new();
        while let Some(segment) = self.segments.next() {
            let (at, tokens) = match segment {
                Segment::Text { at, text } => {
                    nodes.push(Node {
                        at,
                        kind: NodeKind::Text(text.to_owned()),
                    });
                    continue;
                }
                Segment::Comment { .. } | Segment::Directive { .. } => continue,
                Segment::Action { at, tokens } => (at, tokens),
            };
            let Some(TokenKind::Identifier(keyword)) = tokens.first().map(|token| &token.kind)
            else {
                nodes.push(self.action(at, tokens)?);
                continue;
            };
            let kind = match *keyword {
                "end" => {
                    reject_rest("end", &tokens)?;
                    return Ok((nodes, BlockEnd::End { at }));
                }
                "else" => {
                    return Ok((
                        nodes,
                        BlockEnd::Else {
                            at,
                            rest: without_first(tokens),
                        },
                    ));
                }
                "if" => self.branch(at, without_first(tokens), false)?,
                "with" => self.branch(at, without_first(tokens), true)?,
                "range" => self.range(at, without_first(tokens))?,
                "break" => self.loop_control("break", &tokens, NodeKind::Break)?,
                "continue" => self.loop_control("continue", &tokens, NodeKind::Continue)?,
                "define" | "template" | "block" => {
                    return Err(Fault::action(
                        at,
                        format!("`{keyword}` is not available: a claim template is one piece"),
                    ));
                }
                _ => {
                    nodes.push(self.action(at, tokens)?);
                    continue;
                }
            };
            nodes.push(Node { at, kind });
        }
        Ok((nodes, BlockEnd::Template))
    }

    fn action(&mut self, at: usize, tokens: Vec<Token<'s>>) -> Result<Node, Fault> {
        let pipeline = Cursor::new(at, tokens).whole_pipeline(&mut self.scope)?;
        Ok(Node {
            at,
            kind: NodeKind::Action(pipeline),
        })
    }

    fn loop_control(
        &self,
        keyword: &str,
        tokens: &[Token<'s>],
        kind: NodeKind,
    ) -> Result<NodeKind, Fault> {
        reject_rest(keyword, tokens)?;
        if self.open_ranges == 0 {
            let at = tokens.first().map_or(0, |token| token.at);
            return Err(Fault::action(
                at,
                format!("`{keyword}` outside of a `range`"),
            ));
        }
        Ok(kind)
    }

    /// `if` or `with` after its keyword, through its `end`.
    fn branch(
        &mut self,
        at: usize,
        condition: Vec<Token<'s>>,
        moves_dot: bool,
    ) -> Result<NodeKind, Fault> {
        let keyword = if moves_dot { "with" } else { "if" };
        self.scope.enter(at)?;
        let outer = self.scope.variables.len();
        let dot_was_root = self.scope.dot_is_root;
        let mut arms = Vec::new();
        let mut next = Some((at, condition));
        let mut otherwise = Block::new();
        while let Some((arm_at, condition)) = next.take() {
            let condition = Cursor::new(arm_at, condition).whole_pipeline(&mut self.scope)?;
            let inner = self.scope.variables.len();
            self.scope.dot_is_root = dot_was_root && !moves_dot;
            let (body, end) = self.block()?;
            self.scope.variables.truncate(inner);
            self.scope.dot_is_root = dot_was_root;
            arms.push(Arm {
                condition,
                moves_dot,
                body,
            });
            match end {
                BlockEnd::End { .. } => {}
                BlockEnd::Template => return Err(unclosed(at, keyword)),
                BlockEnd::Else { at: else_at, rest } => match rest.first().map(|token| &token.kind)
                {
                    None => otherwise = self.last_block(at, keyword)?,
                    Some(TokenKind::Identifier(word)) if *word == keyword => {
                        next = Some((else_at, without_first(rest)));
                    }
                    Some(_) => {
                        return Err(Fault::action(
                            else_at,
                            format!("expected `else` or `else {keyword} …` in `{keyword}`"),
                        ));
                    }
                },
            }
        }
        self.scope.variables.truncate(outer);
        self.scope.leave();
        Ok(NodeKind::Branch(Branch { arms, otherwise }))
    }

    /// `range` after its keyword, through its `end`.
    fn range(&mut self, at: usize, tokens: Vec<Token<'s>>) -> Result<NodeKind, Fault> {
        self.scope.enter(at)?;
        let outer = self.scope.variables.len();
        let dot_was_root = self.scope.dot_is_root;
        let (over, variables) = Cursor::new(at, tokens).range_header(&mut self.scope)?;
        self.scope.dot_is_root = false;
        self.open_ranges += 1;
        let (body, end) = self.block()?;
        self.open_ranges -= 1;
        self.scope.dot_is_root = dot_was_root;
        self.scope.variables.truncate(outer);
        let otherwise = match end {
            BlockEnd::End { .. } => Block::new(),
            BlockEnd::Template => return Err(unclosed(at, "range")),
            BlockEnd::Else { rest, .. } if rest.is_empty() => self.last_block(at, "range")?,
            BlockEnd::Else { at, .. } => {
                return Err(Fault::action(at, "expected `else` alone in `range`"));
            }
        };
        self.scope.leave();
        Ok(NodeKind::Range(Range {
            over,
            index: variables.index,
            element: variables.element,
            body,
            otherwise,
        }))
    }

    /// The block after a bare `else`, which only `end` may close.
    fn last_block(&mut self, at: usize, keyword: &str) -> Result<Block, Fault> {
        let inner = self.scope.variables.len();
        let (block, end) = self.block()?;
        self.scope.variables.truncate(inner);
        match end {
            BlockEnd::End { .. } => Ok(block),
            BlockEnd::Template => Err(unclosed(at, keyword)),
            BlockEnd::Else { at, .. } => Err(Fault::action(
                at,
                format!("a second `else` in one `{keyword}`"),
            )),
        }
    }
}

fn unclosed(at: usize, keyword: &str) -> Fault {
    Fault::action(
        at,
        format!("`{keyword}` is not closed: expected `{{{{end}}}}`"),
    )
}

fn reject_rest(keyword: &str, tokens: &[Token<'_>]) -> Result<(), Fault> {
    match tokens.get(1) {
        None => Ok(()),
        Some(token) => Err(Fault::action(
            token.at,
            format!("`{keyword}` takes nothing after it"),
        )),
    }
}

fn without_first(mut tokens: Vec<Token<'_>>) -> Vec<Token<'_>> {
    if !tokens.is_empty() {
        tokens.remove(0);
    }
    tokens
}
