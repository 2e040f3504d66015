//! A device, real or simulated, as one more executor.

use crate::SimError;
use crate::executor::{DeviceTime, Executor, Run, RunOptions};
use host::{Bus, BusError, Device, DeviceError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Runs a network on a device that the host runtime drives.
#[derive(Debug)]
pub struct OnDevice<B> {
    name: &'static str,
    device: Device<B>,
    clock: Option<Arc<AtomicU64>>,
}

impl<B: Bus> OnDevice<B> {
    /// An executor called `name` on an open device.
    pub fn new(name: &'static str, device: Device<B>) -> Self {
        OnDevice { name, device, clock: None }
    }

    /// The same with the count of cycles that pass in the device's simulation.
    pub fn with_clock(mut self, clock: Arc<AtomicU64>) -> Self {
        self.clock = Some(clock);
        self
    }
}

impl<B: Bus> OnDevice<B> {
    /// Cycles that have passed in the device's simulation, here or beyond the bus, modulo 2^32.
    fn now(&mut self) -> Result<Option<u32>, SimError> {
        match &self.clock {
            Some(clock) => Ok(Some(clock.load(Ordering::Relaxed) as u32)),
            None => Ok(self.device.bus_mut().simulated_cycles()?),
        }
    }
}

impl<B: Bus> Executor for OnDevice<B> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&mut self, images: &[Vec<f32>], options: &RunOptions) -> Result<Run, SimError> {
        options.without_wave(self.name)?;
        let refused = [(options.trace, "traces"), (options.back_pressure.is_some(), "back-pressure")];
        if let Some((_, what)) = refused.into_iter().find(|(asked, _)| *asked) {
            return Err(SimError::Unsupported { executor: self.name, what });
        }
        let scores = self.device.infer(images, &mut |done| options.report(done))?;
        Ok(Run { scores, cycles: None, trace: None })
    }

    fn device_time(&mut self) -> Result<Option<DeviceTime>, SimError> {
        let asked = self.now()?;
        let work_cycles = self.device.counters()?.cycles;
        Ok(Some(DeviceTime {
            clock_hertz: self.device.clock_hertz(),
            work_cycles,
            asked_and_answered: asked.zip(self.now()?),
            is_simulated: self.device.bus().time_scale() > 1,
        }))
    }
}

impl From<DeviceError> for SimError {
    fn from(error: DeviceError) -> Self {
        SimError::Device(Box::new(error))
    }
}

impl From<BusError> for SimError {
    fn from(error: BusError) -> Self {
        DeviceError::from(error).into()
    }
}
