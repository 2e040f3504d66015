//! The register map of [`abi::registers`] as hardware: what a bus master finds at an address.
//!
//! Ports: `clock`, `reset`; from the bus `address` (in bytes, held until the access is over), `write` (one cycle) and
//! `write_data`; to the bus `read_data`, `readable` and `writable`, all valid from the third cycle on in which `address`
//! stands; towards the windows `window_address` (a word of a ring), `input_write`, and `output_data`, which follows
//! `window_address` by two cycles; `submitted` and `busy`; the events `image_begun`, `image_done`, `line_error` and
//! `frame_error`, high for one cycle each; `reset_request`, high for one cycle when the host asks for a reset.
//!
//! Without windows, `submitted` counts the event `image_begun`; with them, it is written, and `image_begun` stays low.
//!
//! With writable weights, towards the core `weights_select`, `weights_write` and `weights_address`, and `weights_q`, which
//! follows `weights_address` and `weights_select` by three cycles: at addresses of the weight window, `read_data` is valid
//! from the fifth cycle on. There is no word there while `busy` is high.
//!
//! `reset` sets the counters to zero. A write takes effect at the next edge.

use super::bus::BusSlave;
use crate::blocks::constant_table::ConstantTable;
use crate::blocks::register::Register;
use crate::blocks::weight_access::WeightsMaster;
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, Wire, Word, bits_of, clocked};
use abi::packing::StreamFormat;
use abi::registers::{
    self, CONTROL_RESET, IDENTITY_UNKNOWN, INPUT_WINDOW, MAX_WEIGHT_BYTES, MAX_WINDOW_BYTES, OUTPUT_WINDOW,
    WEIGHT_WINDOW,
};
use abi::weights::ADDRESS_BITS;
use abi::window::{WORD_BITS, WindowFormat};
use compiler::plan::Plan;

/// Registers and their address decoder.
#[derive(Clone, Debug, LogicBlock)]
pub struct RegisterFile {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// The bus.
    pub bus: BusSlave,
    /// Word of a window's ring.
    pub window_address: Wire<Out>,
    /// Whether to store `write_data` in the input window.
    pub input_write: Wire<Out, Bit>,
    /// The output window's word.
    pub output_data: Wire<In>,
    /// Images handed over.
    pub submitted: Wire<Out>,
    /// Whether images are in work.
    pub busy: Wire<Out, Bit>,
    /// An image begins that no window holds.
    pub image_begun: Wire<In, Bit>,
    /// An answer is complete.
    pub image_done: Wire<In, Bit>,
    /// A byte came broken.
    pub line_error: Wire<In, Bit>,
    /// A frame came broken.
    pub frame_error: Wire<In, Bit>,
    /// The host asks for a reset.
    pub reset_request: Wire<Out, Bit>,
    /// The weight window, one with writable weights.
    pub weights: Vec<WeightsMaster>,
    identity: Vec<Register>,
    at_identity: Vec<Wire<Local, Bit>>,
    is_identity: Vec<Register>,
    in_weights: Vec<Register>,
    constants: ConstantTable,
    session: Register,
    submitted_count: Register,
    completed_count: Register,
    cycle_count: Register,
    line_error_count: Register,
    frame_error_count: Register,
    read_word: Register,
    constant: Register,
    chosen: Vec<Register>,
    chosen_identity: Vec<Register>,
    counters: Vec<Wire<Local>>,
    is_readable: Register,
    is_writable: Register,
    page: Wire<Local>,
    offset: Wire<Local>,
    in_registers: Wire<Local, Bit>,
    in_input: Wire<Local, Bit>,
    in_output: Wire<Local, Bit>,
    at_control: Wire<Local, Bit>,
    at_submitted: Wire<Local, Bit>,
    at_session: Wire<Local, Bit>,
    condition: Wire<Local>,
    has_windows: Parameter,
    page_shift: Parameter,
    word_shift: Parameter,
    input_page: Parameter,
    output_page: Parameter,
    register_words: Parameter,
    input_words: Parameter,
    output_words: Parameter,
    control: Parameter,
    status: Parameter,
    submitted_place: Parameter,
    session_place: Parameter,
    completed: Parameter,
    cycles: Parameter,
    line_errors: Parameter,
    frame_errors: Parameter,
    reset_bit: Parameter,
    weight_page_shift: Parameter,
    weight_page: Parameter,
    weight_words: Parameter,
    identity_place: Parameter,
    unknown: Parameter,
    _error_bits: usize,
    _word_bits: usize,
    _weights: usize,
    _counters: usize,
}

