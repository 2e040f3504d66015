//! A simulated slave mirrored into memory, for hosts in other processes.
//!
//! An access to memory gives no notification. So the registers that a host writes are polled, and what they
//! say is done at the slave; what the slave answers is written into the memory, the answers of images before the count of
//! them. Writes are idempotent and reads have no side effects, as the
//! [contract](abi::registers) has it; the weight window is compared at each reset, after which alone a host may rely on it.
//! Whatever takes long repeatedly publishes how many cycles have passed, so that hosts need no clock of their own to see
//! that somebody works.
//!
//! Everybody may write into the memory. Where somebody has written what only the server writes, nothing that lies there is
//! believed: all of it is laid anew, and the next host finds a device that was reset.

use super::front::Front;
use super::{BarFile, Slave};
use crate::SimError;
use abi::registers::{
    Access, CONTROL_RESET, INPUT_WINDOW, OUTPUT_WINDOW, Register, SIMULATED_CYCLES, STATUS_BUSY, STATUS_RESET,
    WEIGHT_WINDOW,
};
use host::Bus;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Pause between two looks at memory that nobody writes to.
const NAP: Duration = Duration::from_micros(500);

/// Words carried between two looks at `control`, so that a reset is noticed in the middle of a large image.
const PIECE_WORDS: u32 = 32;

/// Time that the slave is let at a time, so that its answers are noticed soon.
const STEP: Duration = Duration::from_micros(500);

/// Most cycles that the slave is let at a time.
const MAX_STEP_CYCLES: u32 = 1 << 16;

/// Most looks at a reset that lasts, and the cycles between them.
const RESET_LOOKS: u32 = 1000;
const RESET_CYCLES: u32 = 64;

/// A simulated slave behind the memory of a card.
#[derive(Debug)]
pub struct ServedCard<S> {
    slave: S,
    front: Front,
    file: BarFile,
    slots: u32,
    input: Ring,
    output: Ring,
    /// The session that the slave knows.
    session: u32,
    /// What the slave holds in its weight window, and their identity.
    weights: Vec<u32>,
    identity: u32,
    step_cycles: u32,
    is_busy: bool,
}

/// One of the two windows, and how far its words are carried.
#[derive(Debug)]
struct Ring {
    window: u32,
    words_per_image: u32,
    /// Images carried, modulo 2^32.
    images: u32,
    /// Words of the next one carried.
    words: u32,
}

impl Ring {
    fn new(window: u32, words_per_image: u32) -> Self {
        Ring { window, words_per_image, images: 0, words: 0 }
    }

    fn empty(&mut self) {
        (self.images, self.words) = (0, 0);
    }

    /// Carries a piece of the next image; whether that was its end.
    fn carry(&mut self, slots: u32, from: &mut impl Bus, to: &mut impl Bus) -> Result<bool, SimError> {
        let mut piece = [0; PIECE_WORDS as usize];
        let count = PIECE_WORDS.min(self.words_per_image - self.words);
        let piece = &mut piece[..count as usize];
        let address = self.window + 4 * (self.images % slots * self.words_per_image + self.words);
        from.read(address, piece)?;
        to.write(address, piece)?;
        self.words += count;
        let is_end = self.words == self.words_per_image;
        if is_end {
            (self.images, self.words) = (self.images.wrapping_add(1), 0);
        }
        Ok(is_end)
    }
}

impl<S: Slave> ServedCard<S> {
    /// Mirrors `slave` into `file`.
    ///
    /// # Errors
    /// Where the file cannot be mapped, the file system has no space for it, or the simulation fails.
    pub fn new(mut slave: S, file: BarFile) -> Result<Self, SimError> {
        let slots = slave.read_register(Register::Slots)?;
        let input = Ring::new(INPUT_WINDOW, slave.read_register(Register::InputWords)?);
        let output = Ring::new(OUTPUT_WINDOW, slave.read_register(Register::OutputWords)?);
        let weight_words = slave.read_register(Register::WeightWords)?;
        file.reserve(0..u64::from(SIMULATED_CYCLES) + 4)?;
        for (window, words) in [
            (INPUT_WINDOW, u64::from(slots) * u64::from(input.words_per_image)),
            (OUTPUT_WINDOW, u64::from(slots) * u64::from(output.words_per_image)),
            (WEIGHT_WINDOW, u64::from(weight_words)),
        ] {
            file.reserve(u64::from(window)..u64::from(window) + 4 * words)?;
        }
        let mut card = ServedCard {
            slave,
            front: Front::new(file.map()?),
            file,
            slots,
            input,
            output,
            session: 0,
            weights: vec![0; weight_words as usize],
            identity: 0,
            step_cycles: 1,
            is_busy: false,
        };
        card.begin()?;
        Ok(card)
    }

