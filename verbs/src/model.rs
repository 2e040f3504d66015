//! What a verb works on: an ONNX or TensorFlow Lite file, or a directory that `compile` wrote.

use crate::error::VerbError;
use crate::preparation::Preparation;
use crate::refusals::CalibratedDirectory;
use abi::manifest::Manifest;
use abi::{InputMap, OutputMap};
use compiler::lower::lower;
use flow::artifacts::{self, Compiled};
use host::device::check_manifest;
use network::approximate::approximate;
use network::file;
use network::graph::{Graph, WeightTypes};
use network::network::Network;
use network::onnx::is_saved_model;
use sim::SimError;
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
    /// Reads `path`: a directory, or else a model file, whose graph is prepared first.
    ///
    /// # Errors
    /// Where it is neither, or has no exact integer form.
    pub fn open(path: &Path, preparation: &Preparation) -> Result<Self, VerbError> {
        if is_directory(path) {
            if !preparation.is_empty() {
                return Err(CalibratedDirectory { path: path.to_owned() }.into());
            }
            let compiled = Box::new(artifacts::read(path)?);
            return Ok(Model::Compiled { folder: path.to_owned(), compiled });
        }
        let graph = graph(path, preparation)?;
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

/// What a verb runs: a model, or for a device what a directory says of its design, whichever version made that.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject<'a> {
    /// A model.
    Model(&'a Model),
    /// The manifest of a directory.
    Manifest(&'a Manifest),
}

/// The ends of a network, which images go into and scores come out of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends<'a> {
    pub(crate) name: &'a str,
    pub(crate) input_map: &'a InputMap,
    pub(crate) output_map: &'a OutputMap,
    /// Number of classes, where that is known.
    pub(crate) classes: Option<usize>,
}

impl<'a> Subject<'a> {
    /// Its ends.
    pub(crate) fn ends(self) -> Ends<'a> {
        match self {
            Subject::Model(model) => {
                let network = model.network();
                Ends {
                    name: &network.name,
                    input_map: &network.input_map,
                    output_map: &network.output_map,
                    classes: Some(network.classes()),
                }
            }
            Subject::Manifest(manifest) => {
                let scores = manifest.output_stream.elements_per_image();
                let classes = manifest.output_map.classes(scores);
                let Manifest { network: name, input_map, output_map, .. } = manifest;
                Ends { name, input_map, output_map, classes }
            }
        }
    }
}

/// Calls `body` with what `path` is for an engine that `is_device`: needs a manifest alone.
///
/// # Errors
/// Where `path` is neither a model nor a directory that `compile` wrote, or `body` fails.
pub(crate) fn with_subject<T>(
    path: &Path,
    preparation: &Preparation,
    is_device: bool,
    body: impl FnOnce(Subject) -> Result<T, VerbError>,
) -> Result<T, VerbError> {
    if !is_device || !is_directory(path) || !preparation.is_empty() {
        return body(Subject::Model(&Model::open(path, preparation)?));
    }
    let manifest = artifacts::read_manifest(path)?;
    check_manifest(&manifest).map_err(SimError::from)?;
    body(Subject::Manifest(&manifest))
}

/// Whether `path` is to be read as a directory that `compile` wrote: any but that of a TensorFlow model.
pub(crate) fn is_directory(path: &Path) -> bool {
    path.is_dir() && !is_saved_model(path)
}

/// The graph of a model file, with numbers that have an integer form.
///
/// # Errors
/// Where the file is none, or holds numbers that are not finite, or what `preparation` asks for cannot be done.
pub fn graph(path: &Path, preparation: &Preparation) -> Result<Graph, VerbError> {
    prepared(file::import(path)?, preparation)
}

/// A graph with numbers that have an integer form.
///
/// # Errors
/// Where it holds numbers that are not finite, or what `preparation` asks for cannot be done.
pub(crate) fn prepared(graph: Graph, preparation: &Preparation) -> Result<Graph, VerbError> {
    let graph = preparation.input.apply(graph);
    // Calibration comes first: it makes quantised values of what sums add.
    let graph = match &preparation.calibration {
        None => graph,
        Some(calibration) => calibration.apply(graph)?,
    };
    Ok(approximate(graph)?)
}
