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
use crate::blocks::weight_access::WeightsSlave;
use crate::design::Pipeline;
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, StreamOut, Wire, Word, bits_of, clocked};
use abi::packing::StreamFormat;

/// AXI4-Stream as its reader has it.
#[derive(Clone, Debug, LogicInterface)]
pub struct AxiStreamSlave {
    /// Word in.
    pub tdata: Wire<In>,
    /// Whether the word in is said to be the last of an image.
    pub tlast: Wire<In, Bit>,
    /// Whether there is a word in.
    pub tvalid: Wire<In, Bit>,
    /// Whether the word in is taken.
    pub tready: Wire<Out, Bit>,
}

impl AxiStreamSlave {
    /// A port for the words of `stream`.
    pub fn new(stream: &StreamFormat) -> Self {
        AxiStreamSlave {
            tdata: Wire::of(data_bits(stream)),
            tlast: Wire::default(),
            tvalid: Wire::default(),
            tready: Wire::default(),
        }
    }
}

/// AXI4-Stream as its writer has it.
#[derive(Clone, Debug, LogicInterface)]
pub struct AxiStreamMaster {
    /// Word out.
    pub tdata: Wire<Out>,
    /// Whether the word out is the last of an answer.
    pub tlast: Wire<Out, Bit>,
    /// Whether there is a word out.
    pub tvalid: Wire<Out, Bit>,
    /// Whether the word out is taken.
    pub tready: Wire<In, Bit>,
}

impl AxiStreamMaster {
    /// A port for the words of `stream`.
    pub fn new(stream: &StreamFormat) -> Self {
        AxiStreamMaster {
            tdata: Wire::of(data_bits(stream)),
            tlast: Wire::default(),
            tvalid: Wire::default(),
            tready: Wire::default(),
        }
    }
}

/// A core with streams of AXI.
#[derive(Debug, LogicBlock)]
pub struct AxiStreamCore {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// Images.
    pub s_axis: AxiStreamSlave,
    /// Answers.
    pub m_axis: AxiStreamMaster,
    /// The first word of an image is taken.
    pub image_begun: Wire<Out, Bit>,
    /// The last word of an answer is taken.
    pub image_done: Wire<Out, Bit>,
    /// A word is taken whose `tlast` is wrong.
    pub frame_error: Wire<Out, Bit>,
    /// The weight window, one where weights are writable.
    pub weights: Vec<WeightsSlave>,
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
            module_name: ModuleName::new("axi_stream_core").about("A core between AXI4-Stream interfaces."),
            clock: Wire::default(),
            reset: Wire::default(),
            s_axis: AxiStreamSlave::new(input),
            m_axis: AxiStreamMaster::new(output),
            image_begun: Wire::default(),
            image_done: Wire::default(),
            frame_error: Wire::default(),
            weights: (0..weights).map(|_| WeightsSlave::new()).collect(),
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

clocked!(AxiStreamCore: clock);

impl Logic for AxiStreamCore {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, queue_in, core, queue_out, words_in, words_out);
        self.queue_in.reset.next = self.reset.val();
        self.core.reset.next = self.reset.val();
        for i in 0..self._weights {
            WeightsSlave::link(&mut self.weights[i], &mut self.core.weights[i]);
        }
        self.queue_out.reset.next = self.reset.val();

        // A word taken during a reset would be lost.
        self.s_axis.tready.next = self.queue_in.in_.ready.val() && !self.reset.val();
        self.push.next = self.s_axis.tvalid.val() && self.s_axis.tready.val();
        self.queue_in.in_.data.next = self.s_axis.tdata.val();
        self.queue_in.in_.valid.next = self.push.val();
        StreamOut::join(&mut self.queue_in.out, &mut self.core.in_);

        StreamOut::join(&mut self.core.out, &mut self.queue_out.in_);
        self.m_axis.tdata.next = bits_of(self.queue_out.out.data.val(), self._out_width);
        self.m_axis.tvalid.next = self.queue_out.out.valid.val();
        self.m_axis.tlast.next = self.words_out.q.val() == self.last_word_out.val();
        self.queue_out.out.ready.next = self.m_axis.tready.val();
        self.pop.next = self.m_axis.tvalid.val() && self.m_axis.tready.val();

        self.last_in.next = self.words_in.q.val() == self.last_word_in.val();
        self.image_begun.next = self.push.val() && !self.words_in.q.val().any();
        self.image_done.next = self.pop.val() && self.m_axis.tlast.val();
        self.frame_error.next = self.push.val() && (self.s_axis.tlast.val() != self.last_in.val());
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
