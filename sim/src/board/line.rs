//! The software side of a simulated board's UART.

use super::{Levels, Pins};
use crate::SimError;
use abi::manifest::DeviceManifest;
use abi::uart::{LineDecoder, LineEncoder, UartTiming};
use host::transport::{Pace, Transport, TransportError};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Bytes that wait at most for the line to be free, before more are taken.
const DRIVER_BYTES: usize = 4096;

/// Cycles simulated at a time: a few bytes of a fast line.
const CHUNK_CYCLES: u32 = 512;

/// A line to a simulated board. Time passes for the board only inside the calls, and a timeout is measured by the board's
/// own time, so that whether one passes does not hang on how busy the machine is.
#[derive(Debug)]
pub struct SimulatedLine<P> {
    pins: P,
    timing: UartTiming,
    encoder: LineEncoder,
    decoder: LineDecoder,
    received: VecDeque<u8>,
    clock: Arc<AtomicU64>,
}

impl<P: Pins> SimulatedLine<P> {
    /// A line to `pins`, which belong to the device that `manifest` describes.
    ///
    /// # Errors
    /// Where the manifest's clock cannot make its baud rate.
    pub fn new(pins: P, manifest: &DeviceManifest) -> Result<Self, SimError> {
        let timing = UartTiming::new(manifest.clock_hertz, manifest.baud)?;
        Ok(SimulatedLine {
            pins,
            timing,
            encoder: LineEncoder::new(&timing),
            decoder: LineDecoder::new(&timing),
            received: VecDeque::new(),
            clock: Arc::default(),
        })
    }

    /// Clock cycles that have passed for the board, kept up to date while the line is used.
    pub fn clock(&self) -> Arc<AtomicU64> {
        self.clock.clone()
    }

    /// Bytes that wait for the line to be free.
    pub fn bytes_waiting(&self) -> usize {
        self.encoder.bytes_waiting()
    }

    /// Forgets the bytes that wait: the wire is pulled.
    pub fn forget(&mut self) {
        self.encoder.forget();
    }

    /// Sends bytes when time passes next.
    pub fn send(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.encoder.push(*byte));
    }

    /// Lets [`CHUNK_CYCLES`] clock cycles pass. A byte without a stop bit is no byte.
    ///
    /// # Errors
    /// Where the simulation fails.
    pub fn advance(&mut self) -> Result<(), SimError> {
        let mut rx = Levels::default();
        (0..CHUNK_CYCLES).for_each(|_| rx.push(self.encoder.next_level()));
        let tx = self.pins.run(&rx)?;
        self.clock.fetch_add(u64::from(CHUNK_CYCLES), Ordering::Relaxed);
        let decoder = &mut self.decoder;
        self.received.extend(tx.iter().filter_map(|level| decoder.push(level)).flatten());
        Ok(())
    }

    /// Takes the bytes that have come.
    pub fn received(&mut self) -> Vec<u8> {
        self.received.drain(..).collect()
    }

    /// Clock cycles simulated.
    pub fn cycles(&self) -> u64 {
        self.clock.load(Ordering::Relaxed)
    }

    /// Whether no byte is under way in either direction.
    pub fn is_idle(&self) -> bool {
        self.encoder.is_idle() && self.decoder.is_idle()
    }

    /// Lets time pass until `done`, at most as much as passes on a board in `timeout`; whether it is done.
    fn advance_until(&mut self, timeout: Duration, done: impl Fn(&Self) -> bool) -> Result<bool, TransportError> {
        let cycles = timeout.as_secs_f64() / f64::from(self.pins.time_scale()) * f64::from(self.timing.clock_hertz());
        let mut left = (cycles / f64::from(CHUNK_CYCLES)).ceil() as u64;
        while !done(self) {
            if left == 0 {
                return Ok(false);
            }
            left -= 1;
            self.advance().map_err(|error| TransportError::Closed { source: io::Error::other(error) })?;
        }
        Ok(true)
    }
}

impl<P: Pins> Transport for SimulatedLine<P> {
    fn write(&mut self, bytes: &[u8], timeout: Duration) -> Result<(), TransportError> {
        // Like an operating system's driver it takes bytes at once, while those before are still leaving.
        let done = self.advance_until(timeout, |line| line.encoder.bytes_waiting() <= DRIVER_BYTES)?;
        if !done {
            return Err(TransportError::Timeout { timeout, done: 0, expected: bytes.len() });
        }
        self.send(bytes);
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8], timeout: Duration) -> Result<usize, TransportError> {
        if !self.advance_until(timeout, |line| !line.received.is_empty() || buffer.is_empty())? {
            return Err(TransportError::Timeout { timeout, done: 0, expected: 1 });
        }
        let count = buffer.len().min(self.received.len());
        buffer.iter_mut().zip(self.received.drain(..count)).for_each(|(place, byte)| *place = byte);
        Ok(count)
    }

    fn pace(&self) -> Pace {
        Pace { time_scale: self.pins.time_scale(), ..Pace::of_baud(self.timing.baud()) }
    }
}
