//! Model files of any format that is read.

use crate::graph::Graph;
use crate::onnx::Explanation;
use crate::{onnx, tflite};
use miette::Diagnostic;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use thiserror::Error;

/// Why a model file cannot be imported.
#[derive(Debug, Error, Diagnostic)]
pub enum FileError {
    /// It is an ONNX file, or none that is known.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Onnx(#[from] Box<onnx::ImportError>),
    /// It is a TensorFlow Lite file.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Tflite(#[from] Box<tflite::TfliteError>),
}

/// Reads the model in a file: TensorFlow Lite's where its name or its first bytes say so, else ONNX.
///
/// # Errors
/// Where the file is not a model, or the model cannot be represented.
pub fn import(path: &Path) -> Result<Graph, FileError> {
    if is_tflite(path) {
        return tflite::import(path).map_err(|error| Box::new(error).into());
    }
    onnx::import(path).map_err(|error| Box::new(error).into())
}

/// Looks at each node of the model in a file, as [`import`] reads it.
///
/// # Errors
/// Where the file is not a model.
pub fn explain(path: &Path) -> Result<Explanation<FileError>, FileError> {
    if is_tflite(path) {
        let explanation = tflite::explain(path).map_err(Box::new)?;
        return Ok(explanation.map_err(|error| Box::new(error).into()));
    }
    let explanation = onnx::explain(path).map_err(Box::new)?;
    Ok(explanation.map_err(|error| Box::new(error).into()))
}

fn is_tflite(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "tflite") || begins_as_tflite(path)
}

fn begins_as_tflite(path: &Path) -> bool {
    let mut first = Vec::new();
    let read = File::open(path).and_then(|file| file.take(8).read_to_end(&mut first));
    read.is_ok() && tflite::is_tflite(&first)
}
