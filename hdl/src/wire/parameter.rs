//! Numbers and names that are fixed at elaboration.

use crate::rust_hdl::constraint::PinConstraint;
use crate::rust_hdl::prelude::*;
use crate::rust_hdl::signal::get_signal_id;

use super::Word;

/// A constant that a kernel reads through [`Parameter::val`]; a `localparam` in Verilog.
///
/// Shape numbers enter expressions this way: in `self.x.val() >> (self.lane_width.val() * i)` the
/// emitter folds the product for every value of the loop variable into an exact part-select.
#[derive(Clone, Debug)]
pub struct Parameter {
    value: Word,
    id: usize,
}

impl Parameter {
    /// A constant of the width of `value`.
    pub fn new(value: Word) -> Parameter {
        Parameter { value, id: get_signal_id() }
    }

    /// A shape number: 32 bits, so that products with loop variables do not wrap.
    pub fn number(value: usize) -> Parameter {
        debug_assert!(u32::try_from(value).is_ok());
        Parameter::new(Word::new(value as u64, 32))
    }

    /// A choice between variants of the hardware: `if self.flag.val().any()` is decided when Verilog is written.
    pub fn flag(value: bool) -> Parameter {
        Parameter::new(Word::from(value))
    }

    /// The constant's value.
    #[inline]
    pub fn val(&self) -> Word {
        self.value.clone()
    }
}

impl Atom for Parameter {
    fn bits(&self) -> usize {
        self.value.bits()
    }
    fn connected(&self) -> bool {
        true
    }
    fn changed(&self) -> bool {
        false
    }
    fn kind(&self) -> AtomKind {
        AtomKind::Constant
    }
    fn descriptor(&self) -> TypeDescriptor {
        super::bits_descriptor(self.value.bits())
    }
    fn vcd(&self) -> VCDValue {
        super::vcd_vector(&self.value)
    }
    fn id(&self) -> usize {
        self.id
    }
    fn verilog(&self) -> VerilogLiteral {
        super::verilog_literal(&self.value)
    }
    fn constraints(&self) -> Vec<PinConstraint> {
        vec![]
    }
}

impl Logic for Parameter {
    fn update(&mut self) {}
}

impl Block for Parameter {
    fn connect_all(&mut self) {}
    fn update_all(&mut self) {}
    fn has_changed(&self) -> bool {
        false
    }
    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        probe.visit_atom(name, self);
    }
}

/// Name of the Verilog parameter with the folder of the memory files; by default `.`. An empty text would not do: Icarus
/// takes its zero byte for a part of the file's name.
pub const MEMORY_FOLDER: &str = "MEM_DIR";

/// What stands in a custom body for the prefix of the design's names.
pub(crate) const PREFIX: &str = "@PREFIX@";

/// The file that a memory called `name` reads, as `$readmemh` takes it in a custom body.
pub fn memory_file(name: &str) -> String {
    format!("{{{MEMORY_FOLDER}, \"/{PREFIX}{name}.mem\"}}")
}

/// The Verilog wire called `name` that reads what nothing else does, so that lint reports real faults only; nothing where
/// `unread` is empty.
pub(crate) fn unused(name: &str, unread: &[impl AsRef<str>]) -> Option<String> {
    let parts: Vec<&str> = unread.iter().map(AsRef::as_ref).collect();
    (!parts.is_empty()).then(|| format!("wire {name} = &{{1'b0, {}}};", parts.join(", ")))
}

/// The Verilog module that a block becomes: its name, what it is, its parameters. The first field of every block.
///
/// It carries no signal. The emitter finds it as a constant of zero bits whose type is an enumeration called
/// [`ModuleName::TYPE`]: the name, the comment, and each parameter as `NAME=value:port,port`. Blocks of one name are
/// expected to have one text, which is emitted once.
#[derive(Clone, Debug)]
pub struct ModuleName {
    name: String,
    about: String,
    parameters: Vec<String>,
    id: usize,
}

impl ModuleName {
    /// Name of the type by which the emitter knows a module's name.
    pub const TYPE: &str = "module";

    /// A module name; it must be a Verilog identifier.
    pub fn new(name: impl Into<String>) -> ModuleName {
        let name = name.into();
        debug_assert!(
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'),
            "{name} is no Verilog identifier"
        );
        ModuleName { name, about: String::new(), parameters: Vec::new(), id: get_signal_id() }
    }

    /// The same name, with a comment above the module: what it is, in a sentence.
    pub fn about(self, about: impl Into<String>) -> ModuleName {
        ModuleName { about: about.into(), ..self }
    }

    /// The same name, with a Verilog parameter that is `value` in this instance. Each of `ports` has as many bits as it
    /// says; nothing else may depend on `value` but the custom body, by the parameter's name.
    pub fn parameter(mut self, name: &str, value: usize, ports: &[&str]) -> ModuleName {
        self.parameters.push(format!("{name}={value}:{}", ports.join(",")));
        self
    }

    /// The same module under the name with `_suffix` behind it.
    pub fn with_suffix(self, suffix: &str) -> ModuleName {
        ModuleName { name: format!("{}_{suffix}", self.name), ..self }
    }
}

impl Atom for ModuleName {
    fn bits(&self) -> usize {
        0
    }
    fn connected(&self) -> bool {
        true
    }
    fn changed(&self) -> bool {
        false
    }
    fn kind(&self) -> AtomKind {
        AtomKind::Constant
    }
    fn descriptor(&self) -> TypeDescriptor {
        let mut parts = vec![self.name.clone(), self.about.clone()];
        parts.extend_from_slice(&self.parameters);
        TypeDescriptor { name: ModuleName::TYPE.to_owned(), kind: TypeKind::Enum(parts) }
    }
    fn vcd(&self) -> VCDValue {
        VCDValue::Vector(vec![])
    }
    fn id(&self) -> usize {
        self.id
    }
    fn verilog(&self) -> VerilogLiteral {
        false.into()
    }
    fn constraints(&self) -> Vec<PinConstraint> {
        vec![]
    }
}

impl Logic for ModuleName {
    fn update(&mut self) {}
}

impl Block for ModuleName {
    fn connect_all(&mut self) {}
    fn update_all(&mut self) {}
    fn has_changed(&self) -> bool {
        false
    }
    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        probe.visit_atom(name, self);
    }
}
