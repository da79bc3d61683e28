//! Runs a parsed template for one subject.

use std::borrow::Cow;

use super::ast::{Base, Block, Branch, Call, Command, NodeKind, Operand, Pipeline, Range};
use super::function::{CallError, Function, unprintable};
use super::value::{Root, Value};
use crate::template::error::Fault;
use crate::template::output::Output;
use crate::template::{STEP_BYTES, STEPS_MAX};

/// One run of a template.
pub(super) struct Evaluator<'v, 'o> {
    root: Root<'v>,
    /// Values of the variables by slot.
    frame: Vec<Value<'v>>,
    steps: u32,
    out: &'o mut Output,
}

/// How a block ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

/// What `range` iterates over: pairs of index and element.
type Items<'v> = Box<dyn Iterator<Item = (Value<'v>, Value<'v>)> + 'v>;

impl<'v, 'o> Evaluator<'v, 'o> {
    pub(super) fn new(root: Root<'v>, slots: usize, out: &'o mut Output) -> Self {
        let mut frame = vec![Value::Nil; slots];
        if let Some(dollar) = frame.first_mut() {
            *dollar = Value::Root(root);
        }
        Self {
            root,
            frame,
            steps: 0,
            out,
        }
    }

    pub(super) fn run(mut self, block: &'v Block) -> Result<(), Fault> {
        let root = Value::Root(self.root);
        self.block(block, &root).map(|_| ())
    }

    /// Accounts for work, in steps and in bytes made.
    fn spend(&mut self, at: usize, bytes: usize) -> Result<(), Fault> {
        let steps = 1 + u32::try_from(bytes / STEP_BYTES).unwrap_or(u32::MAX);
        self.steps = self.steps.saturating_add(steps);
        if self.steps > STEPS_MAX {
            return Err(Fault::action(
                at,
                format!("the template takes more than {STEPS_MAX} steps for one subject"),
            ));
        }
        Ok(())
    }

    fn block(&mut self, block: &'v Block, dot: &Value<'v>) -> Result<Flow, Fault> {
        for node in block {
            self.spend(node.at, 0)?;
            let flow = match &node.kind {
                NodeKind::Text(text) => {
                    self.out.author(node.at, text, true)?;
                    Flow::Next
                }
                NodeKind::Action(pipeline) => {
                    let value = self.pipeline(pipeline, dot)?;
                    if pipeline.sets.is_none() {
                        self.print(node.at, &value)?;
                    }
                    Flow::Next
                }
                NodeKind::Branch(branch) => self.branch(branch, dot)?,
                NodeKind::Range(range) => self.range(range, dot)?,
                NodeKind::Break => Flow::Break,
                NodeKind::Continue => Flow::Continue,
            };
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn branch(&mut self, branch: &'v Branch, dot: &Value<'v>) -> Result<Flow, Fault> {
        for arm in &branch.arms {
            let condition = self.pipeline(&arm.condition, dot)?;
            if condition.is_true() {
                let dot = if arm.moves_dot { &condition } else { dot };
                return self.block(&arm.body, dot);
            }
        }
        self.block(&branch.otherwise, dot)
    }

    fn range(&mut self, range: &'v Range, dot: &Value<'v>) -> Result<Flow, Fault> {
        let over = self.pipeline(&range.over, dot)?;
        let mut items = items(&over).ok_or_else(|| {
            Fault::action(
                range.over.at(),
                format!("`range` cannot iterate over {}", over.kind()),
            )
        })?;
        let mut ran = false;
        for (index, element) in &mut items {
            ran = true;
            self.spend(range.over.at(), 0)?;
            self.set(range.index, || index);
            self.set(range.element, || element.clone());
            if self.block(&range.body, &element)? == Flow::Break {
                break;
            }
        }
        if ran {
            Ok(Flow::Next)
        } else {
            self.block(&range.otherwise, dot)
        }
    }

    fn set(&mut self, slot: Option<usize>, value: impl FnOnce() -> Value<'v>) {
        if let Some(place) = slot.and_then(|slot| self.frame.get_mut(slot)) {
            *place = value();
        }
    }

    fn pipeline(&mut self, pipeline: &'v Pipeline, dot: &Value<'v>) -> Result<Value<'v>, Fault> {
        let mut value = match &pipeline.first {
            Command::Operand(operand) => self.operand(operand, dot)?,
            Command::Call(call) => self.call(call, None, dot)?,
        };
        for call in &pipeline.rest {
            value = self.call(call, Some(value), dot)?;
        }
        if pipeline.sets.is_some() {
            self.set(pipeline.sets, || value.clone());
        }
        Ok(value)
    }

    fn call(
        &mut self,
        call: &'v Call,
        piped: Option<Value<'v>>,
        dot: &Value<'v>,
    ) -> Result<Value<'v>, Fault> {
        if matches!(call.function, Function::And | Function::Or) {
            return self.short_circuit(call, piped, dot);
        }
        let mut arguments = Vec::with_capacity(call.arguments.len() + 1);
        for operand in &call.arguments {
            arguments.push(self.operand(operand, dot)?);
        }
        arguments.extend(piped);
        let value = call
            .function
            .call(&arguments)
            .map_err(|error| at(call.at, error))?;
        self.spend(call.at, value.as_text().map_or(0, str::len))?;
        Ok(value)
    }

