//! What can go wrong with mapped memory.

use super::FunctionAddress;
use miette::Diagnostic;
use std::path::PathBuf;
use thiserror::Error;

/// Memory of a device that cannot be had, or leads to nobody.
#[derive(Debug, Error, Diagnostic)]
pub enum BarError {
    /// The system knows no such function.
    #[error("a PCIe function must be at {function}, but the system knows none there")]
    #[diagnostic(
        code(host::pcie::no_function),
        help(
            "`lspci -D` lists functions; a card that was configured after the system started is found with `echo 1 | \
             sudo tee /sys/bus/pci/rescan`"
        )
    )]
    NoFunction {
        /// The function.
        function: FunctionAddress,
    },
    /// The function has registers only, or none.
    #[error("the PCIe function {function} must have a memory BAR, but has none")]
    #[diagnostic(
        code(host::pcie::no_memory),
        help(
            "this is another device, or the system had no address space left for its BAR: see `lspci -vs {function}` \
             and the log of the kernel"
        )
    )]
    NoMemory {
        /// The function.
        function: FunctionAddress,
    },
    /// Every memory BAR is too small.
    #[error("a BAR of the PCIe function {function} must have at least {expected} bytes, but the largest has {found}")]
    #[diagnostic(
        code(host::pcie::small_bars),
        help("this is another device, or its gateware maps too little: `bar0_size` in xnorforge_litepcie.py sets it")
    )]
    SmallBars {
        /// The function.
        function: FunctionAddress,
        /// Least size.
        expected: u64,
        /// Size of the largest one.
        found: u64,
    },
    /// The file is too small.
    #[error("{} must have at least {expected} bytes, but has {found}", path.display())]
    #[diagnostic(
        code(host::pcie::too_small),
        help(
            "give the BAR of a device of this design: `xnorforge simulate DIR --serve` prints the path of one; on a card \
             the gateware must map as much"
        )
    )]
    TooSmall {
        /// The file.
        path: PathBuf,
        /// Least size.
        expected: u64,
        /// Its size.
        found: u64,
    },
    /// Nothing lies at the path.
    #[error("the file of a BAR must exist at {}, but there is none", path.display())]
    #[diagnostic(
        code(host::pcie::not_found),
        help(
            "start `xnorforge simulate DIR --serve` and give the path that it prints, or give a PCIe function, such as \
             01:00.0"
        )
    )]
    NotFound {
        /// The path.
        path: PathBuf,
    },
    /// Something else lies at the path.
    #[error("{} must be the file of a BAR, but it is a file of another kind", path.display())]
    #[diagnostic(
        code(host::pcie::not_bar),
        help(
            "give a PCIe function, such as 01:00.0, its file /sys/bus/pci/devices/0000:01:00.0/resource0, or the path \
             that `xnorforge simulate DIR --serve` prints"
        )
    )]
    NotBar {
        /// The path.
        path: PathBuf,
    },
    /// The system does not let this user in.
    #[error("{} must be open to this user for reading and writing, but permission was denied", path.display())]
    #[diagnostic(
        code(host::pcie::permission_denied),
        help(
            "run as root, or open the function to a group by a rule in /etc/udev/rules.d: SUBSYSTEM==\"pci\", \
             ATTR{{vendor}}==\"0x10ee\", RUN+=\"/bin/sh -c 'cd /sys$devpath && chgrp plugdev enable resource? && chmod g+rw \
             enable resource?'\"; with secure boot the kernel may deny it to root too"
        )
    )]
    PermissionDenied {
        /// The path.
        path: PathBuf,
    },
    /// Another program holds it.
    #[error("{} must be free, but another program drives the device", path.display())]
    #[diagnostic(code(host::pcie::busy), help("wait for the other program or end it: `fuser {}` names it", path.display()))]
    Busy {
        /// The path.
        path: PathBuf,
    },
    /// The system refused for another reason.
    #[error("{} must open, but the system answered: {source}", path.display())]
    #[diagnostic(
        code(host::pcie::open),
        help("where a driver of the kernel holds the function, unbind it: `lspci -ks BDF` names it")
    )]
    Open {
        /// The path.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The system does not map it.
    #[error("{} must be mapped, but the system answered: {source}", path.display())]
    #[diagnostic(
        code(host::pcie::map),
        help(
            "give a file that can be mapped; where a driver of the kernel holds the function, unbind it: `lspci -ks BDF` \
             names it"
        )
    )]
    Map {
        /// The path.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// No memory lies there.
    #[error("{} bytes are mapped of {}, but the host must {action} {words} words from {address:#x} on", size, path.display())]
    #[diagnostic(
        code(host::pcie::beyond),
        help("the gateware maps less than its design needs, which are 32 MiB: map as much and build it again")
    )]
    Beyond {
        /// What is mapped.
        path: PathBuf,
        /// `read` or `write`.
        action: &'static str,
        /// Byte address of the first word.
        address: u32,
        /// Number of words.
        words: usize,
        /// Bytes that are mapped.
        size: usize,
    },
    /// The memory went away while it was mapped.
    #[error("the memory of {} must stay while the device is open, but has gone away", path.display())]
    #[diagnostic(
        code(host::pcie::lost),
        help(
            "the file was truncated or its file system is full, or the card was taken away: serve the simulation or configure \
             the card again, and open it anew"
        )
    )]
    Lost {
        /// What was mapped.
        path: PathBuf,
    },
    /// Reads are answered by nobody.
    #[error("the device behind {} must answer, but every bit of its registers reads 1", path.display())]
    #[diagnostic(
        code(host::pcie::gone),
        help(
            "the card lost its power, its configuration or its link: configure it again, then `echo 1 | sudo tee` into \
             `remove` of the function and into /sys/bus/pci/rescan"
        )
    )]
    Gone {
        /// What is mapped.
        path: PathBuf,
    },
}
