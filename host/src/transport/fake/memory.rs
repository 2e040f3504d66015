//! The words of a device in software: registers, two windows, and a core between them.

use abi::frame::{MAX_WORDS, Refusal};
use abi::manifest::Manifest;
use abi::registers::{
    ABI_VERSION, Access, CONTROL_RESET, IDENTIFIER, IDENTITY_UNKNOWN, INPUT_WINDOW, OUTPUT_WINDOW, Register,
    STATUS_BUSY, WEIGHT_WINDOW,
};
use abi::window::WindowFormat;
use std::collections::BTreeMap;

/// From the elements of an image to those of its answer, both in stream order.
pub(super) type Core = Box<dyn FnMut(&[i32]) -> Vec<i32> + Send>;

/// What stands where nobody has written: taken for data, it gives answers that are wrong.
const RUBBISH: u32 = 0x6d5a_9c31;

/// What the device says that it holds of its line: as many as one on an iCE40.
const LINE_BYTES: u32 = 512;

/// Clock cycles that a core with images in work counts while a request is carried out.
const REQUEST_CYCLES: u32 = 1000;

/// The words of a device and what makes them change.
pub(super) struct Memory {
    input: WindowFormat,
    output: WindowFormat,
    input_window: Vec<u32>,
    output_window: Vec<u32>,
    weight_window: Vec<u32>,
    identity: u32,
    slots: u32,
    /// What reads the same always, by address.
    pub(super) constants: BTreeMap<u32, u32>,
    core: Core,
    session: u32,
    submitted: u32,
    completed: u32,
    cycles: u32,
    pub(super) frame_errors: u32,
    cycles_per_image: u32,
    /// Requests from one finished image to the next; with 0 every image finishes at once.
    pub(super) requests_per_image: u32,
    requests: u32,
    /// Images after which the core stops for good.
    pub(super) most_images: Option<u32>,
    /// The bits that words of the weight window keep.
    pub(super) weight_bits: u32,
    /// Whether more images were submitted than the rings hold.
    pub(super) is_overrun: bool,
}

impl Memory {
    pub(super) fn new(manifest: &Manifest, slots: u32, core: Core) -> Self {
        let (input, output) = (WindowFormat::of(&manifest.input_stream), WindowFormat::of(&manifest.output_stream));
        let window = |format: &WindowFormat| vec![RUBBISH; slots as usize * format.words_per_image()];
        let weight_words = manifest.weights.map_or(0, |weights| weights.words);
        let mut constants = BTreeMap::from([
            (Register::Identifier.address(), IDENTIFIER),
            (Register::AbiVersion.address(), ABI_VERSION.code()),
            (Register::Slots.address(), slots),
            (Register::InputWords.address(), input.words_per_image() as u32),
            (Register::OutputWords.address(), output.words_per_image() as u32),
            (Register::ClockHertz.address(), (manifest.clock_mhz * 1e6) as u32),
            (Register::FrameWords.address(), MAX_WORDS as u32),
            (Register::LineBytes.address(), LINE_BYTES),
            (Register::WeightWords.address(), weight_words),
        ]);
        let digits: Vec<u32> = manifest.design_hash.chars().filter_map(|digit| digit.to_digit(16)).collect();
        for (index, digits) in digits.chunks(8).take(Register::DesignHash.words() as usize).enumerate() {
            let big_endian = digits.iter().fold(0u32, |word, digit| word << 4 | digit);
            constants.insert(Register::DesignHash.address() + 4 * index as u32, big_endian.swap_bytes());
        }
        Memory {
            input_window: window(&input),
            output_window: window(&output),
            weight_window: vec![0; weight_words as usize],
            identity: 0,
            input,
            output,
            slots,
            constants,
            core,
            session: 0,
            submitted: 0,
            completed: 0,
            cycles: 0,
            frame_errors: 0,
            cycles_per_image: manifest.initiation_interval_cycles as u32,
            requests_per_image: 0,
            requests: 0,
            most_images: None,
            weight_bits: u32::MAX,
            is_overrun: false,
        }
    }

    /// The most words of a frame.
    fn frame_words(&self) -> u32 {
        self.constants.get(&Register::FrameWords.address()).copied().unwrap_or(0)
    }

