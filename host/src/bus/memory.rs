//! Words of a device that lie in memory: a base address register (BAR) of a PCIe function, or a file that stands for one.
//!
//! Every access is one aligned word, read or written once and in the order of the calls: programmed input and output. On a
//! card each word that is read costs a round trip over the link, about a microsecond; written ones are only posted.
//!
//! A file stands for a BAR where a simulation serves the device, here or outside of a virtual machine whose `ivshmem`
//! device maps the file. Nobody answers an access there: a simulation notices what was written a little later. The
//! [contract](abi::registers) allows that.

mod error;
mod function;
mod mapping;

pub use error::BarError;
pub use function::{FunctionAddress, PCI_DEVICES, PcieAddress};

use super::{Bus, BusError};
use abi::manifest::Manifest;
use abi::registers::{
    INPUT_WINDOW, MAX_WEIGHT_BYTES, MAX_WINDOW_BYTES, OUTPUT_WINDOW, Register, SIMULATED_CYCLES, SPAN_BYTES,
    WEIGHT_WINDOW,
};
use mapping::Mapping;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{Ordering, fence};

/// Time scale of memory that a simulation serves: it runs some 10^5 clock cycles a second, for 10^8 of a card.
pub const SIMULATED_TIME_SCALE: u32 = 1000;

/// What a card that is no longer there reads as.
const ALL_ONES: u32 = u32::MAX;

/// The [`Bus`] over mapped memory.
#[derive(Debug)]
pub struct MemoryBus {
    memory: Mapping,
    path: PathBuf,
    time_scale: u32,
    /// Whether the device is served from here. Else it may be a card, which may be gone.
    serves: bool,
    /// Holds the lock, where there is one.
    file: File,
}

/// Least size in bytes of a BAR that leads to a device of `manifest`. A device with large images may need more.
pub fn least_bytes(manifest: &Manifest) -> u64 {
    match manifest.weights {
        None => u64::from(OUTPUT_WINDOW + MAX_WINDOW_BYTES),
        Some(weights) => u64::from(WEIGHT_WINDOW) + (4 * u64::from(weights.words)).min(u64::from(MAX_WEIGHT_BYTES)),
    }
}

impl MemoryBus {
    /// Opens what `address` names and holds it against other hosts; it has at least `least` bytes: [`least_bytes`].
    ///
    /// # Errors
    /// Where it is not there, is too small, or the system or another program denies it.
    pub fn open(address: &PcieAddress, least: u64) -> Result<Self, BarError> {
        match address {
            PcieAddress::Function(function) => Self::open_function(*function, Path::new(PCI_DEVICES), least),
            PcieAddress::File(path) => Self::open_file(path, least),
        }
    }

    /// Opens a BAR of a PCIe function, which lies in the folder `devices` of all functions. Switches the function on where
    /// it is off. Takes the first BAR with room for every address of a device, else the first of at least `least` bytes.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_function(function: FunctionAddress, devices: &Path, least: u64) -> Result<Self, BarError> {
        let found = function::Function::find(function, devices)?;
        let bar = found.bar(least)?;
        found.enable()?;
        Self::take(&bar, least, found.time_scale())
    }

    /// Opens the file of a BAR: `resourceN` of a PCIe function, or any other, which counts as served by a simulation.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_file(path: &Path, least: u64) -> Result<Self, BarError> {
        let metadata = std::fs::metadata(path).map_err(|source| refused(path, source))?;
        if !metadata.is_file() {
            return Err(BarError::NotBar { path: path.to_owned() });
        }
        let time_scale = match function::Function::of_resource(path) {
            None => SIMULATED_TIME_SCALE,
            Some(found) => {
                found.enable()?;
                found.time_scale()
            }
        };
        Self::take(path, least, time_scale)
    }

    /// The same bus with another time scale: [`Bus::time_scale`].
    pub fn with_time_scale(mut self, time_scale: u32) -> Self {
        self.time_scale = time_scale;
        self
    }

    /// The file that is mapped.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Maps the file of a BAR for whoever serves the device there, which leaves it free for a host.
    ///
    /// # Errors
    /// As [`open_file`](Self::open_file), but never for another program.
    pub fn serve(path: &Path) -> Result<Self, BarError> {
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(|source| refused(path, source))?;
        Self::serve_file(file, path)
    }

    /// As [`serve`](Self::serve), with the file that was opened at `path`.
    ///
    /// # Errors
    /// As [`serve`](Self::serve).
    pub fn serve_file(file: File, path: &Path) -> Result<Self, BarError> {
        Ok(MemoryBus { serves: true, ..Self::map(path, file, u64::from(SPAN_BYTES), SIMULATED_TIME_SCALE)? })
    }

    /// Maps a file and locks it.
    fn take(path: &Path, least: u64, time_scale: u32) -> Result<Self, BarError> {
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(|source| refused(path, source))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BarError::Busy { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(BarError::Open { path: path.to_owned(), source }),
        }
        Self::map(path, file, least, time_scale)
    }

    fn map(path: &Path, file: File, least: u64, time_scale: u32) -> Result<Self, BarError> {
        let found = file.metadata().map_err(|source| refused(path, source))?.len();
        if found < least {
            return Err(BarError::TooSmall { path: path.to_owned(), expected: least, found });
        }
        // At most 32 MiB, which fit any address space.
        let bytes = found.min(u64::from(SPAN_BYTES)) as usize;
        let mapped = Mapping::new(&file, bytes);
        let memory = mapped.map_err(|source| BarError::Map { path: path.to_owned(), source })?;
        Ok(MemoryBus { memory, path: path.to_owned(), time_scale, serves: false, file })
    }

    /// Index of the first of `count` words from the byte address `address` on, all of which are mapped.
    fn first_word(&self, action: &'static str, address: u32, count: usize) -> Result<usize, BarError> {
        let (start, size) = (address as usize, self.memory.bytes());
        let is_inside = count <= size / 4 && start <= size - 4 * count;
        if is_inside && start.is_multiple_of(4) {
            return Ok(start / 4);
        }
        Err(BarError::Beyond { path: self.path.clone(), action, address, words: count, size })
    }

    /// What an access has read or written is nobody's where the memory has gone away.
    fn check_it_stays(&self) -> Result<(), BarError> {
        if self.memory.is_lost() { Err(BarError::Lost { path: self.path.clone() }) } else { Ok(()) }
    }
}

