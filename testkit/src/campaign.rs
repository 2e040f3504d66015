//! A campaign of runs over lines with faults: what it counts, and its table. Used by tests of `host`, its example
//! `fault_campaign` and the campaign through simulated pins in `sim`.

#![allow(missing_docs, reason = "counts are named as what they count")]

pub mod careless;
pub mod model;

use abi::frame::Decoder;
use host::transport::Pace;
use host::transport::fake::Injected;
use host::{BusError, DeviceError, Transport, TransportError};
use miette::Diagnostic;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// A line that counts what goes over it.
pub struct Counted<T> {
    pub line: T,
    requests: Decoder,
    answers: Decoder,
    pub traffic: Traffic,
}

/// What went over a line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traffic {
    /// Requests that the host sent.
    pub sent: u64,
    /// Whole frames that reached it.
    pub heard: u64,
    /// Calls for bytes or with bytes.
    pub calls: u64,
}

impl<T> Counted<T> {
    pub fn new(line: T) -> Self {
        Counted { line, requests: Decoder::default(), answers: Decoder::default(), traffic: Traffic::default() }
    }
}

impl<T: Transport> Transport for Counted<T> {
    fn write(&mut self, bytes: &[u8], timeout: Duration) -> Result<(), TransportError> {
        self.traffic.calls += 1;
        let requests = &mut self.requests;
        self.traffic.sent += bytes.iter().filter(|byte| matches!(requests.push(**byte), Some(Ok(_)))).count() as u64;
        self.line.write(bytes, timeout)
    }

    fn read(&mut self, buffer: &mut [u8], timeout: Duration) -> Result<usize, TransportError> {
        self.traffic.calls += 1;
        let count = self.line.read(buffer, timeout)?;
        let answers = &mut self.answers;
        self.traffic.heard +=
            buffer[..count].iter().filter(|byte| matches!(answers.push(**byte), Some(Ok(_)))).count() as u64;
        Ok(count)
    }

    fn pace(&self) -> Pace {
        self.line.pace()
    }
}

/// What a campaign has seen.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    pub cases: u64,
    pub sent: u64,
    pub heard: u64,
    pub faults: Injected,
    /// Lines that were cut, and devices that lost their power.
    pub cuts: u64,
    pub restarts: u64,
    /// Inferences asked for on lines with faults, and what became of them.
    pub asked: u64,
    pub answered: u64,
    pub failed: u64,
    pub wrong: u64,
    pub late: u64,
    /// Errors that a line or a lost power does not explain.
    pub unexplained: u64,
    /// Cases whose device ran rightly when it was opened anew on the healed line, and those where it did not.
    pub reopened: u64,
    pub not_reopened: u64,
    /// Errors by their codes.
    pub errors: BTreeMap<String, u64>,
    /// The first case of each kind that must not be.
    pub first: BTreeMap<&'static str, String>,
    pub longest: u64,
}

impl Figures {
    /// Takes what became of a run on a line with faults.
    pub fn take(
        &mut self,
        case: &str,
        result: Result<Vec<Vec<i32>>, DeviceError>,
        expected: &[Vec<i32>],
        is_restarted: bool,
    ) {
        let count = expected.len() as u64;
        self.asked += count;
        match result {
            Ok(found) => {
                let right = found.iter().zip(expected).filter(|(found, expected)| found == expected).count() as u64;
                self.answered += right;
                self.wrong += count - right;
                if right < count {
                    self.note("wrong", case.to_owned());
                }
            }
            Err(error) => {
                self.failed += count;
                let is_explained = is_of_the_line(&error) || is_restarted && is_of_a_restart(&error);
                if !is_explained {
                    self.unexplained += 1;
                    self.note("unexplained", format!("{case}: {error}"));
                }
                let code = error.code().map_or_else(|| "without a code".to_owned(), |code| code.to_string());
                *self.errors.entry(code).or_default() += 1;
            }
        }
    }

    /// Takes what became of a run on the same line, healed and opened anew.
    pub fn take_reopened(&mut self, case: &str, result: Result<Vec<Vec<i32>>, DeviceError>, expected: &[Vec<i32>]) {
        match result {
            Ok(found) if found == expected => self.reopened += 1,
            Ok(_) => {
                self.wrong += 1;
                self.note("wrong when opened anew", case.to_owned());
            }
            Err(error) => {
                self.not_reopened += 1;
                self.note("not opened anew", format!("{case}: {error}"));
            }
        }
    }

    /// Takes the traffic of a case, which sends at most `most` frames, and its faults.
    pub fn take_line(&mut self, case: &str, traffic: Traffic, faults: Injected, most: u64) {
        self.cases += 1;
        self.sent += traffic.sent;
        self.heard += traffic.heard;
        self.cuts += u64::from(faults.is_cut);
        self.faults.dropped += faults.dropped;
        self.faults.flipped += faults.flipped;
        self.faults.repeated += faults.repeated;
        self.faults.truncated += faults.truncated;
        self.faults.garbage += faults.garbage;
        self.faults.delayed += faults.delayed;
        self.longest = self.longest.max(traffic.sent);
        if traffic.sent > most {
            self.late += 1;
            self.note("late", format!("{case} sent {} frames", traffic.sent));
        }
    }

    /// Whether nothing happened that must not.
    pub fn is_clean(&self) -> bool {
        let Figures { wrong, late, unexplained, not_reopened, .. } = self;
        [wrong, late, unexplained, not_reopened].iter().all(|count| **count == 0)
    }

    fn note(&mut self, what: &'static str, case: String) {
        self.first.entry(what).or_insert(case);
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Injected { dropped, flipped, repeated, truncated, garbage, delayed, .. } = self.faults;
        let rows = [
            ("cases", self.cases),
            ("frames sent", self.sent),
            ("whole frames heard", self.heard),
            ("bytes dropped", dropped),
            ("bits flipped", flipped),
            ("rows of bytes repeated", repeated),
            ("pieces truncated", truncated),
            ("pieces of garbage", garbage),
            ("delays", delayed),
            ("lines cut", self.cuts),
            ("devices that lost their power", self.restarts),
            ("inferences asked for", self.asked),
            ("answered rightly", self.answered),
            ("reported failed", self.failed),
            ("answered wrongly", self.wrong),
            ("cases of too many frames", self.late),
            ("errors unexplained", self.unexplained),
            ("right when opened anew", self.reopened),
            ("not so", self.not_reopened),
        ];
        for (name, count) in rows {
            writeln!(f, "{name:<32}{count:>10}")?;
        }
        for (code, count) in &self.errors {
            writeln!(f, "  {code:<30}{count:>10}")?;
        }
        for (what, case) in &self.first {
            writeln!(f, "{what}: {case}")?;
        }
        write!(f, "longest case {} frames", self.longest)
    }
}

/// Whether a line, and not the device or the host, may be the reason for `error`.
pub fn is_of_the_line(error: &DeviceError) -> bool {
    let DeviceError::Bus(error) = error else { return false };
    matches!(
        error,
        BusError::Transport(TransportError::Closed { .. })
            | BusError::Silent { .. }
            | BusError::Unintelligible { .. }
            | BusError::Stopped { .. }
            | BusError::Late { .. }
            | BusError::Payload { .. }
    )
}

/// Whether a loss of power may be.
fn is_of_a_restart(error: &DeviceError) -> bool {
    matches!(error, DeviceError::OutOfStep { .. } | DeviceError::ForeignReset { .. } | DeviceError::Stuck { .. })
}