    /// Whether `count` words from `address` on may be written or read in one frame, and why not.
    pub(super) fn check(&self, address: u32, count: u16, is_write: bool) -> Result<(), Refusal> {
        let count = u32::from(count);
        let (window, start) = match is_write {
            _ if address >= WEIGHT_WINDOW => (&self.weight_window, WEIGHT_WINDOW),
            true => (&self.input_window, INPUT_WINDOW),
            false => (&self.output_window, OUTPUT_WINDOW),
        };
        let is_window = address >= INPUT_WINDOW;
        if count == 0 || count > if is_window { self.frame_words() } else { 1 } {
            return Err(Refusal::Count);
        }
        let lies = if is_window {
            let end = address.checked_sub(start).map(|offset| u64::from(offset / 4) + u64::from(count));
            let is_free = address < WEIGHT_WINDOW || self.submitted == self.completed;
            is_free && end.is_some_and(|end| end <= window.len() as u64)
        } else {
            Register::ALL.into_iter().any(|register| {
                let offset = address.wrapping_sub(register.address());
                let is_fixed = register == Register::WeightsIdentity && self.weight_window.is_empty();
                offset < 4 * register.words() && (!is_write || (register.access() == Access::ReadWrite && !is_fixed))
            })
        };
        if lies && address.is_multiple_of(4) { Ok(()) } else { Err(Refusal::Address) }
    }

    /// The word at an address that was checked.
    pub(super) fn read(&self, address: u32) -> u32 {
        if address >= WEIGHT_WINDOW {
            return self.weight_window[(address - WEIGHT_WINDOW) as usize / 4];
        }
        if address >= OUTPUT_WINDOW {
            return self.output_window[(address - OUTPUT_WINDOW) as usize / 4];
        }
        if let Some(word) = self.constants.get(&address) {
            return *word;
        }
        let at = |register: Register| address == register.address();
        let is_busy = self.submitted != self.completed;
        match address {
            _ if at(Register::Status) => u32::from(is_busy) * STATUS_BUSY,
            _ if at(Register::Session) => self.session,
            _ if at(Register::Submitted) => self.submitted,
            _ if at(Register::WeightsIdentity) => self.identity,
            _ if at(Register::Completed) => self.completed,
            _ if at(Register::Cycles) => self.cycles,
            _ if at(Register::FrameErrors) => self.frame_errors & 0xffff,
            _ => 0,
        }
    }

    /// Stores a word at an address that was checked.
    pub(super) fn write(&mut self, address: u32, word: u32) {
        if address >= WEIGHT_WINDOW {
            self.weight_window[(address - WEIGHT_WINDOW) as usize / 4] = word & self.weight_bits;
            self.identity = IDENTITY_UNKNOWN;
        } else if address >= INPUT_WINDOW {
            self.input_window[(address - INPUT_WINDOW) as usize / 4] = word;
        } else if address == Register::Control.address() {
            if word & CONTROL_RESET != 0 {
                self.reset();
            }
        } else if address == Register::Session.address() {
            self.session = word;
        } else if address == Register::WeightsIdentity.address() {
            self.identity = word;
        } else if address == Register::Submitted.address() {
            self.submit(word);
        }
    }

    /// What a loss of power does: a reset, and the weights that it began with.
    pub(super) fn restart(&mut self) {
        self.weight_window.fill(0);
        self.identity = 0;
        self.reset();
    }

    pub(super) fn reset(&mut self) {
        self.input_window.fill(RUBBISH);
        self.output_window.fill(RUBBISH);
        self.session = 0;
        (self.submitted, self.completed, self.cycles, self.frame_errors) = (0, 0, 0, 0);
    }

    fn submit(&mut self, submitted: u32) {
        let words = self.output.words_per_image();
        let is_overrun = submitted.wrapping_sub(self.completed) > self.slots;
        self.is_overrun |= is_overrun;
        // The core may write over an answer from the moment on in which its slot is used again.
        while self.submitted != submitted && !is_overrun {
            let start = (self.submitted % self.slots) as usize * words;
            self.output_window[start..start + words].fill(RUBBISH);
            self.submitted = self.submitted.wrapping_add(1);
        }
        self.submitted = submitted;
    }

    /// Lets the core work for as long as a request takes.
    pub(super) fn work(&mut self) {
        self.requests += 1;
        if self.requests_per_image == 0 {
            while self.finish_image() {}
        } else if self.requests >= self.requests_per_image {
            self.requests = 0;
            self.finish_image();
        }
        if self.submitted != self.completed {
            self.cycles = self.cycles.wrapping_add(REQUEST_CYCLES);
        }
    }

    /// Finishes the next image; whether there was one.
    fn finish_image(&mut self) -> bool {
        let images = self.submitted.wrapping_sub(self.completed);
        if images == 0 || images > self.slots || self.most_images == Some(0) {
            return false;
        }
        self.most_images = self.most_images.map(|images| images - 1);
        let slot = (self.completed % self.slots) as usize;
        let start = slot * self.input.words_per_image();
        let image = self.input.unpack(&self.input_window[start..start + self.input.words_per_image()]);
        let answer = self.output.pack(&(self.core)(&image));
        let start = slot * self.output.words_per_image();
        self.output_window[start..start + answer.len()].copy_from_slice(&answer);
        self.completed = self.completed.wrapping_add(1);
        self.cycles = self.cycles.wrapping_add(self.cycles_per_image);
        true
    }
}
