//! Small blocks, each with one feature of the emitter.

use hdl::rust_hdl::prelude::*;
use hdl::wire::{Clocked, ModuleName, Parameter, Wire, bits_of};

/// A leaf with custom Verilog.
#[derive(LogicBlock)]
pub struct Register {
    name: ModuleName,
    pub clock: Wire<In, Clock>,
    pub d: Wire<In>,
    pub q: Wire<Out>,
}

impl Register {
    pub fn of(width: usize) -> Register {
        Register {
            name: ModuleName::new("register"),
            clock: Default::default(),
            d: Wire::of(width),
            q: Wire::of(width),
        }
    }
}

impl Logic for Register {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self.q.next = self.d.val();
        }
    }
    fn connect(&mut self) {
        self.q.connect();
    }
    fn hdl(&self) -> Verilog {
        let high = self.d.width() - 1;
        Verilog::Custom(format!(
            "reg [{high}:0] value;\ninitial value = 0;\nalways @(posedge clock) value <= d;\nassign q = value;"
        ))
    }
}

/// A processing element: selection, accumulation in a loop, a conditional next state.
#[derive(LogicBlock)]
pub struct Pe {
    name: ModuleName,
    pub clock: Wire<In, Clock>,
    pub weights: Wire<In>,
    pub x: Wire<In>,
    pub first: Wire<In, Bit>,
    pub y: Wire<Out>,
    agree: Wire<Local>,
    sum: Wire<Local>,
    total: Register,
    _lanes: usize,
    _width: usize,
}

impl Pe {
    pub fn new(lanes: usize, width: usize) -> Pe {
        Pe {
            name: ModuleName::new("pe"),
            clock: Default::default(),
            weights: Wire::of(lanes),
            x: Wire::of(lanes),
            first: Default::default(),
            y: Wire::of(width),
            agree: Wire::of(lanes),
            sum: Wire::of(width),
            total: Register::of(width),
            _lanes: lanes,
            _width: width,
        }
    }
}

impl Logic for Pe {
    #[hdl_gen]
    fn update(&mut self) {
        self.total.clock.next = self.clock.val();
        self.agree.next = !(self.weights.val() ^ self.x.val());
        self.sum.next = bits_of(0, self._width);
        for i in 0..self._lanes {
            self.sum.next = self.sum.val() + self.agree.val().get_bit(i);
        }
        if self.first.val() {
            self.total.d.next = self.sum.val();
        } else {
            self.total.d.next = self.total.q.val() + self.sum.val();
        }
        self.y.next = self.total.q.val();
    }
}

/// Rows that share one module, lanes cut out of a stream word by a parameter.
#[derive(LogicBlock)]
pub struct Array {
    name: ModuleName,
    pub clock: Wire<In, Clock>,
    pub weights: Wire<In>,
    pub x: Wire<In>,
    pub first: Wire<In, Bit>,
    pub y: Wire<Out>,
    pub strongest: Wire<Out>,
    lanes: Parameter,
    rows: Vec<Pe>,
    _rows: usize,
}

impl Array {
    pub fn new(rows: usize, lanes: usize) -> Array {
        Array {
            name: ModuleName::new("array"),
            clock: Default::default(),
            weights: Wire::of(rows * lanes),
            x: Wire::of(lanes),
            first: Default::default(),
            y: Wire::of(16),
            strongest: Wire::of(8),
            lanes: Parameter::number(lanes),
            rows: (0..rows).map(|_| Pe::new(lanes, 8)).collect(),
            _rows: rows,
        }
    }
}

impl Logic for Array {
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next = bits_of(0, 16);
        self.strongest.next = bits_of(0, 8);
        for i in 0..self._rows {
            self.rows[i].clock.next = self.clock.val();
            self.rows[i].x.next = self.x.val();
            self.rows[i].weights.next = self.weights.val() >> (self.lanes.val() * i);
            self.rows[i].first.next = self.first.val();
            self.y.next = self.y.val() + self.rows[i].y.val();
            if self.rows[i].y.val() > self.strongest.val() {
                self.strongest.next = self.rows[i].y.val();
            }
        }
    }
}

