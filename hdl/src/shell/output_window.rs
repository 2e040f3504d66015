//! The output window: a ring of answers that the core writes and the host reads.
//!
//! Ports: `clock`, `reset`; the stream in, [`WindowFormat::lanes`] elements a word; `read_address` (a word of the ring) and
//! `q`, that word two cycles later; `image_done`, high in the cycle in which the last word of an answer is taken.
//!
//! A word is taken in every cycle: the host makes sure that the slot is free before it submits the image. `reset` begins
//! again with the first slot.

use super::input_window::Contents;
use crate::blocks::address_bits;
use crate::blocks::ram::Ram;
use crate::blocks::register::Register;
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, StreamIn, Wire, Word, bits_of, clocked};
use abi::ring;
use abi::window::{WORD_BITS, WindowFormat};
use compiler::chip::memory::MemoryKind;

/// A ring of answers on their way to the host.
#[derive(Clone, Debug, LogicBlock)]
pub struct OutputWindow {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// The stream in.
    pub in_: StreamIn,
    /// Word to read.
    pub read_address: Wire<In>,
    /// The word read.
    pub q: Wire<Out>,
    /// Whether an answer is complete with the word taken.
    pub image_done: Wire<Out, Bit>,
    memory: Ram,
    found: Register,
    place: Register,
    word: Register,
    image_end: Wire<Local, Bit>,
    container: Parameter,
    element_width: Parameter,
    last_place: Parameter,
    last_word: Parameter,
    elements: Vec<Wire<Local>>,
    extended: Vec<Wire<Local>>,
    contained: Wire<Local>,
    _lanes: usize,
    _place: usize,
    _word: usize,
    _word_bits: usize,
}

impl OutputWindow {
    /// A ring of `slots` answers of the given layout.
    pub fn new(format: &WindowFormat, slots: usize) -> Self {
        let words = format.words_per_image();
        let depth = ring::depth(words, slots);
        let Contents { lanes, container, bits } = Contents::of(format);
        let (place, word) = (address_bits(depth), address_bits(words));
        OutputWindow {
            module_name: ModuleName::new("output_window")
                .about("The output window: a ring of answers that the core writes and the host reads."),
            clock: Wire::default(),
            reset: Wire::default(),
            in_: StreamIn::of(lanes * bits),
            read_address: Wire::of(place),
            q: Wire::of(WORD_BITS),
            image_done: Wire::default(),
            memory: Ram::new(depth, WORD_BITS, true).of_kind(Some(MemoryKind::Block)),
            found: Register::new(WORD_BITS),
            place: Register::new(place),
            word: Register::new(word),
            image_end: Wire::default(),
            container: Parameter::number(container),
            element_width: Parameter::number(bits),
            last_place: Parameter::new(Word::new((words * slots - 1) as u64, place)),
            last_word: Parameter::new(Word::new(words as u64 - 1, word)),
            elements: (0..lanes).map(|_| Wire::of(bits)).collect(),
            extended: (0..lanes).map(|_| Wire::of(WORD_BITS)).collect(),
            contained: Wire::of(WORD_BITS),
            _lanes: lanes,
            _place: place,
            _word: word,
            _word_bits: WORD_BITS,
        }
    }
}

clocked!(OutputWindow: clock);

impl Logic for OutputWindow {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, memory, place, found, word);

        self.contained.next = bits_of(0u64, self._word_bits);
        for i in 0..self._lanes {
            self.elements[i].next = self.in_.data.val() >> (self.element_width.val() * i);
            self.extended[i].next = self.elements[i].val();
            self.contained.next = self.contained.val() | (self.extended[i].val() << (self.container.val() * i));
        }
        self.in_.ready.next = true;
        self.memory.write.next = self.in_.valid.val();
        self.memory.write_address.next = self.place.q.val();
        self.memory.write_data.next = self.contained.val();
        self.memory.read_address.next = self.read_address.val();
        self.found.d.next = self.memory.q.val();
        self.q.next = self.found.q.val();
        self.image_end.next = self.word.q.val() == self.last_word.val();
        self.image_done.next = self.in_.valid.val() && self.image_end.val();

        self.place.d.next = self.place.q.val();
        self.word.d.next = self.word.q.val();
        if self.in_.valid.val() {
            self.place.d.next = self.place.q.val() + 1u64;
            if self.place.q.val() == self.last_place.val() {
                self.place.d.next = bits_of(0u64, self._place);
            }
            self.word.d.next = self.word.q.val() + 1u64;
            if self.image_end.val() {
                self.word.d.next = bits_of(0u64, self._word);
            }
        }
        if self.reset.val() {
            self.place.d.next = bits_of(0u64, self._place);
            self.word.d.next = bits_of(0u64, self._word);
        }
    }
}