    /// `and` returns its first false argument, `or` its first true one; else both return the last.
    fn short_circuit(
        &mut self,
        call: &'v Call,
        piped: Option<Value<'v>>,
        dot: &Value<'v>,
    ) -> Result<Value<'v>, Fault> {
        self.spend(call.at, 0)?;
        let decides = call.function == Function::Or;
        let mut last = Value::Nil;
        for operand in &call.arguments {
            last = self.operand(operand, dot)?;
            if last.is_true() == decides {
                return Ok(last);
            }
        }
        Ok(piped.unwrap_or(last))
    }

    fn operand(&mut self, operand: &'v Operand, dot: &Value<'v>) -> Result<Value<'v>, Fault> {
        let mut value = match &operand.base {
            Base::Bool(value) => Value::Bool(*value),
            Base::Dot => dot.clone(),
            Base::Float(value) => Value::Float(*value),
            Base::Int(value) => Value::Int(*value),
            Base::Nil => Value::Nil,
            Base::Pipeline(pipeline) => self.pipeline(pipeline, dot)?,
            Base::Text(text) => Value::Literal(Cow::Borrowed(text)),
            Base::Variable(slot) => self.frame.get(*slot).cloned().unwrap_or(Value::Nil),
        };
        self.spend(operand.at, value.as_text().map_or(0, str::len))?;
        for field in &operand.fields {
            value = value.field(field)?;
        }
        Ok(value)
    }

    /// Prints a value where the output stands; see [`Output`] for what is allowed where.
    fn print(&mut self, position: usize, value: &Value<'v>) -> Result<(), Fault> {
        match value {
            Value::Json(_) if self.out.in_string() => Err(Fault::json(
                position,
                "toJSON brings its own quotes; drop the quotes around the action, or toJSON",
            )),
            Value::Json(json) => self.out.json(position, json),
            Value::Literal(text) if !self.out.in_string() => self.out.author(position, text, false),
            Value::Literal(text) | Value::Text(text) => self.out.untrusted(position, text),
            other => {
                let mut text = String::new();
                match other.push_text(&mut text) {
                    Ok(true) => self.out.untrusted(position, &text),
                    Ok(false) => Err(at(position, unprintable(other))),
                    Err(error) => Err(at(position, error.into())),
                }
            }
        }
    }
}

impl Pipeline {
    fn at(&self) -> usize {
        match &self.first {
            Command::Operand(operand) => operand.at,
            Command::Call(call) => call.at,
        }
    }
}

fn at(position: usize, error: CallError) -> Fault {
    match error {
        CallError::TooLong => Fault::output_too_long(position),
        CallError::Wrong(text) => Fault::action(position, text),
    }
}

/// The pairs that `range` sees; metadata in key order, a number `n` as 0 to n - 1.
fn items<'v>(over: &Value<'v>) -> Option<Items<'v>> {
    fn numbered<'v>(elements: impl Iterator<Item = Value<'v>> + 'v) -> Items<'v> {
        Box::new((0_i64..).map(Value::Int).zip(elements))
    }
    fn claims<'v>(members: &'v serde_json::Map<String, serde_json::Value>) -> Items<'v> {
        Box::new(members.iter().map(|(name, claim)| {
            let name = Value::Text(Cow::Borrowed(name));
            (name, Value::of_claim(Some(claim)))
        }))
    }
    Some(match over {
        Value::Aliases(aliases) => numbered(aliases.iter().map(Value::Alias)),
        Value::Claim(serde_json::Value::Array(items)) => {
            numbered(items.iter().map(|item| Value::of_claim(Some(item))))
        }
        Value::Claim(serde_json::Value::Object(members)) => claims(members),
        Value::Claim(_) | Value::Claims(None) => Box::new(std::iter::empty()),
        Value::Claims(Some(members)) => claims(members),
        Value::Groups(groups) => numbered(groups.iter().map(Value::Group)),
        Value::Int(count) => numbered((0..*count).map(Value::Int)),
        Value::Metadata(metadata) => Box::new(metadata.iter().map(|(key, value)| {
            (
                Value::Text(Cow::Borrowed(key)),
                Value::Text(Cow::Borrowed(value)),
            )
        })),
        Value::Nil => Box::new(std::iter::empty()),
        Value::Policies(policies) => {
            numbered(policies.iter().map(|name| Value::Text(Cow::Borrowed(name))))
        }
        _ => return None,
    })
}
