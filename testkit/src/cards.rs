//! The memory of a card without anything behind it, or with a thread that takes resets: enough to open a device.

use abi::manifest::Manifest;
use abi::registers::{ABI_VERSION, IDENTIFIER, Register, SPAN_BYTES};
use abi::window::WindowFormat;
use host::{Bus, BusError, MemoryBus};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// Lays the constants of a device of `manifest` with four slots into memory.
pub fn lay_constants(bus: &mut MemoryBus, manifest: &Manifest) {
    for (register, word) in [
        (Register::Identifier, IDENTIFIER),
        (Register::AbiVersion, ABI_VERSION.code()),
        (Register::Slots, 4),
        (Register::InputWords, WindowFormat::of(&manifest.input_stream).words_per_image() as u32),
        (Register::OutputWords, WindowFormat::of(&manifest.output_stream).words_per_image() as u32),
        (Register::ClockHertz, 100_000_000),
    ] {
        bus.write_register(register, word).unwrap();
    }
    let hash = manifest.design_hash_bytes().unwrap();
    let words: Vec<u32> = hash.chunks(4).map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap())).collect();
    bus.write(Register::DesignHash.address(), &words).unwrap();
}

/// A file of a device's size that takes resets and never finishes an image, until it is dropped.
pub struct IdleCard {
    path: PathBuf,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<(), BusError>>>,
}

impl IdleCard {
    /// Makes the file, which must be new.
    pub fn new(path: &Path, manifest: &Manifest) -> Self {
        File::create_new(path).unwrap().set_len(u64::from(SPAN_BYTES)).unwrap();
        let mut bus = MemoryBus::serve(path).unwrap();
        lay_constants(&mut bus, manifest);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                if bus.read_register(Register::Control)? != 0 {
                    bus.write_register(Register::Submitted, 0)?;
                    bus.write_register(Register::Control, 0)?;
                }
                thread::yield_now();
            }
            Ok(())
        });
        IdleCard { path: path.to_owned(), stop, thread: Some(thread) }
    }

    /// Truncates the file under whoever has it mapped, and answers how its thread ends.
    pub fn truncate(mut self) -> Result<(), BusError> {
        File::options().write(true).open(&self.path).unwrap().set_len(0).unwrap();
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for IdleCard {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
