//! The input window: a ring of images that the host writes and the core reads.
//!
//! Ports: `clock`, `reset`; `write`, `write_address` (a word of the ring), `write_data`; `submitted`, the number of images
//! handed over, modulo a power of two above the ring's slots; the stream out, [`WindowFormat::lanes`] elements a word
//! without their containers.
//!
//! A word is offered three cycles after the image that it belongs to was submitted, or after the word before it was taken:
//! one word every three cycles. `reset` begins again with the first slot.

use crate::blocks::ram::Ram;
use crate::blocks::register::Register;
use crate::blocks::{address_bits, bits_for};
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, StreamOut, Wire, Word, bits_of, clocked};
use abi::ring;
use abi::window::{WORD_BITS, WindowFormat};
use compiler::chip::memory::MemoryKind;

/// A ring of images on their way to the core.
#[derive(Clone, Debug, LogicBlock)]
pub struct InputWindow {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// Whether to store a word.
    pub write: Wire<In, Bit>,
    /// Where to store it.
    pub write_address: Wire<In>,
    /// The word to store.
    pub write_data: Wire<In>,
    /// Images handed over.
    pub submitted: Wire<In>,
    /// The stream out.
    pub out: StreamOut,
    memory: Ram,
    /// The word to read.
    place: Register,
    /// Words of the image taken.
    word: Register,
    /// Images taken, modulo the same power of two as `submitted`.
    taken: Register,
    /// Whether the memory shows the word at `place`, and whether `found` does.
    fetched: Register,
    fresh: Register,
    found: Register,
    elements: Vec<Wire<Local>>,
    extended: Vec<Wire<Local>>,
    take: Wire<Local, Bit>,
    image_end: Wire<Local, Bit>,
    container: Parameter,
    element_width: Parameter,
    last_place: Parameter,
    last_word: Parameter,
    _lanes: usize,
    _place: usize,
    _word: usize,
    _count: usize,
    _out_width: usize,
}

impl InputWindow {
    /// A ring of `slots` images of the given layout.
    pub fn new(format: &WindowFormat, slots: usize) -> Self {
        let words = format.words_per_image();
        let depth = ring::depth(words, slots);
        let Contents { lanes, container, bits } = Contents::of(format);
        let (place, word, count) = (address_bits(depth), address_bits(words), bits_for(slots));
        InputWindow {
            module_name: ModuleName::new("input_window")
                .about("The input window: a ring of images that the host writes and the core reads."),
            clock: Wire::default(),
            reset: Wire::default(),
            write: Wire::default(),
            write_address: Wire::of(place),
            write_data: Wire::of(WORD_BITS),
            submitted: Wire::of(count),
            out: StreamOut::of(lanes * bits),
            memory: Ram::new(depth, WORD_BITS, true).of_kind(Some(MemoryKind::Block)),
            place: Register::new(place),
            word: Register::new(word),
            taken: Register::new(count),
            fetched: Register::new(1),
            fresh: Register::new(1),
            found: Register::new(WORD_BITS),
            elements: (0..lanes).map(|_| Wire::of(bits)).collect(),
            extended: (0..lanes).map(|_| Wire::of(lanes * bits)).collect(),
            take: Wire::default(),
            image_end: Wire::default(),
            container: Parameter::number(container),
            element_width: Parameter::number(bits),
            last_place: Parameter::new(Word::new((words * slots - 1) as u64, place)),
            last_word: Parameter::new(Word::new(words as u64 - 1, word)),
            _lanes: lanes,
            _place: place,
            _word: word,
            _count: count,
            _out_width: lanes * bits,
        }
    }
}

/// How the elements of a word are put into containers.
pub(super) struct Contents {
    /// Containers of a word.
    pub lanes: usize,
    /// Bits of a container.
    pub container: usize,
    /// Bits of it that count.
    pub bits: usize,
}

impl Contents {
    /// The containers of words in the given layout.
    pub fn of(format: &WindowFormat) -> Self {
        let (lanes, container, bits) = (format.lanes(), format.container_bits(), format.element.bits() as usize);
        // Full containers need no telling apart: one word, one piece.
        if container == bits {
            Contents { lanes: 1, container: WORD_BITS, bits: WORD_BITS }
        } else {
            Contents { lanes, container, bits }
        }
    }
}

clocked!(InputWindow: clock);

impl Logic for InputWindow {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, memory, place, word, taken, fetched, fresh, found);
        self.found.d.next = self.memory.q.val();

        self.memory.write.next = self.write.val();
        self.memory.write_address.next = self.write_address.val();
        self.memory.write_data.next = self.write_data.val();
        self.memory.read_address.next = self.place.q.val();

        self.out.data.next = bits_of(0u64, self._out_width);
        for i in 0..self._lanes {
            self.elements[i].next = self.found.q.val() >> (self.container.val() * i);
            self.extended[i].next = self.elements[i].val();
            self.out.data.next = self.out.data.val() | (self.extended[i].val() << (self.element_width.val() * i));
        }
        self.out.valid.next = self.fresh.q.val().any();
        self.take.next = self.out.valid.val() && self.out.ready.val();
        self.image_end.next = self.word.q.val() == self.last_word.val();

        self.place.d.next = self.place.q.val();
        self.word.d.next = self.word.q.val();
        self.taken.d.next = self.taken.q.val();
        self.fresh.d.next = self.fresh.q.val();
        self.fetched.d.next = bits_of(0u64, 1)
            + (!self.fresh.q.val().any()
                && !self.fetched.q.val().any()
                && (self.taken.q.val() != self.submitted.val()));
        if self.fetched.q.val().any() {
            self.fresh.d.next = bits_of(1u64, 1);
        }
        if self.take.val() {
            self.fresh.d.next = bits_of(0u64, 1);
            self.place.d.next = self.place.q.val() + 1u64;
            if self.place.q.val() == self.last_place.val() {
                self.place.d.next = bits_of(0u64, self._place);
            }
            self.word.d.next = self.word.q.val() + 1u64;
            if self.image_end.val() {
                self.word.d.next = bits_of(0u64, self._word);
                self.taken.d.next = self.taken.q.val() + 1u64;
            }
        }
        if self.reset.val() {
            self.place.d.next = bits_of(0u64, self._place);
            self.word.d.next = bits_of(0u64, self._word);
            self.taken.d.next = bits_of(0u64, self._count);
            self.fresh.d.next = bits_of(0u64, 1);
            self.fetched.d.next = bits_of(0u64, 1);
        }
    }
}
