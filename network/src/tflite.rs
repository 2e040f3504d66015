//! TensorFlow Lite files with quantised operators.
//!
//! [`import`] makes the graph that TensorFlow Lite's *reference kernels* compute: integer sums, fixed-point factors with
//! both of their roundings, limits ([`Kernel`](crate::kernel::Kernel)). Files keep channels behind pixels; operators that
//! look at pixels read them before (`[1, channels, height, width]`), as graphs do.

mod error;
mod flatbuffer;
mod import;
mod importer;
mod names;
mod operators;
mod schema;
mod values;

pub use error::{Place, TfliteError};

use crate::graph::Graph;
use crate::onnx::Explanation;
use std::path::Path;

/// Where the four letters stand that say what a flatbuffer holds.
const IDENTIFIER: std::ops::Range<usize> = 4..8;

/// Whether bytes say that they are a TensorFlow Lite file.
pub fn is_tflite(bytes: &[u8]) -> bool {
    bytes.get(IDENTIFIER) == Some(b"TFL3")
}

/// Reads the model in a file.
///
/// # Errors
/// Where the file is not a model, or the model cannot be represented.
pub fn import(path: &Path) -> Result<Graph, TfliteError> {
    let (bytes, name) = read(path)?;
    import_bytes(&bytes, &name)
}

/// The bytes of a file, and the name of the model in it.
fn read(path: &Path) -> Result<(Vec<u8>, String), TfliteError> {
    let bytes = std::fs::read(path)
        .map_err(|error| TfliteError::Unreadable { path: path.into(), reason: error.to_string() })?;
    Ok((bytes, path.file_stem().map_or("model".into(), |stem| stem.to_string_lossy().into_owned())))
}

/// What becomes of each operator of the model in a file, and the graph or what stands in the way of one.
///
/// # Errors
/// Where the file cannot be read.
pub fn explain(path: &Path) -> Result<Explanation<TfliteError>, TfliteError> {
    let (bytes, name) = read(path)?;
    let mut nodes = Vec::new();
    let graph = import::explained(&bytes, &name, &mut nodes);
    Ok(Explanation { nodes, graph })
}

/// Reads a model from memory. `name` is the graph's name, and the model's in messages.
///
/// # Errors
/// As [`import`].
pub fn import_bytes(bytes: &[u8], name: &str) -> Result<Graph, TfliteError> {
    import::model(bytes, name)
}
