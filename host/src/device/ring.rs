//! Images through the two rings of a device, as [`abi::registers`] describes them.

use super::{Device, DeviceError};
use crate::bus::Bus;
use abi::registers::{INPUT_WINDOW, OUTPUT_WINDOW, Register};
use std::ops::Range;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Longest pause between two looks at the device.
const LONGEST_PAUSE: Duration = Duration::from_millis(5);

impl<B: Bus> Device<B> {
    /// Runs images that were checked, on a device that is in step.
    pub(super) fn run_ring(
        &mut self,
        images: &[Vec<i32>],
        progress: &mut dyn FnMut(usize),
    ) -> Result<Vec<Vec<i32>>, DeviceError> {
        let (mut submitted, mut answered) = (0, 0);
        let mut answers = Vec::with_capacity(images.len());
        // Half a ring at once: the core works on one half while the other one is filled.
        let step = self.slots.div_ceil(2);
        let mut wait = Wait::new(self.longest_image());
        while answered < images.len() {
            let room = (self.slots - (submitted - answered)).min(step).min(images.len() - submitted);
            self.upload(submitted..submitted + room, images)?;
            // After the upload and before these images count: a device that was reset meanwhile has lost them, and
            // shows it here.
            let completed = self.completed(answered..submitted)?;
            if room > 0 {
                submitted += room;
                self.bus.write_register(Register::Submitted, self.images_run + submitted as u32)?;
            }
            if completed > answered {
                self.download(answered..completed, &mut answers)?;
                answered = completed;
                wait.begin();
                progress(answered);
            } else if room == 0 && !wait.pause() {
                let (taken, finished, waited) = (submitted, answered, wait.most);
                return Err(DeviceError::Stuck { taken, finished, waited });
            }
        }
        // A device that somebody else reset before the last answers were read may have given other answers.
        let found = self.bus.read_register(Register::Session)?;
        if found != self.session {
            return Err(DeviceError::ForeignReset { expected: self.session, found });
        }
        self.images_run += submitted as u32;
        Ok(answers)
    }

    /// How many images of this run are complete, when those of `known` may be.
    fn completed(&mut self, known: Range<usize>) -> Result<usize, DeviceError> {
        let found = self.bus.read_register(Register::Completed)?;
        let (least, most) = (self.images_run + known.start as u32, self.images_run + known.end as u32);
        if !(least..=most).contains(&found) {
            return Err(DeviceError::OutOfStep { register: Register::Completed.name(), least, most, found });
        }
        Ok((found - self.images_run) as usize)
    }

    /// Writes the given images of this run into their slots.
    fn upload(&mut self, run: Range<usize>, images: &[Vec<i32>]) -> Result<(), DeviceError> {
        let format = self.schema.input.format;
        for (part, slot) in self.parts(run) {
            let words: Vec<u32> = images[part].iter().flat_map(|image| format.pack(image)).collect();
            self.bus.write(INPUT_WINDOW + 4 * (slot * format.words_per_image()) as u32, &words)?;
        }
        Ok(())
    }

    /// Reads the answers of the given images of this run from their slots.
    fn download(&mut self, run: Range<usize>, answers: &mut Vec<Vec<i32>>) -> Result<(), DeviceError> {
        let format = self.schema.output.format;
        for (part, slot) in self.parts(run) {
            let mut words = vec![0; part.len() * format.words_per_image()];
            self.bus.read(OUTPUT_WINDOW + 4 * (slot * format.words_per_image()) as u32, &mut words)?;
            answers.extend(words.chunks(format.words_per_image()).map(|answer| format.unpack(answer)));
        }
        Ok(())
    }

    /// The parts of `run` that lie in a window without a gap, each with its first slot.
    fn parts(&self, run: Range<usize>) -> Vec<(Range<usize>, usize)> {
        let mut parts = Vec::new();
        let mut start = run.start;
        while start < run.end {
            let slot = (self.images_run as usize + start) % self.slots;
            let end = run.end.min(start + self.slots - slot);
            parts.push((start..end, slot));
            start = end;
        }
        parts
    }
}

/// Waits for a device that finishes an image within a time.
struct Wait {
    most: Duration,
    /// `None` while nothing is waited for.
    since: Option<Instant>,
    pause: Duration,
}

impl Wait {
    fn new(most: Duration) -> Self {
        Wait { most, since: None, pause: Duration::ZERO }
    }

    /// Waits for another image.
    fn begin(&mut self) {
        *self = Wait::new(self.most);
    }

    /// Waits a moment; whether there is time left.
    fn pause(&mut self) -> bool {
        let since = *self.since.get_or_insert_with(Instant::now);
        if since.elapsed() > self.most {
            return false;
        }
        sleep(self.pause);
        self.pause = (2 * self.pause).clamp(Duration::from_micros(10), LONGEST_PAUSE);
        true
    }
}
