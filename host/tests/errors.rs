//! Every way in which a device can fail its host, as the user reads it. Each ends.

#![allow(clippy::unwrap_used)]

use abi::frame::{Decoder, Frame, FrameKind, Refusal};
use abi::manifest::{Manifest, WeightsManifest};
use abi::packing::StreamFormat;
use abi::registers::{ABI_VERSION, AbiVersion, INPUT_WINDOW, OUTPUT_WINDOW, Register, WEIGHT_WINDOW};
use abi::weights::Segment;
use abi::{ElementType, StepFunction};
use host::transport::Pace;
use host::transport::fake::{Cut, Faults, FaultyLine, SoftwareDevice, manifest_of};
use host::transport::uart::{Uart, UartAddress};
use host::{Bus, BusError, Device, DeviceError, FrameBus, Transport, TransportError};
use std::collections::BTreeSet;
use std::io;
use std::time::Duration;
use testkit::streams;

/// Collects the messages of one snapshot.
#[derive(Default)]
struct Messages {
    text: String,
    codes: BTreeSet<String>,
}

impl Messages {
    fn error(&mut self, case: &str, error: &dyn miette::Diagnostic) {
        let message = testkit::rendered(error);
        self.codes.insert(message.lines().next().unwrap().into());
        self.text += &format!("# {case}\n{message}\n");
    }

    /// The error of `call`.
    fn failure<T>(&mut self, case: &str, call: impl FnOnce() -> Result<T, DeviceError>) {
        let Err(error) = call() else { panic!("{case} must fail") };
        self.error(case, &error);
    }
}

/// A line whose other side answers each row of bytes written.
struct Answering<F> {
    answer: F,
    bytes: Vec<u8>,
}

fn answering<F: FnMut(&[u8]) -> Vec<u8>>(answer: F) -> Answering<F> {
    Answering { answer, bytes: Vec::new() }
}

impl<F: FnMut(&[u8]) -> Vec<u8>> Transport for Answering<F> {
    fn write(&mut self, bytes: &[u8], _timeout: Duration) -> Result<(), TransportError> {
        self.bytes.extend((self.answer)(bytes));
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8], timeout: Duration) -> Result<usize, TransportError> {
        if self.bytes.is_empty() {
            std::thread::sleep(timeout);
            return Err(TransportError::Timeout { timeout, done: 0, expected: 1 });
        }
        let count = buffer.len().min(self.bytes.len());
        buffer[..count].copy_from_slice(&self.bytes[..count]);
        self.bytes.drain(..count);
        Ok(count)
    }

    fn pace(&self) -> Pace {
        Pace::of_baud(1_000_000)
    }
}

/// A line that takes nothing.
struct Jammed;

impl Transport for Jammed {
    fn write(&mut self, bytes: &[u8], _timeout: Duration) -> Result<(), TransportError> {
        Err(TransportError::Timeout { timeout: Duration::from_millis(2), done: 3, expected: bytes.len() })
    }

    fn read(&mut self, _buffer: &mut [u8], timeout: Duration) -> Result<usize, TransportError> {
        Err(TransportError::Timeout { timeout, done: 0, expected: 1 })
    }

    fn pace(&self) -> Pace {
        Pace::INSTANT
    }
}

/// A bus whose words never change.
struct Frozen<B>(B);

impl<B: Bus> Bus for Frozen<B> {
    fn read(&mut self, address: u32, words: &mut [u32]) -> Result<(), BusError> {
        self.0.read(address, words)?;
        if address == Register::Submitted.address() {
            words[0] = 7;
        }
        Ok(())
    }

    fn write(&mut self, _address: u32, _words: &[u32]) -> Result<(), BusError> {
        Ok(())
    }

    fn time_scale(&self) -> u32 {
        1
    }
}

/// A bus to a simulation that has counted so many cycles, and counts on.
struct Counting<B>(B, u32);

impl<B: Bus> Bus for Counting<B> {
    fn read(&mut self, address: u32, words: &mut [u32]) -> Result<(), BusError> {
        self.0.read(address, words)
    }

    fn write(&mut self, address: u32, words: &[u32]) -> Result<(), BusError> {
        self.0.write(address, words)
    }

    fn time_scale(&self) -> u32 {
        self.0.time_scale()
    }

    fn simulated_cycles(&mut self) -> Result<Option<u32>, BusError> {
        self.1 = self.1.wrapping_add(100_000);
        Ok(Some(self.1))
    }
}

