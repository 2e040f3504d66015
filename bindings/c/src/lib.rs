//! The host runtime for C: `include/xnorforge.h`, written by cbindgen from this file.
//!
//! Every function checks what it is given, no panic leaves it, and an error is
//! kept for its thread until the next call there.

#![allow(unsafe_code)]

mod error;

use abi::manifest::Manifest;
use error::{CallError, answer};
pub use error::{Status, xnorforge_error_help, xnorforge_error_message};
use host::{Bus, Device, DeviceAddress};
use std::ffi::{CStr, c_char};
use std::fs;
use std::path::Path;

/// An open device. One thread at a time may use it, of the process that opened it.
///
/// A fork copies it for the other process too. There `xnorforge_infer` refuses it with `XNORFORGE_STATUS_DEVICE` and reaches
/// nothing; `xnorforge_close` gives up the copy without a word to the device. A copy that stays open can keep the parent from
/// opening the device again. Where the other process is to use a device, it opens one after the fork.
pub struct OpenDevice {
    device: Device<Box<dyn Bus + Send>>,
    /// Numbers of one image.
    input_values: usize,
    /// Numbers of one image's output.
    output_values: usize,
    gives_indices: bool,
}

/// Opens the device at `address` ("uart:PATH[@BAUD]", "pcie:BDF" or "pcie:FILE"), checks that it runs the design of the
/// manifest.json at `manifest_path`, and writes it to `*device`, which is NULL where that fails.
///
/// # Safety
/// Both texts end with a zero byte, and `device` points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xnorforge_open(
    address: *const c_char,
    manifest_path: *const c_char,
    device: *mut *mut OpenDevice,
) -> Status {
    answer(|| {
        if device.is_null() {
            return Err(CallError::Null { argument: "device" });
        }
        // SAFETY: it is not null, and by this function's contract a pointer may be written there.
        unsafe { device.write(std::ptr::null_mut()) };
        // SAFETY: by this function's contract both are texts that end with a zero byte, if they are not null.
        let (address, path) = unsafe { (text("address", address)?, text("manifest_path", manifest_path)?) };
        let opened = Box::new(OpenDevice::open(address, Path::new(path))?);
        // SAFETY: as above.
        unsafe { device.write(Box::into_raw(opened)) };
        Ok(())
    })
}

/// Runs `count` images and writes their outputs.
///
/// `images` has `count` times `xnorforge_input_values` numbers, each image in the row-major order of the model's input
/// shape. `scores` gets `count` times `xnorforge_output_values` numbers; they are indices of classes where
/// `xnorforge_gives_indices` says so. Where the call fails, `scores` is as it was.
///
/// # Safety
/// `device` comes from `xnorforge_open` and was not closed; `images` can be read and `scores` written in full, and they
/// do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xnorforge_infer(
    device: *mut OpenDevice,
    images: *const f32,
    count: usize,
    scores: *mut f32,
) -> Status {
    answer(|| {
        // SAFETY: by this function's contract it leads to an open device that no other thread uses, if it is not null.
        let device = unsafe { device.as_mut() }.ok_or(CallError::Null { argument: "device" })?;
        let input = extent("images", images, count, device.input_values)?;
        let output = extent("scores", scores, count, device.output_values)?;
        if count == 0 {
            return Ok(());
        }
        // SAFETY: not null, aligned, not longer than memory can be, and by this function's contract there to be read.
        let values = unsafe { std::slice::from_raw_parts(images, input) };
        let found = device.infer(values, output)?;
        // SAFETY: `found` has `output` numbers; `scores` is not null, aligned, and by this function's contract has room for
        // as many.
        unsafe { scores.copy_from_nonoverlapping(found.as_ptr(), output) };
        Ok(())
    })
}

/// Numbers of one image, 0 where `device` is NULL.
///
/// # Safety
/// `device` comes from `xnorforge_open` and was not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xnorforge_input_values(device: *const OpenDevice) -> usize {
    // SAFETY: by this function's contract it leads to an open device, if it is not null.
    unsafe { device.as_ref() }.map_or(0, |device| device.input_values)
}

