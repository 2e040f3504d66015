//! A module on its way to text, and what it is made of.

use num_bigint::BigUint;

/// Index of a module in the list of all.
pub(super) type ShapeId = usize;

/// A module, complete but for its name and those of its children's modules.
#[derive(Debug)]
pub(super) struct Shape {
    /// The name it would like to have.
    pub(super) wanted: String,
    /// What it is; empty where the block does not say.
    pub(super) about: String,
    /// The parameters that differ between its instances.
    pub(super) parameters: Vec<Parameter>,
    /// Whether it or a module below reads memory files.
    pub(super) reads_memories: bool,
    /// The ports, in the order of the fields.
    pub(super) ports: Vec<Port>,
    /// The text behind the name: ports and declarations.
    pub(super) head: String,
    /// The children, to be printed between `head` and `tail`.
    pub(super) instances: Vec<Instance>,
    /// The logic.
    pub(super) tail: String,
}

/// A parameter of a module, with its value in one of the instances.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) value: usize,
    /// Fields of the ports that have as many bits as it says.
    pub(super) ports: Vec<String>,
}

/// A child block in its parent's text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Instance {
    pub(super) shape: ShapeId,
    /// The text behind the name of the module.
    pub(super) text: String,
}

/// A port, as parents need to know it.
#[derive(Clone, Debug)]
pub(super) struct Port {
    /// The name in rust-hdl, with `$` between interface and field.
    pub(super) field: String,
    /// The name in Verilog.
    pub(super) name: String,
    pub(super) is_output: bool,
    pub(super) width: usize,
    /// The parameter that says its width, if one does.
    pub(super) parameter: Option<String>,
    /// The variants, if it is of an enumeration.
    pub(super) variants: Vec<String>,
}

/// A wire or constant of a block.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) width: usize,
    pub(super) variants: Vec<String>,
}

/// What a [`Field`] is to its block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Input,
    Output,
    Local,
    Constant(BigUint),
}

/// A child block; `None` if Verilog does not see it.
#[derive(Clone, Debug)]
pub(super) struct Child {
    pub(super) name: String,
    pub(super) shape: Option<ShapeId>,
    /// Names and widths of the inputs of a child that Verilog does not see: the parent assigns them.
    pub(super) inputs: Vec<(String, usize)>,
}
