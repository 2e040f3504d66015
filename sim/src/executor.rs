//! The one interface of everything that runs a network without a board.

use crate::SimError;
use crate::trace::Trace;
use abi::maps::Scores;
use compiler::schedule::mean_interval;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Something that runs a network on images.
pub trait Executor {
    /// The engine's name on the command line.
    fn name(&self) -> &'static str;

    /// Runs the network on `images`, each in the row-major order of the model's input shape.
    ///
    /// # Errors
    /// Where an image does not fit the network, an option is not the engine's, or the simulation fails.
    fn run(&mut self, images: &[Vec<f32>], options: &RunOptions) -> Result<Run, SimError>;

    /// Reads the device's cycle counter; `None` where there is no device. The request itself takes device time.
    ///
    /// # Errors
    /// Where the device does not answer.
    fn device_time(&mut self) -> Result<Option<DeviceTime>, SimError> {
        Ok(None)
    }
}

/// The value of a device's cycle counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceTime {
    /// The clock in Hz, as the device states it.
    pub clock_hertz: u32,
    /// Cycles at work since the last reset, modulo 2^32: without those that the core waits for its link.
    pub work_cycles: u32,
    /// Cycles in all modulo 2^32, before the device was asked and after it had answered, where a simulation counts them.
    pub asked_and_answered: Option<(u32, u32)>,
    /// Whether time passes otherwise there than here.
    pub is_simulated: bool,
}

/// Called with the number of images done so far, now and then, from any thread.
pub type Progress = Arc<dyn Fn(usize) + Send + Sync>;

/// What a run should do besides computing scores.
#[derive(Clone, Default)]
pub struct RunOptions {
    /// Seed of a [pattern](crate::back_pressure) of gaps on both ends of the core. Engines without clock cycles
    /// have nothing to hold back and ignore it.
    pub back_pressure: Option<u64>,
    /// File that a waveform (VCD) is written to.
    pub wave: Option<PathBuf>,
    /// Whether to record the integer tensors between the layers.
    pub trace: bool,
    /// Receives the number of finished images.
    pub progress: Option<Progress>,
}

impl RunOptions {
    pub(crate) fn report(&self, done: usize) {
        if let Some(progress) = &self.progress {
            progress(done);
        }
    }

    /// Refuses the options that only simulations of hardware know.
    pub(crate) fn without_wave(&self, executor: &'static str) -> Result<(), SimError> {
        match self.wave {
            Some(_) => Err(SimError::Unsupported { executor, what: "waveforms" }),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for RunOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunOptions")
            .field("back_pressure", &self.back_pressure)
            .field("wave", &self.wave)
            .field("trace", &self.trace)
            .field("progress", &self.progress.is_some())
            .finish()
    }
}

/// What a run gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The output of each image.
    pub scores: Vec<Scores>,
    /// Clock cycles, where the engine has a clock.
    pub cycles: Option<CycleReport>,
    /// The tensors, where they were asked for.
    pub trace: Option<Trace>,
}

/// When the words of a stream simulation moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CycleReport {
    /// Clock cycles from the first input word accepted to the last output word accepted, both included.
    pub cycles: u64,
    /// Cycles between the last output words of the last two images; `None` for a single image and under
    /// back-pressure, where no steady state exists.
    pub initiation_interval_cycles: Option<u64>,
    /// Cycles from the first image's first input word accepted to its last output word accepted, the pipeline idle
    /// before. 0 would be the same cycle.
    pub latency_cycles: u64,
    /// Cycles between the last output words of each two successive images, in order.
    pub intervals: Vec<u64>,
}

impl CycleReport {
    /// The report for an image stream whose first input word was accepted at `start` and whose images were complete
    /// at `ends`; `None` without images.
    pub fn new(start: u64, ends: &[u64], free_running: bool) -> Option<Self> {
        let intervals: Vec<u64> = ends.windows(2).map(|pair| pair[1] - pair[0]).collect();
        Some(CycleReport {
            cycles: ends.last()? - start + 1,
            initiation_interval_cycles: intervals.last().copied().filter(|_| free_running),
            latency_cycles: ends.first()? - start,
            intervals,
        })
    }

    /// The mean of the intervals after the first `warm_up` ones, rounded up as a plan's is; `None` where they do not repeat
    /// or none is left.
    pub fn steady_interval(&self, warm_up: usize) -> Option<u64> {
        mean_interval(self.intervals.get(warm_up..)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_follow_their_definitions() {
        let report = CycleReport::new(3, &[13, 19, 24, 29], true).expect("there are images");
        assert_eq!((report.cycles, report.latency_cycles), (27, 10));
        assert_eq!(report.intervals, [6, 5, 5]);
        assert_eq!(report.initiation_interval_cycles, Some(5));
        assert_eq!((report.steady_interval(0), report.steady_interval(1)), (None, Some(5)));
        assert_eq!(report.steady_interval(3), None);
        let one = CycleReport::new(0, &[8], true).expect("there is an image");
        assert_eq!((one.initiation_interval_cycles, one.cycles), (None, 9));
        assert_eq!(CycleReport::new(3, &[13, 19], false).expect("images").initiation_interval_cycles, None);
    }
}
