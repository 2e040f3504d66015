//! Memory that goes away under its reader: the fault becomes a mark.
//!
//! A mapped file or device is no memory of this process. Where the file is truncated, its file system is full or the card is
//! taken away, the system answers an access with the signal SIGBUS, which ends the process. The handler here looks whether
//! the address lies in a mapping that is [watched](Watch). Then it lays empty memory in the place of the whole mapping, so
//! that the access succeeds when it is repeated, and marks the mapping as lost. Every other fault, and a SIGBUS that a
//! process sent, goes to whoever handled it before.
//!
//! The handler is installed with the first mapping, once for the process, and stays. A program with a handler of its own
//! installs it before, or passes on what it does not know.

use libc::{SA_ONSTACK, SA_SIGINFO, SIG_DFL, SIG_IGN, SIGBUS, c_int, c_void, sigaction, siginfo_t};
use memmap2::MmapRaw;
use std::io;
use std::iter::successors;
use std::mem::{transmute, zeroed};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, compiler_fence};
use std::sync::{Mutex, OnceLock, PoisonError};

/// A place for a mapping in the list that the handler reads. It locks and allocates nothing: places are never freed.
#[derive(Debug)]
struct Place {
    /// First address, 0 where the place is free.
    start: AtomicUsize,
    bytes: AtomicUsize,
    is_lost: AtomicBool,
    next: OnceLock<Box<Place>>,
}

impl Place {
    const fn new() -> Self {
        Place {
            start: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            is_lost: AtomicBool::new(false),
            next: OnceLock::new(),
        }
    }

    fn is_free(&self) -> bool {
        self.start.load(Ordering::Acquire) == 0
    }

    fn contains(&self, address: usize) -> bool {
        let start = self.start.load(Ordering::Acquire);
        start != 0 && address.wrapping_sub(start) < self.bytes.load(Ordering::Relaxed)
    }

    /// Lays empty memory there; whether the system has some.
    fn replace(&self) -> bool {
        let (start, bytes) = (self.start.load(Ordering::Acquire), self.bytes.load(Ordering::Relaxed));
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_FIXED);
        // SAFETY: the pages are those of a mapping that `Watch::new` was given and that is still mapped, since the watch
        // ends before it. Whoever accesses it expects any contents. `mmap` with these arguments is one call to the kernel,
        // which a handler may make.
        let found = unsafe { libc::mmap(start as *mut c_void, bytes, access, kind, -1, 0) };
        let is_replaced = found != libc::MAP_FAILED;
        if is_replaced {
            self.is_lost.store(true, Ordering::Relaxed);
        }
        is_replaced
    }
}

static FIRST: Place = Place::new();

/// Held while a mapping gets a place.
static CHANGES: Mutex<()> = Mutex::new(());

/// Whether the handler is installed, and what was before it. The latter is known first.
static IS_INSTALLED: AtomicBool = AtomicBool::new(false);
static BEFORE: OnceLock<sigaction> = OnceLock::new();

fn places() -> impl Iterator<Item = &'static Place> {
    successors(Some(&FIRST), |place: &&'static Place| {
        let place: &'static Place = place;
        place.next.get().map(|next| &**next)
    })
}

/// Watches a mapping until it is dropped.
#[derive(Debug)]
pub(super) struct Watch {
    place: &'static Place,
}

impl Watch {
    /// Watches `memory`.
    ///
    /// # Safety
    /// The watch must be dropped before `memory`.
    pub(super) unsafe fn new(memory: &MmapRaw) -> io::Result<Self> {
        let _alone = CHANGES.lock().unwrap_or_else(PoisonError::into_inner);
        install()?;
        let free = places().find(|place| place.is_free());
        let place = free.unwrap_or_else(|| {
            let last = places().last().unwrap_or(&FIRST);
            last.next.get_or_init(|| Box::new(Place::new()))
        });
        place.is_lost.store(false, Ordering::Relaxed);
        place.bytes.store(memory.len(), Ordering::Relaxed);
        place.start.store(memory.as_ptr() as usize, Ordering::Release);
        Ok(Watch { place })
    }

    /// Whether an access of this thread has found the memory gone.
    pub(super) fn is_lost(&self) -> bool {
        // The handler ran in the middle of an access, so its mark must not be read before.
        compiler_fence(Ordering::SeqCst);
        self.place.is_lost.load(Ordering::Relaxed)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.place.start.store(0, Ordering::Release);
    }
}

/// Installs the handler, where it is not yet. The caller holds [`CHANGES`].
fn install() -> io::Result<()> {
    if IS_INSTALLED.load(Ordering::Relaxed) {
        return Ok(());
    }
    // SAFETY: numbers, and pointers that may be null: zeros are a value of the type, which the call overwrites.
    let mut before: sigaction = unsafe { zeroed() };
    act(null(), &mut before)?;
    let mut action = before;
    action.sa_sigaction = on_fault as *const () as libc::sighandler_t;
    // Threads have little stack left, or one of another language, where others handle signals on one of its own.
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    let _ = BEFORE.set(before);
    act(&action, null_mut())?;
    IS_INSTALLED.store(true, Ordering::Relaxed);
    Ok(())
}

/// The system call: sets what happens at a fault, and tells what happened before.
fn act(action: *const sigaction, before: *mut sigaction) -> io::Result<()> {
    // SAFETY: both are null or point to an action of the caller's. Its handler is one that does only what handlers may, or
    // was installed before.
    match unsafe { libc::sigaction(SIGBUS, action, before) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

extern "C" fn on_fault(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the system gives an `info` with `SA_SIGINFO`; of a fault, which has a positive code, it tells the address.
    let (is_fault, address) = unsafe { ((*info).si_code > 0, (*info).si_addr() as usize) };
    let watched = places().find(|place| is_fault && place.contains(address));
    if !watched.is_some_and(Place::replace) {
        pass_on(is_fault, signal, info, context);
    }
}

/// Does what would have happened without this handler.
fn pass_on(is_fault: bool, signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // Known since before the handler was installed.
    let Some(before) = BEFORE.get() else { return };
    match before.sa_sigaction {
        SIG_IGN if !is_fault => {}
        SIG_DFL | SIG_IGN => {
            // A fault is repeated when this returns, and then ends the process as it would have.
            let _ = act(before, null_mut());
            if !is_fault {
                // SAFETY: a call that a handler may make.
                unsafe { libc::raise(signal) };
            }
        }
        handler if before.sa_flags & SA_SIGINFO != 0 => {
            // SAFETY: an address that the system had as a handler with three arguments.
            let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) =
                unsafe { transmute(handler as *const c_void) };
            handler(signal, info, context);
        }
        handler => {
            // SAFETY: an address that the system had as a handler with one argument.
            let handler: extern "C" fn(c_int) = unsafe { transmute(handler as *const c_void) };
            handler(signal);
        }
    }
}
