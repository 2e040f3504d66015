//! A device as Python's threads and forks meet it.

use crate::error::{BindingError, Failure};
use abi::maps::Scores;
use host::device::{Counters, Owner};
use host::{Bus, DeviceError, Statistics};
use pyo3::prelude::*;
use sim::SimError;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError, Weak};

/// A device, whatever bus leads to it.
pub trait Driven: Send {
    /// Appends the scores of `images` one after the other, until all are done, one fails, or `stop` says so.
    fn infer(
        &mut self,
        images: Vec<Vec<f32>>,
        scores: &mut Vec<Scores>,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), DeviceError>;
    fn counters(&mut self) -> Result<Counters, DeviceError>;
    fn statistics(&self) -> Statistics;
}

impl<B: Bus + Send> Driven for host::Device<B> {
    fn infer(
        &mut self,
        images: Vec<Vec<f32>>,
        scores: &mut Vec<Scores>,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), DeviceError> {
        for answer in self.stream(images) {
            scores.push(answer?);
            if stop() {
                break;
            }
        }
        Ok(())
    }

    fn counters(&mut self) -> Result<Counters, DeviceError> {
        self.counters()
    }

    fn statistics(&self) -> Statistics {
        self.statistics()
    }
}

/// An open device. Who asks something of it looks first whether it is his: a fork copies the lock too, and perhaps while a
/// thread holds it that the copy lacks.
pub struct Held {
    address: String,
    owner: Owner,
    /// Set before the device is given back, so that a run in work ends.
    is_closed: AtomicBool,
    /// `None` once it was given back.
    driven: Mutex<Option<Box<dyn Driven>>>,
}

/// Devices of this process, for [`after_fork`].
static HELD: Mutex<Vec<Weak<Held>>> = Mutex::new(Vec::new());

impl Held {
    /// Holds `device`. The interpreter is locked meanwhile, as it is in a fork, so that no fork copies a list half made.
    pub fn new(_py: Python<'_>, address: String, device: Box<dyn Driven>) -> Arc<Self> {
        let (owner, driven) = (Owner::this_process(), Mutex::new(Some(device)));
        let held = Arc::new(Held { address, owner, is_closed: AtomicBool::new(false), driven });
        let mut all = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|other| other.strong_count() > 0);
        all.push(Arc::downgrade(&held));
        held
    }

    /// Calls `body` with the device, if it is open. One thread at a time does.
    pub fn with<T>(&self, body: impl FnOnce(&mut dyn Driven) -> Result<T, DeviceError>) -> Result<T, Failure> {
        self.owner.check().map_err(SimError::from)?;
        // Before the lock, which a run would otherwise take again and again while `close` waits for it.
        self.check_open()?;
        // What a panic left behind, the next run resets.
        match self.driven.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(driven) => Ok(body(driven.as_mut()).map_err(SimError::from)?),
            None => Err(self.closed().into()),
        }
    }

    /// Appends the scores of `images`: of all, or of those before the device was closed or failed.
    pub fn infer(&self, images: Vec<Vec<f32>>, scores: &mut Vec<Scores>) -> Result<(), Failure> {
        let all = scores.len() + images.len();
        self.with(|device| device.infer(images, scores, &|| self.is_closed()))?;
        if scores.len() < all { self.check_open() } else { Ok(()) }
    }

    pub fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Gives the device back; a run in work ends after the image in work. In a forked process, gives up the copy.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        if self.owner.is_this_process() {
            *self.driven.lock().unwrap_or_else(PoisonError::into_inner) = None;
        } else {
            self.leave();
        }
    }

    /// Closes this process's copy of what leads to the device, unless a thread of the owner used it when this process was
    /// forked. Nothing is sent to the device.
    fn leave(&self) {
        self.is_closed.store(true, Ordering::Release);
        match self.driven.try_lock() {
            Ok(mut driven) => *driven = None,
            Err(TryLockError::Poisoned(poisoned)) => *poisoned.into_inner() = None,
            Err(TryLockError::WouldBlock) => {}
        }
    }

    fn check_open(&self) -> Result<(), Failure> {
        if self.is_closed() { Err(self.closed().into()) } else { Ok(()) }
    }

    fn closed(&self) -> BindingError {
        BindingError::Closed { address: self.address.clone() }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let is_in_use = matches!(self.driven.try_lock(), Err(TryLockError::WouldBlock));
        if is_in_use && !self.owner.is_this_process() {
            // Copied while another thread changed it: it cannot be taken apart.
            mem::forget(mem::replace(&mut self.driven, Mutex::new(None)));
        }
    }
}

/// Lets go of the devices of the process that this one was forked from: lines and memory lead to one process at a time, so a
/// copy that stays open would keep the owner from opening them again.
#[pyfunction]
#[pyo3(name = "_after_fork")]
pub fn after_fork() {
    if let Ok(mut all) = HELD.try_lock() {
        all.drain(..).filter_map(|held| held.upgrade()).for_each(|held| held.leave());
    }
}
