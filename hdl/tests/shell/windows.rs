//! Windows and registers of a device, against what `abi` says of them.

use abi::ElementType;
use abi::packing::StreamFormat;
use abi::registers::{ABI_VERSION, IDENTIFIER, INPUT_WINDOW, OUTPUT_WINDOW, Register, WEIGHT_WINDOW};
use abi::ring;
use abi::window::WindowFormat;
use hdl::shell::input_window::InputWindow;
use hdl::shell::output_window::OutputWindow;
use hdl::shell::register_file::{DeviceFacts, RegisterFile};
use hdl::wire::{Simulation, Word};

use crate::support::{Bench, Stimulus};

/// Layouts with one and several vectors, full and part words, and the number of slots.
const LAYOUTS: [(ElementType, usize, usize, usize, usize); 6] = [
    (ElementType::Bipolar, 7, 70, 1, 2),
    (ElementType::Unsigned { bits: 4 }, 1, 64, 1, 5),
    (ElementType::Unsigned { bits: 3 }, 2, 5, 3, 3),
    (ElementType::Signed { bits: 10 }, 4, 10, 1, 2),
    (ElementType::Signed { bits: 32 }, 1, 3, 1, 2),
    (ElementType::Unsigned { bits: 1 }, 1, 1, 1, 4),
];

fn stream((element, lanes, channels, vectors, _): (ElementType, usize, usize, usize, usize)) -> StreamFormat {
    StreamFormat { element, lanes, channels, vectors }
}

/// The stream on the window's side: without containers.
fn window_stream(window: &WindowFormat) -> StreamFormat {
    let WindowFormat { element, channels, vectors } = *window;
    StreamFormat { element, lanes: window.lanes(), channels, vectors }
}

fn image(format: &StreamFormat, stimulus: &mut Stimulus) -> Vec<i32> {
    (0..format.elements_per_image()).map(|_| format.element.decode(stimulus.below(1 << 20) as u64) as i32).collect()
}

fn words(format: &StreamFormat, elements: &[i32]) -> Vec<Word> {
    format.pack(elements).iter().map(|word| Word::from_bits(word.iter().by_vals())).collect()
}

#[test]
fn images_leave_the_input_window_as_they_were_written() {
    for layout in LAYOUTS {
        let (format, slots) = (stream(layout), layout.4);
        let window = WindowFormat::of(&format);
        let mut stimulus = Stimulus::new(slots as u64);
        let images: Vec<Vec<i32>> = (0..20).map(|_| image(&format, &mut stimulus)).collect();
        let writes: Vec<(usize, u32)> = images
            .iter()
            .enumerate()
            .flat_map(|(number, image)| {
                let slot = number % slots * window.words_per_image();
                window.pack(image).into_iter().enumerate().map(move |(index, word)| (slot + index, word))
            })
            .collect();
        let expected: Vec<Word> = images.iter().flat_map(|image| words(&window_stream(&window), image)).collect();
        let mut simulation = Simulation::new(InputWindow::new(&window, slots));
        let (mut written, mut submitted, mut found) = (0, 0usize, Vec::new());
        for cycle in 0..20_000 {
            let read = found.len() / window.words_per_image();
            let free = written / window.words_per_image() < read + slots;
            simulation.top.write.next = false;
            if free && written < writes.len() && stimulus.chance(0.5) {
                simulation.top.write.next = true;
                simulation.top.write_address.next = Word::new(writes[written].0 as u64, 32);
                simulation.top.write_data.next = Word::new(u64::from(writes[written].1), 32);
                written += 1;
            } else if stimulus.chance(0.2) {
                submitted = written / window.words_per_image();
            }
            simulation.top.submitted.next = Word::new(submitted as u64, 32);
            let ready = stimulus.chance(0.7);
            simulation.top.out.ready.next = ready;
            simulation.settle().unwrap();
            if simulation.top.out.valid.val() && ready {
                found.push(simulation.top.out.data.val());
            }
            assert!(found.len() <= submitted * window.words_per_image(), "cycle {cycle}: a word that nobody submitted");
            simulation.tick().unwrap();
        }
        assert_eq!(found, expected, "{layout:?}");
    }
}