/// What the constant registers read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceFacts {
    /// Images of each window.
    pub slots: usize,
    /// Words of an image in the input window.
    pub input_words: usize,
    /// Words of an answer in the output window.
    pub output_words: usize,
    /// Frequency of the clock in Hz.
    pub clock_hertz: u32,
    /// SHA-256 of the core.
    pub design_hash: [u8; 32],
    /// Bytes that the device holds of its line.
    pub line_bytes: usize,
    /// Words of the weight window; 0 where weights are fixed.
    pub weight_words: u32,
}

impl DeviceFacts {
    /// The facts of a device without a serial line that runs `plan`, with windows of `slots` images and a weight window of
    /// `weight_words` words.
    pub fn of(plan: &Plan, (slots, weight_words): (usize, u32), clock_hertz: u32, design_hash: [u8; 32]) -> Self {
        let words = |format: StreamFormat| WindowFormat::of(&format).words_per_image();
        let (input_words, output_words) = (words(plan.input_format()), words(plan.output_format()));
        DeviceFacts { slots, input_words, output_words, clock_hertz, design_hash, line_bytes: 0, weight_words }
    }
}

/// The cycle of an access, the first being that in which `address` begins to stand, from which on all answers are valid.
pub const ANSWERS_FROM: usize = 5;

/// Registers that are read and do not stay the same, weights' identity apart.
const COUNTERS: usize = 7;

/// Bits of an error counter.
const ERROR_BITS: usize = 16;

impl RegisterFile {
    /// The registers of a device whose windows each have memories of `ring_bits` address bits at most.
    pub fn new(facts: &DeviceFacts, ring_bits: usize) -> Self {
        Self::named("register_file", "device_facts", facts, ring_bits)
    }

    /// The registers of a device without windows.
    pub fn of_streams(facts: &DeviceFacts) -> Self {
        Self::named(
            "register_file_of_streams",
            "device_facts_of_streams",
            &DeviceFacts { slots: 0, ..facts.clone() },
            1,
        )
    }

