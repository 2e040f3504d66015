//! How a device is named: by its transport and its place there.

use crate::bus::memory::{PcieAddress, least_bytes};
use crate::transport::uart::{AddressError, UartAddress};
use crate::{Bus, BusError, FrameBus, MemoryBus};
use abi::manifest::Manifest;
use miette::Diagnostic;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// A device, written `uart:PATH[@BAUD]`, `pcie:BDF` or `pcie:FILE`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DeviceAddress {
    /// Behind a serial line.
    Uart(UartAddress),
    /// In the memory of a PCIe function, or in a file that stands for it.
    Pcie(PcieAddress),
}

impl DeviceAddress {
    /// Opens the bus to the device, which runs the design of `manifest`. A serial line whose address states no rate has the
    /// manifest's, else [`DEFAULT_BAUD`](crate::transport::uart::DEFAULT_BAUD).
    ///
    /// # Errors
    /// Where the transport cannot be opened.
    pub fn open_bus(&self, manifest: &Manifest) -> Result<Box<dyn Bus + Send>, BusError> {
        match self {
            DeviceAddress::Uart(address) => Ok(Box::new(FrameBus::new(address.open_for(manifest)?))),
            DeviceAddress::Pcie(address) => Ok(Box::new(MemoryBus::open(address, least_bytes(manifest))?)),
        }
    }
}

impl fmt::Display for DeviceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceAddress::Uart(address) => write!(f, "uart:{address}"),
            DeviceAddress::Pcie(address) => write!(f, "pcie:{address}"),
        }
    }
}

impl FromStr for DeviceAddress {
    type Err = DeviceAddressError;

    fn from_str(text: &str) -> Result<Self, DeviceAddressError> {
        match text.split_once(':') {
            Some(("uart", place)) => Ok(DeviceAddress::Uart(place.parse()?)),
            Some(("pcie", place)) => {
                let address = place.parse().map_err(|_| DeviceAddressError::Pcie { found: place.to_owned() })?;
                Ok(DeviceAddress::Pcie(address))
            }
            _ => Err(DeviceAddressError::Transport { found: text.to_owned() }),
        }
    }
}

/// A text that names no device.
#[derive(Clone, Debug, PartialEq, Eq, Error, Diagnostic)]
pub enum DeviceAddressError {
    /// No transport is named.
    #[error("a device must be given as uart:PATH[@BAUD] or pcie:BDF|FILE, but is given as `{found}`")]
    #[diagnostic(
        code(host::address::transport),
        help("write uart:/dev/ttyUSB0 for a board, pcie:01:00.0 for a card, pcie:FILE for what a simulation serves")
    )]
    Transport {
        /// The text.
        found: String,
    },
    /// No serial line.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Uart(#[from] AddressError),
    /// No PCIe function and no file.
    #[error("`pcie:` must be followed by a PCIe function or a file, but is followed by `{found}`")]
    #[diagnostic(
        code(host::address::pcie),
        help(
            "write a function as `lspci` does, 01:00.0 or 0000:01:00.0, with a device below 20 and a function below 8; \
             write a file of such a name as ./FILE"
        )
    )]
    Pcie {
        /// What follows.
        found: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_parse_and_print() {
        for (text, shown) in [
            ("uart:/dev/ttyUSB0", "uart:/dev/ttyUSB0"),
            ("uart:COM3@9600", "uart:COM3@9600"),
            ("pcie:01:00.0", "pcie:0000:01:00.0"),
            ("pcie:/dev/shm/bar", "pcie:/dev/shm/bar"),
            ("pcie:C:\\bar", "pcie:C:\\bar"),
        ] {
            let address: DeviceAddress = text.parse().expect(text);
            assert_eq!(address.to_string(), shown);
            assert_eq!(shown.parse(), Ok(address));
        }
    }

    #[test]
    fn texts_that_name_no_device_are_refused() {
        for text in ["", "cpu", "usb:1", "/dev/ttyUSB0"] {
            assert_eq!(text.parse::<DeviceAddress>(), Err(DeviceAddressError::Transport { found: text.into() }));
        }
        for place in ["", "01:00", "01:00.9"] {
            let error = DeviceAddressError::Pcie { found: place.into() };
            assert_eq!(format!("pcie:{place}").parse::<DeviceAddress>(), Err(error));
        }
        assert!(matches!("uart:@1".parse::<DeviceAddress>(), Err(DeviceAddressError::Uart(_))));
    }
}
