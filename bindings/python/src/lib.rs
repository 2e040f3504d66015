//! The Python module `xnorforge._native`; `python/xnorforge/` makes the package of it.
//!
//! Only conversions and lifetimes: what a device, an image or a score is, the other crates say.

mod arrays;
mod batches;
mod device;
mod error;
mod held;
mod network;

use pyo3::prelude::*;

#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::device::{Counters, Device, Statistics, open};
    #[pymodule_export]
    use crate::error::{AddressError, DeviceError, DirectoryError, Error, InputError, Interrupted, ModelError};
    #[pymodule_export]
    use crate::held::after_fork;
    #[pymodule_export]
    use crate::network::Network;
}
