//! Kernels that break a rule, and what the emitter says about them.

use hdl::emit::{EmitError, emit};
use hdl::rust_hdl::prelude::*;
use hdl::wire::{ModuleName, Parameter, Wire, bits_of};
use miette::Diagnostic as _;

use crate::blocks::Register;

/// Defines a block with inputs `a` (4 bits), `b` (8), `flag`, a local wire `t`, an output `y` (4 bits),
/// and the given kernel.
macro_rules! block {
    ($name:ident: $($kernel:tt)*) => {
        #[derive(LogicBlock)]
        struct $name {
            a: Wire<In>,
            b: Wire<In>,
            flag: Wire<In, Bit>,
            v: Vec<Wire<In>>,
            t: Wire<Local>,
            y: Wire<Out>,
            three: Parameter,
            _n: usize,
        }
        impl $name {
            fn new() -> $name {
                let mut block = $name {
                    a: Wire::of(4),
                    b: Wire::of(8),
                    flag: Default::default(),
                    v: vec![Wire::of(4), Wire::of(4)],
                    t: Wire::of(4),
                    y: Wire::of(4),
                    three: Parameter::number(3),
                    _n: 1,
                };
                block.connect_all();
                // Not every kernel below assigns the local wire.
                block.t.connect();
                block
            }
        }
        impl Logic for $name {
            $($kernel)*
        }
    };
}

/// The error, checked to have a code and a help text.
fn error(block: &dyn Block) -> EmitError {
    let error = emit(block, "top", "").expect_err("the kernel breaks a rule");
    let help = error.help().map(|help| help.to_string()).unwrap_or_default();
    assert!(!help.is_empty() && error.code().is_some(), "{error}");
    error
}

fn text(block: &dyn Block) -> String {
    error(block).to_string()
}

block!(Latch: #[hdl_gen] fn update(&mut self) {
    if self.flag.val() {
        self.y.next = self.a.val();
    }
});

block!(EarlyRead: #[hdl_gen] fn update(&mut self) {
    self.t.next = self.a.val();
    self.y.next = self.t.val();
    self.t.next = self.t.val() + 1;
});

block!(EarlyReadInCondition: #[hdl_gen] fn update(&mut self) {
    self.t.next = self.a.val();
    self.y.next = self.a.val();
    if self.t.val() > self.a.val() {
        self.t.next = self.a.val();
        self.y.next = self.a.val() + 1;
    }
});

block!(ReadsItself: #[hdl_gen] fn update(&mut self) {
    self.y.next = self.y.val() + self.a.val();
});

block!(AssignsInput: #[hdl_gen] fn update(&mut self) {
    self.y.next = self.a.val();
    self.a.next = self.b.val();
});

block!(WideLiteral: #[hdl_gen] fn update(&mut self) {
    self.y.next = self.a.val() + 16;
});

block!(WideLoopVariable: #[hdl_gen] fn update(&mut self) {
    for i in 0..18 {
        self.y.next = self.a.val() ^ i;
    }
});

block!(Negative: #[hdl_gen] fn update(&mut self) {
    for i in 0..2 {
        self.y.next = self.a.val() >> (1 - (i + i));
    }
});

block!(Hidden: #[hdl_gen] fn update(&mut self) {
    self.y.next = self.a.val() >> self._n;
});

block!(HiddenIndex: #[hdl_gen] fn update(&mut self) {
    self.y.next = self.v[self._n].val();
});

block!(NoDriver: #[hdl_gen] fn update(&mut self) {
    self.t.next = self.a.val();
});

block!(UndrivenLocal: #[hdl_gen] fn update(&mut self) {
    self.y.next = self.t.val();
});

#[test]
fn latch() {
    assert_eq!(text(&Latch::new()), "top: some path through the kernel leaves `y` unassigned");
}

#[test]
fn read_before_the_last_assignment() {
    let expected = "top: `y` reads `t` before the last assignment to `t`";
    assert_eq!(text(&EarlyRead::new()), expected);
    assert_eq!(text(&EarlyReadInCondition::new()), expected);
    assert_eq!(text(&ReadsItself::new()), "top: `y` reads `y` before the last assignment to `y`");
}

