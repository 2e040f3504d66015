//! `load`: other weights into a compiled design, without a new bitstream.

use crate::calibration::Calibration;
use crate::engine::{Engine, EngineError, load_device};
use crate::failure::Failure;
use crate::model::Model;
use crate::output::show;
use clap::Args;
use flow::artifacts;
use serde::Serialize;
use std::path::PathBuf;

/// Load the weights of another network of the same shape into a compiled design.
///
/// DIR must have been compiled with `--writable-weights`. From then on it stands for MODEL: every engine gives MODEL's
/// answers, simulated ones after loading the weights into the design as it was compiled. A board keeps the weights until
/// it is configured anew; `run DIR --on uart:PATH` or `pcie:BDF` checks that it holds those of DIR.
#[derive(Debug, Args)]
pub struct Load {
    /// A directory written by `compile --writable-weights`.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// A QONNX file of a network of the same shape; without one, the network that DIR was compiled with.
    #[arg(value_name = "MODEL")]
    model: Option<PathBuf>,
    #[command(flatten)]
    calibration: Calibration,
    /// The device to write the weights to: uart:PATH[@BAUD] or pcie:BDF|FILE, or to try it sim:DIR or gates.
    #[arg(long, value_name = "DEVICE")]
    on: Option<String>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// What was loaded.
#[derive(Debug, Serialize)]
struct Loaded<'a> {
    network: &'a str,
    /// Identity of the weights, 0 for those of `compile`.
    identity: u32,
    words: usize,
    device: Option<&'a str>,
}

impl Load {
    /// Runs the verb.
    pub fn run(self) -> Result<(), Failure> {
        let engine: Option<Engine> = self.on.as_deref().map(str::parse).transpose()?;
        if let Some(Engine::Cpu | Engine::Reference | Engine::Plan | Engine::Rtl | Engine::Verilator) = engine {
            return Err(EngineError::NoLoad.into());
        }
        let compiled = artifacts::read(&self.folder)?;
        let model = self.model.as_deref().map(|path| Model::open(path, &self.calibration)).transpose()?;
        let compiled = artifacts::load(&compiled, model.as_ref().map(Model::network), &self.folder)?;
        let identity = compiled.manifest.weights.map_or(0, |weights| weights.identity);
        let segments = artifacts::segments(&compiled.plan).map_err(artifacts::ArtifactsError::from)?;
        let words = segments.iter().map(|segment| segment.words.len()).sum();
        if let Some(engine) = &engine {
            load_device(&compiled, &self.folder, engine, &segments)?;
        }
        let network = compiled.manifest.network.as_str();
        if self.json {
            let loaded = Loaded { network, identity, words, device: self.on.as_deref() };
            return show(&(serde_json::to_string(&loaded).map_err(anyhow::Error::from)? + "\n"));
        }
        let on = self.on.as_deref().map_or(String::new(), |on| format!("; written to {on} and read again"));
        show(&format!("{} stands for {network}: {words} words of weights{on}\n", self.folder.display()))
    }
}