fn manifest() -> Manifest {
    let stream = |channels| StreamFormat { element: ElementType::Unsigned { bits: 8 }, lanes: 1, channels, vectors: 1 };
    manifest_of(stream(6), stream(3))
}

fn device() -> SoftwareDevice {
    SoftwareDevice::new(&manifest(), 4, |image| image[..3].to_vec())
}

fn images(count: usize) -> Vec<Vec<i32>> {
    (0..count as i32).map(|image| vec![image; 6]).collect()
}

fn bus<T: Transport>(line: T) -> FrameBus<T> {
    FrameBus::new(line).with_patience(streams::SHORT)
}

fn open<T: Transport>(line: T) -> Result<Device<FrameBus<T>>, DeviceError> {
    Device::open(bus(line), &manifest()).map(|device| device.with_patience(Duration::from_millis(20)))
}

fn run<T: Transport>(line: T, count: usize) -> Result<Vec<Vec<i32>>, DeviceError> {
    open(line)?.run(&images(count), &mut |_| {})
}

#[test]
fn lines() {
    let mut messages = Messages::default();
    messages.failure("nobody", || open(answering(|_| vec![])));
    messages.failure("garbage", || open(answering(|bytes| vec![0x55; bytes.len()])));
    let broken = |bytes: &[u8]| bytes.iter().map(|byte| if *byte == 0x7e { 0x7e } else { byte ^ 4 }).collect();
    messages.failure("broken frames", || open(answering(broken)));
    messages.failure("an echo", || open(answering(<[u8]>::to_vec)));
    let (mut behind, mut late) = (device(), vec![]);
    messages.failure("a device behind by one answer", || {
        open(answering(move |bytes| std::mem::replace(&mut late, behind.take(bytes))))
    });
    messages.failure("a line that takes nothing", || open(Jammed));
    let cut = |cut| FaultyLine::new(device(), Faults { cut: Some(cut), ..Faults::default() }, 0);
    messages.failure("unplugged at once", || open(cut(Cut::Closed(0))));
    messages.failure("unplugged in the middle", || run(cut(Cut::Closed(1500)), 20));
    messages.failure("a wire off in the middle", || run(cut(Cut::Silent(1500)), 20));
    let mut noisy = device();
    let spoil = move |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        // The payload's checksum.
        let end = bytes.len() - 2;
        bytes[end] ^= u8::from(bytes.len() > 18);
        noisy.take(&bytes)
    };
    messages.failure("noise towards the device", || run(answering(spoil), 1));
    insta::assert_snapshot!("lines", messages.text);
    assert_eq!(messages.codes.len(), 8);
}

#[test]
fn refusals() {
    let refuse = |code: u16| {
        answering(move |bytes: &[u8]| {
            let mut decoder = Decoder::default();
            let requests = bytes.iter().filter_map(|byte| decoder.push(*byte)?.ok());
            requests
                .flat_map(|request| {
                    Frame { kind: FrameKind::Refusal, count: code, payload: vec![], ..request }.encode()
                })
                .collect()
        })
    };
    let mut messages = Messages::default();
    for refusal in [Refusal::Address, Refusal::Kind, Refusal::Count] {
        messages.failure(&format!("{refusal:?}"), || open(refuse(refusal.code())));
    }
    messages.failure("an unknown reason", || open(refuse(99)));
    messages.failure("a payload refused each time", || open(refuse(Refusal::Payload.code())));
    messages.failure("no word there", || Ok(bus(device()).read(0x68, &mut [0])?));
    messages.failure("a constant", || Ok(bus(device()).write_register(Register::Slots, 9)?));
    messages.failure("behind the window", || Ok(bus(device()).write(INPUT_WINDOW + 4 * 7, &[0; 3])?));
    messages.failure("between two words", || Ok(bus(device()).read(OUTPUT_WINDOW + 2, &mut [0])?));
    messages.failure("frames without words", || run(device().with_register(Register::FrameWords, 0), 1));
    insta::assert_snapshot!("refusals", messages.text);
    assert_eq!(messages.codes.len(), 6);
}