#[test]
fn answers_lie_in_the_output_window_as_documented() {
    for layout in LAYOUTS {
        let (format, slots) = (stream(layout), layout.4);
        let window = WindowFormat::of(&format);
        let mut stimulus = Stimulus::new(slots as u64);
        let mut simulation = Simulation::new(OutputWindow::new(&window, slots));
        for number in 0..9 {
            let answer = image(&format, &mut stimulus);
            let mut done = 0;
            for word in words(&window_stream(&window), &answer) {
                while stimulus.chance(0.3) {
                    simulation.top.in_.valid.next = false;
                    simulation.step().unwrap();
                }
                simulation.top.in_.valid.next = true;
                simulation.top.in_.data.next = word;
                simulation.settle().unwrap();
                assert!(simulation.top.in_.ready.val());
                done += usize::from(simulation.top.image_done.val());
                simulation.tick().unwrap();
            }
            assert_eq!(done, 1);
            simulation.top.in_.valid.next = false;
            let slot = number % slots * window.words_per_image();
            let found: Vec<u32> = (slot..slot + window.words_per_image())
                .map(|place| {
                    simulation.top.read_address.next = Word::new(place as u64, 32);
                    simulation.step().unwrap();
                    simulation.step().unwrap();
                    simulation.settle().unwrap();
                    simulation.top.q.val().low() as u32
                })
                .collect();
            assert_eq!(found, window.pack(&answer), "{layout:?}, answer {number}");
        }
    }
}

#[test]
fn windows_are_the_same_in_verilog() {
    // With and without containers to strip. Verilator, because before its first write a memory reads as X in Icarus.
    for layout in [LAYOUTS[0], LAYOUTS[2]] {
        let (window, slots) = (WindowFormat::of(&stream(layout)), layout.4);
        let input = InputWindow::new(&window, slots);
        Bench::new("in_window", input).cycles(400).verilator().run(|input, stimulus| {
            input.write.next = stimulus.chance(0.5);
            input.write_address.next = stimulus.word(input.write_address.width());
            input.write_data.next = stimulus.word(32);
            input.submitted.next = stimulus.word(input.submitted.width());
            input.out.ready.next = stimulus.chance(0.5);
            // Before, the memory holds no words.
            input.reset.next = stimulus.cycle < 100 || stimulus.chance(0.02);
            if stimulus.cycle < ring::depth(window.words_per_image(), slots) {
                input.write.next = true;
                input.write_address.next = Word::new(stimulus.cycle as u64, 32);
            }
        });
        let output = OutputWindow::new(&window, slots);
        Bench::new("out_window", output).cycles(400).verilator().run(|output, stimulus| {
            output.in_.valid.next = stimulus.cycle < 100 || stimulus.chance(0.5);
            output.in_.data.next = stimulus.word(output.in_.data.width());
            let places = window.words_per_image() * slots;
            let place = if stimulus.cycle < 100 { 0 } else { stimulus.below(places) };
            output.read_address.next = Word::new(place as u64, 32);
            output.reset.next = stimulus.cycle > 100 && stimulus.chance(0.02);
        });
    }
}

fn facts() -> DeviceFacts {
    let mut design_hash = [0; 32];
    design_hash.iter_mut().enumerate().for_each(|(index, byte)| *byte = 7 * index as u8 + 3);
    DeviceFacts {
        slots: 5,
        input_words: 8,
        output_words: 3,
        clock_hertz: 25_000_000,
        design_hash,
        line_bytes: 48,
        weight_words: 0,
    }
}

/// A register file with a memory in place of the output window.
struct Registers {
    simulation: Simulation<RegisterFile>,
    output: Vec<u32>,
}

impl Registers {
    fn new() -> Registers {
        Registers::with(&facts())
    }

    fn with(facts: &DeviceFacts) -> Registers {
        Registers { simulation: Simulation::new(RegisterFile::new(facts, 6)), output: (100..164).collect() }
    }

    fn cycle(&mut self) {
        self.simulation.settle().unwrap();
        let place = self.simulation.top.window_address.val().low() as usize;
        self.simulation.tick().unwrap();
        self.simulation.top.output_data.next = Word::new(u64::from(self.output[place]), 32);
        self.simulation.settle().unwrap();
    }