    /// The path that hosts open.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Serves hosts for as long as `go_on` says so. They may come and go. Sleeps while there is nothing to do.
    ///
    /// # Errors
    /// Where the simulation fails or the file is truncated.
    pub fn run(&mut self, go_on: impl Fn() -> bool) -> Result<(), SimError> {
        while go_on() {
            if !self.step()? {
                self.file.check_size()?;
                sleep(NAP);
            }
        }
        Ok(())
    }

    /// Lays into the memory what it must hold: the weights that the slave begins with, and its registers.
    fn begin(&mut self) -> Result<(), SimError> {
        if !self.weights.is_empty() {
            self.take_weights()?;
        }
        self.show_weights()?;
        self.empty()?;
        self.show_constants()
    }

    /// Lays what does not change into the memory.
    fn show_constants(&mut self) -> Result<(), SimError> {
        // Backwards: a host that finds the identifier finds everything.
        for register in Register::ALL.into_iter().rev().filter(|register| register.access() == Access::Constant) {
            let mut words = vec![0; register.words() as usize];
            self.slave.read(register.address(), &mut words)?;
            self.front.show(register, &words)?;
        }
        Ok(())
    }

    /// Lays everything anew that the memory must hold, and empties the slave: what a host believes to be there may be
    /// damaged too, and by the session that is no longer there it notices that.
    fn restore(&mut self) -> Result<(), SimError> {
        self.front.show(Register::Session, &[0])?;
        self.reset_slave()?;
        self.show_weights()?;
        self.empty()?;
        self.show_cycles()?;
        self.show_constants()
    }

    /// Does what there is to do, for a moment; whether there was anything.
    fn step(&mut self) -> Result<bool, SimError> {
        if self.front.is_damaged()? {
            self.restore()?;
            return Ok(true);
        }
        if self.front.read(Register::Control)? & CONTROL_RESET != 0 {
            self.reset()?;
            return Ok(true);
        }
        let session = self.front.read(Register::Session)?;
        if session != self.session {
            self.slave.write_register(Register::Session, session)?;
            self.session = session;
        }
        let submitted = self.front.read(Register::Submitted)?;
        let (room, wanted) = (self.room(), submitted.wrapping_sub(self.input.images));
        // More than that no host may ask for.
        let is_taking = (1..=self.slots).contains(&wanted) && room > 0;
        let has_work = is_taking || self.input.images != self.output.images;
        if has_work != self.is_busy {
            self.show(has_work)?;
        }
        if !has_work {
            return Ok(false);
        }
        if is_taking && self.input.carry(self.slots, self.front.memory(), &mut self.slave)? {
            self.slave.write_register(Register::Submitted, self.input.images)?;
        }
        let completed = self.slave.read_register(Register::Completed)?;
        let is_giving = completed != self.output.images;
        if is_giving && self.output.carry(self.slots, &mut self.slave, self.front.memory())? {
            // Whoever sees the image finished reads what it took.
            self.show_work()?;
            self.front.show(Register::Completed, &[self.output.images])?;
        }
        if is_taking || is_giving {
            self.show_cycles()?;
        } else {
            self.pass()?;
            self.show_work()?;
        }
        Ok(true)
    }

    /// Images that the slave has room for: answers that were not fetched yet lie in its slots.
    fn room(&self) -> u32 {
        self.slots.saturating_sub(self.input.images.wrapping_sub(self.output.images))
    }

    /// Publishes whether images are being processed, and the slave's other counters.
    fn show(&mut self, is_busy: bool) -> Result<(), SimError> {
        for register in [Register::LineErrors, Register::FrameErrors] {
            let count = self.slave.read_register(register)?;
            self.front.show(register, &[count])?;
        }
        self.front.show(Register::Status, &[if is_busy { STATUS_BUSY } else { 0 }])?;
        self.is_busy = is_busy;
        self.show_work()
    }

