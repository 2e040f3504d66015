//! Devices, real and simulated.

use crate::batches::infer;
use crate::error::{BindingError, Failure};
use crate::held::{Driven, Held};
use abi::manifest::Manifest;
use abi::maps::image_shape;
use abi::{InputMap, OutputMap};
use flow::artifacts;
use host::{Bus, DeviceAddress};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use sim::{SimError, board};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An open device.
#[pyclass(frozen, module = "xnorforge")]
pub struct Device {
    held: Arc<Held>,
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
    input_map: InputMap,
    output_map: OutputMap,
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
    let opened = py.detach(|| Opened::new(&address, directory))?;
    Ok(opened.device(py, address))
}

/// A device that nothing of Python's holds yet.
struct Opened {
    driven: Box<dyn Driven>,
    slots: usize,
    clock_hertz: u32,
    manifest: Manifest,
}

impl Opened {
    fn new(address: &str, directory: Option<PathBuf>) -> Result<Self, Failure> {
        if let Some(folder) = address.strip_prefix("sim:") {
            let folder = Path::new(folder);
            let compiled = artifacts::read(directory.as_deref().unwrap_or(folder))?;
            return Ok(Opened::of(board::open(folder, &compiled)?, compiled.manifest));
        }
        let place: DeviceAddress = address.parse()?;
        let directory = directory.ok_or_else(|| BindingError::NoDirectory { address: address.to_owned() })?;
        let manifest = artifacts::read_manifest(&directory)?;
        // A design for no board has no UART; a card needs none.
        if let DeviceAddress::Uart(_) = place {
            board::device_of(&manifest)?;
        }
        let bus = place.open_bus(&manifest)?;
        let device = host::Device::open(bus, &manifest).map_err(SimError::from)?;
        Ok(Opened::of(device, manifest))
    }

    fn of(device: host::Device<impl Bus + Send + 'static>, manifest: Manifest) -> Self {
        Opened { slots: device.slots(), clock_hertz: device.clock_hertz(), driven: Box::new(device), manifest }
    }

    fn device(self, py: Python<'_>, address: String) -> Device {
        let Opened { driven, slots, clock_hertz, manifest } = self;
        let held = Held::new(py, address.clone(), driven);
        let Manifest { network, input_map, output_map, .. } = manifest;
        Device { held, address, network, slots, clock_hertz, input_map, output_map }
    }
}

#[pymethods]
impl Device {
    /// Runs images and gives the network's outputs.
    fn infer<'py>(&self, py: Python<'py>, images: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        infer(py, images, (&self.input_map, &self.output_map), |images, scores| self.held.infer(images, scores))
    }

    /// What the device has counted.
    fn counters(&self, py: Python<'_>) -> PyResult<Counters> {
        let counters = py.detach(|| self.held.with(|device| device.counters()))?;
        let host::device::Counters { submitted, completed, cycles, line_errors, frame_errors, is_busy: _ } = counters;
        Ok(Counters { submitted, completed, cycles, line_errors, frame_errors })
    }

    /// What runs have taken since the device was opened.
    #[getter]
    fn statistics(&self, py: Python<'_>) -> PyResult<Statistics> {
        let host::Statistics { images, latency_p50, latency_p99, line } =
            py.detach(|| self.held.with(|device| Ok(device.statistics())))?;
        let (latency_p50, latency_p99) = (latency_p50.as_secs_f64(), latency_p99.as_secs_f64());
        Ok(Statistics { images, latency_p50, latency_p99, repeated: line.repeated })
    }

    /// Gives the line back, after the image in work. A device that is closed already stays closed.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.held.close());
    }

    /// Whether [`close`](Self::close) was called, or this process was forked from the one that opened it.
    #[getter]
    fn closed(&self) -> bool {
        self.held.is_closed()
    }

    /// Shape of an image without a batch axis.
    #[getter]
    fn input_shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, image_shape(&self.input_map.shape))
    }

    /// Shape of an image's output.
    #[getter]
    fn output_shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.output_map.shape)
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