/// A counter up to a limit: a parameter that cannot be folded, a default before an `if`.
#[derive(LogicBlock)]
pub struct Counter {
    name: ModuleName,
    pub clock: Wire<In, Clock>,
    pub step: Wire<In, Bit>,
    pub clear: Wire<In, Bit>,
    pub count: Wire<Out>,
    pub last: Wire<Out, Bit>,
    limit: Parameter,
    value: Register,
}

impl Counter {
    pub fn new(limit: usize, width: usize) -> Counter {
        Counter {
            name: ModuleName::new("counter"),
            clock: Default::default(),
            step: Default::default(),
            clear: Default::default(),
            count: Wire::of(width),
            last: Default::default(),
            limit: Parameter::number(limit),
            value: Register::of(width),
        }
    }
}

impl Logic for Counter {
    #[hdl_gen]
    fn update(&mut self) {
        self.value.clock.next = self.clock.val();
        self.last.next = self.value.q.val() == self.limit.val();
        self.value.d.next = self.value.q.val();
        if self.clear.val() || (self.step.val() && self.last.val()) {
            self.value.d.next = bits_of(0, 8);
        } else if self.step.val() {
            self.value.d.next = self.value.q.val() + 1;
        }
        self.count.next = self.value.q.val();
    }
}

macro_rules! clocked {
    ($($block:ty),*) => {$(
        impl Clocked for $block {
            fn clock(&mut self) -> &mut Wire<In, Clock> {
                &mut self.clock
            }
        }
    )*};
}
clocked!(Register, Pe, Array, Counter, Twins, Copies);

/// Operators one by one, without state.
#[derive(LogicBlock)]
pub struct Operators {
    name: ModuleName,
    pub a: Wire<In>,
    pub b: Wire<In>,
    pub flag: Wire<In, Bit>,
    pub index: Wire<In>,
    pub sum: Wire<Out>,
    pub narrow: Wire<Out>,
    pub product: Wire<Out>,
    pub difference: Wire<Out>,
    pub shifted: Wire<Out>,
    pub nibble: Wire<Out>,
    pub picked: Wire<Out, Bit>,
    pub replaced: Wire<Out>,
    pub parity: Wire<Out, Bit>,
    pub less: Wire<Out, Bit>,
    pub all: Wire<Out, Bit>,
    pub chosen: Wire<Out>,
    pub gone: Wire<Out>,
    twelve: Parameter,
}

impl Operators {
    pub fn new() -> Operators {
        Operators {
            name: ModuleName::new("operators"),
            a: Wire::of(12),
            b: Wire::of(8),
            flag: Default::default(),
            index: Wire::of(5),
            sum: Wire::of(13),
            narrow: Wire::of(6),
            product: Wire::of(12),
            difference: Wire::of(8),
            shifted: Wire::of(12),
            nibble: Wire::of(4),
            picked: Default::default(),
            replaced: Wire::of(12),
            parity: Default::default(),
            less: Default::default(),
            all: Default::default(),
            chosen: Wire::of(8),
            gone: Wire::of(12),
            twelve: Parameter::number(12),
        }
    }
}

impl Logic for Operators {
    #[hdl_gen]
    fn update(&mut self) {
        self.sum.next = bits_of(self.a.val(), 13) + self.b.val();
        self.narrow.next = self.a.val() + self.b.val();
        self.product.next = self.a.val() * self.b.val();
        self.difference.next = (self.a.val() - self.b.val()) >> 4;
        self.shifted.next = (self.a.val() << self.index.val()) | (self.a.val() >> self.index.val());
        self.nibble.next = self.a.val() >> 4;
        self.picked.next = self.a.val().get_bit(self.index.val());
        self.replaced.next = self.a.val().replace_bit(self.index.val(), self.flag.val());
        self.parity.next = (self.a.val() ^ self.b.val()).xor();
        self.less.next = self.a.val() < self.b.val() || self.flag.val() && self.b.val().any();
        self.all.next = (self.a.val() & self.b.val()).all() || !self.flag.val() && self.b.val().all();
        self.chosen.next = self.b.val();
        if self.flag.val() {
            self.chosen.next = bits_of((self.chosen.val() + self.a.val()) >> 3, 4) + 1;
        }
        self.gone.next = self.a.val() >> (self.twelve.val() + 1);
    }
}