impl Bus for MemoryBus {
    fn read(&mut self, address: u32, words: &mut [u32]) -> Result<(), BusError> {
        let first = self.first_word("read", address, words.len())?;
        words.iter_mut().enumerate().for_each(|(index, word)| *word = self.memory.load(first + index));
        if address < INPUT_WINDOW {
            // What a register announces, an answer or the end of a reset, is read after it.
            fence(Ordering::Acquire);
        }
        let identifier = (Register::Identifier.address() / 4) as usize;
        let may_be_gone = !self.serves && !words.is_empty() && words.iter().all(|word| *word == ALL_ONES);
        let is_gone = may_be_gone && self.memory.load(identifier) == ALL_ONES;
        self.check_it_stays()?;
        if is_gone {
            return Err(BarError::Gone { path: self.path.clone() }.into());
        }
        Ok(())
    }

    fn write(&mut self, address: u32, words: &[u32]) -> Result<(), BusError> {
        let first = self.first_word("write", address, words.len())?;
        if address < INPUT_WINDOW {
            // A register hands over what was written before, so it must not be seen earlier.
            fence(Ordering::Release);
        }
        words.iter().enumerate().for_each(|(index, word)| self.memory.store(first + index, *word));
        Ok(self.check_it_stays()?)
    }

    fn time_scale(&self) -> u32 {
        self.time_scale
    }

    fn simulated_cycles(&mut self) -> Result<Option<u32>, BusError> {
        let mut word = [0];
        if self.time_scale > 1 {
            self.read(SIMULATED_CYCLES, &mut word)?;
            // Who waits for an answer looks at the first page alone, which may stay where the others go.
            if self.file.metadata().is_ok_and(|metadata| metadata.len() < self.memory.bytes() as u64) {
                return Err(BarError::Lost { path: self.path.clone() }.into());
            }
        }
        Ok((self.time_scale > 1).then_some(word[0]))
    }
}

/// The error for a file that the system does not open.
fn refused(path: &Path, source: std::io::Error) -> BarError {
    let path = path.to_owned();
    match source.kind() {
        std::io::ErrorKind::NotFound => BarError::NotFound { path },
        std::io::ErrorKind::PermissionDenied => BarError::PermissionDenied { path },
        _ => BarError::Open { path, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Error, ErrorKind};

    #[test]
    fn the_systems_answers_are_told_apart() {
        let path = Path::new("/sys/x");
        let refuse = |kind: ErrorKind| refused(path, Error::from(kind));
        assert!(matches!(refuse(ErrorKind::PermissionDenied), BarError::PermissionDenied { .. }));
        assert!(matches!(refuse(ErrorKind::NotFound), BarError::NotFound { .. }));
        assert!(matches!(refuse(ErrorKind::InvalidInput), BarError::Open { .. }));
    }
}
