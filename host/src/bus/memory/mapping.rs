//! A mapped file or device, word by word.

#![allow(unsafe_code)]

use memmap2::{MmapOptions, MmapRaw};
use std::fs::File;
use std::io;

#[cfg(unix)]
mod faults;

#[cfg(unix)]
use faults::Watch;

/// Where a mapped file cannot be truncated, nothing goes away.
#[cfg(not(unix))]
#[derive(Debug)]
struct Watch;

#[cfg(not(unix))]
impl Watch {
    unsafe fn new(_memory: &MmapRaw) -> io::Result<Self> {
        Ok(Watch)
    }

    fn is_lost(&self) -> bool {
        false
    }
}

/// Words of somebody else's memory, which may [go away](Self::is_lost) at any moment.
#[derive(Debug)]
pub(super) struct Mapping {
    // Fields are dropped in this order: the watch ends before the memory.
    watch: Watch,
    memory: MmapRaw,
}

impl Mapping {
    /// Maps the first `bytes` bytes of `file`, for reading and writing.
    pub(super) fn new(file: &File, bytes: usize) -> io::Result<Self> {
        let memory = MmapOptions::new().len(bytes).map_raw(file)?;
        // SAFETY: the watch is dropped before the memory, and nobody else maps anything there.
        let watch = unsafe { Watch::new(&memory) }?;
        Ok(Mapping { watch, memory })
    }

    /// Bytes that are mapped.
    pub(super) fn bytes(&self) -> usize {
        self.memory.len()
    }

    /// Whether an access has found the memory gone. All words read as 0 from then on, and writes lead nowhere.
    pub(super) fn is_lost(&self) -> bool {
        self.watch.is_lost()
    }

    /// Reads word `index`, once.
    ///
    /// # Panics
    /// Where the word is not mapped.
    pub(super) fn load(&self, index: usize) -> u32 {
        self.check(index);
        let place = self.memory.as_ptr().cast::<u32>();
        // SAFETY: the word lies within the mapping, which lives as long as `self`. A mapping begins at a page and is
        // therefore aligned. No reference to its contents is ever made, and a volatile access may meet changes by others.
        // Where the memory has gone away, `Watch` makes the access succeed.
        u32::from_le(unsafe { place.add(index).read_volatile() })
    }

    /// Writes word `index`, once.
    ///
    /// # Panics
    /// Where the word is not mapped.
    pub(super) fn store(&mut self, index: usize, word: u32) {
        self.check(index);
        let place = self.memory.as_mut_ptr().cast::<u32>();
        // SAFETY: as in `load`; the file is mapped for writing.
        unsafe { place.add(index).write_volatile(word.to_le()) }
    }

    fn check(&self, index: usize) {
        let words = self.bytes() / 4;
        assert!(index < words, "word {index} of {words} mapped ones");
    }
}