    fn named(name: &str, constants_name: &str, facts: &DeviceFacts, ring_bits: usize) -> Self {
        let has_windows = facts.slots > 0;
        let page_bits = MAX_WINDOW_BYTES.trailing_zeros();
        let offset = page_bits as usize - 2;
        let page = |address: u32| Parameter::new(Word::new(u64::from(address >> page_bits), 32 - page_bits as usize));
        // One bit more than an offset, so that the end of the largest window is a number of its own.
        let end = |words: usize| Parameter::new(Word::new(words as u64, offset + 1));
        let word = |register: registers::Register| Parameter::new(Word::new(u64::from(register.address() / 4), offset));
        let constants = constants(facts);
        let weights = usize::from(facts.weight_words > 0);
        let weight_page_bits = MAX_WEIGHT_BYTES.trailing_zeros() as usize;
        let weight_page = Word::new(u64::from(WEIGHT_WINDOW >> weight_page_bits), 32 - weight_page_bits);
        RegisterFile {
            module_name: ModuleName::new(name).about("The register map of the device."),
            clock: Wire::default(),
            reset: Wire::default(),
            bus: BusSlave::new(),
            window_address: Wire::of(ring_bits),
            input_write: Wire::default(),
            output_data: Wire::of(WORD_BITS),
            submitted: Wire::of(WORD_BITS),
            busy: Wire::default(),
            image_begun: Wire::default(),
            image_done: Wire::default(),
            line_error: Wire::default(),
            frame_error: Wire::default(),
            reset_request: Wire::default(),
            weights: (0..weights).map(|_| WeightsMaster::new()).collect(),
            identity: (0..weights).map(|_| Register::new(WORD_BITS)).collect(),
            at_identity: (0..weights).map(|_| Wire::default()).collect(),
            is_identity: (0..weights).map(|_| Register::new(1)).collect(),
            in_weights: (0..weights).map(|_| Register::new(1)).collect(),
            session: Register::new(WORD_BITS),
            submitted_count: Register::new(WORD_BITS),
            completed_count: Register::new(WORD_BITS),
            cycle_count: Register::new(WORD_BITS),
            line_error_count: Register::new(ERROR_BITS),
            frame_error_count: Register::new(ERROR_BITS),
            read_word: Register::new(WORD_BITS),
            constant: Register::new(WORD_BITS),
            chosen: (0..COUNTERS).map(|_| Register::new(1)).collect(),
            chosen_identity: (0..weights).map(|_| Register::new(1)).collect(),
            counters: (0..COUNTERS).map(|_| Wire::of(WORD_BITS)).collect(),
            is_readable: Register::new(1),
            is_writable: Register::new(1),
            page: Wire::of(32 - page_bits as usize),
            offset: Wire::of(offset),
            in_registers: Wire::default(),
            in_input: Wire::default(),
            in_output: Wire::default(),
            at_control: Wire::default(),
            at_submitted: Wire::default(),
            at_session: Wire::default(),
            condition: Wire::of(2),
            has_windows: Parameter::flag(has_windows),
            page_shift: Parameter::number(page_bits as usize),
            word_shift: Parameter::number(2),
            input_page: page(INPUT_WINDOW),
            output_page: page(OUTPUT_WINDOW),
            register_words: end(constants.len()),
            input_words: end(facts.slots.max(1) * facts.input_words),
            output_words: end(facts.slots.max(1) * facts.output_words),
            control: word(registers::Register::Control),
            status: word(registers::Register::Status),
            submitted_place: word(registers::Register::Submitted),
            session_place: word(registers::Register::Session),
            completed: word(registers::Register::Completed),
            cycles: word(registers::Register::Cycles),
            line_errors: word(registers::Register::LineErrors),
            frame_errors: word(registers::Register::FrameErrors),
            reset_bit: Parameter::number(CONTROL_RESET as usize),
            weight_page_shift: Parameter::number(weight_page_bits),
            weight_page: Parameter::new(weight_page),
            weight_words: Parameter::new(Word::new(u64::from(facts.weight_words), ADDRESS_BITS + 1)),
            identity_place: word(registers::Register::WeightsIdentity),
            unknown: Parameter::new(Word::new(u64::from(IDENTITY_UNKNOWN), WORD_BITS)),
            constants: ConstantTable::new(constants_name, constants),
            _error_bits: ERROR_BITS,
            _word_bits: WORD_BITS,
            _weights: weights,
            _counters: COUNTERS,
        }
    }
}

/// The words of all registers by word address, zero where they are not constant or where there is none.
fn constants(facts: &DeviceFacts) -> Vec<Word> {
    let mut words = Vec::new();
    for register in registers::Register::ALL {
        use registers::Register as R;
        let value = |register: R| match register {
            R::Identifier => registers::IDENTIFIER,
            R::AbiVersion => registers::ABI_VERSION.code(),
            R::Slots => facts.slots as u32,
            R::InputWords => facts.input_words as u32,
            R::OutputWords => facts.output_words as u32,
            R::ClockHertz => facts.clock_hertz,
            R::FrameWords => abi::frame::MAX_WORDS as u32,
            R::LineBytes => facts.line_bytes as u32,
            R::WeightWords => facts.weight_words,
            R::DesignHash
            | R::Control
            | R::Status
            | R::Submitted
            | R::Session
            | R::Completed
            | R::Cycles
            | R::LineErrors
            | R::FrameErrors
            | R::WeightsIdentity => 0,
        };
        words.resize(register.address() as usize / 4, 0);
        match register {
            R::DesignHash => words.extend(
                facts
                    .design_hash
                    .chunks(4)
                    .map(|bytes| bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte))),
            ),
            register => words.push(value(register)),
        }
    }
    words.into_iter().map(|word| Word::new(u64::from(word), WORD_BITS)).collect()
}

