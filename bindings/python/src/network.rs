//! A network on the packed CPU engine.

use crate::batches::infer;
use crate::error::Failure;
use abi::maps::image_shape;
use compiler::lower::lower;
use flow::artifacts;
use network::approximate::approximate;
use network::file;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use sim::RunOptions;
use sim::packed::Packed;
use std::path::PathBuf;

/// A network on the CPU: a QONNX or TensorFlow Lite file, or a directory that `xnorforge compile` wrote.
#[pyclass(frozen, module = "xnorforge")]
pub struct Network {
    packed: Packed,
    /// Its name.
    #[pyo3(get)]
    name: String,
}

#[pymethods]
impl Network {
    #[new]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let packed = py.detach(|| -> Result<Packed, Failure> {
            Ok(match path.is_dir() {
                true => Packed::new(&artifacts::read(&path)?.plan.network),
                false => Packed::new(&lower(&approximate(file::import(&path)?)?)?),
            })
        })?;
        Ok(Network { name: packed.network().name.clone(), packed })
    }

    /// Runs the network on images and gives its outputs.
    fn infer<'py>(&self, py: Python<'py>, images: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let network = self.packed.network();
        infer(py, images, (&network.input_map, &network.output_map), |images, scores| {
            scores.extend(self.packed.run_all(&images, &RunOptions::default())?.scores);
            Ok(())
        })
    }

    /// Shape of an image without a batch axis.
    #[getter]
    fn input_shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, image_shape(&self.packed.network().input_map.shape))
    }

    /// Shape of an image's output.
    #[getter]
    fn output_shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.packed.network().output_map.shape)
    }

    fn __repr__(&self) -> String {
        let network = self.packed.network();
        let (input, output) = (image_shape(&network.input_map.shape), &network.output_map.shape);
        format!("<xnorforge.Network {}: {input:?} to {output:?}>", self.name)
    }
}
