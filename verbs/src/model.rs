//! What a verb works on: an ONNX file, or a directory that `compile` wrote.

use crate::calibration::Calibration;
use crate::error::VerbError;
use crate::refusals::CalibratedDirectory;
use compiler::lower::lower;
use flow::artifacts::{self, Compiled};
use network::approximate::approximate;
use network::graph::{Graph, WeightTypes};
use network::network::Network;
use network::onnx;
use std::path::{Path, PathBuf};

/// A model, however it was given.
#[derive(Debug)]
pub enum Model {
    /// An imported file.
    Imported {
        /// The file.
        path: PathBuf,
        /// The imported graph.
        graph: Box<Graph>,
        /// The same in integers.
        network: Box<Network>,
    },
    /// A compiled directory.
    Compiled {
        /// The directory.
        folder: PathBuf,
        /// Its contents.
        compiled: Box<Compiled>,
    },
}

impl Model {
    /// Reads `path`: a directory, or else an ONNX file, whose real activations `calibration` turns into integers.
    ///
    /// # Errors
    /// Where it is neither, or has no exact integer form.
    pub fn open(path: &Path, calibration: Option<&Calibration>) -> Result<Self, VerbError> {
        if path.is_dir() {
            if calibration.is_some() {
                return Err(CalibratedDirectory { path: path.to_owned() }.into());
            }
            let compiled = Box::new(artifacts::read(path)?);
            return Ok(Model::Compiled { folder: path.to_owned(), compiled });
        }
        let graph = graph(path, calibration)?;
        let network = lower(&graph)?;
        Ok(Model::Imported { path: path.to_owned(), graph: Box::new(graph), network: Box::new(network) })
    }

    /// The types that the file declares for weights; a directory no longer has any.
    pub fn weight_types(&self) -> WeightTypes {
        match self {
            Model::Imported { graph, .. } => graph.weight_types.clone(),
            Model::Compiled { .. } => WeightTypes::new(),
        }
    }

    /// The network in integers.
    pub fn network(&self) -> &Network {
        match self {
            Model::Imported { network, .. } => network,
            Model::Compiled { compiled, .. } => &compiled.plan.network,
        }
    }
}

/// The graph of an ONNX file, with numbers that have an integer form.
///
/// # Errors
/// Where the file is none, or holds numbers that are not finite, or `calibration` cannot be done.
pub fn graph(path: &Path, calibration: Option<&Calibration>) -> Result<Graph, VerbError> {
    let graph = onnx::import(path)?;
    // Calibration comes first: it makes quantised values of what sums add.
    let graph = match calibration {
        None => graph,
        Some(calibration) => calibration.apply(graph)?,
    };
    Ok(approximate(graph)?)
}
