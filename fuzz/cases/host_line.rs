//! The host runtime against a line that does what the fuzzer says: whatever it does to bytes, a run ends with the right
//! answers or with an error of the line; where it forges whole frames, with any answers or any error.

use super::render;
use super::script::Script;
use abi::ElementType;
use abi::frame::{Decoder, Frame, FrameKind};
use abi::packing::StreamFormat;
use host::bus::Patience;
use host::transport::Pace;
use host::transport::fake::{SoftwareDevice, manifest_of};
use host::{Device, DeviceError, FrameBus, Transport, TransportError};
use std::collections::VecDeque;
use std::time::Duration;

/// Calls after which a run counts as one without end.
const MAX_CALLS: usize = 20_000;

/// Raw bytes that cannot hold a frame.
const MAX_RAW: usize = 11;

/// Drives a device in software through a line that follows the bytes.
pub fn run(data: &[u8]) {
    let mut script = Script(data);
    let mode = script.byte();
    let manifest =
        manifest_of(stream(ElementType::Unsigned { bits: 8 }, 9), stream(ElementType::Signed { bits: 32 }, 3));
    let device = SoftwareDevice::new(&manifest, 1 + u32::from(mode >> 1 & 3), core)
        .with_requests_per_image(u32::from(mode >> 3 & 3));
    let line = Line {
        device,
        script: script.0.to_vec().into(),
        may_forge: mode & 1 == 1,
        raw_left: MAX_RAW,
        requests: Decoder::default(),
        last: Frame::read(0, 0, 1),
        answers: VecDeque::new(),
        is_closed: false,
        calls: 0,
    };
    let is_honest = !line.may_forge;
    let patience = Patience { attempts: 1 + u32::from(mode >> 5), ..Patience::default() };
    let images: Vec<Vec<i32>> = (0..7).map(|image| (0..9).map(|index| image * 31 + index).collect()).collect();
    let expected: Vec<Vec<i32>> = images.iter().map(|image| core(image)).collect();

    let mut bus = FrameBus::new(line).with_patience(patience);
    match Device::open(&mut bus, &manifest) {
        Ok(device) => {
            let mut device = device.with_patience(Duration::from_millis(5));
            check(device.run(&images, &mut |_| {}), &expected, is_honest);
            device.bus_mut().transport_mut().heal();
            let healed = device.run(&images, &mut |_| {});
            if is_honest {
                assert_eq!(healed.expect("the line is whole again"), expected);
            }
        }
        Err(error) => check(Err(error), &expected, is_honest),
    }
}

fn check(result: Result<Vec<Vec<i32>>, DeviceError>, expected: &[Vec<i32>], is_honest: bool) {
    match result {
        Ok(found) if is_honest => assert_eq!(found, expected),
        Ok(_) => {}
        Err(error) => {
            render(&error);
            assert!(!is_honest || matches!(error, DeviceError::Bus(_)), "not of the line: {error}");
        }
    }
}

fn stream(element: ElementType, channels: usize) -> StreamFormat {
    StreamFormat { element, lanes: 1, channels, vectors: 1 }
}

/// Answers that change with every element.
fn core(image: &[i32]) -> Vec<i32> {
    (0..3).map(|index| image.iter().fold(index, |sum: i32, value| sum.wrapping_mul(0x0101_6b35) ^ value)).collect()
}

struct Line {
    device: SoftwareDevice,
    script: VecDeque<u8>,
    may_forge: bool,
    raw_left: usize,
    /// Sees what the host asks.
    requests: Decoder,
    last: Frame,
    answers: VecDeque<u8>,
    is_closed: bool,
    calls: usize,
}

impl Line {
    fn heal(&mut self) {
        self.script.clear();
        self.is_closed = false;
    }

    /// The next choice; 0, which changes nothing, after the script's end.
    fn choice(&mut self) -> u8 {
        self.script.pop_front().unwrap_or(0)
    }

    fn call(&mut self) -> Result<(), TransportError> {
        self.calls += 1;
        assert!(self.calls < MAX_CALLS, "a run does not end");
        if self.is_closed {
            return Err(TransportError::Closed { source: std::io::ErrorKind::BrokenPipe.into() });
        }
        Ok(())
    }

    /// An answer that nobody gave.
    fn forge(&mut self) {
        let choice = self.choice();
        let kind = FrameKind::ALL[usize::from(choice & 7) % FrameKind::ALL.len()];
        let mut frame = Frame { kind, ..self.last.clone() };
        if choice & 0x10 != 0 {
            frame.sequence = frame.sequence.wrapping_sub(self.choice());
        }
        if choice & 0x20 != 0 {
            frame.count = self.choice().into();
        }
        if choice & 0x40 != 0 {
            frame.address = u32::from(self.choice()) << (choice & 24);
        }
        let words = if kind.has_payload() { frame.count } else { 0 };
        let high = if choice & 0x80 != 0 { self.choice() } else { 0 };
        frame.payload = (0..words).map(|_| u32::from(self.choice()) | u32::from(high) << 24).collect();
        self.answers.extend(frame.encode());
    }
}

impl Transport for Line {
    fn write(&mut self, bytes: &[u8], timeout: Duration) -> Result<(), TransportError> {
        self.call()?;
        for byte in bytes {
            if let Some(Ok(frame)) = self.requests.push(*byte) {
                self.last = frame;
            }
        }
        let mut bytes = bytes.to_vec();
        match self.choice() {
            200..=209 => bytes.clear(),
            210..=219 => bytes.truncate(usize::from(self.choice())),
            220..=229 => {
                let place = usize::from(self.choice()) % bytes.len().max(1);
                let bit = self.choice() % 8;
                bytes.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 1 << bit);
            }
            230..=239 => bytes = bytes.repeat(2),
            240..=244 => {
                let place = usize::from(self.choice()) % bytes.len().max(1);
                bytes.remove(place);
            }
            245..=247 => return Err(TransportError::Timeout { timeout, done: 0, expected: bytes.len() }),
            _ => {}
        }
        let answers = self.device.take(&bytes);
        self.answers.extend(answers);
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8], timeout: Duration) -> Result<usize, TransportError> {
        self.call()?;
        let choice = self.choice();
        let mut most = buffer.len();
        match choice {
            // Held back.
            1..=40 => most = 0,
            41..=80 => most = most.min(usize::from(self.choice())),
            81..=120 => {
                let count = usize::from(self.choice()).min(self.answers.len());
                self.answers.drain(..count);
            }
            121..=160 => {
                let (place, bit) = (usize::from(self.choice()), self.choice() % 8);
                self.answers.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 1 << bit);
            }
            161..=190 => {
                let count = usize::from(choice - 160).min(if self.may_forge { 255 } else { self.raw_left });
                self.raw_left = self.raw_left.saturating_sub(count);
                for _ in 0..count {
                    let byte = self.choice();
                    self.answers.push_front(byte);
                }
            }
            191..=230 if self.may_forge => self.forge(),
            231..=240 => {
                // What came comes once more.
                let copy = self.answers.clone();
                self.answers.extend(copy);
            }
            250 => self.is_closed = true,
            _ => {}
        }
        let count = most.min(self.answers.len());
        if count == 0 {
            return Err(TransportError::Timeout { timeout, done: 0, expected: 1 });
        }
        buffer.iter_mut().zip(self.answers.drain(..count)).for_each(|(place, byte)| *place = byte);
        Ok(count)
    }

    fn pace(&self) -> Pace {
        Pace::INSTANT
    }
}
