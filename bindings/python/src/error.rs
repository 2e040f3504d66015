//! Errors as Python sees them: a class, a message, and `help` with the next step.

use abi::text::terminal;
use compiler::lower::LowerError;
use flow::artifacts::ArtifactsError;
use miette::Diagnostic;
use network::file::FileError;
use network::reference::ReferenceError;
use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyKeyboardInterrupt};
use pyo3::prelude::*;
use sim::SimError;
use thiserror::Error as ThisError;

create_exception!(xnorforge, Error, PyException, "What xnorforge refuses or cannot do; `help` says the next step.");
create_exception!(xnorforge, AddressError, Error, "A text that names no device.");
create_exception!(xnorforge, DirectoryError, Error, "A directory that `xnorforge compile` did not write for a board.");
create_exception!(xnorforge, ModelError, Error, "A model that cannot be imported or lowered.");
create_exception!(xnorforge, InputError, Error, "Images that do not fit the network.");
create_exception!(xnorforge, DeviceError, Error, "A device that is missing, another one, or failed.");

create_exception!(
    xnorforge,
    Interrupted,
    PyKeyboardInterrupt,
    "An interrupt during `infer`; `outputs` are those of the images before it."
);

/// `error`, which ended a run half way, with the outputs of the images before it.
pub fn with_outputs(py: Python<'_>, error: PyErr, outputs: Bound<'_, PyAny>) -> PyErr {
    let value = error.value(py);
    let error = match value.get_type().is(py.get_type::<PyKeyboardInterrupt>()) {
        true => Interrupted::new_err(()),
        false => error,
    };
    // What a user's signal handler raises may have no room for it, and is raised all the same.
    let _ = error.value(py).setattr("outputs", outputs);
    error
}

/// What only this crate can refuse.
#[derive(Debug, ThisError, Diagnostic)]
pub enum BindingError {
    /// A device needs the directory that it was made from.
    #[error("a device at `{address}` must be opened with the directory of its design, but none was given")]
    #[diagnostic(
        code(python::no_directory),
        help("give the directory that was compiled and built: xnorforge.open(\"{address}\", directory=DIR)")
    )]
    NoDirectory {
        /// The address.
        address: String,
    },
    /// The device was closed.
    #[error("the device at `{address}` must be open, but was closed")]
    #[diagnostic(code(python::closed), help("open it again with xnorforge.open"))]
    Closed {
        /// The address.
        address: String,
    },
    /// Nothing that an array can be made of.
    #[error("images must be an array or what numpy.asarray makes one of, but it answers: {reason}")]
    #[diagnostic(code(python::array), help("give one numpy.ndarray whose leading axis counts the images"))]
    NoArray {
        /// NumPy's answer.
        reason: String,
    },
    /// Another element type.
    #[error("images must be of uint8, int8 or float32, but are of {found}")]
    #[diagnostic(
        code(python::element_type),
        help("convert them with images.astype(numpy.float32); values are taken as they are")
    )]
    ElementType {
        /// The array's type.
        found: String,
    },
    /// Another shape.
    #[error("images must have shape [images, {expected}], but have {found:?}")]
    #[diagnostic(
        code(python::shape),
        help("the leading axis counts images, one alone is images[numpy.newaxis]; `input_shape` is an image's shape")
    )]
    Shape {
        /// Shape of an image.
        expected: String,
        /// The array's shape.
        found: Vec<usize>,
    },
    /// No images.
    #[error("there must be at least one image, but there is none")]
    #[diagnostic(code(python::no_images), help("give an array whose leading axis is 1 or longer"))]
    Empty,
}

/// The exception of class `T` for `diagnostic`.
fn raise<T: pyo3::PyTypeInfo>(diagnostic: &dyn Diagnostic) -> PyErr {
    Python::attach(|py| {
        let error = PyErr::new::<T, _>(terminal(&diagnostic.to_string()));
        let help = diagnostic.help().map(|help| terminal(&help.to_string())).unwrap_or_default();
        let value = error.value(py);
        // Notes are shown in tracebacks; Python before 3.11 has none.
        let told = value.setattr("help", &help).and_then(|()| match value.hasattr("add_note")? {
            true => value.call_method1("add_note", (format!("help: {help}"),)).map(|_| ()),
            false => Ok(()),
        });
        told.err().unwrap_or(error)
    })
}

/// An error on its way to Python.
#[derive(Debug)]
pub struct Failure(PyErr);

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        failure.0
    }
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Failure(error)
    }
}

impl From<BindingError> for Failure {
    fn from(error: BindingError) -> Self {
        use BindingError as E;
        Failure(match &error {
            E::NoDirectory { .. } => raise::<DirectoryError>(&error),
            E::Closed { .. } => raise::<DeviceError>(&error),
            E::NoArray { .. } | E::ElementType { .. } | E::Shape { .. } | E::Empty => raise::<InputError>(&error),
        })
    }
}

impl From<SimError> for Failure {
    fn from(error: SimError) -> Self {
        Failure(match &error {
            SimError::Image { .. } => raise::<InputError>(&error),
            SimError::NoDevice { .. } | SimError::Artifacts(_) => raise::<DirectoryError>(&error),
            SimError::Device(source) if matches!(**source, host::DeviceError::Input { .. }) => {
                raise::<InputError>(&error)
            }
            _ => raise::<DeviceError>(&error),
        })
    }
}

macro_rules! classes {
    ($($error:ty => $class:ty),+ $(,)?) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Failure(raise::<$class>(&error))
            }
        }
    )+};
}

classes!(
    host::address::DeviceAddressError => AddressError,
    host::BusError => DeviceError,
    ArtifactsError => DirectoryError,
    FileError => ModelError,
    LowerError => ModelError,
    ReferenceError => ModelError,
);
