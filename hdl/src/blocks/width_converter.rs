//! The same vectors in words of another number of lanes.
//!
//! Ports: `clock`, `reset`; the stream in, `from` lanes a word; the stream out, `to` lanes a word. A vector begins with a
//! new word on both sides; unused lanes of its last word are zero on both.
//!
//! Words are cut into parts of `gcd(from, to)` lanes, one part a cycle, and put together again. A vector of `c` elements
//! takes `c / gcd` cycles, rounded up, and vectors follow without a gap. A part moves one cycle after its word was
//! taken at the earliest, and an output word is offered one cycle after its last part moved.

use super::register::Register;
use super::stream_block::{StreamBlock, StreamPorts};
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, StreamIn, StreamOut, Wire, Word, bits_of};

/// A converter between word widths.
#[derive(Clone, Debug, LogicBlock)]
pub struct WidthConverter {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// The stream in.
    pub in_: StreamIn,
    /// The stream out.
    pub out: StreamOut,
    /// The word being cut, its next part lowest.
    word: Register,
    /// Parts of it still to move.
    left: Register,
    /// Parts of the vector moved.
    moved: Register,
    /// Parts in the word being put together.
    filled: Register,
    /// The word being put together.
    assembly: Register,
    complete: Register,
    part: Wire<Local>,
    placed: Wire<Local>,
    take: Wire<Local, Bit>,
    step: Wire<Local, Bit>,
    vector_end: Wire<Local, Bit>,
    word_end: Wire<Local, Bit>,
    last_part: Parameter,
    last_filled: Parameter,
    parts_in: Parameter,
    part_width: Parameter,
    _left: usize,
    _moved: usize,
    _filled: usize,
    _places: usize,
    _out_width: usize,
}

impl WidthConverter {
    /// A converter of vectors of `channels` elements of `bits` bits, from `from` to `to` lanes a word.
    pub fn new(channels: usize, bits: usize, from: usize, to: usize) -> Self {
        let common = compiler::chip::number::greatest_common_divisor(from, to);
        let (parts_in, parts_out, parts) = (from / common, to / common, channels.div_ceil(common));
        let (left, moved, filled) =
            (super::bits_for(parts_in), super::address_bits(parts), super::address_bits(parts_out));
        let (in_width, out_width) = (from * bits, to * bits);
        WidthConverter {
            module_name: ModuleName::new(format!("width_converter_{channels}x{bits}_{from}_to_{to}"))
                .about("The same vectors in words of another number of lanes."),
            clock: Wire::default(),
            reset: Wire::default(),
            in_: StreamIn::of(in_width),
            out: StreamOut::of(out_width),
            word: Register::new(in_width),
            left: Register::new(left),
            moved: Register::new(moved),
            filled: Register::new(filled),
            assembly: Register::new(out_width),
            complete: Register::new(1),
            part: Wire::of(common * bits),
            placed: Wire::of(out_width),
            take: Wire::default(),
            step: Wire::default(),
            vector_end: Wire::default(),
            word_end: Wire::default(),
            last_part: Parameter::new(Word::new(parts as u64 - 1, moved)),
            last_filled: Parameter::new(Word::new(parts_out as u64 - 1, filled)),
            parts_in: Parameter::new(Word::new(parts_in as u64, left)),
            part_width: Parameter::number(common * bits),
            _left: left,
            _moved: moved,
            _filled: filled,
            _places: parts_out,
            _out_width: out_width,
        }
    }
}

impl StreamBlock for WidthConverter {
    fn ports(&mut self) -> StreamPorts<'_> {
        StreamPorts::new(&mut self.clock, &mut self.reset, [&mut self.in_], [&mut self.out])
    }
}

impl Logic for WidthConverter {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, word, left, moved, filled, assembly, complete);

        self.out.data.next = self.assembly.q.val();
        self.out.valid.next = self.complete.q.val().any();
        // A part moves while the assembled word, if there is one, leaves.
        self.step.next = self.left.q.val().any() && (!self.complete.q.val().any() || self.out.ready.val());
        self.vector_end.next = self.moved.q.val() == self.last_part.val();
        self.word_end.next = self.vector_end.val() || (self.filled.q.val() == self.last_filled.val());
        // The next word comes when the last part of this one moves; the rest of a vector's last word is dropped.
        self.in_.ready.next =
            !self.left.q.val().any() || (self.step.val() && (self.vector_end.val() || (self.left.q.val() == 1u64)));
        self.take.next = self.in_.valid.val() && self.in_.ready.val();

        self.word.d.next = self.word.q.val();
        self.left.d.next = self.left.q.val();
        self.moved.d.next = self.moved.q.val();
        if self.step.val() {
            self.word.d.next = self.word.q.val() >> self.part_width.val();
            self.left.d.next = self.left.q.val() - 1u64;
            self.moved.d.next = self.moved.q.val() + 1u64;
            if self.vector_end.val() {
                self.left.d.next = bits_of(0u64, self._left);
                self.moved.d.next = bits_of(0u64, self._moved);
            }
        }
        if self.take.val() {
            self.word.d.next = self.in_.data.val();
            self.left.d.next = self.parts_in.val();
        }

        self.part.next = self.word.q.val();
        self.placed.next = bits_of(0u64, self._out_width);
        for i in 0..self._places {
            if self.filled.q.val() == i {
                self.placed.next = bits_of(self.part.val(), self._out_width) << (self.part_width.val() * i);
            }
        }
        self.assembly.d.next = self.assembly.q.val();
        self.filled.d.next = self.filled.q.val();
        self.complete.d.next = self.complete.q.val();
        if self.out.ready.val() {
            self.complete.d.next = bits_of(0u64, 1);
        }
        if self.step.val() {
            self.assembly.d.next = self.assembly.q.val() | self.placed.val();
            if !self.filled.q.val().any() {
                self.assembly.d.next = self.placed.val();
            }
            self.filled.d.next = self.filled.q.val() + 1u64;
            if self.word_end.val() {
                self.filled.d.next = bits_of(0u64, self._filled);
                self.complete.d.next = bits_of(1u64, 1);
            }
        }
        if self.reset.val() {
            self.left.d.next = bits_of(0u64, self._left);
            self.moved.d.next = bits_of(0u64, self._moved);
            self.filled.d.next = bits_of(0u64, self._filled);
            self.complete.d.next = bits_of(0u64, 1);
        }
    }
}
