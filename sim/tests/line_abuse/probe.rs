//! A board at its pins, and what can be seen of its state over the line.

use abi::frame::{Decoder, Frame, FrameError, FrameKind};
use abi::registers::{INPUT_WINDOW, OUTPUT_WINDOW, Register};
use abi::uart::{LineDecoder, LineEncoder, UartTiming};
use abi::window::WindowFormat;
use flow::artifacts::Compiled;
use sim::board::{Levels, Pins};

/// Cycles within which a device answers, besides the time that bytes take ([`host::bus::Patience`]).
const MAX_CYCLES: u64 = 1000;

/// Bits of silence after which a receiver awaits the start of a byte, whatever was before.
pub const SILENCE_BITS: usize = 12;

/// Registers that tell of the abuse itself.
const COUNTS: [Register; 2] = [Register::LineErrors, Register::FrameErrors];

/// A board, and the images that its windows should hold.
pub struct Probe<P> {
    pins: P,
    timing: UartTiming,
    line: LineDecoder,
    frames: Decoder,
    sequence: u8,
    input: WindowFormat,
    output: WindowFormat,
    slots: usize,
    /// Images with their answers.
    images: Vec<(Vec<i32>, Vec<i32>)>,
    submitted: usize,
    registers: Vec<u32>,
    /// Bytes that came from the board.
    bytes: u64,
}

impl<P: Pins> Probe<P> {
    /// A probe of a board that was just started.
    pub fn new(pins: P, compiled: &Compiled, images: Vec<(Vec<i32>, Vec<i32>)>) -> Self {
        let (manifest, device) = (&compiled.manifest, compiled.manifest.device.as_ref().unwrap());
        let timing = UartTiming::new(device.clock_hertz, device.baud).unwrap();
        let mut probe = Probe {
            pins,
            timing,
            line: LineDecoder::new(&timing),
            frames: Decoder::default(),
            sequence: 0,
            input: WindowFormat::of(&manifest.input_stream),
            output: WindowFormat::of(&manifest.output_stream),
            slots: device.slots,
            images,
            submitted: 0,
            registers: vec![],
            bytes: 0,
        };
        probe.write(Register::Session.address(), vec![0x7e7d_1234]);
        probe.run_image();
        probe.registers = probe.read_registers();
        probe
    }

    pub fn timing(&self) -> &UartTiming {
        &self.timing
    }

    /// Puts levels on the line; the frames that the board answers meanwhile.
    pub fn drive(&mut self, rx: &Levels) -> Vec<Result<Frame, FrameError>> {
        let tx = self.pins.run(rx).unwrap();
        let (line, frames) = (&mut self.line, &mut self.frames);
        let byte = |byte: Result<u8, _>| byte.expect("the board's transmitter sends stop bits");
        let bytes: Vec<u8> = tx.iter().filter_map(|level| line.push(level).map(byte)).collect();
        self.bytes += bytes.len() as u64;
        bytes.into_iter().filter_map(|byte| frames.push(byte)).collect()
    }

    /// Writes the next image, abuses the line, and checks that the board is as it was: it answers the next request at
    /// once, its registers hold what they held, and the image that was written before gives its answer. The frames that
    /// came during the abuse.
    pub fn survives(&mut self, name: &str, levels: &Levels) -> Vec<Frame> {
        self.write_image();
        let mut heard = self.drive(levels);
        // What the abuse may have asked for is answered first; then the line is silent for a moment.
        loop {
            let before = self.bytes;
            heard.extend(self.idle(40 * SILENCE_BITS));
            if self.bytes == before && self.line.is_idle() {
                break;
            }
        }
        let found = self.read_registers();
        assert_eq!(found, self.registers, "{name}: the registers");
        self.run_written(name);
        self.registers = self.read_registers();
        heard.into_iter().map(|frame| frame.unwrap_or_else(|error| panic!("{name}: the board sent: {error}"))).collect()
    }