clocked!(RegisterFile: clock);

impl Logic for RegisterFile {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, session, submitted_count, completed_count, cycle_count, line_error_count);
        clock!(self, clock, frame_error_count, read_word, is_readable, is_writable);

        self.page.next = self.bus.address.val() >> self.page_shift.val();
        self.offset.next = self.bus.address.val() >> self.word_shift.val();
        self.in_registers.next = !self.page.val().any() && (self.offset.val() < self.register_words.val());
        self.in_input.next = self.has_windows.val().any()
            && (self.page.val() == self.input_page.val())
            && (self.offset.val() < self.input_words.val());
        self.in_output.next = self.has_windows.val().any()
            && (self.page.val() == self.output_page.val())
            && (self.offset.val() < self.output_words.val());
        self.at_control.next = self.in_registers.val() && (self.offset.val() == self.control.val());
        self.at_submitted.next = self.has_windows.val().any()
            && self.in_registers.val()
            && (self.offset.val() == self.submitted_place.val());
        self.at_session.next = self.in_registers.val() && (self.offset.val() == self.session_place.val());
        self.is_readable.d.next = bits_of(0u64, 1) + (self.in_registers.val() || self.in_output.val());
        self.is_writable.d.next = bits_of(0u64, 1)
            + (self.in_input.val() || self.at_control.val() || self.at_submitted.val() || self.at_session.val());
        self.bus.readable.next = self.is_readable.q.val().any();
        self.bus.writable.next = self.is_writable.q.val().any();
        self.window_address.next = self.offset.val();
        self.input_write.next = self.bus.write.val() && self.in_input.val();
        self.reset_request.next =
            self.bus.write.val() && self.at_control.val() && (self.bus.write_data.val() & self.reset_bit.val()).any();
        self.busy.next = self.submitted_count.q.val() != self.completed_count.q.val();
        self.submitted.next = self.submitted_count.q.val();
        self.condition.next = (bits_of(self.reset.val(), 2) << 1u64) | bits_of(self.busy.val(), 2);

        for i in 0..self._weights {
            self.identity[i].clock.next = self.clock.val();
            self.weights[i].address.next = self.bus.address.val() >> self.word_shift.val();
            self.in_weights[i].clock.next = self.clock.val();
            self.in_weights[i].d.next = bits_of(0u64, 1)
                + (((self.bus.address.val() >> self.weight_page_shift.val()) == self.weight_page.val())
                    && (self.weights[i].address.val() < self.weight_words.val()));
            self.weights[i].select.next = self.in_weights[i].q.val().any() && !self.busy.val();
            self.weights[i].data.next = self.bus.write_data.val();
            self.weights[i].write.next = self.bus.write.val() && self.weights[i].select.val();
            self.at_identity[i].next = self.in_registers.val() && (self.offset.val() == self.identity_place.val());
            self.is_identity[i].clock.next = self.clock.val();
            self.is_identity[i].d.next = bits_of(0u64, 1) + self.at_identity[i].val();
            self.bus.readable.next = self.bus.readable.val() || self.weights[i].select.val();
            self.bus.writable.next =
                self.bus.writable.val() || self.weights[i].select.val() || self.is_identity[i].q.val().any();
            self.identity[i].d.next = self.identity[i].q.val();
            if self.weights[i].write.val() {
                self.identity[i].d.next = self.unknown.val();
            }
            if self.bus.write.val() && self.at_identity[i].val() {
                self.identity[i].d.next = self.bus.write_data.val();
            }
        }

        self.constants.address.next = self.offset.val();
        // Which register it is, and a constant, come out of registers; counters are added to that by OR, being 0 where they
        // are not chosen, as constants are 0 at their places.
        clock!(self, clock, constant);
        self.constant.d.next = self.constants.q.val();
        for i in 0..self._counters {
            self.chosen[i].clock.next = self.clock.val();
            self.counters[i].next = bits_of(0u64, self._word_bits);
        }
        self.chosen[0].d.next = bits_of(0u64, 1) + (self.offset.val() == self.status.val());
        self.chosen[1].d.next = bits_of(0u64, 1) + (self.offset.val() == self.submitted_place.val());
        self.chosen[2].d.next = bits_of(0u64, 1) + (self.offset.val() == self.session_place.val());
        self.chosen[3].d.next = bits_of(0u64, 1) + (self.offset.val() == self.completed.val());
        self.chosen[4].d.next = bits_of(0u64, 1) + (self.offset.val() == self.cycles.val());
        self.chosen[5].d.next = bits_of(0u64, 1) + (self.offset.val() == self.line_errors.val());
        self.chosen[6].d.next = bits_of(0u64, 1) + (self.offset.val() == self.frame_errors.val());
        if self.chosen[0].q.val().any() {
            self.counters[0].next = bits_of(self.condition.val(), self._word_bits);
        }
        if self.chosen[1].q.val().any() {
            self.counters[1].next = self.submitted_count.q.val();
        }
        if self.chosen[2].q.val().any() {
            self.counters[2].next = self.session.q.val();
        }
        if self.chosen[3].q.val().any() {
            self.counters[3].next = self.completed_count.q.val();
        }
        if self.chosen[4].q.val().any() {
            self.counters[4].next = self.cycle_count.q.val();
        }
        if self.chosen[5].q.val().any() {
            self.counters[5].next = bits_of(self.line_error_count.q.val(), self._word_bits);
        }
        if self.chosen[6].q.val().any() {
            self.counters[6].next = bits_of(self.frame_error_count.q.val(), self._word_bits);
        }
        for i in 0..self._weights {
            self.chosen_identity[i].clock.next = self.clock.val();
            self.chosen_identity[i].d.next = bits_of(0u64, 1) + (self.offset.val() == self.identity_place.val());
        }
        self.read_word.d.next = self.constant.q.val();
        for i in 0..self._counters {
            self.read_word.d.next = self.read_word.d.val() | self.counters[i].val();
        }
        for i in 0..self._weights {
            if self.chosen_identity[i].q.val().any() {
                self.read_word.d.next = self.identity[i].q.val();
            }
        }
        self.bus.read_data.next = self.read_word.q.val();
        if self.in_output.val() {
            self.bus.read_data.next = self.output_data.val();
        }
        for i in 0..self._weights {
            if self.weights[i].select.val() {
                self.bus.read_data.next = self.weights[i].q.val();
            }
        }

        self.submitted_count.d.next = self.submitted_count.q.val() + self.image_begun.val();
        if self.bus.write.val() && self.at_submitted.val() {
            self.submitted_count.d.next = self.bus.write_data.val();
        }
        self.session.d.next = self.session.q.val();
        if self.bus.write.val() && self.at_session.val() {
            self.session.d.next = self.bus.write_data.val();
        }
        self.completed_count.d.next = self.completed_count.q.val() + self.image_done.val();
        self.cycle_count.d.next = self.cycle_count.q.val() + self.busy.val();
        self.line_error_count.d.next = self.line_error_count.q.val() + self.line_error.val();
        self.frame_error_count.d.next = self.frame_error_count.q.val() + self.frame_error.val();
        if self.reset.val() {
            self.session.d.next = bits_of(0u64, self._word_bits);
            self.submitted_count.d.next = bits_of(0u64, self._word_bits);
            self.completed_count.d.next = bits_of(0u64, self._word_bits);
            self.cycle_count.d.next = bits_of(0u64, self._word_bits);
            self.line_error_count.d.next = bits_of(0u64, self._error_bits);
            self.frame_error_count.d.next = bits_of(0u64, self._error_bits);
        }
    }
}
