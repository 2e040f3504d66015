//! NumPy arrays in and out, by NumPy's own methods: any version of it will do.

use crate::error::{BindingError, Failure};
use abi::maps::{MapError, check_finite, image_shape, is_shape_of_images};
use abi::{InputMap, OutputMap, maps::Scores};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict, PySlice, PyTuple};
use std::ops::Range;

/// The element types that images may have.
#[derive(Clone, Copy, Debug)]
enum Element {
    Uint8,
    Int8,
    Float32,
}

impl Element {
    fn of(name: &str) -> Option<Self> {
        match name {
            "uint8" => Some(Element::Uint8),
            "int8" => Some(Element::Int8),
            "float32" => Some(Element::Float32),
            _ => None,
        }
    }

    /// The values of `bytes`, exact for all three types.
    fn values(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Element::Uint8 => bytes.iter().map(|byte| f32::from(*byte)).collect(),
            Element::Int8 => bytes.iter().map(|byte| f32::from(byte.cast_signed())).collect(),
            Element::Float32 => bytes.as_chunks().0.iter().map(|value| f32::from_ne_bytes(*value)).collect(),
        }
    }
}

/// The images of an array, which are copied a batch at a time.
pub struct Images<'py> {
    array: Bound<'py, PyAny>,
    element: Element,
    /// Number of images, at least 1.
    pub count: usize,
    /// Values of an image.
    pub values: usize,
}

impl<'py> Images<'py> {
    /// Those of `array`, each in the row-major order of the input shape of `map`.
    pub fn new(py: Python<'py>, array: &Bound<'py, PyAny>, map: &InputMap) -> Result<Self, Failure> {
        let array = py.import("numpy")?.call_method1("asarray", (array,)).map_err(|error| {
            let reason = error.value(py).to_string();
            BindingError::NoArray { reason }
        })?;
        // Another thread may set the shape of the array that it gave, but not of this one.
        let array = array.call_method0("view")?;
        let found: String = array.getattr("dtype")?.getattr("name")?.extract()?;
        let element = Element::of(&found).ok_or(BindingError::ElementType { found })?;
        let found: Vec<usize> = array.getattr("shape")?.extract()?;
        if !is_shape_of_images(&found, &map.shape) {
            let expected: Vec<String> = image_shape(&map.shape).iter().map(usize::to_string).collect();
            return Err(BindingError::Shape { expected: expected.join(", "), found }.into());
        }
        match found.first() {
            Some(count) if *count > 0 => Ok(Images { array, element, count: *count, values: map.len() }),
            _ => Err(BindingError::Empty.into()),
        }
    }

    /// Copies the images `range`.
    pub fn batch(&self, range: Range<usize>) -> PyResult<Batch> {
        let py = self.array.py();
        let slice = PySlice::new(py, range.start.cast_signed(), range.end.cast_signed(), 1);
        let mut array = self.array.get_item(slice)?;
        if let Element::Float32 = self.element {
            // In the byte order of this machine.
            let options = PyDict::new(py);
            options.set_item("copy", false)?;
            array = array.call_method("astype", ("float32",), Some(&options))?;
        }
        // In row-major order whatever the strides are.
        let bytes = array.call_method0("tobytes")?.cast_into::<PyBytes>()?;
        Ok(Batch { bytes: bytes.into(), element: self.element, values: self.values, first: range.start })
    }
}

/// Some images of an array as NumPy copied them. Reading them needs no interpreter.
pub struct Batch {
    bytes: PyBackedBytes,
    element: Element,
    values: usize,
    first: usize,
}

impl Batch {
    /// The images up to the first one that is none, with what is wrong there.
    pub fn images(&self) -> (Vec<Vec<f32>>, Option<(usize, MapError)>) {
        let values = self.element.values(&self.bytes);
        let mut images = Vec::new();
        for (index, image) in values.chunks_exact(self.values.max(1)).enumerate() {
            if let Err(error) = check_finite(image) {
                return (images, Some((self.first + index, error)));
            }
            images.push(image.to_vec());
        }
        (images, None)
    }
}

/// The outputs of many images as one array: float32 scores, or int64 indices.
pub struct Outputs<'py> {
    array: Bound<'py, PyAny>,
    element: &'static str,
    /// Shape of one image's.
    shape: Vec<usize>,
    /// Images whose outputs are there.
    pub done: usize,
}

impl<'py> Outputs<'py> {
    /// Room for those of `count` images.
    pub fn new(py: Python<'py>, count: usize, map: &OutputMap) -> PyResult<Self> {
        let element = if map.gives_indices() { "int64" } else { "float32" };
        let shape = map.shape.clone();
        let whole = PyTuple::new(py, std::iter::once(count).chain(shape.iter().copied()).collect::<Vec<_>>())?;
        let array = py.import("numpy")?.call_method1("empty", (whole, element))?;
        Ok(Outputs { array, element, shape, done: 0 })
    }

    /// Takes those of the next `count` images, as [`bytes`] made them.
    pub fn push(&mut self, count: usize, bytes: &[u8]) -> PyResult<()> {
        let py = self.array.py();
        let flat = py.import("numpy")?.call_method1("frombuffer", (PyBytes::new(py, bytes), self.element))?;
        let shape: Vec<usize> = std::iter::once(count).chain(self.shape.iter().copied()).collect();
        let outputs = flat.call_method1("reshape", (PyTuple::new(py, shape)?,))?;
        let (start, end) = (self.done.cast_signed(), (self.done + count).cast_signed());
        self.array.set_item(PySlice::new(py, start, end, 1), outputs)?;
        self.done += count;
        Ok(())
    }

    /// The array: of the images that are done.
    pub fn array(self) -> PyResult<Bound<'py, PyAny>> {
        let all: usize = self.array.len()?;
        match self.done == all {
            true => Ok(self.array),
            // A copy, which does not keep the room for the others.
            false => {
                let done = PySlice::new(self.array.py(), 0, self.done.cast_signed(), 1);
                self.array.get_item(done)?.call_method0("copy")
            }
        }
    }
}

/// The outputs of images one after the other, as an array holds them.
pub fn bytes(scores: &[Scores]) -> Vec<u8> {
    match Scores::concat(scores) {
        Scores::Values(values) => values.iter().flat_map(|value| value.to_ne_bytes()).collect(),
        Scores::Indices(indices) => indices.iter().flat_map(|index| index.to_ne_bytes()).collect(),
    }
}
