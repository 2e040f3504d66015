//! Wires of run-time width on rust-hdl, and the driver that clocks a block made of them.
//!
//! rust-hdl's own `Signal<D, Bits<N>>` fixes a width at Rust compile time; the shape of a network
//! is known only at run time. [`Wire`] implements the same three traits (`Atom`, `Logic`, `Block`)
//! with its width in the value, so `#[derive(LogicBlock)]` and `#[hdl_gen]` work unchanged and one
//! kernel gives both the simulation and the Verilog.
//!
//! * `Wire<D>` carries a [`Word`] and is made by [`Wire::of`];
//! * `Wire<D, Bit>` carries a `bool` (handshakes, flags), `Wire<In, Clock>` the clock; both `Default`;
//! * [`StreamIn`] and [`StreamOut`] are a stream's wires as one port, made of them by `LogicInterface`;
//! * [`Parameter`] is a constant, [`ModuleName`] the name of the emitted module.
//!
//! Unlike rust-hdl's `Signal`, an input wire shows what its parent assigned in the *same* pass. A
//! clock edge therefore reaches every register of a hierarchy in one pass, before any of the new
//! register outputs can move (a parent is evaluated before its children), and a value needs one
//! pass per hop from child to sibling instead of two per level. This is why clocks, too, must be
//! `Wire<In, Clock>` throughout: a `Signal<In, Clock>` between two of our blocks would deliver the
//! edge late.

mod link;
mod operators;
mod parameter;
mod simulation;
mod stream;
mod word;

pub use operators::bits_of;
pub use parameter::{MEMORY_FOLDER, ModuleName, Parameter, memory_file};
pub(crate) use parameter::{PREFIX, unused};
pub(crate) use simulation::clocked;
pub use simulation::{Clocked, NotSettled, Simulation};
pub use stream::{StreamIn, StreamOut};
pub use word::{IntoIndex, Word};

use crate::rust_hdl::constraint::PinConstraint;
use crate::rust_hdl::prelude::*;
use crate::rust_hdl::signal::get_signal_id;

/// What a wire can carry: a [`Word`], a `Bit` (`bool`) or the `Clock`.
pub trait Value: Clone + std::fmt::Debug {
    /// Whether two values of one wire differ.
    fn differs(&self, other: &Self) -> bool;
    /// The value cut or extended with zeros to the width of a wire.
    fn fitted(&self, width: usize) -> Self;
    /// The value as a word.
    fn word(&self) -> Word;
    /// The type as rust-hdl describes it.
    fn descriptor(width: usize) -> TypeDescriptor;
}

impl Value for Word {
    #[inline]
    fn differs(&self, other: &Word) -> bool {
        !self.identical(other)
    }
    #[inline]
    fn fitted(&self, width: usize) -> Word {
        self.resized(width)
    }
    fn word(&self) -> Word {
        self.clone()
    }
    fn descriptor(width: usize) -> TypeDescriptor {
        bits_descriptor(width)
    }
}

impl Value for Bit {
    #[inline]
    fn differs(&self, other: &Bit) -> bool {
        self != other
    }
    #[inline]
    fn fitted(&self, _width: usize) -> Bit {
        *self
    }
    fn word(&self) -> Word {
        Word::from(*self)
    }
    fn descriptor(_width: usize) -> TypeDescriptor {
        <Bit as Synth>::descriptor()
    }
}

impl Value for Clock {
    #[inline]
    fn differs(&self, other: &Clock) -> bool {
        self.clk != other.clk
    }
    #[inline]
    fn fitted(&self, _width: usize) -> Clock {
        *self
    }
    fn word(&self) -> Word {
        Word::from(self.clk)
    }
    fn descriptor(_width: usize) -> TypeDescriptor {
        <Clock as Synth>::descriptor()
    }
}

/// A wire of a width fixed when it is made: a port (`In`, `Out`) or an inner wire (`Local`).
///
/// Assigning [`next`](Wire::next) cuts or extends the value to the wire's width.
#[derive(Clone, Debug)]
pub struct Wire<D: Direction, T: Value = Word> {
    /// The value to carry, assigned by the kernel that drives the wire.
    pub next: T,
    settled: T,
    width: usize,
    changed: bool,
    claimed: bool,
    id: usize,
    direction: std::marker::PhantomData<D>,
}

