//! Measures an executor: throughput over batches, latency over single images, here and on the device's own clock.

use crate::error::VerbError;
use serde::Serialize;
use sim::{DeviceTime, Executor, RunOptions};
use std::time::Instant;

/// Images of the batch before measuring.
const WARM_UP_IMAGES: usize = 2;
/// Least images of a batch whose size is not given: so many fill a pipeline.
const MIN_BATCH: usize = 16;
/// Most images of a batch whose size is not given.
const MAX_BATCH: usize = 4096;
/// Least and most single images.
const SINGLES: std::ops::RangeInclusive<usize> = 3..=1000;

/// What to measure.
pub(crate) struct Goal {
    /// Images of a batch, where that is given.
    pub batch: Option<usize>,
    /// Seconds to measure, half for single images and half for batches.
    pub seconds: f64,
    /// Clock in Hz that a design's core is planned for, where the executor runs one.
    pub core_hertz: Option<f64>,
}

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Measurement {
    /// Images of a batch.
    pub batch: usize,
    /// Images of all batches.
    pub batch_images: usize,
    /// Images run one by one.
    pub single_images: usize,
    /// By the clock of this machine.
    pub wall: Figures,
    /// By the device's clock, where its time is simulated.
    pub device: Option<DeviceFigures>,
}

/// Throughput and latency.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Figures {
    /// Images per second of all batches together.
    pub images_per_second: f64,
    /// Seconds that half of the single images do not exceed.
    pub latency_p50_seconds: f64,
    /// Seconds that 99 % of the single images do not exceed.
    pub latency_p99_seconds: f64,
}

/// The same by a device's clock.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceFigures {
    /// What the cycles are.
    pub cycles: CycleKind,
    /// The clock in Hz.
    pub clock_hertz: f64,
    /// Throughput and latency.
    #[serde(flatten)]
    pub figures: Figures,
}

/// Which cycles of a device are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CycleKind {
    /// All that pass.
    All,
    /// Those at work.
    Work,
    /// Those of the core, without anything around it.
    Core,
}

/// What one call took.
struct Lap {
    seconds: f64,
    /// Clock in Hz, cycles that passed, and which those are.
    device: Option<(f64, f64, CycleKind)>,
}

impl Measurement {
    /// Images per second, by the device's clock where its time is simulated.
    pub fn images_per_second(&self) -> f64 {
        self.device.as_ref().map_or(self.wall, |device| device.figures).images_per_second
    }

    /// Whether the time that images take on a line is part of what was measured.
    pub fn covers_link(&self) -> bool {
        self.device.as_ref().is_none_or(|device| device.cycles == CycleKind::All)
    }
}

/// Measures `executor` on `images`, over and over.
///
/// # Errors
/// Where a run fails.
pub(crate) fn measure(executor: &mut dyn Executor, images: &[Vec<f32>], goal: &Goal) -> Result<Measurement, VerbError> {
    lap(executor, &repeated(images, 0, WARM_UP_IMAGES), goal.core_hertz)?;
    let begin = Instant::now();
    let mut singles = Vec::new();
    while singles.len() < *SINGLES.start()
        || (singles.len() < *SINGLES.end() && begin.elapsed().as_secs_f64() < goal.seconds / 2.0)
    {
        singles.push(lap(executor, &repeated(images, singles.len(), 1), goal.core_hertz)?);
    }
    let (p50, _) = percentiles(singles.iter().map(|lap| lap.seconds));
    let fitting = (goal.seconds / 2.0 / p50.max(1e-9)) as usize;
    let batch = goal.batch.unwrap_or(fitting.clamp(MIN_BATCH, MAX_BATCH));
    let begin = Instant::now();
    let mut batches = Vec::new();
    while batches.is_empty() || begin.elapsed().as_secs_f64() < goal.seconds / 2.0 {
        batches.push(lap(executor, &repeated(images, batches.len() * batch, batch), goal.core_hertz)?);
    }
    let batch_images = batch * batches.len();
    let wall = figures(batch_images, &batches, &singles, |lap| lap.seconds);
    let device = batches[0].device.map(|(clock_hertz, _, cycles)| DeviceFigures {
        cycles,
        clock_hertz,
        figures: figures(batch_images, &batches, &singles, |lap| {
            lap.device.map_or(f64::NAN, |(hertz, cycles, _)| cycles / hertz)
        }),
    });
    Ok(Measurement { batch, batch_images, single_images: singles.len(), wall, device })
}

fn figures(images: usize, batches: &[Lap], singles: &[Lap], seconds: impl Fn(&Lap) -> f64) -> Figures {
    let (latency_p50_seconds, latency_p99_seconds) = percentiles(singles.iter().map(&seconds));
    Figures {
        images_per_second: images as f64 / batches.iter().map(seconds).sum::<f64>(),
        latency_p50_seconds,
        latency_p99_seconds,
    }
}

/// Runs `images` and measures the time.
fn lap(executor: &mut dyn Executor, images: &[Vec<f32>], core_hertz: Option<f64>) -> Result<Lap, VerbError> {
    let before = executor.device_time()?;
    let begin = Instant::now();
    let run = executor.run(images, &RunOptions::default())?;
    let seconds = begin.elapsed().as_secs_f64();
    let after = executor.device_time()?;
    let device = match (before, after, run.cycles) {
        (Some(before), Some(after), _) if after.is_simulated => Some(passed(&before, &after)),
        (_, _, Some(report)) => {
            let cycles = match report.initiation_interval_cycles {
                Some(interval) if images.len() > 1 => interval * images.len() as u64,
                _ => report.latency_cycles,
            };
            core_hertz.map(|hertz| (hertz, cycles as f64, CycleKind::Core))
        }
        _ => None,
    };
    Ok(Lap { seconds, device })
}

fn passed(before: &DeviceTime, after: &DeviceTime) -> (f64, f64, CycleKind) {
    let hertz = f64::from(after.clock_hertz);
    match (before.asked_and_answered, after.asked_and_answered) {
        (Some((_, begin)), Some((end, _))) => (hertz, f64::from(end.wrapping_sub(begin)), CycleKind::All),
        _ => (hertz, f64::from(after.work_cycles.wrapping_sub(before.work_cycles)), CycleKind::Work),
    }
}

/// `count` images from number `first` on, the list over and over.
fn repeated(images: &[Vec<f32>], first: usize, count: usize) -> Vec<Vec<f32>> {
    (first..first + count).map(|index| images[index % images.len()].clone()).collect()
}

/// The least values that half and 99 % of the values do not exceed.
fn percentiles(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let at =
        |percent: usize| sorted.get((sorted.len() * percent).div_ceil(100).max(1) - 1).copied().unwrap_or(f64::NAN);
    (at(50), at(99))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_of_the_list() {
        assert_eq!(percentiles((1..=200).rev().map(f64::from)), (100.0, 198.0));
        assert_eq!(percentiles([7.0].into_iter()), (7.0, 7.0));
        assert_eq!(percentiles([1.0, 2.0, 3.0].into_iter()), (2.0, 3.0));
    }

    #[test]
    fn cycles_pass_between_the_answer_and_the_next_question() {
        let time = |work_cycles, asked_and_answered| DeviceTime {
            clock_hertz: 10,
            work_cycles,
            asked_and_answered,
            is_simulated: true,
        };
        let all = passed(&time(0, Some((3, 5))), &time(9, Some((25, 30))));
        assert_eq!(all, (10.0, 20.0, CycleKind::All));
        assert_eq!(passed(&time(u32::MAX, None), &time(4, None)), (10.0, 5.0, CycleKind::Work));
    }
}