/// Two children of one wanted name and different texts, two of the same text.
#[derive(LogicBlock)]
pub struct Twins {
    pub clock: Wire<In, Clock>,
    pub d: Wire<In>,
    pub q: Wire<Out>,
    narrow: Register,
    wide: Register,
    narrow_again: Register,
    unread: Register,
}

impl Twins {
    pub fn new() -> Twins {
        Twins {
            clock: Default::default(),
            d: Wire::of(9),
            q: Wire::of(9),
            narrow: Register::of(4),
            wide: Register::of(9),
            narrow_again: Register::of(4),
            unread: Register::of(4),
        }
    }
}

impl Logic for Twins {
    #[hdl_gen]
    fn update(&mut self) {
        self.narrow.clock.next = self.clock.val();
        self.wide.clock.next = self.clock.val();
        self.narrow_again.clock.next = self.clock.val();
        self.unread.clock.next = self.clock.val();
        self.narrow.d.next = self.d.val();
        self.narrow_again.d.next = self.narrow.q.val() ^ 5;
        self.unread.d.next = self.narrow.q.val();
        self.wide.d.next = self.d.val() & bits_of(self.narrow_again.q.val(), 9);
        self.q.next = self.wide.q.val();
    }
}

/// A selection by number, with a wildcard.
#[derive(LogicBlock)]
pub struct Selector {
    name: ModuleName,
    pub enable: Wire<In, Bit>,
    pub choice: Wire<In>,
    pub a: Wire<In>,
    pub b: Wire<In>,
    pub y: Wire<Out>,
}

impl Selector {
    pub fn new() -> Selector {
        Selector {
            name: ModuleName::new("selector"),
            enable: Default::default(),
            choice: Wire::of(2),
            a: Wire::of(4),
            b: Wire::of(4),
            y: Wire::of(4),
        }
    }
}

impl Logic for Selector {
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next = self.a.val();
        if self.enable.val() {
            if self.choice.val() == 0 {
                self.y.next = self.b.val();
            } else if self.choice.val() == 1 {
                self.y.next = self.a.val() + self.b.val();
            } else {
                match self.enable.val() {
                    true => self.y.next = bits_of(9, 4),
                    false => {
                        self.y.next = self.y.val() ^ self.b.val();
                    }
                }
            }
        }
    }
}

/// Copies of copies, open outputs, constants on ports, a local wire nobody needs, and a wire that is
/// final in one branch before another branch assigns it.
#[derive(LogicBlock)]
pub struct Copies {
    name: ModuleName,
    pub clock: Wire<In, Clock>,
    pub d: Wire<In>,
    pub swap: Wire<In, Bit>,
    pub first: Wire<Out>,
    pub again: Wire<Out>,
    pub through: Wire<Out>,
    pub chosen: Wire<Out>,
    copy: Wire<Local>,
    choice: Wire<Local>,
    unused: Wire<Local>,
    state: Register,
    constant: Register,
}

impl Copies {
    pub fn new() -> Copies {
        Copies {
            name: ModuleName::new("copies"),
            clock: Default::default(),
            d: Wire::of(4),
            swap: Default::default(),
            first: Wire::of(4),
            again: Wire::of(4),
            through: Wire::of(4),
            chosen: Wire::of(4),
            copy: Wire::of(4),
            choice: Wire::of(4),
            unused: Wire::of(4),
            state: Register::of(4),
            constant: Register::of(4),
        }
    }
}

impl Logic for Copies {
    #[hdl_gen]
    fn update(&mut self) {
        self.state.clock.next = self.clock.val();
        self.constant.clock.next = self.clock.val();
        self.state.d.next = self.d.val();
        self.constant.d.next = bits_of(11, 4);
        self.copy.next = self.state.q.val();
        self.first.next = self.copy.val();
        self.again.next = self.copy.val();
        self.through.next = self.d.val();
        self.unused.next = self.copy.val() + 1;
        if self.swap.val() {
            self.choice.next = self.copy.val() ^ self.d.val();
            self.chosen.next = self.choice.val();
        } else {
            self.chosen.next = self.d.val();
            self.choice.next = self.copy.val();
        }
    }
}
