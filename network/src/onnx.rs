//! QONNX and ONNX files.
//!
//! [`import`] goes by what a graph means, not by what one exporter writes: shapes are inferred here, whatever the
//! file says about inner tensors; what computes or moves constants is folded; what does not contribute to the
//! output is left out. [`export`] writes a graph so that it is imported again as it was.

pub mod proto;

mod batch;
mod builder;
mod data_type;
mod error;
mod explanation;
mod export;
mod foreign;
pub(crate) mod names;
mod node;
mod operators;
mod order;
mod patches;
mod refusals;
mod tensor_data;

mod import;

pub use error::{ImportError, Place};
pub use explanation::{Explanation, FileNode, Outcome};
pub use export::{ExportError, export};

use crate::graph::Graph;
use prost::bytes::Bytes;
use std::path::Path;

/// Reads the model in a file. Weights that the file keeps in other files are looked up in its folder.
///
/// # Errors
/// Where the file is not a model, or the model cannot be represented.
pub fn import(path: &Path) -> Result<Graph, ImportError> {
    explain(path)?.graph
}

/// Whether a path is the directory of a TensorFlow SavedModel, which [`import`] refuses by its name.
pub fn is_saved_model(path: &Path) -> bool {
    foreign::is_saved_model(path)
}

/// As [`import`], with what became of each node of the file.
///
/// # Errors
/// Where the file is not a model, whose nodes could be looked at.
pub fn explain(path: &Path) -> Result<Explanation<ImportError>, ImportError> {
    if let Some(refusal) = foreign::folder(path) {
        return Err(refusal);
    }
    let bytes = std::fs::read(path)
        .map_err(|error| ImportError::Unreadable { path: path.into(), reason: error.to_string() })?;
    let bytes = Bytes::from(bytes);
    let name = path.file_stem().map_or("model".into(), |stem| stem.to_string_lossy());
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    import::explained(bytes.clone(), Some(folder), &name).map_err(|error| foreign::refusal(path, &bytes, error))
}

/// Reads a model from memory. `folder` is where weights in other files are looked up, `name` the name of the model
/// in messages and, where the file gives none, in the graph.
///
/// # Errors
/// As [`import`].
pub fn import_bytes(bytes: &[u8], folder: Option<&Path>, name: &str) -> Result<Graph, ImportError> {
    import::model(Bytes::copy_from_slice(bytes), folder, name)
}
