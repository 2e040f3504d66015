//! How calls end: a number for programs, two texts for people.

use abi::text::terminal;
use host::address::DeviceAddressError;
use host::{BusError, DeviceError};
use miette::Diagnostic;
use std::cell::RefCell;
use std::ffi::{CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// How a call ended. The numbers are the same in every version.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It did what it should.
    Ok = 0,
    /// An argument is NULL, or no text, or too many.
    Argument = 1,
    /// The address names no device.
    Address = 2,
    /// The manifest cannot be read, or is none of this version.
    Manifest = 3,
    /// An image does not fit the network.
    Input = 4,
    /// The device is missing, busy, another one, or failed.
    Device = 5,
    /// A fault of xnorforge.
    Internal = 6,
}

/// A call that failed.
#[derive(Debug, Error, Diagnostic)]
pub(crate) enum CallError {
    /// Nothing where something belongs.
    #[error("`{argument}` must not be NULL, but is")]
    #[diagnostic(code(c::null), help("give a pointer as xnorforge.h describes it"))]
    Null {
        /// Its name in the header.
        argument: &'static str,
    },
    /// No text.
    #[error("`{argument}` must be a text in UTF-8, but is none")]
    #[diagnostic(code(c::utf8), help("give a path or address in UTF-8"))]
    NotUtf8 {
        /// Its name in the header.
        argument: &'static str,
    },
    /// No place where numbers can stand.
    #[error("`{argument}` must be aligned like a float, but is not")]
    #[diagnostic(code(c::not_aligned), help("copy the numbers into an array of float first"))]
    NotAligned {
        /// Its name in the header.
        argument: &'static str,
    },
    /// More than memory can hold.
    #[error("`{argument}` must fit into memory, but {count} images of {values} numbers do not")]
    #[diagnostic(code(c::too_many), help("check `count`: it counts images and not numbers or bytes"))]
    TooMany {
        /// Its name in the header.
        argument: &'static str,
        /// Images.
        count: usize,
        /// Numbers of one.
        values: usize,
    },
    /// No manifest.
    #[error("{} must be the manifest.json of a compiled directory, but {reason}", path.display())]
    #[diagnostic(code(c::manifest), help("give DIR/manifest.json of the DIR that `xnorforge compile` wrote"))]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The manifest contradicts itself.
    #[error("the outputs must be {expected} numbers by the shape in the manifest, but are {found}")]
    #[diagnostic(
        code(c::outputs),
        help("manifest.json is damaged, edited or of another version; write it again with `xnorforge compile`")
    )]
    Outputs {
        /// Numbers by the shape.
        expected: usize,
        /// Numbers that came.
        found: usize,
    },
    /// An address that is none.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Address(#[from] DeviceAddressError),
    /// A bus that cannot be opened.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Bus(#[from] BusError),
    /// What the device says.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Device(#[from] DeviceError),
    /// A panic.
    #[error("internal error: {message}")]
    #[diagnostic(code(c::internal), help("this is a fault of xnorforge: please report it; the device can be closed"))]
    Panic {
        /// Its message.
        message: String,
    },
}

impl CallError {
    pub(crate) fn manifest(path: &Path, error: impl ToString) -> Self {
        CallError::Manifest { path: path.to_owned(), reason: error.to_string() }
    }

    fn status(&self) -> Status {
        use CallError as E;
        match self {
            E::Null { .. } | E::NotUtf8 { .. } | E::NotAligned { .. } | E::TooMany { .. } => Status::Argument,
            E::Address(_) => Status::Address,
            E::Manifest { .. } | E::Outputs { .. } | E::Device(DeviceError::Manifest { .. }) => Status::Manifest,
            E::Device(DeviceError::Input { .. }) => Status::Input,
            E::Bus(_) | E::Device(_) => Status::Device,
            E::Panic { .. } => Status::Internal,
        }
    }
}

thread_local! {
    /// Message and help of the last error of this thread.
    static LAST: RefCell<(CString, CString)> = RefCell::default();
}

/// The status of `call`, whose error is kept for this thread.
pub(crate) fn answer(call: impl FnOnce() -> Result<(), CallError>) -> Status {
    // A device that a panic interrupts counts as one in doubt and is reset before it runs again.
    let ended = catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        let message = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(CallError::Panic { message: message.unwrap_or_else(|| "a panic".to_owned()) })
    });
    let (status, message, help) = match &ended {
        Ok(()) => (Status::Ok, String::new(), String::new()),
        Err(error) => (
            error.status(),
            terminal(&error.to_string()),
            error.help().map(|help| terminal(&help.to_string())).unwrap_or_default(),
        ),
    };
    LAST.set((text_of(message), text_of(help)));
    status
}

/// `text` up to the first zero byte.
fn text_of(text: String) -> CString {
    let mut bytes = text.into_bytes();
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    bytes.truncate(end);
    CString::new(bytes).unwrap_or_default()
}

/// What went wrong in this thread's last call: what must hold and what was found. Empty where nothing did; valid until this
/// thread's next call of a function with a status.
#[unsafe(no_mangle)]
pub extern "C" fn xnorforge_error_message() -> *const c_char {
    LAST.with_borrow(|(message, _)| message.as_ptr())
}

/// What to do about it: the next step. As long valid as the message.
#[unsafe(no_mangle)]
pub extern "C" fn xnorforge_error_help() -> *const c_char {
    LAST.with_borrow(|(_, help)| help.as_ptr())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_stay_inside() {
        let status = answer(|| panic!("a device with {} legs", 5));
        let message = LAST.with_borrow(|(message, _)| message.to_str().unwrap().to_owned());
        assert_eq!((status, message.as_str()), (Status::Internal, "internal error: a device with 5 legs"));
        assert_eq!(answer(|| Ok(())), Status::Ok);
        LAST.with_borrow(|(message, help)| assert!(message.is_empty() && help.is_empty()));
    }

    #[test]
    fn texts_end_at_their_zero_byte() {
        assert_eq!(text_of("a path\0 and more".to_owned()).as_c_str(), c"a path");
    }
}
