//! Finds, checks and drives a device through a transport.
//!
//! Knows the `abi` crate only: no network, no compiler, no hardware description. Three layers, each behind a trait or a
//! type of its own:
//!
//! * a [`Transport`] carries bytes, each call within a timeout;
//! * a [`Bus`] reads and writes words at addresses; [`FrameBus`] does so with frames over a transport, and repeats what
//!   the line lost; [`MemoryBus`] does so in the mapped memory of a PCIe function and needs no transport;
//! * a [`Device`] is checked against a manifest when it is opened, and then runs images.
//!
//! [`DeviceAddress`] is what people write, `uart:PATH` or `pcie:BDF`, and opens the bus.
//!
//! ```
//! use abi::ElementType;
//! use abi::packing::StreamFormat;
//! use host::transport::fake::{SoftwareDevice, manifest_of};
//! use host::{Device, FrameBus};
//!
//! let stream = StreamFormat { element: ElementType::Signed { bits: 8 }, lanes: 3, channels: 3, vectors: 1 };
//! let manifest = manifest_of(stream, stream);
//! // `Uart::open("/dev/ttyUSB0", 1_000_000)?` in place of a device in software drives a board.
//! let line = SoftwareDevice::new(&manifest, 2, |image| image.iter().rev().copied().collect());
//!
//! let mut device = Device::open(FrameBus::new(line), &manifest)?;
//! let answers = device.run(&[vec![1, 2, 3], vec![4, 5, 6]], &mut |done| println!("{done} images"))?;
//! assert_eq!(answers, [[3, 2, 1], [6, 5, 4]]);
//! # Ok::<(), host::DeviceError>(())
//! ```

pub mod address;
pub mod bus;
pub mod device;
pub mod discover;
pub mod transport;

mod random;

pub use address::DeviceAddress;
pub use bus::{Access, Bus, BusError, FrameBus, MemoryBus};
pub use device::{Answers, Device, DeviceError, Statistics};
pub use transport::{Transport, TransportError};
