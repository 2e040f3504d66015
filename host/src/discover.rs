//! Finds devices: lists serial lines and PCIe functions, and asks those that may be asked who they are.
//!
//! Asking a serial line opens it, which resets some microcontrollers (the wire DTR), and writes one read request at each
//! [rate](Search::bauds) until somebody answers. Asking a PCIe function reads the first words of a BAR. Reads may have
//! effects on hardware of others, so only functions with the [identifiers](pci::may_be_ours) that gateware and simulations
//! of ours have are looked at, and only serial lines over USB, unless an address names another one.

pub mod pci;
mod probe;
mod serial;

pub use probe::identify;

use crate::address::DeviceAddress;
use crate::bus::Patience;
use crate::bus::memory::{FunctionAddress, PCI_DEVICES, PcieAddress};
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

/// Where devices are looked for, and how patiently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// Folder of all PCIe functions.
    pub pci_devices: PathBuf,
    /// Folder of names of serial lines that stay the same: links to their files.
    pub serial_names: PathBuf,
    /// Rates at which a serial line is asked whose address states none.
    pub bauds: Vec<u32>,
    /// How long an answer may take.
    pub patience: Patience,
    /// Whether devices are asked, not only listed.
    pub is_probing: bool,
}

impl Default for Search {
    fn default() -> Self {
        Search {
            pci_devices: PCI_DEVICES.into(),
            serial_names: "/dev/serial/by-id".into(),
            bauds: vec![1_000_000, 115_200, 3_000_000],
            patience: Patience {
                host_latency: Duration::from_millis(100),
                device_latency: Duration::from_millis(1),
                attempts: 3,
                silent_attempts: 1,
            },
            is_probing: true,
        }
    }
}

/// A place where a device may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// What `--on` takes: `uart:PATH[@BAUD]` or `pcie:BDF`.
    pub address: String,
    /// Another name of the same place that stays when plugs are changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stable_name: Option<PathBuf>,
    /// What the system says of it.
    pub description: String,
    /// What answers there.
    #[serde(flatten)]
    pub state: State,
}

/// What answers at a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// A device of ours.
    Ours(Identity),
    /// Something else that answers.
    NotOurs {
        /// What it answered.
        found: String,
    },
    /// Nobody answers.
    Silent {
        /// What to do.
        next_step: String,
    },
    /// Another program holds it.
    Busy {
        /// What to do.
        next_step: String,
    },
    /// This user may not open it.
    PermissionDenied {
        /// What to do.
        next_step: String,
    },
    /// Nothing is there any more.
    Gone {
        /// What to do.
        next_step: String,
    },
    /// It could not be asked for another reason.
    Failed {
        /// The reason.
        reason: String,
        /// What to do.
        next_step: String,
    },
    /// Nobody asked.
    NotAsked {
        /// Why.
        reason: String,
    },
}

/// What a device says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// Version of its interface.
    pub abi_version: String,
    /// Whether this program drives devices of that version.
    pub is_supported: bool,
    /// SHA-256 of its design, hexadecimal.
    pub design_hash: String,
    /// Images that it holds at once.
    pub slots: u32,
    /// Its clock in Hz.
    pub clock_hertz: u32,
}

impl Search {
    /// All places that the system knows.
    pub fn all(&self) -> Vec<Found> {
        let mut found = serial::all(self);
        found.extend(pci::list(&self.pci_devices).into_iter().map(|function| self.function(function)));
        found
    }

    /// The place that `address` names, whatever it is.
    pub fn at(&self, address: &DeviceAddress) -> Found {
        match address {
            DeviceAddress::Uart(uart) => serial::at(self, uart),
            DeviceAddress::Pcie(place) => {
                let description = match place {
                    PcieAddress::Function(function) => pci::description(*function, &self.pci_devices),
                    PcieAddress::File(_) => "memory in a file".into(),
                };
                self.memory(place, description)
            }
        }
    }

    fn function(&self, function: FunctionAddress) -> Found {
        self.memory(&PcieAddress::Function(function), pci::description(function, &self.pci_devices))
    }

    fn memory(&self, place: &PcieAddress, description: String) -> Found {
        let state = if self.is_probing { pci::ask(place, &self.pci_devices) } else { State::unasked() };
        Found { address: format!("pcie:{place}"), stable_name: None, description, state }
    }
}

impl State {
    fn unasked() -> Self {
        State::NotAsked { reason: "nobody was to be asked".into() }
    }
}