    fn at(&mut self, address: u32) -> (Option<u32>, bool) {
        self.simulation.top.bus.address.next = Word::new(u64::from(address), 32);
        self.cycle();
        self.cycle();
        let top = &self.simulation.top;
        (top.bus.readable.val().then(|| top.bus.read_data.val().low() as u32), top.bus.writable.val())
    }

    fn read(&mut self, register: Register) -> u32 {
        self.at(register.address()).0.unwrap()
    }

    fn write(&mut self, address: u32, word: u32) -> (bool, bool) {
        self.simulation.top.bus.address.next = Word::new(u64::from(address), 32);
        self.simulation.top.bus.write_data.next = Word::new(u64::from(word), 32);
        self.simulation.top.bus.write.next = true;
        self.simulation.settle().unwrap();
        let seen = (self.simulation.top.input_write.val(), self.simulation.top.reset_request.val());
        self.cycle();
        self.simulation.top.bus.write.next = false;
        seen
    }

    fn event(&mut self, image_done: bool, line_error: bool, frame_error: bool) {
        self.simulation.top.image_done.next = image_done;
        self.simulation.top.line_error.next = line_error;
        self.simulation.top.frame_error.next = frame_error;
        self.cycle();
        self.simulation.top.image_done.next = false;
        self.simulation.top.line_error.next = false;
        self.simulation.top.frame_error.next = false;
    }
}

#[test]
fn registers_read_what_the_map_says() {
    let mut registers = Registers::new();
    assert_eq!(registers.read(Register::Identifier), IDENTIFIER);
    assert_eq!(registers.read(Register::LineBytes), 48);
    assert_eq!(registers.read(Register::AbiVersion), ABI_VERSION.code());
    assert_eq!(registers.read(Register::Slots), 5);
    assert_eq!(registers.read(Register::InputWords), 8);
    assert_eq!(registers.read(Register::OutputWords), 3);
    assert_eq!(registers.read(Register::ClockHertz), 25_000_000);
    assert_eq!(registers.read(Register::FrameWords), 256);
    for (index, bytes) in facts().design_hash.chunks(4).enumerate() {
        let word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        assert_eq!(registers.at(Register::DesignHash.address() + 4 * index as u32).0, Some(word));
    }
    registers.write(Register::Session.address(), 0x8000_0001);
    assert_eq!(registers.read(Register::Session), 0x8000_0001);
    registers.write(Register::Submitted.address(), 3);
    assert_eq!(registers.read(Register::Submitted), 3);
    assert_eq!(registers.read(Register::Status), 1);
    let before = registers.read(Register::Cycles);
    registers.event(true, false, true);
    registers.event(true, true, true);
    registers.event(true, false, true);
    assert_eq!(registers.read(Register::Status), 0);
    assert_eq!(registers.read(Register::Completed), 3);
    assert_eq!(registers.read(Register::LineErrors), 1);
    assert_eq!(registers.read(Register::FrameErrors), 3);
    let cycles = registers.read(Register::Cycles);
    assert!(cycles > before && registers.read(Register::Cycles) == cycles, "busy cycles are counted, idle ones not");
    assert_eq!(registers.write(Register::Control.address(), 0), (false, false));
    assert_eq!(registers.write(Register::Control.address(), 1), (false, true));
    registers.simulation.top.reset.next = true;
    registers.cycle();
    assert_eq!(registers.read(Register::Status), 2);
    registers.simulation.top.reset.next = false;
    for register in [
        Register::Session,
        Register::Status,
        Register::Submitted,
        Register::Completed,
        Register::Cycles,
        Register::LineErrors,
        Register::FrameErrors,
    ] {
        assert_eq!(registers.read(register), 0, "{register:?}");
    }
}

