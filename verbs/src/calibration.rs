//! Images that a network is run on to choose the formats of its activations.

use crate::error::VerbError;
use crate::images;
use network::calibrate::{Activations, calibrate};
use network::graph::Graph;
use network::tensor::Tensor;
use std::path::{Path, PathBuf};

/// How real activations become integers.
#[derive(Clone, Debug)]
pub struct Calibration {
    /// Images that the formats are chosen on: an `.npy` file.
    pub images: PathBuf,
    /// Bits of the activations, 2 to 16; without them the default of [`Activations`].
    pub bits: Option<u32>,
}

impl Calibration {
    /// The graph with fixed-point activations.
    ///
    /// # Errors
    /// Where the images cannot be read, or the graph cannot be run on them.
    pub fn apply(&self, graph: Graph) -> Result<Graph, VerbError> {
        let images = tensors(&self.images, &graph, None)?;
        let activations =
            Activations { bits: self.bits.unwrap_or(Activations::default().bits), ..Activations::default() };
        let count = graph.nodes.len();
        let mut calibrated = calibrate(&graph, &images, &activations)?;
        if calibrated.nodes.len() == count {
            calibrated.remarks.push("the model leaves no activation real: `--calibrate` changed nothing".into());
        }
        Ok(calibrated)
    }
}

/// The images of a file as inputs of a graph, at most `count`.
///
/// # Errors
/// Where the file holds no such images.
pub(crate) fn tensors(path: &Path, graph: &Graph, count: Option<usize>) -> Result<Vec<Tensor>, VerbError> {
    let shape = &graph.value(graph.input).shape;
    let images = images::images(path, shape, count)?;
    let tensor = |image: Vec<f32>| Tensor::new(shape.clone(), image.into_iter().map(f64::from).collect());
    Ok(images.into_iter().map(tensor).collect())
}
