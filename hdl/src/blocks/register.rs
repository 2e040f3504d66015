//! Leaves: a register, and a register that packs lanes into one word.
//!
//! `q` shows, after each rising edge of `clock`, the `d` of before the edge. Resets and enables are
//! written in the kernels around it, where synthesis finds them as well as a human does.

use rust_hdl::core::prelude::*;

use crate::wire::{ModuleName, Value, Wire, Word, clocked};

/// A register of a [`Word`] (or, as [`Flag`], of one `Bit`) with an initial value.
#[derive(Clone, Debug, LogicBlock)]
pub struct Register<T: Value = Word> {
    name: ModuleName,
    /// Clock, rising edge.
    pub clock: Wire<In, Clock>,
    /// The next value.
    pub d: Wire<In, T>,
    /// The value; the initial value before the first edge.
    pub q: Wire<Out, T>,
    _initial: T,
}

/// A register of one bit.
pub type Flag = Register<Bit>;

impl Register {
    /// A register of `width` bits that starts at zero.
    pub fn of(width: usize) -> Register {
        Register::starting(Word::zero(width))
    }

    /// A register that starts at `initial`, whose width it has.
    pub fn starting(initial: Word) -> Register {
        let width = initial.bits();
        let start = if initial.any() { format!("_h{initial:x}") } else { String::new() };
        Register {
            name: ModuleName::new(format!("register_w{width}{start}")),
            clock: Wire::default(),
            d: Wire::of(width),
            q: Wire::starting(initial.clone()),
            _initial: initial,
        }
    }
}

impl Flag {
    /// A register of one bit that starts at `initial`.
    pub fn starting(initial: bool) -> Flag {
        let name = if initial { "register_w1_h1" } else { "register_w1" };
        let mut q: Wire<Out, Bit> = Wire::default();
        q.next = initial;
        Register {
            name: ModuleName::new(name),
            clock: Wire::default(),
            d: Wire::default(),
            q,
            _initial: initial,
        }
    }
}

impl Default for Flag {
    /// A register of one bit that starts at zero.
    fn default() -> Flag {
        Flag::starting(false)
    }
}

impl<T: Value> Logic for Register<T> {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self.q.next = self.d.val();
        }
    }
    fn connect(&mut self) {
        self.q.connect();
    }
    fn hdl(&self) -> Verilog {
        Verilog::Custom(format!(
            "initial q = {};\nalways @(posedge clock) q <= d;\n",
            self._initial.word()
        ))
    }
}

clocked!(Register, Flag);

/// A register whose lanes are written one by one and read as one word.
///
/// Lane `i` occupies bits `[i * lane_width +: lane_width]` of `q` and takes `d[i]` at a rising edge
/// where `enable[i]` is high. All lanes start at zero.
#[derive(Clone, Debug, LogicBlock)]
pub struct LaneRegister {
    name: ModuleName,
    /// Clock, rising edge.
    pub clock: Wire<In, Clock>,
    /// The next value of each lane.
    pub d: Vec<Wire<In>>,
    /// Whether each lane takes its next value.
    pub enable: Vec<Wire<In, Bit>>,
    /// All lanes, lane 0 in the lowest bits.
    pub q: Wire<Out>,
    _lane_width: usize,
}

impl LaneRegister {
    /// A register of `lanes` lanes of `lane_width` bits.
    pub fn new(lanes: usize, lane_width: usize) -> LaneRegister {
        LaneRegister {
            name: ModuleName::new(format!("lane_register_n{lanes}_w{lane_width}")),
            clock: Wire::default(),
            d: (0..lanes).map(|_| Wire::of(lane_width)).collect(),
            enable: (0..lanes).map(|_| Wire::default()).collect(),
            q: Wire::of(lanes * lane_width),
            _lane_width: lane_width,
        }
    }
}

impl Logic for LaneRegister {
    fn update(&mut self) {
        if !self.clock.pos_edge() || !self.enable.iter().any(|enable| enable.next) {
            return;
        }
        let width = self._lane_width;
        let lanes = self.d.iter().zip(&self.enable).enumerate();
        self.q.next = Word::from_fields(
            lanes.map(|(i, (d, enable))| if enable.next { d.val() } else { self.q.next.field(i, width) }),
            width,
        );
    }
    fn connect(&mut self) {
        self.q.connect();
    }
    fn hdl(&self) -> Verilog {
        let width = self._lane_width;
        let mut text = format!("initial q = {};\n", Word::zero(self.q.width()));
        text += "always @(posedge clock) begin\n";
        for i in 0..self.d.len() {
            let (high, low) = ((i + 1) * width - 1, i * width);
            // A one-bit vector has no part-select that every tool accepts without a word.
            let part = if self.q.width() == 1 { String::new() } else { format!("[{high}:{low}]") };
            text += &format!("  if (enable${i}) q{part} <= d${i};\n");
        }
        text += "end\n";
        Verilog::Custom(text)
    }
}

clocked!(LaneRegister);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::testing::{random_word, rng, Trace};
    use crate::wire::Simulation;

    #[test]
    fn a_register_matches_its_verilog() {
        for width in [1, 7, 64, 65, 200] {
            let mut rng = rng(width as u64);
            let register = Register::starting(random_word(&mut rng, width));
            let mut simulation = Simulation::new(register);
            let mut trace = Trace::new(&simulation.top);
            for _ in 0..200 {
                simulation.top.d.next = random_word(&mut rng, width);
                simulation.settle().unwrap();
                trace.record(&simulation.top);
                let expected = simulation.top.d.val();
                simulation.tick().unwrap();
                assert_eq!(simulation.top.q.val(), expected);
            }
            trace.assert_leaf_matches(&simulation.top);
        }
    }

    #[test]
    fn a_flag_starts_as_told() {
        for initial in [false, true] {
            let mut simulation = Simulation::new(Flag::starting(initial));
            simulation.settle().unwrap();
            assert_eq!(simulation.top.q.val(), initial);
            simulation.top.d.next = !initial;
            simulation.step().unwrap();
            assert_eq!(simulation.top.q.val(), !initial);
        }
    }

    #[test]
    fn a_lane_register_matches_its_verilog() {
        for (lanes, width) in [(1, 1), (1, 9), (3, 1), (5, 7), (3, 70)] {
            let mut rng = rng(lanes as u64);
            let mut simulation = Simulation::new(LaneRegister::new(lanes, width));
            let mut trace = Trace::new(&simulation.top);
            for _ in 0..200 {
                let mask = random_word(&mut rng, lanes);
                for i in 0..lanes {
                    simulation.top.d[i].next = random_word(&mut rng, width);
                    simulation.top.enable[i].next = mask.get_bit(i);
                }
                simulation.settle().unwrap();
                trace.record(&simulation.top);
                let before = simulation.top.q.val();
                simulation.tick().unwrap();
                for i in 0..lanes {
                    let source = if mask.get_bit(i) { simulation.top.d[i].val() } else { before.field(i, width) };
                    assert_eq!(simulation.top.q.val().field(i, width), source);
                }
            }
            trace.assert_leaf_matches(&simulation.top);
        }
    }
}
