//! Images that come one after the other, through a device and back.

use super::ring::{Facts, Ring};
use super::schema::Schema;
use super::wait::Limits;
use super::{Device, DeviceError};
use crate::bus::{Access, Bus};
use abi::maps::Scores;
use abi::registers::Register;
use std::collections::VecDeque;
use std::sync::Arc;

/// The answers to a stream of images, which are given as the words of the input window: elements in stream order.
#[derive(Debug)]
pub(super) struct Stream<'d, B: Bus, I> {
    device: &'d mut Device<B>,
    images: I,
    /// `None` until the first image, and while the device is to be reset.
    ring: Option<Ring>,
    ready: VecDeque<Vec<i32>>,
    /// What is wrong with the first image that is not taken.
    refused: Option<DeviceError>,
    /// Whether the source has no more images that can be taken.
    is_exhausted: bool,
    /// Whether nothing comes any more.
    is_over: bool,
}

impl<'d, B: Bus, I: Iterator<Item = Result<Vec<u32>, DeviceError>>> Stream<'d, B, I> {
    pub(super) fn new(device: &'d mut Device<B>, images: I) -> Self {
        Stream {
            device,
            images,
            ring: None,
            ready: VecDeque::new(),
            refused: None,
            is_exhausted: false,
            is_over: false,
        }
    }

    /// Brings the device into step and begins a ring.
    fn begin(&mut self) -> Result<(), DeviceError> {
        let device = &mut *self.device;
        if device.is_in_doubt || device.images_run >= device.images_per_reset {
            device.reset()?;
        }
        device.is_in_doubt = true;
        self.ring = Some(Ring::new(Facts {
            slots: device.slots,
            input_words: device.schema.input.format.words_per_image(),
            output_words: device.schema.output.format.words_per_image(),
            images_before: device.images_run,
            session: device.session,
            limits: Limits::new(device.schema.image_cycles, device.patience),
        }));
        Ok(())
    }

    /// Makes the ring's accesses until there are answers, or none will come from it.
    fn advance(&mut self) -> Result<(), DeviceError> {
        self.device.owner.check()?;
        if self.ring.is_none() {
            self.begin()?;
        }
        while let Some(room) = self.device.bus.room()? {
            self.fill();
            let Some(ring) = &mut self.ring else { return Ok(()) };
            let is_idle = !ring.is_under_way();
            let Some(access) = ring.next(room) else { break };
            let is_look = access.address() == Register::Completed.address();
            if let Some(pauses) = ring.pauses().filter(|_| is_idle && is_look) {
                pauses.make(&mut self.device.bus)?;
            }
            if let Some(access) = self.device.bus.post(access)? {
                self.done(&access)?;
            }
            if !self.ready.is_empty() {
                return Ok(());
            }
        }
        if let Some(access) = self.device.bus.take()? {
            self.done(&access)?;
        }
        if let Some(ring) = self.ring.take_if(|ring| ring.is_finished()) {
            self.device.images_run += ring.submitted() as u32;
            self.device.is_in_doubt = false;
        }
        Ok(())
    }

    /// Takes images that the ring has use for.
    fn fill(&mut self) {
        let Some(ring) = &mut self.ring else { return };
        while ring.wants_image() {
            if self.device.images_run as usize + ring.taken() >= self.device.images_per_reset as usize {
                return ring.exhaust();
            }
            match self.images.next() {
                Some(Ok(words)) => ring.push(&words),
                other => {
                    self.refused = other.and_then(Result::err);
                    self.is_exhausted = true;
                    return ring.exhaust();
                }
            }
        }
    }

    /// Takes an access that is done.
    fn done(&mut self, access: &Access) -> Result<(), DeviceError> {
        let Some(ring) = &mut self.ring else { return Ok(()) };
        ring.done(access)?;
        for (words, latency) in ring.verified(access) {
            self.device.latencies.record(latency);
            self.ready.push_back(self.device.schema.output.format.unpack(&words));
        }
        Ok(())
    }
}

impl<B: Bus, I: Iterator<Item = Result<Vec<u32>, DeviceError>>> Iterator for Stream<'_, B, I> {
    type Item = Result<Vec<i32>, DeviceError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_over {
            if let Some(answer) = self.ready.pop_front() {
                return Some(Ok(answer));
            }
            if self.is_exhausted && self.ring.is_none() {
                self.is_over = true;
                return self.refused.take().map(Err);
            }
            if let Err(error) = self.advance() {
                self.is_over = true;
                return Some(Err(error));
            }
        }
        None
    }
}

impl<B: Bus, I> Drop for Stream<'_, B, I> {
    fn drop(&mut self) {
        // The device stays in doubt, so that the next run begins with a reset.
        if self.ring.is_some() {
            self.device.bus.abandon();
        }
    }
}

/// The scores of a stream of images: [`Device::stream`].
#[derive(Debug)]
pub struct Answers<'d, B: Bus, I> {
    stream: Stream<'d, B, Words<I>>,
    schema: Arc<Schema>,
}

/// Images as the input window holds them.
#[derive(Debug)]
struct Words<I> {
    images: I,
    count: usize,
    schema: Arc<Schema>,
}

impl<I: Iterator<Item = Vec<f32>>> Iterator for Words<I> {
    type Item = Result<Vec<u32>, DeviceError>;

    fn next(&mut self) -> Option<Self::Item> {
        let words = self.schema.words(self.count, &self.images.next()?);
        self.count += 1;
        Some(words)
    }
}

impl<'d, B: Bus, I: Iterator<Item = Vec<f32>>> Answers<'d, B, I> {
    pub(super) fn new(device: &'d mut Device<B>, images: I) -> Self {
        let schema = Arc::clone(&device.schema);
        let words = Words { images, count: 0, schema: Arc::clone(&schema) };
        Answers { stream: Stream::new(device, words), schema }
    }
}

impl<B: Bus, I: Iterator<Item = Vec<f32>>> Iterator for Answers<'_, B, I> {
    type Item = Result<Scores, DeviceError>;

    fn next(&mut self) -> Option<Self::Item> {
        let answer = self.stream.next()?;
        Some(answer.map(|answer| self.schema.output_map.apply(&answer)))
    }
}