/// Numbers of one image's output, 0 where `device` is NULL.
///
/// # Safety
/// `device` comes from `xnorforge_open` and was not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xnorforge_output_values(device: *const OpenDevice) -> usize {
    // SAFETY: by this function's contract it leads to an open device, if it is not null.
    unsafe { device.as_ref() }.map_or(0, |device| device.output_values)
}

/// Whether the outputs are indices of classes and no scores; false where `device` is NULL.
///
/// # Safety
/// `device` comes from `xnorforge_open` and was not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xnorforge_gives_indices(device: *const OpenDevice) -> bool {
    // SAFETY: by this function's contract it leads to an open device, if it is not null.
    unsafe { device.as_ref() }.is_some_and(|device| device.gives_indices)
}

/// Closes the device; does nothing where it is NULL. The pointer must not be used afterwards. In a forked process, only
/// its copy is given up; none that another thread used at the fork may be.
///
/// # Safety
/// `device` comes from `xnorforge_open` and was not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xnorforge_close(device: *mut OpenDevice) {
    if device.is_null() {
        return;
    }
    // SAFETY: by this function's contract `xnorforge_open` made it from such a box, and nobody has taken it back.
    let device = unsafe { Box::from_raw(device) };
    answer(|| {
        drop(device);
        Ok(())
    });
}

impl OpenDevice {
    fn open(address: &str, path: &Path) -> Result<Self, CallError> {
        let address: DeviceAddress = address.parse()?;
        let text = fs::read_to_string(path).map_err(|error| CallError::manifest(path, error))?;
        let manifest: Manifest = serde_json::from_str(&text).map_err(|error| CallError::manifest(path, error))?;
        let device = Device::open(address.open_bus(&manifest)?, &manifest)?;
        Ok(OpenDevice {
            device,
            input_values: manifest.input_map.len(),
            output_values: manifest.output_map.shape.iter().product(),
            gives_indices: manifest.output_map.gives_indices(),
        })
    }

    /// The outputs of the images that `values` holds one after the other: `output` numbers.
    fn infer(&mut self, values: &[f32], output: usize) -> Result<Vec<f32>, CallError> {
        let images: Vec<Vec<f32>> = values.chunks(self.input_values.max(1)).map(<[f32]>::to_vec).collect();
        let scores = self.device.infer(&images, &mut |_| {})?;
        let found: Vec<f32> = scores.iter().flat_map(abi::maps::Scores::numbers).collect();
        // The caller made room by the manifest's shape, which nothing has compared with the answers yet.
        match found.len() == output {
            true => Ok(found),
            false => Err(CallError::Outputs { expected: output, found: found.len() }),
        }
    }
}

/// Numbers of `count` images of `values` each at `pointer`.
fn extent(argument: &'static str, pointer: *const f32, count: usize, values: usize) -> Result<usize, CallError> {
    if count > 0 && pointer.is_null() {
        return Err(CallError::Null { argument });
    }
    if !pointer.is_aligned() {
        return Err(CallError::NotAligned { argument });
    }
    let most = isize::MAX as usize / size_of::<f32>();
    let numbers = count.checked_mul(values).filter(|numbers| *numbers <= most);
    numbers.ok_or(CallError::TooMany { argument, count, values })
}

/// The text at `pointer`.
///
/// # Safety
/// Where it is not null, a text that ends with a zero byte stands there for as long as it is used.
unsafe fn text<'a>(argument: &'static str, pointer: *const c_char) -> Result<&'a str, CallError> {
    if pointer.is_null() {
        return Err(CallError::Null { argument });
    }
    // SAFETY: it is not null, and by this function's contract a text that ends with a zero byte.
    unsafe { CStr::from_ptr(pointer) }.to_str().map_err(|_| CallError::NotUtf8 { argument })
}
