//! What rust-hdl offers besides our wires: its own signals, enumerations, interfaces.

use hdl::emit::emit;
use hdl::rust_hdl::prelude::*;

use crate::blocks::Array;
use crate::support::Bench;

#[derive(Copy, Clone, Debug, PartialEq, LogicState)]
enum Mode {
    Hold,
    Add,
    Invert,
}

#[derive(LogicBlock, Default)]
struct Unit {
    mode: Signal<In, Mode>,
    a: Signal<In, Bits<6>>,
    b: Signal<In, Bits<6>>,
    y: Signal<Out, Bits<6>>,
    next: Signal<Out, Mode>,
}

impl Logic for Unit {
    #[hdl_gen]
    fn update(&mut self) {
        match self.mode.val() {
            Mode::Hold => self.y.next = self.a.val(),
            Mode::Add => self.y.next = self.a.val() + self.b.val(),
            Mode::Invert => self.y.next = !self.a.val(),
        }
        self.next.next = Mode::Hold;
        if self.mode.val() == Mode::Hold {
            self.next.next = Mode::Add;
        }
    }
}

#[test]
fn enumerations() {
    let design = Bench::new("unit", Unit::default()).run_combinational(|unit, random| {
        unit.mode.next = [Mode::Hold, Mode::Add, Mode::Invert][random.below(3)];
        unit.a.next = (random.below(64) as u64).into();
        unit.b.next = (random.below(64) as u64).into();
    });
    insta::assert_snapshot!(design.text());
}

#[derive(LogicInterface, Default)]
#[join = "StreamReader"]
struct StreamWriter {
    data: Signal<Out, Bits<4>>,
    valid: Signal<Out, Bit>,
    ready: Signal<In, Bit>,
}

#[derive(LogicInterface, Default)]
#[join = "StreamWriter"]
struct StreamReader {
    data: Signal<In, Bits<4>>,
    valid: Signal<In, Bit>,
    ready: Signal<Out, Bit>,
}

#[derive(LogicBlock, Default)]
struct Stage {
    from: StreamReader,
    to: StreamWriter,
    key: Signal<In, Bits<4>>,
}

impl Logic for Stage {
    #[hdl_gen]
    fn update(&mut self) {
        self.to.data.next = self.from.data.val() ^ self.key.val();
        self.to.valid.next = self.from.valid.val();
        self.from.ready.next = self.to.ready.val();
    }
}

/// Two stages behind each other: interfaces linked through and joined.
#[derive(LogicBlock, Default)]
struct Chain {
    source: StreamReader,
    sink: StreamWriter,
    key: Signal<In, Bits<4>>,
    first: Stage,
    second: Stage,
}

impl Logic for Chain {
    #[hdl_gen]
    fn update(&mut self) {
        self.first.key.next = self.key.val();
        self.second.key.next = !self.key.val();
        StreamReader::link(&mut self.source, &mut self.first.from);
        StreamWriter::join(&mut self.first.to, &mut self.second.from);
        StreamWriter::link(&mut self.sink, &mut self.second.to);
    }
}

#[test]
fn interfaces() {
    let design = Bench::new("chain", Chain::default()).run_combinational(|chain, random| {
        chain.source.data.next = (random.below(16) as u64).into();
        chain.key.next = (random.below(16) as u64).into();
        chain.source.valid.next = random.chance(0.5);
        chain.sink.ready.next = random.chance(0.5);
    });
    insta::assert_snapshot!(design.text());
}

#[test]
fn the_text_is_always_the_same() {
    let text = || {
        let mut array = Array::new(7, 5);
        array.connect_all();
        emit(&array, "array", "").expect("a correct block").text()
    };
    assert_eq!(text(), text());
}
