//! Claim templates in the language of Go's `text/template`, as far as claims need it.
//!
//! `if`, `with`, `range`, `break`, `continue`, variables, pipes, comments, trim markers, the
//! comparison and logic functions, `len`, `index`, `print`, `printf`, `println`, and `toJSON`.
//! There are no named templates and no methods, so a template cannot recurse and its depth is
//! bounded when it is parsed.
//!
//! It differs from Go where Go would print something that is not wanted in a token: a wrong
//! argument of `printf` is an error, and values are printed as [`Output`] demands.

mod ast;
mod eval;
mod function;
pub(super) mod lex;
mod parse;
mod pipeline;
mod printf;
mod value;

use super::error::Fault;
use super::output::Output;
use super::scan::Segment;
use super::subject::TemplateSubject;

/// A compiled template.
#[derive(Clone, Debug)]
pub(super) struct GoTemplate {
    block: ast::Block,
    slots: usize,
}

impl GoTemplate {
    pub(super) fn compile(segments: Vec<Segment<'_>>) -> Result<Self, Fault> {
        let parse::Parsed { block, slots } = parse::parse(segments)?;
        Ok(Self { block, slots })
    }

    pub(super) fn render<'v>(
        &'v self,
        subject: &'v TemplateSubject<'v>,
        now_seconds: i64,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let root = value::Root {
            subject,
            now_seconds,
        };
        eval::Evaluator::new(root, self.slots, out).run(&self.block)
    }
}