    /// Lets bits of silence pass.
    fn idle(&mut self, bits: usize) -> Vec<Result<Frame, FrameError>> {
        let mut rx = Levels::default();
        rx.extend(true, bits as u32 * self.timing.clock_hertz().div_ceil(self.timing.baud()));
        self.drive(&rx)
    }

    /// Sends a request, whose first byte is a flag, and awaits its answer for as long as it may take.
    fn request(&mut self, mut request: Frame) -> Frame {
        self.sequence = self.sequence.wrapping_add(1);
        request.sequence = self.sequence;
        let bytes = request.encode();
        let mut encoder = LineEncoder::new(&self.timing);
        bytes.iter().for_each(|byte| encoder.push(*byte));
        let mut rx = Levels::default();
        while !encoder.is_idle() {
            rx.push(encoder.next_level());
        }
        let mut heard = self.drive(&rx);
        // Every byte of the answer may be escaped.
        let answer_bytes = 2 * (14 + 4 * (u64::from(request.count) + 1));
        let bit_cycles = u64::from(self.timing.clock_hertz().div_ceil(self.timing.baud()));
        let most = MAX_CYCLES + 10 * bit_cycles * answer_bytes;
        let mut cycles = 0;
        while heard.is_empty() && cycles < most {
            heard.extend(self.idle(20));
            cycles += 20 * bit_cycles;
        }
        // The flag that closes the answer.
        heard.extend(self.idle(SILENCE_BITS));
        let [Ok(answer)] = &heard[..] else { panic!("one answer to {request:?} in {cycles} cycles, not {heard:?}") };
        assert_eq!((answer.sequence, answer.address), (request.sequence, request.address), "{request:?}");
        answer.clone()
    }

    fn write(&mut self, address: u32, words: Vec<u32>) {
        assert_eq!(self.request(Frame::write(0, address, words)).kind, FrameKind::WriteReply);
    }

    fn read(&mut self, address: u32, count: usize) -> Vec<u32> {
        let answer = self.request(Frame::read(0, address, count as u16));
        assert_eq!((answer.kind, answer.payload.len()), (FrameKind::ReadReply, count));
        answer.payload
    }

    /// All registers but those that count the abuse itself.
    fn read_registers(&mut self) -> Vec<u32> {
        let words = Register::DesignHash.address() / 4 + Register::DesignHash.words();
        let mut found = self.read(0, words as usize);
        COUNTS.iter().for_each(|register| found[register.address() as usize / 4] = 0);
        found
    }

    fn slot(&self) -> usize {
        self.submitted % self.slots
    }

    /// Address of the slot that the next image does not use.
    pub fn other_slot(&self) -> u32 {
        let slot = (self.slot() + 1) % self.slots;
        INPUT_WINDOW + (4 * slot * self.input.words_per_image()) as u32
    }

    /// Words of an image.
    pub fn image_words(&self) -> usize {
        self.input.words_per_image()
    }

    fn write_image(&mut self) {
        let words = self.input.pack(&self.images[self.submitted % self.images.len()].0);
        self.write(INPUT_WINDOW + (4 * self.slot() * self.input.words_per_image()) as u32, words);
    }

    /// Runs the image that was written and checks its answer.
    fn run_written(&mut self, name: &str) {
        let (slot, expected) = (self.slot(), self.images[self.submitted % self.images.len()].1.clone());
        self.submitted += 1;
        self.write(Register::Submitted.address(), vec![self.submitted as u32]);
        for attempt in 0.. {
            if self.read(Register::Completed.address(), 1) == [self.submitted as u32] {
                break;
            }
            assert!(attempt < 100, "{name}: the image is not completed");
        }
        let words = self.output.words_per_image();
        let found = self.read(OUTPUT_WINDOW + (4 * slot * words) as u32, words);
        assert_eq!(self.output.unpack(&found), expected, "{name}: the image's answer");
    }

    fn run_image(&mut self) {
        self.write_image();
        self.run_written("the first image");
    }
}