    /// Publishes how many cycles the slave has worked, and how many have passed.
    fn show_work(&mut self) -> Result<(), SimError> {
        let cycles = self.slave.read_register(Register::Cycles)?;
        self.front.show(Register::Cycles, &[cycles])?;
        self.show_cycles()
    }

    /// Publishes how many cycles have passed.
    fn show_cycles(&mut self) -> Result<(), SimError> {
        self.front.show_cycles(self.slave.cycles())
    }

    /// Lets the slave work for about [`STEP`].
    fn pass(&mut self) -> Result<(), SimError> {
        let begin = Instant::now();
        self.slave.pass(self.step_cycles)?;
        let cycles = if begin.elapsed() < STEP { self.step_cycles * 2 } else { self.step_cycles / 2 };
        self.step_cycles = cycles.clamp(1, MAX_STEP_CYCLES);
        Ok(())
    }

    /// Does what a host wants by [`CONTROL_RESET`], and takes the bit back when it is done.
    fn reset(&mut self) -> Result<(), SimError> {
        self.reset_slave()?;
        if self.load_weights()? {
            // The core may have begun the next image, with padding and with the weights before.
            self.reset_slave()?;
        }
        self.empty()
    }

    /// Begins anew with the slave, which is empty.
    fn empty(&mut self) -> Result<(), SimError> {
        self.input.empty();
        self.output.empty();
        (self.session, self.is_busy) = (0, false);
        for register in [
            Register::Session,
            Register::Submitted,
            Register::Completed,
            Register::Cycles,
            Register::LineErrors,
            Register::FrameErrors,
            Register::Status,
            Register::Control,
        ] {
            self.front.show(register, &[0])?;
        }
        Ok(())
    }

    fn reset_slave(&mut self) -> Result<(), SimError> {
        self.slave.write_register(Register::Control, CONTROL_RESET)?;
        for _ in 0..RESET_LOOKS {
            if self.slave.read_register(Register::Status)? & STATUS_RESET == 0 {
                return Ok(());
            }
            self.slave.pass(RESET_CYCLES)?;
            self.show_cycles()?;
        }
        Err(SimError::ResetLasts { cycles: RESET_LOOKS * RESET_CYCLES })
    }

    /// Carries weights that a host has written into the slave, and what the slave then holds back; whether there were any.
    fn load_weights(&mut self) -> Result<bool, SimError> {
        if self.weights.is_empty() {
            return Ok(false);
        }
        let mut words = vec![0; self.weights.len()];
        self.front.memory().read(WEIGHT_WINDOW, &mut words)?;
        let identity = self.front.read(Register::WeightsIdentity)?;
        // Damage is for the next look.
        if (words == self.weights && identity == self.identity) || self.front.is_damaged()? {
            return Ok(false);
        }
        let changed: Vec<usize> = (0..words.len()).filter(|index| words[*index] != self.weights[*index]).collect();
        for index in &changed {
            self.slave.write(WEIGHT_WINDOW + 4 * *index as u32, &words[*index..=*index])?;
            self.show_cycles()?;
        }
        if identity != self.identity {
            self.slave.write_register(Register::WeightsIdentity, identity)?;
        }
        self.take_weights()?;
        self.show_weights()?;
        Ok(true)
    }

    /// Takes over the weights that the slave holds.
    fn take_weights(&mut self) -> Result<(), SimError> {
        for first in (0..self.weights.len()).step_by(PIECE_WORDS as usize) {
            let end = self.weights.len().min(first + PIECE_WORDS as usize);
            self.slave.read(WEIGHT_WINDOW + 4 * first as u32, &mut self.weights[first..end])?;
            self.show_cycles()?;
        }
        self.identity = self.slave.read_register(Register::WeightsIdentity)?;
        Ok(())
    }

    /// Lays the weights that the slave holds into the memory.
    fn show_weights(&mut self) -> Result<(), SimError> {
        self.front.memory().write(WEIGHT_WINDOW, &self.weights)?;
        self.front.show(Register::WeightsIdentity, &[self.identity])
    }
}
