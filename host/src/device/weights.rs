//! Weights into a device that runs already.

use super::{Device, DeviceError, Sessions};
use crate::bus::Bus;
use abi::manifest::{Manifest, WeightsManifest};
use abi::registers::{MAX_WEIGHT_BYTES, Register, WEIGHT_WINDOW};
use abi::weights::Segment;

impl<B: Bus> Device<B> {
    /// Opens a device as [`open`](Self::open) does, whatever weights it holds, and loads those of `segments`, which are the
    /// ones of the manifest's network: writes them and reads them again.
    ///
    /// # Errors
    /// As [`open`](Self::open), where the manifest tells of no weight window or of a smaller one, or where the device does
    /// not hold what was written.
    pub fn load(bus: B, manifest: &Manifest, segments: &[Segment]) -> Result<Self, DeviceError> {
        Device::load_with(bus, manifest, segments, Sessions::random())
    }

    /// As [`load`](Self::load), with numbers from `sessions`.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_with(
        bus: B,
        manifest: &Manifest,
        segments: &[Segment],
        sessions: Sessions,
    ) -> Result<Self, DeviceError> {
        // It begins with a reset, so no image is in work.
        let mut device = Device::connect(bus, manifest, sessions)?;
        let WeightsManifest { words, identity } = device.weight_window()?;
        let is_inside = |segment: &Segment| u64::from(segment.first) + segment.words.len() as u64 <= u64::from(words);
        if let Some(outside) = segments.iter().find(|segment| !is_inside(segment)) {
            return Err(DeviceError::WeightPlace { words, first: outside.first, count: outside.words.len() });
        }
        for Segment { first, words } in segments {
            device.bus.write(WEIGHT_WINDOW + 4 * first, words)?;
        }
        for Segment { first, words } in segments {
            let mut found = vec![0; words.len()];
            device.bus.read(WEIGHT_WINDOW + 4 * first, &mut found)?;
            if let Some(index) = words.iter().zip(&found).position(|(word, found)| word != found) {
                let (word, expected, found) = (first + index as u32, words[index], found[index]);
                return Err(DeviceError::WeightsNotHeld { word, expected, found });
            }
        }
        device.bus.write_register(Register::WeightsIdentity, identity)?;
        let found = device.bus.read_register(Register::Session)?;
        if found != device.session {
            return Err(DeviceError::ForeignReset { expected: device.session, found });
        }
        // The core may have begun the next image, with padding and with the weights before.
        device.reset()?;
        device.check_weights()?;
        Ok(device)
    }

    /// Checks that the device holds the weights of the manifest's network.
    pub(super) fn check_weights(&mut self) -> Result<(), DeviceError> {
        if self.schema.weights.is_none() {
            return Ok(());
        }
        let WeightsManifest { identity, .. } = self.weight_window()?;
        let found = self.bus.read_register(Register::WeightsIdentity)?;
        if found == identity {
            return Ok(());
        }
        Err(DeviceError::OtherWeights { network: self.schema.network.clone(), expected: identity, found })
    }

    /// The weight window, checked.
    fn weight_window(&mut self) -> Result<WeightsManifest, DeviceError> {
        let weights = self.schema.weights.filter(|weights| weights.words <= MAX_WEIGHT_BYTES / 4);
        let weights = weights.ok_or_else(|| DeviceError::Manifest {
            field: "weights",
            expected: format!("a window of at most {} words", MAX_WEIGHT_BYTES / 4),
            found: self.schema.weights.map_or("none".into(), |weights| format!("one of {}", weights.words)),
        })?;
        let found = self.bus.read_register(Register::WeightWords)?;
        if found != weights.words {
            return Err(DeviceError::WeightWords { expected: weights.words, found });
        }
        Ok(weights)
    }
}