impl<D: Direction, T: Value> Wire<D, T> {
    fn carrying(value: T, width: usize) -> Wire<D, T> {
        Wire {
            next: value.clone(),
            settled: value,
            width,
            changed: false,
            claimed: false,
            id: get_signal_id(),
            direction: std::marker::PhantomData,
        }
    }

    /// The value that the wire carries.
    #[inline]
    pub fn val(&self) -> T {
        self.next.fitted(self.width)
    }
}

impl<D: Direction> Wire<D> {
    /// A wire of `width` bits.
    pub fn of(width: usize) -> Wire<D> {
        Wire::carrying(Word::zero(width), width)
    }

    /// The width in bits.
    #[inline]
    pub fn width(&self) -> usize {
        self.width
    }
}

impl<D: Direction> Default for Wire<D, Bit> {
    fn default() -> Self {
        Wire::carrying(false, 1)
    }
}

impl<D: Direction> Default for Wire<D, Clock> {
    fn default() -> Self {
        Wire::carrying(Clock { clk: false }, 1)
    }
}

impl Wire<In, Clock> {
    /// Whether the clock rose since this wire last settled.
    #[inline]
    pub fn pos_edge(&self) -> bool {
        self.next.clk && !self.settled.clk
    }
}

impl<D: Direction, T: Value> Atom for Wire<D, T> {
    fn bits(&self) -> usize {
        self.width
    }
    fn connected(&self) -> bool {
        self.claimed
    }
    fn changed(&self) -> bool {
        self.changed
    }
    fn kind(&self) -> AtomKind {
        D::KIND
    }
    fn descriptor(&self) -> TypeDescriptor {
        T::descriptor(self.width)
    }
    fn vcd(&self) -> VCDValue {
        vcd_vector(&self.settled.word())
    }
    fn id(&self) -> usize {
        self.id
    }
    fn verilog(&self) -> VerilogLiteral {
        verilog_literal(&self.settled.word())
    }
    fn constraints(&self) -> Vec<PinConstraint> {
        vec![]
    }
}

impl<D: Direction, T: Value> Logic for Wire<D, T> {
    fn update(&mut self) {}
    fn connect(&mut self) {
        self.claimed = true;
    }
}

impl<D: Direction, T: Value> Block for Wire<D, T> {
    fn connect_all(&mut self) {}
    #[inline]
    fn update_all(&mut self) {
        self.changed = self.settled.differs(&self.next);
        if self.changed {
            self.next = self.next.fitted(self.width);
            // Cutting to the width may have undone the difference.
            self.changed = self.settled.differs(&self.next);
            self.settled = self.next.clone();
        }
    }
    #[inline]
    fn has_changed(&self) -> bool {
        self.changed
    }
    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        probe.visit_atom(name, self);
    }
}

fn bits_descriptor(width: usize) -> TypeDescriptor {
    TypeDescriptor { name: format!("Word<{width}>"), kind: TypeKind::Bits(width) }
}

fn vcd_vector(value: &Word) -> VCDValue {
    let bit = |i| if value.get_bit(i) { vcd::Value::V1 } else { vcd::Value::V0 };
    VCDValue::Vector((0..value.bits()).rev().map(bit).collect())
}

/// rust-hdl makes literals only from types of fixed width. The emitter takes the width from
/// `Atom::bits`, so any type wide enough to carry the value will do.
fn verilog_literal(value: &Word) -> VerilogLiteral {
    const WIDEST: usize = 1 << 14;
    if value.bits() <= 128 {
        (value.limb(0) as u128 | (value.limb(1) as u128) << 64).into()
    } else {
        debug_assert!(value.bits() <= WIDEST, "constants wider than {WIDEST} bits belong into a memory");
        let digits = value.limbs().iter().flat_map(|limb| [*limb as u32, (*limb >> 32) as u32]);
        Bits::<WIDEST>::from(num_bigint::BigUint::new(digits.collect())).into()
    }
}
