//! The process that a device belongs to.

use super::DeviceError;
use std::process;

/// The process that opened a device.
///
/// A fork copies what this host knows of the device, but not the device: with two processes on a line, each would take the
/// other's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    process: u32,
}

impl Owner {
    /// The process that calls.
    pub fn this_process() -> Self {
        Owner { process: process::id() }
    }

    /// Whether it is the process that calls.
    pub fn is_this_process(self) -> bool {
        self == Owner::this_process()
    }

    /// Refuses every process but the owner.
    ///
    /// # Errors
    /// Where the process that calls was forked after the device was opened.
    pub fn check(self) -> Result<(), DeviceError> {
        let found = process::id();
        if found == self.process {
            return Ok(());
        }
        Err(DeviceError::Forked { owner: self.process, found })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Device, DeviceError};
    use super::*;
    use crate::bus::FrameBus;
    use crate::transport::fake::{SoftwareDevice, manifest_of};
    use abi::ElementType;
    use abi::packing::StreamFormat;

    #[test]
    fn a_process_forked_later_reaches_nothing() {
        let stream = StreamFormat { element: ElementType::Signed { bits: 8 }, lanes: 2, channels: 2, vectors: 1 };
        let manifest = manifest_of(stream, stream);
        let line = SoftwareDevice::new(&manifest, 2, <[i32]>::to_vec);
        let mut device = Device::open(FrameBus::new(line), &manifest).expect("a device in software");
        let image = vec![vec![1.0, 2.0]];
        let before = device.run(&[vec![1, 2]], &mut |_| {}).expect("a run");
        let counted = device.counters().expect("counters");

        let owner = device.owner;
        device.owner = Owner { process: owner.process + 1 };
        let forked = |result: Result<(), DeviceError>| matches!(result, Err(DeviceError::Forked { .. }));
        assert!(forked(device.run(&[vec![1, 2]], &mut |_| {}).map(drop)));
        assert!(forked(device.infer(&image, &mut |_| {}).map(drop)));
        assert!(forked(device.stream(image).next().expect("an answer or an error").map(drop)));
        assert!(forked(device.counters().map(drop)));
        assert!(forked(device.reset()));

        // What the owner sees is as if nobody had tried.
        device.owner = owner;
        assert_eq!(device.counters().expect("counters"), counted);
        assert_eq!(device.run(&[vec![1, 2]], &mut |_| {}).expect("a run"), before);
    }
}