#[test]
fn devices() {
    let mut messages = Messages::default();
    let mut constant =
        |case: &str, register, word| messages.failure(case, || open(device().with_register(register, word)));
    let AbiVersion { major, minor } = ABI_VERSION;
    constant("not a device", Register::Identifier, 0xdead_beef);
    constant("an older interface", Register::AbiVersion, AbiVersion { major: major - 1, minor: 9 }.code());
    constant("a newer interface", Register::AbiVersion, AbiVersion { major: major + 1, minor }.code());
    constant("another design", Register::DesignHash, 0);
    constant("no slots", Register::Slots, 0);
    constant("another size of images", Register::InputWords, 3);
    constant("another size of answers", Register::OutputWords, 5);
    constant("a window beyond its addresses", Register::Slots, 1 << 24);
    messages.failure("a reset without effect", || Device::open(Frozen(bus(device())), &manifest()));
    messages.failure("a stuck core", || run(device().with_core_stuck_after(5), 20));
    let halted = || device().with_core_stuck_after(5).with_register(Register::Cycles, 7);
    messages.failure("a clock that stands still", || run(halted(), 20));
    let foreign_reset = |requests| match run(device().with_restart_after(requests), 1) {
        Err(error @ DeviceError::ForeignReset { .. }) => Some(error),
        _ => None,
    };
    let error = (10..60).find_map(foreign_reset).unwrap();
    messages.codes.insert(testkit::rendered(&error).lines().next().unwrap().into());
    messages.failure("a reset that lasts", || run(device().with_register(Register::Status, 2), 1));
    messages.failure("a reset that lasts while a simulation counts", || {
        let bus = bus(device().with_register(Register::Status, 2));
        Device::open(Counting(bus, u32::MAX - 500_000), &manifest())
    });
    let out_of_step = |requests| match run(device().with_restart_after(requests), 60) {
        Err(error @ DeviceError::OutOfStep { .. }) => Some(error),
        _ => None,
    };
    messages.error("a restart in the middle", &(10..90).find_map(out_of_step).unwrap());
    messages.failure("an image too long", || open(device())?.run(&[vec![0; 7]], &mut |_| {}));
    messages.failure("an element too great", || open(device())?.run(&[vec![1, 2, 3, 256, 5, 6]], &mut |_| {}));
    messages.failure("a value that is no number", || open(device())?.infer(&[vec![f32::NAN; 6]], &mut |_| {}));
    messages.error("a process forked later", &DeviceError::Forked { owner: 100, found: 101 });
    insta::assert_snapshot!("devices", messages.text);
    assert_eq!(messages.codes.len(), 18);
    // A minor version only adds.
    assert!(open(device().with_register(Register::AbiVersion, AbiVersion { major, minor: minor + 1 }.code())).is_ok());
}

#[test]
fn weights() {
    let manifest_for = |words, identity| Manifest { weights: Some(WeightsManifest { words, identity }), ..manifest() };
    let (built, loaded) = (manifest_for(12, 0), manifest_for(12, 0xabc));
    let device = || SoftwareDevice::new(&built, 4, |image| image[..3].to_vec());
    let segments = [Segment { first: 1, words: vec![1, 2, 3] }, Segment { first: 8, words: vec![4, 5, 6, 7] }];
    // The same device under several buses, one after the other.
    let mut line = device();
    let mut messages = Messages::default();
    messages.failure("weights not loaded yet", || Device::open(bus(&mut line), &loaded));
    let mut running = Device::load(bus(&mut line), &loaded, &segments).unwrap();
    assert_eq!(running.run(&images(3), &mut |_| {}).unwrap().len(), 3);
    let mut words = [0; 12];
    running.bus_mut().read(WEIGHT_WINDOW, &mut words).unwrap();
    assert_eq!(words, [0, 1, 2, 3, 0, 0, 0, 0, 4, 5, 6, 7]);
    assert!(Device::open(bus(&mut line), &loaded).is_ok(), "they survive a reset");
    messages.failure("weights of another network", || Device::open(bus(&mut line), &manifest_for(12, 0xdef)));
    messages.failure("the compiled weights", || Device::open(bus(&mut line), &built));
    bus(&mut line).write(WEIGHT_WINDOW, &[9]).unwrap();
    messages.failure("weights in part", || Device::open(bus(&mut line), &loaded));
    let load = |line, manifest: &Manifest| Device::load(bus(line), manifest, &segments);
    messages.failure("another size of the window", || load(device(), &manifest_for(13, 1)));
    messages.failure("a window too small", || {
        Device::load(bus(device()), &loaded, &[Segment { first: 12, words: vec![0] }])
    });
    messages.failure("a window beyond its addresses", || load(device(), &manifest_for(u32::MAX, 1)));
    messages.failure("no window", || load(device(), &manifest()));
    messages.failure("a memory that keeps half of it", || load(device().with_weight_bits(0xffff_fffd), &loaded));
    let restarted = |requests| load(device().with_restart_after(requests), &loaded).err();
    assert!((1..60).filter_map(restarted).any(|error| matches!(error, DeviceError::ForeignReset { .. })));
    for seed in 0..200 {
        let faults = Faults { drop: 0.002, flip: 0.002, repeat: 0.002, garbage: 0.002, ..Faults::default() };
        let line = FaultyLine::new(device(), faults, seed);
        if let Ok(mut device) = Device::load(bus(line), &loaded, &segments) {
            let mut words = [0; 4];
            if device.bus_mut().read(WEIGHT_WINDOW + 32, &mut words).is_ok() {
                assert_eq!(words, [4, 5, 6, 7], "seed {seed}");
            }
        }
    }
    insta::assert_snapshot!("weights", messages.text);
    assert_eq!(messages.codes.len(), 5);
}

