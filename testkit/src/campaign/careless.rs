//! A small bus of its own that keeps the rules of the host runtime, or breaks one: what a campaign must notice.

use super::model::Line;
use abi::frame::{ESCAPE, ESCAPE_FLIP, FLAG, Frame, FrameKind, MAX_WORDS, Refusal};
use abi::registers::INPUT_WINDOW;
use host::bus::{Bus, BusError, Patience};
use host::{Transport, TransportError};
use std::time::Duration;

/// A rule of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Frames with wrong checksums are no frames.
    Checksums,
    /// Only the answer to the last attempt counts.
    LastAttempt,
    /// An answer has the number of its request.
    Sequence,
    /// A refused payload is sent again.
    RefusedPayloads,
}

/// A bus that breaks at most one rule.
pub struct CarelessBus<'l> {
    line: &'l mut Line,
    patience: Patience,
    broken: Option<Rule>,
    sequence: u8,
    bytes: Vec<u8>,
}

/// A bus that keeps all rules.
pub fn careful(line: &mut Line, patience: Patience) -> Box<dyn Bus + '_> {
    bus(line, patience, None)
}

pub fn without_checksums(line: &mut Line, patience: Patience) -> Box<dyn Bus + '_> {
    bus(line, patience, Some(Rule::Checksums))
}

pub fn with_any_attempt(line: &mut Line, patience: Patience) -> Box<dyn Bus + '_> {
    bus(line, patience, Some(Rule::LastAttempt))
}

pub fn without_sequence(line: &mut Line, patience: Patience) -> Box<dyn Bus + '_> {
    bus(line, patience, Some(Rule::Sequence))
}

pub fn without_refusals(line: &mut Line, patience: Patience) -> Box<dyn Bus + '_> {
    bus(line, patience, Some(Rule::RefusedPayloads))
}

fn bus(line: &mut Line, patience: Patience, broken: Option<Rule>) -> Box<dyn Bus + '_> {
    Box::new(CarelessBus { line, patience, broken, sequence: 0, bytes: vec![] })
}

impl CarelessBus<'_> {
    fn exchange(&mut self, mut request: Frame) -> Result<Vec<u32>, BusError> {
        let first = self.sequence.wrapping_add(1);
        for _ in 0..self.patience.attempts {
            self.sequence = self.sequence.wrapping_add(1);
            request.sequence = self.sequence;
            self.line.write(&request.encode(), Duration::ZERO)?;
            loop {
                let mut buffer = [0; 512];
                let count = match self.line.read(&mut buffer, Duration::ZERO) {
                    Ok(count) => count,
                    Err(TransportError::Timeout { .. }) => break,
                    Err(error) => return Err(error.into()),
                };
                let broken = self.broken;
                let answer = buffer[..count].iter().filter_map(|byte| self.push(*byte)).find(|frame| {
                    broken == Some(Rule::Sequence)
                        || frame.sequence == request.sequence
                        || broken == Some(Rule::LastAttempt)
                            && frame.sequence.wrapping_sub(first) <= request.sequence.wrapping_sub(first)
                });
                let Some(answer) = answer.filter(|frame| frame.address == request.address) else { continue };
                match (answer.kind, request.kind) {
                    (FrameKind::ReadReply, FrameKind::Read) if answer.count == request.count => {
                        return Ok(answer.payload);
                    }
                    (FrameKind::WriteReply, FrameKind::Write) => return Ok(vec![]),
                    (FrameKind::Refusal, _) if answer.count == Refusal::Payload.code() => {
                        if self.broken == Some(Rule::RefusedPayloads) {
                            return Ok(vec![0; request.count.into()]);
                        }
                        break;
                    }
                    _ => {}
                }
            }
        }
        Err(BusError::Stopped { attempts: self.patience.attempts })
    }

    /// Takes a byte; the frame that it ends.
    fn push(&mut self, byte: u8) -> Option<Frame> {
        if byte == FLAG {
            self.bytes.clear();
            return None;
        }
        self.bytes.push(byte);
        let mut bytes = vec![];
        let mut is_escaped = false;
        for byte in &self.bytes {
            match *byte {
                ESCAPE => is_escaped = true,
                byte => bytes.push(if std::mem::take(&mut is_escaped) { byte ^ ESCAPE_FLIP } else { byte }),
            }
        }
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0u32, |number, byte| number << 8 | u32::from(*byte));
        let header = bytes.get(..12)?;
        let kind = FrameKind::ALL.into_iter().find(|kind| kind.code() == header[0])?;
        let count = number(&header[2..4]) as u16;
        let words = if kind.has_payload() { usize::from(count).min(MAX_WORDS) } else { 0 };
        let length = if kind.has_payload() { 16 + 4 * words } else { 12 };
        if bytes.len() != length || is_escaped {
            return None;
        }
        let payload: Vec<u32> = bytes[12..].chunks(4).take(words).map(number).collect();
        let frame = Frame { kind, sequence: header[1], count, address: number(&header[4..8]), payload };
        // A frame that is written as it was read has right checksums.
        let is_right = || {
            let written = frame.encode();
            written[1..written.len() - 1] == self.bytes[..]
        };
        (self.broken == Some(Rule::Checksums) || is_right()).then_some(frame)
    }
}

impl Bus for CarelessBus<'_> {
    fn read(&mut self, address: u32, words: &mut [u32]) -> Result<(), BusError> {
        let most = if address < INPUT_WINDOW { 1 } else { MAX_WORDS };
        for (place, part) in (address..).step_by(4 * most).zip(words.chunks_mut(most)) {
            let found = self.exchange(Frame::read(0, place, part.len() as u16))?;
            part.copy_from_slice(&found);
        }
        Ok(())
    }

    fn write(&mut self, address: u32, words: &[u32]) -> Result<(), BusError> {
        for (place, part) in (address..).step_by(4 * MAX_WORDS).zip(words.chunks(MAX_WORDS)) {
            self.exchange(Frame::write(0, place, part.to_vec()))?;
        }
        Ok(())
    }

    fn time_scale(&self) -> u32 {
        1
    }
}
