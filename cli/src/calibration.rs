//! Images that a network is run on to choose the formats of its activations.

use crate::failure::Failure;
use crate::images;
use clap::Args;
use miette::Diagnostic;
use network::calibrate::{Activations, calibrate};
use network::graph::Graph;
use network::tensor::Tensor;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// How real activations become integers.
#[derive(Clone, Debug, Default, Args)]
pub struct Calibration {
    /// Turn activations that the model leaves real into fixed-point numbers, whose formats are chosen on these images:
    /// .npy as for `run --input`.
    #[arg(long, value_name = "X.npy")]
    calibrate: Option<PathBuf>,
    /// Bits of such activations, 2 to 16 [default: 8].
    #[arg(long, value_name = "N", requires = "calibrate", value_parser = clap::value_parser!(u32).range(2..=16))]
    calibrate_bits: Option<u32>,
}

/// A directory whose network is made of integers already.
#[derive(Debug, Error, Diagnostic)]
#[error("`--calibrate` must be given with an ONNX file, but {} is a directory, whose network consists of integers", path.display())]
#[diagnostic(
    code(xnorforge::calibrated_directory),
    help("leave out `--calibrate`; to choose other formats, compile the ONNX file again with it")
)]
pub struct CalibratedDirectory {
    /// The directory.
    path: PathBuf,
}

impl Calibration {
    /// The graph with fixed-point activations, or as it is where there are no images.
    ///
    /// # Errors
    /// Where the images cannot be read, or the graph cannot be run on them.
    pub fn apply(&self, graph: Graph) -> Result<Graph, Failure> {
        let Some(path) = &self.calibrate else {
            return Ok(graph);
        };
        let images = tensors(path, &graph, None)?;
        let activations =
            Activations { bits: self.calibrate_bits.unwrap_or(Activations::default().bits), ..Activations::default() };
        let count = graph.nodes.len();
        let mut calibrated = calibrate(&graph, &images, &activations)?;
        if calibrated.nodes.len() == count {
            calibrated.remarks.push("the model leaves no activation real: `--calibrate` changed nothing".into());
        }
        Ok(calibrated)
    }

    /// Checks that a directory is not to be calibrated.
    ///
    /// # Errors
    /// Where it is.
    pub fn refuse(&self, path: &Path) -> Result<(), CalibratedDirectory> {
        match self.calibrate {
            None => Ok(()),
            Some(_) => Err(CalibratedDirectory { path: path.to_owned() }),
        }
    }
}

/// The images of a file as inputs of a graph, at most `count`.
///
/// # Errors
/// Where the file holds no such images.
pub fn tensors(path: &Path, graph: &Graph, count: Option<usize>) -> Result<Vec<Tensor>, Failure> {
    let shape = &graph.value(graph.input).shape;
    let images = images::images(path, shape, count)?;
    let tensor = |image: Vec<f32>| Tensor::new(shape.clone(), image.into_iter().map(f64::from).collect());
    Ok(images.into_iter().map(tensor).collect())
}
