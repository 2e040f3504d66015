//! A core between AXI4-Stream interfaces.
//!
//! Ports: `clock`, `reset`; the AXI4-Stream signals under their own names; the events `image_begun` and `image_done`, high
//! in the clock cycles in which the first word of an image and the last word of an answer move; `frame_error`, high for one
//! cycle for each word in whose `s_axis_tlast` does not tell the end of an image.
//!
//! `tdata` is the word of the core's stream, padded with zeros to whole bytes; bits of the padding are ignored. Images are
//! told apart by their number of words alone: `s_axis_tlast` is only checked. `m_axis_tlast` comes with the last word of each
//! answer. A queue of two words on both sides cuts the paths between both handshakes, so that no valid waits for a ready;
//! together they make the latency two clock cycles longer, and the interval no longer.

use crate::blocks::address_bits;
use crate::blocks::register::Register;
use crate::blocks::stream_fifo::StreamFifo;
use crate::design::Pipeline;
use crate::wire::{Clocked, ModuleName, Parameter, Wire, Word, bits_of};
use abi::packing::StreamFormat;
use abi::weights::ADDRESS_BITS;
use abi::window::WORD_BITS;
use rust_hdl::core::prelude::*;

/// A core with streams of AXI.
#[derive(Debug, LogicBlock)]
pub struct AxiStreamCore {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// Word in.
    pub s_axis_tdata: Wire<In>,
    /// Whether the word in is said to be the last of an image.
    pub s_axis_tlast: Wire<In, Bit>,
    /// Whether there is a word in.
    pub s_axis_tvalid: Wire<In, Bit>,
    /// Whether the word in is taken.
    pub s_axis_tready: Wire<Out, Bit>,
    /// Word out.
    pub m_axis_tdata: Wire<Out>,
    /// Whether the word out is the last of an answer.
    pub m_axis_tlast: Wire<Out, Bit>,
    /// Whether there is a word out.
    pub m_axis_tvalid: Wire<Out, Bit>,
    /// Whether the word out is taken.
    pub m_axis_tready: Wire<In, Bit>,
    /// The first word of an image is taken.
    pub image_begun: Wire<Out, Bit>,
    /// The last word of an answer is taken.
    pub image_done: Wire<Out, Bit>,
    /// A word is taken whose `tlast` is wrong.
    pub frame_error: Wire<Out, Bit>,
    /// Where weights are writable, the access to them, as the core has it.
    pub weights_select: Vec<Wire<In, Bit>>,
    /// Whether a word of them is stored.
    pub weights_write: Vec<Wire<In, Bit>>,
    /// Which one.
    pub weights_address: Vec<Wire<In>>,
    /// What is stored.
    pub weights_data: Vec<Wire<In>>,
    /// The word that is there.
    pub weights_q: Vec<Wire<Out>>,
    queue_in: StreamFifo,
    core: Pipeline,
    queue_out: StreamFifo,
    /// Words of the image taken, and of the answer given.
    words_in: Register,
    words_out: Register,
    push: Wire<Local, Bit>,
    pop: Wire<Local, Bit>,
    last_in: Wire<Local, Bit>,
    last_word_in: Parameter,
    last_word_out: Parameter,
    _words_in: usize,
    _words_out: usize,
    _out_width: usize,
    _weights: usize,
}

/// Words of the queue on each side.
const QUEUE_WORDS: usize = 2;

/// Bits of `tdata` for words of `stream`.
pub fn data_bits(stream: &StreamFormat) -> usize {
    stream.word_bits().next_multiple_of(8)
}

