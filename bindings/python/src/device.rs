//! Devices, real and simulated.

use crate::arrays;
use crate::batches::in_batches;
use crate::error::{BindingError, Failure};
use abi::maps::{Scores, image_shape};
use flow::artifacts;
use host::{Bus, DeviceAddress, DeviceError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use sim::{SimError, board};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A device, whatever bus leads to it.
trait Driven: Send {
    fn infer(&mut self, images: &[Vec<f32>]) -> Result<Vec<Scores>, DeviceError>;
    fn counters(&mut self) -> Result<host::device::Counters, DeviceError>;
    fn statistics(&self) -> host::Statistics;
}

impl<B: Bus + Send> Driven for host::Device<B> {
    fn infer(&mut self, images: &[Vec<f32>]) -> Result<Vec<Scores>, DeviceError> {
        self.infer(images, &mut |_| {})
    }

    fn counters(&mut self) -> Result<host::device::Counters, DeviceError> {
        self.counters()
    }

    fn statistics(&self) -> host::Statistics {
        self.statistics()
    }
}

/// An open device.
#[pyclass(frozen, module = "xnorforge")]
pub struct Device {
    /// `None` once it was closed.
    driven: Mutex<Option<Box<dyn Driven>>>,
    /// Where it is.
    #[pyo3(get)]
    address: String,
    /// Name of the network that it runs.
    #[pyo3(get)]
    network: String,
    /// Images that it holds at once.
    #[pyo3(get)]
    slots: usize,
    /// Its clock as it states it, in Hz.
    #[pyo3(get)]
    clock_hertz: u32,
    input_map: abi::InputMap,
    output_shape: Vec<usize>,
}

/// What a device has counted since it was reset.
#[pyclass(frozen, get_all, module = "xnorforge")]
pub struct Counters {
    /// Images handed over.
    submitted: u32,
    /// Answers ready.
    completed: u32,
    /// Clock cycles at work.
    cycles: u32,
    /// Bytes without a stop bit.
    line_errors: u32,
    /// Frames that came broken.
    frame_errors: u32,
}

/// What runs have taken since the device was opened.
#[pyclass(frozen, get_all, module = "xnorforge")]
pub struct Statistics {
    /// Images answered.
    images: u64,
    /// Seconds within which half of the images were answered.
    latency_p50: f64,
    /// Seconds within which 99 of 100 images were answered.
    latency_p99: f64,
    /// Frames sent once more, because the line lost something.
    repeated: u64,
}

/// Opens the device at `address` and checks that it runs the design of `directory`.
#[pyfunction]
#[pyo3(signature = (address, directory = None))]
pub fn open(py: Python<'_>, address: String, directory: Option<PathBuf>) -> PyResult<Device> {
    Ok(py.detach(|| Device::open(address, directory))?)
}

impl Device {
    fn open(address: String, directory: Option<PathBuf>) -> Result<Self, Failure> {
        if let Some(folder) = address.strip_prefix("sim:") {
            let folder = Path::new(folder);
            let compiled = artifacts::read(directory.as_deref().unwrap_or(folder))?;
            let device = board::open(folder, &compiled)?;
            return Ok(Device::new(address, device, &compiled.manifest));
        }
        let place: DeviceAddress = address.parse()?;
        let directory = directory.ok_or_else(|| BindingError::NoDirectory { address: address.clone() })?;
        let manifest = artifacts::read_manifest(&directory)?;
        // A design for no board has no UART; a card needs none.
        if let DeviceAddress::Uart(_) = place {
            board::device_of(&manifest)?;
        }
        let bus = place.open_bus(&manifest)?;
        let device = host::Device::open(bus, &manifest).map_err(SimError::from)?;
        Ok(Device::new(address, device, &manifest))
    }

    fn new(
        address: String,
        device: host::Device<impl Bus + Send + 'static>,
        manifest: &abi::manifest::Manifest,
    ) -> Self {
        Device {
            address,
            network: manifest.network.clone(),
            slots: device.slots(),
            clock_hertz: device.clock_hertz(),
            input_map: manifest.input_map.clone(),
            output_shape: manifest.output_map.shape.clone(),
            driven: Mutex::new(Some(Box::new(device))),
        }
    }

    /// The device for one thread at a time. What a panic left behind, the next run resets.
    fn lock(&self) -> MutexGuard<'_, Option<Box<dyn Driven>>> {
        self.driven.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `body` with the device, if it is open.
    fn with<T>(&self, body: impl FnOnce(&mut dyn Driven) -> Result<T, DeviceError>) -> Result<T, Failure> {
        match self.lock().as_mut() {
            Some(driven) => Ok(body(driven.as_mut()).map_err(SimError::from)?),
            None => Err(BindingError::Closed { address: self.address.clone() }.into()),
        }
    }
}

#[pymethods]
impl Device {
    /// Runs images and gives the network's outputs.
    fn infer<'py>(&self, py: Python<'py>, images: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let images = arrays::images(py, images, &self.input_map)?;
        let scores = in_batches(py, &images, |images| self.with(|device| device.infer(images)))?;
        arrays::outputs(py, &scores, &self.output_shape)
    }

    /// What the device has counted.
    fn counters(&self, py: Python<'_>) -> PyResult<Counters> {
        let counters = py.detach(|| self.with(|device| device.counters()))?;
        let host::device::Counters { submitted, completed, cycles, line_errors, frame_errors, is_busy: _ } = counters;
        Ok(Counters { submitted, completed, cycles, line_errors, frame_errors })
    }

    /// What runs have taken since the device was opened.
    #[getter]
    fn statistics(&self, py: Python<'_>) -> PyResult<Statistics> {
        let host::Statistics { images, latency_p50, latency_p99, line } =
            py.detach(|| self.with(|device| Ok(device.statistics())))?;
        let (latency_p50, latency_p99) = (latency_p50.as_secs_f64(), latency_p99.as_secs_f64());
        Ok(Statistics { images, latency_p50, latency_p99, repeated: line.repeated })
    }

    /// Gives the line back. A device that is closed already stays closed.
    fn close(&self, py: Python<'_>) {
        py.detach(|| *self.lock() = None);
    }

    /// Whether [`close`](Self::close) was called.
    #[getter]
    fn closed(&self, py: Python<'_>) -> bool {
        py.detach(|| self.lock().is_none())
    }

    /// Shape of an image without a batch axis.
    #[getter]
    fn input_shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, image_shape(&self.input_map.shape))
    }

    /// Shape of an image's output.
    #[getter]
    fn output_shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.output_shape)
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (_kind, _error, _traceback, /))]
    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: &Bound<'_, PyAny>,
        _error: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) {
        self.close(py);
    }

    fn __repr__(&self) -> String {
        format!("<xnorforge.Device {} at {}>", self.network, self.address)
    }
}
