//! Signals that want this program to end.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use verbs::{FileError, Status, VerbError};

/// What becomes true when the user or the system wants this program to end, which then removes its files.
///
/// # Errors
/// Where the system does not let signals be listened to.
pub fn wanted() -> Result<Arc<AtomicBool>, VerbError> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))
            .map_err(FileError::context("cannot listen to signals"))?;
    }
    Ok(stop)
}

/// The same; whoever wants it twice has this program end at once.
///
/// # Errors
/// As [`wanted`].
pub fn wanted_or_forced() -> Result<Arc<AtomicBool>, VerbError> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, Status::Tool as i32, Arc::clone(&stop))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)))
            .map_err(FileError::context("cannot listen to signals"))?;
    }
    Ok(stop)
}