#[test]
fn wrong_driver() {
    assert_eq!(text(&AssignsInput::new()), "top: the kernel assigns `a`, which is driven from elsewhere");
    assert_eq!(text(&NoDriver::new()), "top: nothing drives `y`");
    assert_eq!(text(&UndrivenLocal::new()), "top: nothing drives `t`");
}

#[test]
fn integers() {
    let expected = "top: the integer 16 in the assignment of `y` does not fit 4 bits";
    assert_eq!(text(&WideLiteral::new()), expected);
    assert_eq!(text(&WideLoopVariable::new()), expected);
    assert_eq!(text(&Negative::new()), "top: integer arithmetic in the assignment of `y` goes below zero");
}

#[test]
fn invisible_names() {
    assert_eq!(text(&Hidden::new()), "top: the kernel names `_n`, which is no signal, parameter or loop variable");
    assert_eq!(
        text(&HiddenIndex::new()),
        "top: cannot evaluate the index in `v[_n]`: `_n` is not known at elaboration"
    );
}

#[test]
fn a_block_must_be_connected() {
    let register = Register::of(4);
    let undriven = EmitError::NotDriven { module: "top".into(), signal: "q".into() };
    assert_eq!(error(&register), undriven);
}

#[test]
fn names_of_modules() {
    let mut register = Register::of(4);
    register.connect_all();
    for name in ["module", "a b", ""] {
        assert_eq!(emit(&register, name, ""), Err(EmitError::BadModuleName { name: name.into() }));
    }
}

/// A leaf with hand-made Verilog and a field too many.
#[derive(LogicBlock)]
struct Leaf {
    name: ModuleName,
    x: Wire<In>,
    child: Vec<Register>,
    _hdl: Verilog,
}

impl Leaf {
    fn new(width: usize, children: usize, hdl: Verilog) -> Leaf {
        let child = (0..children).map(|_| Register::of(4)).collect();
        let mut leaf = Leaf { name: ModuleName::new("leaf"), x: Wire::of(width), child, _hdl: hdl };
        leaf.connect_all();
        leaf.child.iter_mut().for_each(|child| {
            child.clock.connect();
            child.d.connect();
        });
        leaf
    }
}

impl Logic for Leaf {
    fn update(&mut self) {}
    fn hdl(&self) -> Verilog {
        self._hdl.clone()
    }
}

#[test]
fn leaves() {
    let custom = || Verilog::Custom("// nothing".into());
    assert_eq!(text(&Leaf::new(0, 0, custom())), "top: `x` is zero bits wide");
    assert_eq!(text(&Leaf::new(1, 2, custom())), "top: a block with custom Verilog has the child block `child[0]`");
    let wrapper = Verilog::Wrapper(Wrapper { code: String::new(), cores: String::new() });
    assert_eq!(text(&Leaf::new(1, 0, wrapper)), "top: a black box or wrapper has no translation (`the body`)");
}

/// A child with an error, to see the path.
#[derive(LogicBlock)]
struct Parent {
    x: Wire<In>,
    y: Wire<Out>,
    row: Vec<Latch>,
}

impl Logic for Parent {
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next = bits_of(0, 4);
        for i in 0..2 {
            self.row[i].a.next = self.x.val();
            self.row[i].b.next = bits_of(self.x.val(), 8);
            self.row[i].flag.next = self.x.val().any();
            self.row[i].v[0].next = self.x.val();
            self.row[i].v[1].next = self.x.val();
            self.y.next = self.y.val() ^ self.row[i].y.val();
        }
    }
}

#[test]
fn errors_name_the_instance() {
    let mut parent = Parent { x: Wire::of(4), y: Wire::of(4), row: vec![Latch::new(), Latch::new()] };
    parent.connect_all();
    assert_eq!(text(&parent), "top.row[0]: some path through the kernel leaves `y` unassigned");
}
