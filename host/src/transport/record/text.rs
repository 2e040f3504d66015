//! The text of a recording.

use super::{Event, RecordingError};
use crate::transport::Pace;
use std::path::Path;
use std::time::Duration;

const HEAD: &str = "xnorforge line recording 1";
const SECOND_LINE: &str = "`seed S byte_nanoseconds N time_scale T`";
const EVENT: &str = "microseconds, one of `>`, `!`, `<` with an even number of hexadecimal digits, or `.`, or `x`";

/// Most characters of a line that a message shows.
const MAX_SHOWN: usize = 40;

/// What a recording holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// Seed of the host's numbers.
    pub seed: u64,
    /// The line's pace.
    pub pace: Pace,
    /// What happened, in order.
    pub events: Vec<Event>,
}

impl Recording {
    /// Reads the recording in the file at `path`.
    ///
    /// # Errors
    /// Where the file cannot be read or is no recording.
    pub fn read(path: &Path) -> Result<Self, RecordingError> {
        let bytes = std::fs::read(path).map_err(|source| RecordingError::File { path: path.to_owned(), source })?;
        Self::parse(&String::from_utf8_lossy(&bytes))
    }

    /// The recording that `text` is.
    ///
    /// # Errors
    /// Where it is none.
    pub fn parse(text: &str) -> Result<Self, RecordingError> {
        let mut lines = text.split_inclusive('\n').enumerate();
        let first = lines.next().map_or("", |(_, line)| line).trim_end_matches(['\n', '\r']);
        if first != HEAD {
            return Err(RecordingError::Head { expected: HEAD, found: shown(first) });
        }
        let second = lines.next().map_or("", |(_, line)| line);
        let (seed, pace) = second_line(second).ok_or_else(|| RecordingError::Line {
            line: 2,
            expected: SECOND_LINE,
            found: shown(second),
        })?;
        let mut events = Vec::new();
        for (index, line) in lines {
            let number = index + 1;
            let Some(whole) = line.strip_suffix('\n') else {
                return Err(RecordingError::Cut { line: number });
            };
            let event = event(whole).ok_or_else(|| RecordingError::Line {
                line: number,
                expected: EVENT,
                found: shown(whole),
            })?;
            events.push(event);
        }
        Ok(Recording { seed, pace, events })
    }
}

/// The first two lines.
pub(super) fn head(seed: u64, pace: Pace) -> String {
    let nanoseconds = u64::try_from(pace.byte_time.as_nanos()).unwrap_or(u64::MAX);
    format!("{HEAD}\nseed {seed} byte_nanoseconds {nanoseconds} time_scale {}\n", pace.time_scale)
}

/// The line of an event.
pub(super) fn line(time: Duration, event: &Event) -> String {
    let (sign, bytes): (char, &[u8]) = match event {
        Event::Sent(bytes) => ('>', bytes),
        Event::Jammed(bytes) => ('!', bytes),
        Event::Received(bytes) => ('<', bytes),
        Event::Nothing => ('.', &[]),
        Event::Closed => ('x', &[]),
    };
    let mut text = format!("{} {sign}", time.as_micros());
    if !bytes.is_empty() {
        text.push(' ');
        bytes.iter().for_each(|byte| text += &format!("{byte:02x}"));
    }
    text.push('\n');
    text
}

fn second_line(line: &str) -> Option<(u64, Pace)> {
    let words: Vec<&str> = line.strip_suffix('\n')?.split_whitespace().collect();
    let ["seed", seed, "byte_nanoseconds", nanoseconds, "time_scale", time_scale] = words[..] else { return None };
    let byte_time = Duration::from_nanos(nanoseconds.parse().ok()?);
    Some((seed.parse().ok()?, Pace { byte_time, time_scale: time_scale.parse().ok()? }))
}

fn event(line: &str) -> Option<Event> {
    let mut words = line.split_whitespace();
    let _time: u128 = words.next()?.parse().ok()?;
    let (sign, digits) = (words.next()?, words.next());
    if words.next().is_some() {
        return None;
    }
    match (sign, digits) {
        (".", None) => Some(Event::Nothing),
        ("x", None) => Some(Event::Closed),
        (">", Some(digits)) => Some(Event::Sent(bytes(digits)?)),
        ("!", Some(digits)) => Some(Event::Jammed(bytes(digits)?)),
        ("<", Some(digits)) => Some(Event::Received(bytes(digits)?)),
        _ => None,
    }
}

/// The bytes of an even, positive number of hexadecimal digits.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if pairs.is_empty() || !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(16 * value(*high)? + value(*low)?)).collect()
}

fn shown(line: &str) -> String {
    let line = line.trim_end();
    let start: String = line.chars().take(MAX_SHOWN).collect();
    if start.len() < line.len() { start + "…" } else { start }
}
