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

/// The name of the Verilog module that a block becomes; the first field of every block.
///
/// It carries no signal. The emitter finds it as a constant of zero bits whose type is called
/// `module:<name>`. Blocks of one name are expected to have one text, which is emitted once.
#[derive(Clone, Debug)]
pub struct ModuleName {
    name: String,
    id: usize,
}

impl ModuleName {
    /// A module name; it must be a Verilog identifier.
    pub fn new(name: impl Into<String>) -> ModuleName {
        let name = name.into();
        debug_assert!(
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'),
            "{name} is no Verilog identifier"
        );
        ModuleName { name, id: get_signal_id() }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.name
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
        TypeDescriptor { name: format!("module:{}", self.name), kind: TypeKind::Bits(0) }
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
