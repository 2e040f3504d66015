//! `load`: other weights into a compiled design, without a new bitstream.

use crate::engine::{Engine, load_device};
use crate::engine_error::EngineError;
use crate::error::VerbError;
use crate::model::Model;
use crate::preparation::Preparation;
use flow::artifacts::{self, Trust};
use std::path::PathBuf;

/// What to load, and where.
#[derive(Clone, Debug)]
pub struct Options {
    /// A directory compiled with writable weights.
    pub folder: PathBuf,
    /// A model file of a network of the same shape; without one, the network that the directory was compiled with.
    pub model: Option<PathBuf>,
    /// What is done to the graph of a model first.
    pub preparation: Preparation,
    /// The device to write the weights to: a device, or a simulation of one.
    pub engine: Option<Engine>,
    /// Whether the netlist of the directory is executed as it lies.
    pub trust: Trust,
}

/// What was loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The network that the directory stands for now.
    pub network: String,
    /// Identity of the weights, 0 for those of `compile`.
    pub identity: u32,
    /// Words of the weight window.
    pub words: usize,
}

/// Loads the weights of another network of the same shape into a compiled design.
///
/// # Errors
/// Where the directory or the model cannot be had, the design's weights cannot be written, or not by those of the model, or the
/// device does not hold them.
pub fn load(options: &Options) -> Result<Loaded, VerbError> {
    let Options { folder, model, preparation, engine, trust } = options;
    // A device may have been made by another version; what is simulated is made by this one.
    let compiled = match engine {
        Some(Engine::Gates | Engine::Simulated(_)) => artifacts::read(folder)?,
        Some(Engine::Device(_) | Engine::Replay(_)) | None => artifacts::read_data(folder)?,
        Some(Engine::Cpu | Engine::Reference | Engine::Plan | Engine::Rtl | Engine::Verilator) => {
            return Err(EngineError::NoLoad.into());
        }
    };
    let model = model.as_deref().map(|path| Model::open(path, preparation)).transpose()?;
    let compiled = artifacts::load(&compiled, model.as_ref().map(Model::network), folder)?;
    let segments = artifacts::segments(&compiled.plan).map_err(artifacts::ArtifactsError::from)?;
    if let Some(engine) = engine {
        load_device(&compiled, folder, engine, *trust, &segments)?;
    }
    Ok(Loaded {
        identity: compiled.manifest.weights.map_or(0, |weights| weights.identity),
        words: segments.iter().map(|segment| segment.words.len()).sum(),
        network: compiled.manifest.network,
    })
}