#[test]
fn windows_begin_and_end_where_the_map_says() {
    let mut registers = Registers::new();
    for (address, input, output) in [
        (INPUT_WINDOW, true, false),
        (INPUT_WINDOW + 4 * 39, true, false),
        (INPUT_WINDOW + 4 * 40, false, false),
        (INPUT_WINDOW - 4, false, false),
        (OUTPUT_WINDOW, false, true),
        (OUTPUT_WINDOW + 4 * 14, false, true),
        (OUTPUT_WINDOW + 4 * 15, false, false),
        (0x60, false, true),
        (0x64, false, true),
        (0x68, false, false),
        (0xffff_fffc, false, false),
        (0x8000_0000 + INPUT_WINDOW, false, false),
        (0x8000_0000, false, false),
    ] {
        let (read, writable) = registers.at(address);
        assert_eq!((writable, read.is_some()), (input, output), "{address:#x}");
        assert_eq!(registers.write(address, 1), (input, false), "{address:#x}");
    }
    assert_eq!(registers.at(OUTPUT_WINDOW + 4 * 14).0, Some(114));
    assert!(!registers.at(Register::Completed.address()).1);
    assert!(registers.at(Register::Submitted.address()).1);
}

fn with_weights() -> DeviceFacts {
    DeviceFacts { weight_words: 20, ..facts() }
}

#[test]
fn weights_are_accessed_while_no_image_is_in_work() {
    let mut registers = Registers::with(&with_weights());
    assert_eq!(registers.read(Register::AbiVersion), ABI_VERSION.code());
    assert_eq!(registers.read(Register::WeightWords), 20);
    assert_eq!(registers.read(Register::WeightsIdentity), 0);
    let identity = Register::WeightsIdentity.address();
    registers.write(identity, 0x1234_5678);
    registers.simulation.top.reset.next = true;
    registers.cycle();
    registers.simulation.top.reset.next = false;
    assert_eq!(registers.read(Register::WeightsIdentity), 0x1234_5678, "weights and identity survive a reset");
    for (address, is_there) in [
        (WEIGHT_WINDOW, true),
        (WEIGHT_WINDOW + 4 * 19, true),
        (WEIGHT_WINDOW + 4 * 20, false),
        (WEIGHT_WINDOW - 4, false),
        (0x8000_0000 + WEIGHT_WINDOW, false),
        (WEIGHT_WINDOW + INPUT_WINDOW, false),
    ] {
        registers.write(identity, 7);
        for is_busy in [false, true] {
            registers.write(Register::Submitted.address(), u32::from(is_busy));
            let accessible = is_there && !is_busy;
            let (read, writable) = registers.at(address);
            assert_eq!((read.is_some(), writable), (accessible, accessible), "{address:#x}, busy {is_busy}");
            registers.simulation.top.weights[0].q.next = Word::new(0xabcd, 32);
            registers.cycle();
            assert_eq!(registers.at(address).0, accessible.then_some(0xabcd));
            registers.simulation.top.bus.write.next = true;
            registers.simulation.settle().unwrap();
            let top = &registers.simulation.top;
            assert_eq!((top.weights[0].select.val(), top.weights[0].write.val()), (accessible, accessible));
            if accessible {
                assert_eq!(top.weights[0].address.val().low(), u64::from(address - WEIGHT_WINDOW) / 4);
            }
            registers.cycle();
            registers.simulation.top.bus.write.next = false;
            let expected = if is_there { u32::MAX } else { 7 };
            assert_eq!(registers.read(Register::WeightsIdentity), expected, "{address:#x}, busy {is_busy}");
        }
        registers.write(Register::Submitted.address(), 0);
    }
}

#[test]
fn registers_are_the_same_in_verilog() {
    for facts in [facts(), with_weights()] {
        registers_agree(&facts);
    }
}

fn registers_agree(facts: &DeviceFacts) {
    let registers = RegisterFile::new(facts, 6);
    Bench::new("registers", registers).cycles(3000).run(|registers, stimulus| {
        let base = [0, 0, 0, INPUT_WINDOW, OUTPUT_WINDOW, 0x8000_0000, WEIGHT_WINDOW][stimulus.below(7)];
        registers.bus.address.next = Word::new(u64::from(base) + 4 * stimulus.below(45) as u64, 32);
        registers.bus.write.next = stimulus.chance(0.3);
        registers.bus.write_data.next = stimulus.word(32);
        registers.output_data.next = stimulus.word(32);
        registers.weights.iter_mut().for_each(|weights| weights.q.next = stimulus.word(32));
        registers.image_done.next = stimulus.chance(0.2);
        registers.line_error.next = stimulus.chance(0.2);
        registers.frame_error.next = stimulus.chance(0.2);
        registers.reset.next = stimulus.chance(0.01);
    });
}
