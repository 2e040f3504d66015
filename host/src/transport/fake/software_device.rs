//! A device in software, behind the bytes of its line.

use super::memory::Memory;
use super::receiver::{Event, Header, Receiver};
use crate::transport::{Pace, Transport, TransportError};
use abi::frame::{Frame, FrameKind, Refusal};
use abi::manifest::Manifest;
use abi::registers::{INPUT_WINDOW, Register};
use std::collections::VecDeque;
use std::time::Duration;

/// A device whose core is a function, with the registers, windows and frames of a real one.
///
/// It is a [`Transport`] itself; or [`take`](Self::take) serves it to whatever carries bytes, a pseudo-terminal for
/// one. No time passes in it: what has not come at once never will, so that reading nothing times out at once.
///
/// Like hardware it stores the words of a window before it knows whether they came whole, and its windows hold rubbish
/// where the contract promises nothing: a host that does not keep to it gets wrong answers.
pub struct SoftwareDevice {
    memory: Memory,
    receiver: Receiver,
    /// The write whose payload comes.
    write: Option<Header>,
    /// The last word for a register, until its checksum.
    pending: u32,
    answers: VecDeque<u8>,
    /// Requests after which the device loses its power for a moment.
    requests_to_restart: Option<u32>,
}

impl SoftwareDevice {
    /// A device that runs the design of `manifest`, with rings of `slots` images and with `core` in the core's place:
    /// from the elements of an image to those of its answer, both in stream order.
    pub fn new(manifest: &Manifest, slots: u32, core: impl FnMut(&[i32]) -> Vec<i32> + Send + 'static) -> Self {
        SoftwareDevice {
            memory: Memory::new(manifest, slots, Box::new(core)),
            receiver: Receiver::new(),
            write: None,
            pending: 0,
            answers: VecDeque::new(),
            requests_to_restart: None,
        }
    }

    /// The same device, whose constant register `register` reads `word` (the first word, where it has several).
    pub fn with_register(mut self, register: Register, word: u32) -> Self {
        self.memory.constants.insert(register.address(), word);
        self
    }

    /// The same device, whose core finishes an image with every `requests`-th request, not at once.
    pub fn with_requests_per_image(mut self, requests: u32) -> Self {
        self.memory.requests_per_image = requests;
        self
    }

    /// The same device, whose core stops for good after `images` images.
    pub fn with_core_stuck_after(mut self, images: u32) -> Self {
        self.memory.most_images = Some(images);
        self
    }

    /// The same device, whose weight memories keep only the given bits of each word.
    pub fn with_weight_bits(mut self, bits: u32) -> Self {
        self.memory.weight_bits = bits;
        self
    }

    /// The same device, which loses its power for a moment after `requests` requests.
    pub fn with_restart_after(mut self, requests: u32) -> Self {
        self.requests_to_restart = Some(requests);
        self
    }

    /// Whether the host ever submitted more images than the rings hold.
    pub fn is_overrun(&self) -> bool {
        self.memory.is_overrun
    }

    /// Takes bytes of the line and gives those that the device answers.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        bytes.iter().filter_map(|byte| self.push(*byte)).flat_map(|answer| answer.encode()).collect()
    }

    fn push(&mut self, byte: u8) -> Option<Frame> {
        match self.receiver.push(byte)? {
            Event::Broken => {
                self.memory.frame_errors += 1;
                self.write = None;
                None
            }
            Event::Header(header) => self.begin(header),
            Event::Word(index, word) => {
                self.pending = word;
                if let Some(header) = self.write.filter(|header| header.address >= INPUT_WINDOW) {
                    self.memory.write(header.address + 4 * u32::from(index), word);
                }
                None
            }
            Event::End(is_whole) => {
                let header = self.write.take()?;
                if !is_whole {
                    self.memory.frame_errors += 1;
                    return Some(refusal(header, Refusal::Payload));
                }
                if header.address < INPUT_WINDOW {
                    self.memory.write(header.address, self.pending);
                }
                self.finish();
                Some(Frame { kind: FrameKind::WriteReply, ..without_payload(header) })
            }
        }
    }

    fn begin(&mut self, header: Header) -> Option<Frame> {
        let is_write = match header.kind {
            Some(FrameKind::Read) => false,
            Some(FrameKind::Write) => true,
            _ => return Some(refusal(header, Refusal::Kind)),
        };
        if let Err(reason) = self.memory.check(header.address, header.count, is_write) {
            return Some(refusal(header, reason));
        }
        if is_write {
            self.receiver.expect_payload(header.count);
            self.write = Some(header);
            return None;
        }
        let word = |index| self.memory.read(header.address + 4 * u32::from(index));
        let payload = (0..header.count).map(word).collect();
        self.finish();
        Some(Frame { kind: FrameKind::ReadReply, payload, ..without_payload(header) })
    }

    /// What happens besides, whenever a request was carried out.
    fn finish(&mut self) {
        self.memory.work();
        self.requests_to_restart = match self.requests_to_restart {
            Some(1) => {
                self.memory.restart();
                None
            }
            requests => requests.map(|requests| requests.saturating_sub(1)),
        };
    }
}

fn without_payload(header: Header) -> Frame {
    let Header { sequence, count, address, .. } = header;
    Frame { kind: FrameKind::WriteReply, sequence, count, address, payload: Vec::new() }
}

fn refusal(header: Header, reason: Refusal) -> Frame {
    Frame { kind: FrameKind::Refusal, count: reason.code(), ..without_payload(header) }
}

impl std::fmt::Debug for SoftwareDevice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SoftwareDevice").field("receiver", &self.receiver).finish_non_exhaustive()
    }
}

impl Transport for SoftwareDevice {
    fn write(&mut self, bytes: &[u8], _timeout: Duration) -> Result<(), TransportError> {
        let answer = self.take(bytes);
        self.answers.extend(answer);
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8], timeout: Duration) -> Result<usize, TransportError> {
        let count = buffer.len().min(self.answers.len());
        if count == 0 && !buffer.is_empty() {
            return Err(TransportError::Timeout { timeout, done: 0, expected: 1 });
        }
        for (place, byte) in buffer.iter_mut().zip(self.answers.drain(..count)) {
            *place = byte;
        }
        Ok(count)
    }

    fn pace(&self) -> Pace {
        Pace::INSTANT
    }
}
