//! A network on the packed CPU engine.

use crate::arrays;
use crate::batches::in_batches;
use crate::error::Failure;
use abi::maps::image_shape;
use compiler::lower::lower;
use flow::artifacts;
use network::approximate::approximate;
use network::onnx;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use sim::packed::Packed;
use sim::{Executor, RunOptions};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// A network on the CPU: a QONNX file, or a directory that `xnorforge compile` wrote.
#[pyclass(frozen, module = "xnorforge")]
pub struct Network {
    packed: Mutex<Packed>,
    /// Its name.
    #[pyo3(get)]
    name: String,
    input_map: abi::InputMap,
    output_shape: Vec<usize>,
}

#[pymethods]
impl Network {
    #[new]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let packed = py.detach(|| -> Result<Packed, Failure> {
            Ok(match path.is_dir() {
                true => Packed::new(&artifacts::read(&path)?.plan.network),
                false => Packed::new(&lower(&approximate(onnx::import(&path)?)?)?),
            })
        })?;
        let network = packed.network();
        Ok(Network {
            name: network.name.clone(),
            input_map: network.input_map.clone(),
            output_shape: network.output_map.shape.clone(),
            packed: Mutex::new(packed),
        })
    }

    /// Runs the network on images and gives its outputs.
    fn infer<'py>(&self, py: Python<'py>, images: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let images = arrays::images(py, images, &self.input_map)?;
        let scores = in_batches(py, &images, |images| {
            // A panic of another thread leaves nothing half done that the next run reads.
            let mut packed = self.packed.lock().unwrap_or_else(PoisonError::into_inner);
            packed.run(images, &RunOptions::default()).map(|run| run.scores)
        })?;
        arrays::outputs(py, &scores, &self.output_shape)
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

    fn __repr__(&self) -> String {
        format!(
            "<xnorforge.Network {}: {:?} to {:?}>",
            self.name,
            image_shape(&self.input_map.shape),
            self.output_shape
        )
    }
}
