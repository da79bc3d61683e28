//! The parsed form of a Go template. Names of variables are already slots of a frame.

use super::function::Function;

/// A sequence of nodes.
pub(super) type Block = Vec<Node>;

/// A node and the byte of the template where it starts.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) at: usize,
    pub(super) kind: NodeKind,
}

#[derive(Clone, Debug)]
pub(super) enum NodeKind {
    Text(String),
    /// Evaluates a pipeline and prints its value, unless it sets a variable.
    Action(Pipeline),
    Branch(Branch),
    Range(Range),
    Break,
    Continue,
}

/// `if` or `with`, its `else if` or `else with` arms in order, and its `else`.
#[derive(Clone, Debug)]
pub(super) struct Branch {
    pub(super) arms: Vec<Arm>,
    pub(super) otherwise: Block,
}

#[derive(Clone, Debug)]
pub(super) struct Arm {
    pub(super) condition: Pipeline,
    /// `with`: the condition's value becomes the dot.
    pub(super) moves_dot: bool,
    pub(super) body: Block,
}

#[derive(Clone, Debug)]
pub(super) struct Range {
    pub(super) over: Pipeline,
    /// Slots of index and element. One variable alone is the element.
    pub(super) index: Option<Slot>,
    pub(super) element: Option<Slot>,
    pub(super) body: Block,
    pub(super) otherwise: Block,
}

/// The place of a variable in the frame. Slot 0 is `$`, the root.
pub(super) type Slot = usize;

/// `$x := first | second | third`; never empty.
#[derive(Clone, Debug)]
pub(super) struct Pipeline {
    pub(super) sets: Option<Slot>,
    pub(super) first: Command,
    /// Each is called with the value so far as its last argument.
    pub(super) rest: Vec<Call>,
}

#[derive(Clone, Debug)]
pub(super) enum Command {
    Operand(Operand),
    Call(Call),
}

#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) at: usize,
    pub(super) function: Function,
    pub(super) arguments: Vec<Operand>,
}

/// A value and the fields to follow from it: `$x.a.b`.
#[derive(Clone, Debug)]
pub(super) struct Operand {
    pub(super) at: usize,
    pub(super) base: Base,
    pub(super) fields: Vec<Field>,
}

#[derive(Clone, Debug)]
pub(super) enum Base {
    Bool(bool),
    Dot,
    Float(f64),
    Int(i64),
    Nil,
    Pipeline(Box<Pipeline>),
    Text(String),
    Variable(Slot),
}

#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) at: usize,
    pub(super) name: String,
}
