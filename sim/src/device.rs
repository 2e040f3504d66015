//! A device, real or simulated, as one more executor.

use crate::SimError;
use crate::executor::{Executor, Run, RunOptions};
use host::{Bus, BusError, Device, DeviceError};

/// Runs a network on a device that the host runtime drives.
#[derive(Debug)]
pub struct OnDevice<B> {
    name: &'static str,
    device: Device<B>,
}

impl<B: Bus> OnDevice<B> {
    /// An executor called `name` on an open device.
    pub fn new(name: &'static str, device: Device<B>) -> Self {
        OnDevice { name, device }
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