#[test]
fn manifests() {
    let mut messages = Messages::default();
    let mut damaged = |case: &str, damage: fn(&mut Manifest)| {
        let mut manifest = manifest();
        damage(&mut manifest);
        messages.failure(case, || Device::open(bus(device()), &manifest));
    };
    damaged("another layout", |manifest| manifest.manifest_version = 99);
    damaged("a short hash", |manifest| manifest.design_hash = "12ab".into());
    damaged("no lanes", |manifest| manifest.input_stream.lanes = 0);
    damaged("no channels", |manifest| manifest.output_stream.channels = 0);
    damaged("too many vectors", |manifest| manifest.output_stream.vectors = usize::MAX);
    damaged("wide elements", |manifest| manifest.output_stream.element = ElementType::Signed { bits: 33 });
    damaged("elements of two types", |manifest| manifest.input_map.element = ElementType::Bipolar);
    damaged("a shape beyond all bounds", |manifest| manifest.input_map.shape = vec![usize::MAX, 2]);
    damaged("another shape", |manifest| manifest.input_map.shape = vec![5]);
    damaged("a source outside the image", |manifest| manifest.input_map.source_of = vec![0, 1, 2, 3, 4, 6]);
    damaged("too few functions", |manifest| manifest.input_map.function_of = vec![0]);
    damaged("no functions", |manifest| manifest.input_map.functions.clear());
    damaged("an unknown function", |manifest| manifest.input_map.function_of = vec![0, 0, 0, 0, 0, 1]);
    damaged("a function without values", |manifest| {
        manifest.input_map.functions = vec![StepFunction { boundaries: vec![], values: vec![] }];
    });
    damaged("two biases", |manifest| manifest.output_map.bias = vec![0.0, 1.0]);
    damaged("too few scores", |manifest| manifest.output_map.source_of = vec![0]);
    damaged("a score from nowhere", |manifest| manifest.output_map.source_of = vec![0, 1, 3]);
    damaged("no clock", |manifest| manifest.clock_mhz = f64::NAN);
    insta::assert_snapshot!("manifests", messages.text);
}

#[test]
fn opening() {
    let mut messages = Messages::default();
    messages.error("no such path", &Uart::open("/dev/ttyNONE", 9600).unwrap_err());
    messages.error("a folder", &Uart::open("/dev", 9600).unwrap_err());
    for address in ["@9600", "/dev/ttyUSB0@fast"] {
        messages.error(address, &address.parse::<UartAddress>().unwrap_err());
    }
    let path = String::from("/dev/ttyUSB0");
    messages.error("permission", &TransportError::PermissionDenied { path: path.clone() });
    messages.error("another program", &TransportError::Busy { path: path.clone() });
    messages.error("a rate", &TransportError::BaudRate { path: path.clone(), expected: 3_000_000, found: 2_400_000 });
    messages.error("the system", &TransportError::Open { path, source: io::ErrorKind::OutOfMemory.into() });
    insta::assert_snapshot!("opening", messages.text);
}

#[test]
fn a_line_that_never_falls_silent_holds_nobody_up() {
    #[derive(Debug)]
    struct Babble(u8);
    impl Transport for Babble {
        fn write(&mut self, _bytes: &[u8], _timeout: Duration) -> Result<(), TransportError> {
            Ok(())
        }

        fn read(&mut self, buffer: &mut [u8], _timeout: Duration) -> Result<usize, TransportError> {
            buffer.fill_with(|| {
                self.0 = self.0.wrapping_mul(5).wrapping_add(13);
                self.0
            });
            Ok(buffer.len())
        }

        fn pace(&self) -> Pace {
            Pace::INSTANT
        }
    }
    let error = open(Babble(0)).unwrap_err();
    assert!(matches!(error, DeviceError::Bus(BusError::Unintelligible { broken: 1.., .. })), "{error}");
}
