//! NumPy arrays in and out, by NumPy's own methods: any version of it will do.

use crate::error::{BindingError, Failure};
use abi::InputMap;
use abi::maps::{Scores, check_finite, image_shape, is_shape_of_images};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyTuple};
use sim::SimError;

/// The element types that images may have.
const ELEMENT_TYPES: [&str; 3] = ["uint8", "int8", "float32"];

/// The images of `array`, each in the row-major order of the input shape of `map`.
pub fn images(py: Python<'_>, array: &Bound<'_, PyAny>, map: &InputMap) -> Result<Vec<Vec<f32>>, Failure> {
    let array = py.import("numpy")?.call_method1("asarray", (array,)).map_err(|error| {
        let reason = error.value(py).to_string();
        BindingError::NoArray { reason }
    })?;
    let found: String = array.getattr("dtype")?.getattr("name")?.extract()?;
    if !ELEMENT_TYPES.contains(&found.as_str()) {
        return Err(BindingError::ElementType { found }.into());
    }
    let found: Vec<usize> = array.getattr("shape")?.extract()?;
    if !is_shape_of_images(&found, &map.shape) {
        let expected: Vec<String> = image_shape(&map.shape).iter().map(usize::to_string).collect();
        return Err(BindingError::Shape { expected: expected.join(", "), found }.into());
    }
    // Exact for all three types, and in row-major order whatever the strides and the byte order are.
    let bytes = array.call_method1("astype", ("float32",))?.call_method0("tobytes")?.cast_into::<PyBytes>();
    let bytes = bytes.map_err(PyErr::from)?;
    let (values, _) = bytes.as_bytes().as_chunks();
    let values: Vec<f32> = values.iter().map(|value| f32::from_ne_bytes(*value)).collect();
    let images: Vec<Vec<f32>> = values.chunks_exact(map.len().max(1)).map(<[f32]>::to_vec).collect();
    if images.is_empty() {
        return Err(BindingError::Empty.into());
    }
    for (image, values) in images.iter().enumerate() {
        check_finite(values).map_err(|source| SimError::Image { image, source })?;
    }
    Ok(images)
}

/// The outputs of all images, each of shape `shape`, as one array: float32 scores or int64 indices.
pub fn outputs<'py>(py: Python<'py>, scores: &[Scores], shape: &[usize]) -> PyResult<Bound<'py, PyAny>> {
    let (bytes, element): (Vec<u8>, _) = match Scores::concat(scores) {
        Scores::Values(values) => (values.iter().flat_map(|value| value.to_ne_bytes()).collect(), "float32"),
        Scores::Indices(indices) => (indices.iter().flat_map(|index| index.to_ne_bytes()).collect(), "int64"),
    };
    let whole = PyTuple::new(py, std::iter::once(scores.len()).chain(shape.iter().copied()).collect::<Vec<_>>())?;
    // An array over a bytearray can be written to, one over bytes cannot.
    let flat = py.import("numpy")?.call_method1("frombuffer", (PyByteArray::new(py, &bytes), element))?;
    flat.call_method1("reshape", (whole,))
}