impl AxiStreamCore {
    /// A block around `core`, whose streams are `input` and `output`.
    pub fn new(core: Pipeline, (input, output): (&StreamFormat, &StreamFormat)) -> Self {
        let (words_in, words_out) = (input.words_per_image(), output.words_per_image());
        let (count_in, count_out) = (address_bits(words_in), address_bits(words_out));
        let weights = usize::from(core.weight_words() > 0);
        AxiStreamCore {
            module_name: ModuleName::new("axi_stream_core"),
            clock: Wire::default(),
            reset: Wire::default(),
            s_axis_tdata: Wire::of(data_bits(input)),
            s_axis_tlast: Wire::default(),
            s_axis_tvalid: Wire::default(),
            s_axis_tready: Wire::default(),
            m_axis_tdata: Wire::of(data_bits(output)),
            m_axis_tlast: Wire::default(),
            m_axis_tvalid: Wire::default(),
            m_axis_tready: Wire::default(),
            image_begun: Wire::default(),
            image_done: Wire::default(),
            frame_error: Wire::default(),
            weights_select: (0..weights).map(|_| Wire::default()).collect(),
            weights_write: (0..weights).map(|_| Wire::default()).collect(),
            weights_address: (0..weights).map(|_| Wire::of(ADDRESS_BITS)).collect(),
            weights_data: (0..weights).map(|_| Wire::of(WORD_BITS)).collect(),
            weights_q: (0..weights).map(|_| Wire::of(WORD_BITS)).collect(),
            queue_in: StreamFifo::new(QUEUE_WORDS, input.word_bits()),
            core,
            queue_out: StreamFifo::new(QUEUE_WORDS, output.word_bits()),
            words_in: Register::new(count_in),
            words_out: Register::new(count_out),
            push: Wire::default(),
            pop: Wire::default(),
            last_in: Wire::default(),
            last_word_in: Parameter::new(Word::new(words_in as u64 - 1, count_in)),
            last_word_out: Parameter::new(Word::new(words_out as u64 - 1, count_out)),
            _words_in: count_in,
            _words_out: count_out,
            _out_width: data_bits(output),
            _weights: weights,
        }
    }

    /// What it was made around.
    pub fn into_core(self) -> Pipeline {
        self.core
    }
}

impl Clocked for AxiStreamCore {
    fn clock(&mut self) -> &mut Wire<In, Clock> {
        &mut self.clock
    }
}

impl Logic for AxiStreamCore {
    #[hdl_gen]
    fn update(&mut self) {
        self.queue_in.clock.next = self.clock.val();
        self.core.clock.next = self.clock.val();
        self.queue_out.clock.next = self.clock.val();
        self.words_in.clock.next = self.clock.val();
        self.words_out.clock.next = self.clock.val();
        self.queue_in.reset.next = self.reset.val();
        self.core.reset.next = self.reset.val();
        for i in 0..self._weights {
            self.core.weights_select[i].next = self.weights_select[i].val();
            self.core.weights_write[i].next = self.weights_write[i].val();
            self.core.weights_address[i].next = self.weights_address[i].val();
            self.core.weights_data[i].next = self.weights_data[i].val();
            self.weights_q[i].next = self.core.weights_q[i].val();
        }
        self.queue_out.reset.next = self.reset.val();

        // A word taken during a reset would be lost.
        self.s_axis_tready.next = self.queue_in.in_ready.val() && !self.reset.val();
        self.push.next = self.s_axis_tvalid.val() && self.s_axis_tready.val();
        self.queue_in.in_data.next = self.s_axis_tdata.val();
        self.queue_in.in_valid.next = self.push.val();
        self.core.in_data.next = self.queue_in.out_data.val();
        self.core.in_valid.next = self.queue_in.out_valid.val();
        self.queue_in.out_ready.next = self.core.in_ready.val();

        self.queue_out.in_data.next = self.core.out_data.val();
        self.queue_out.in_valid.next = self.core.out_valid.val();
        self.core.out_ready.next = self.queue_out.in_ready.val();
        self.m_axis_tdata.next = bits_of(self.queue_out.out_data.val(), self._out_width);
        self.m_axis_tvalid.next = self.queue_out.out_valid.val();
        self.m_axis_tlast.next = self.words_out.q.val() == self.last_word_out.val();
        self.queue_out.out_ready.next = self.m_axis_tready.val();
        self.pop.next = self.m_axis_tvalid.val() && self.m_axis_tready.val();

        self.last_in.next = self.words_in.q.val() == self.last_word_in.val();
        self.image_begun.next = self.push.val() && !self.words_in.q.val().any();
        self.image_done.next = self.pop.val() && self.m_axis_tlast.val();
        self.frame_error.next = self.push.val() && (self.s_axis_tlast.val() != self.last_in.val());
        self.words_in.d.next = self.words_in.q.val() + self.push.val();
        self.words_out.d.next = self.words_out.q.val() + self.pop.val();
        if self.reset.val() || (self.push.val() && self.last_in.val()) {
            self.words_in.d.next = bits_of(0u64, self._words_in);
        }
        if self.reset.val() || self.image_done.val() {
            self.words_out.d.next = bits_of(0u64, self._words_out);
        }
    }
}
