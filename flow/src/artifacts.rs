//! The directory that `compile` writes: everything later verbs need, the `.onnx` file not among it.
//!
//! ```text
//! manifest.json   what the design is: streams, maps, files, hash
//! plan.json       the plan with the network in integers
//! report.json     cycles, rates, layers: for scripts
//! report.html     the same for people, with a picture of the pipeline
//! rtl/            Verilog and memory files
//! soc/            the core with AXI4-Stream, AXI4-Lite or Wishbone around it; a module for LiteX, a card with LitePCIe
//! xnorforge.core  the same for FuseSoC; names that begin with `xnorforge` begin with the prefix, where one was given
//! testbench/      a self-checking testbench with its vectors: `sh testbench/run.sh` runs it in Icarus Verilog
//! weights.mem     with writable weights: the words of the weight window, for `$readmemh` and for hosts of one's own
//! loaded.json     the network that `load` put in the place of the compiled one
//! board/          with a board: the device around the core, the pins, and `build.sh`, which makes the bitstream in build/
//! ```

mod check;
mod error;
mod loaded;
mod testbench;

pub use error::ArtifactsError;
pub use loaded::{load, segments};

use crate::board::Board;
use crate::device;
use crate::prefix::Prefix;
use crate::soc;
use abi::manifest::{Checked, DeviceManifest, MANIFEST_VERSION, Manifest, WeightsManifest};
use check::check_manifest;
use compiler::plan::Plan;
use compiler::report::Report;
use compiler::values::{self, Check};
use hdl::design::{self, DesignError};
use hdl::emit::{self, Block};
use network::network::Network;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::path::Path;
use std::{fs, io};
use testbench::testbench_files;

/// What a directory holds, as later verbs use it.
#[derive(Clone, Debug, PartialEq)]
pub struct Compiled {
    /// The plan with the network in integers: the one that was loaded last, else the one that was compiled.
    pub plan: Plan,
    /// What the design is; the maps are those of the network.
    pub manifest: Manifest,
    /// What names begin with.
    pub prefix: Prefix,
    /// The network that the design begins with, where another one was loaded since.
    pub built: Option<Box<Network>>,
}

/// Writes the directory of `plan`, with a device around the core where there is a board, after comparing the plan with its
/// network on drawn images. It is complete or absent: everything is written beside it and moved there last.
///
/// # Errors
/// Where the plan computes something else than its network, the place is occupied by something else, or the system refuses.
pub fn write(plan: &Plan, board: Option<&Board>, folder: &Path) -> Result<Compiled, ArtifactsError> {
    write_as(plan, board, &Prefix::default(), folder)
}

/// As [`write()`], with names that begin with `prefix`.
///
/// # Errors
/// As of [`write()`].
pub fn write_as(
    plan: &Plan,
    board: Option<&Board>,
    prefix: &Prefix,
    folder: &Path,
) -> Result<Compiled, ArtifactsError> {
    if let Some(board) = board {
        board.check_weights(plan.network.weight_bits())?;
    }
    if folder.is_file() {
        return Err(ArtifactsError::NoDirectory { folder: folder.to_owned() });
    }
    // Only a directory of ours is replaced: another program's manifest.json does not parse as one.
    let occupied = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    let ours = || read_json::<Manifest>(folder, "manifest.json").is_ok();
    if occupied && !ours() {
        return Err(ArtifactsError::Occupied { folder: folder.to_owned() });
    }
    let name = folder.file_name().ok_or_else(|| ArtifactsError::NoName { folder: folder.to_owned() })?;
    let mut beside = name.to_owned();
    beside.push(format!(".partial{}", std::process::id()));
    let beside = folder.with_file_name(beside);
    fs::create_dir_all(&beside).map_err(|source| file_error("create", folder, source))?;
    let written = write_into(plan, board, prefix, &beside).and_then(|compiled| {
        if folder.is_dir() {
            fs::remove_dir_all(folder).map_err(|source| file_error("replace", folder, source))?;
        }
        fs::rename(&beside, folder).map_err(|source| file_error("write", folder, source))?;
        Ok(compiled)
    });
    if written.is_err() {
        // The first error is the one to tell; a directory that was never made cannot be removed either.
        let _ = fs::remove_dir_all(&beside);
    }
    written
}

fn write_into(plan: &Plan, board: Option<&Board>, prefix: &Prefix, folder: &Path) -> Result<Compiled, ArtifactsError> {
    let Check { checked, images } = values::check(plan)?;
    let mut core = design::design(plan)?;
    let segments = core.weights();
    let weights =
        plan.network.replaceable.then_some(WeightsManifest { words: core.pipeline.weight_words(), identity: 0 });
    core.pipeline.connect_all();
    let top = prefix.core();
    let mut verilog = emit::emit(&core.pipeline, &top, &prefix.name("")).map_err(DesignError::from)?;
    for (stage, comment) in design::comments(plan) {
        verilog.describe(&prefix.name(&stage), comment);
    }
    let rtl = folder.join("rtl");
    make_folder(&rtl)?;
    let mut hash = Sha256::new();
    let mut files = Vec::new();
    let mut written = vec![(format!("{top}.v"), verilog.text())];
    written.extend(core.pipeline.memory_files().into_iter().map(|(name, text)| (prefix.name(&name), text)));
    for (name, text) in written {
        hash.update(text.as_bytes());
        write_file(&rtl.join(&name), &text)?;
        files.push(name);
    }
    let hash: [u8; 32] = hash.finalize().into();
    make_folder(&folder.join(soc::FOLDER))?;
    let (soc_files, pipeline) = soc::files(plan, prefix, core.pipeline, &verilog, &files, hash)?;
    for (name, text) in &soc_files {
        write_file(&folder.join(name), text)?;
    }
    let device = match board {
        None => None,
        Some(board) => {
            let clock = board.clock(plan.clock_mhz)?;
            let unfiled = device::manifest(plan, prefix, board, Vec::new())?;
            let block = device::device(plan, pipeline, &unfiled, hash)?;
            let files = device::files(board, &clock, block, prefix, &verilog).map_err(DesignError::from)?;
            make_folder(&folder.join("board"))?;
            for (name, text) in &files {
                write_file(&folder.join("board").join(name), text)?;
            }
            Some(DeviceManifest { files: files.into_iter().map(|(name, _)| name).collect(), ..unfiled })
        }
    };
    let manifest = manifest_of(plan, checked, top, files, hexadecimal(&hash), device, weights);
    let testbench = folder.join("testbench");
    make_folder(&testbench)?;
    for (name, text) in testbench_files(plan, &manifest, &images) {
        write_file(&testbench.join(name), &text)?;
    }
    let compiled = Compiled { plan: plan.clone(), manifest, prefix: prefix.clone(), built: None };
    if weights.is_some() {
        write_file(&folder.join(loaded::WORDS), &loaded::words_text(&segments))?;
    }
    write_json(&folder.join("plan.json"), plan)?;
    write_report(&compiled.report(), folder)?;
    // Last, because it is the mark of a whole directory.
    write_json(&folder.join("manifest.json"), &compiled.manifest)?;
    Ok(compiled)
}

impl Compiled {
    /// The plan of the design as it was compiled.
    pub fn built_plan(&self) -> Plan {
        let network = self.built.as_deref().unwrap_or(&self.plan.network).clone();
        Plan { network, ..self.plan.clone() }
    }

    /// The design's numbers, as far as they are known before it is built.
    pub fn report(&self) -> Report {
        let link_fps = self.manifest.device.as_ref().map(|device| device::link_frames_per_second(&self.plan, device));
        let name = self.manifest.device.as_ref().map(|device| device.board.clone());
        let board = name.as_deref().and_then(|name| Board::find(name).ok());
        let target = board.map(|board| board.target()).unwrap_or_default();
        Report { link_fps, board: name, ..Report::new(&self.plan, &target) }
    }
}

/// The manifest of `plan`, whose design has the given top module, files and hash.
fn manifest_of(
    plan: &Plan,
    checked: Checked,
    top: String,
    files: Vec<String>,
    design_hash: String,
    device: Option<DeviceManifest>,
    weights: Option<WeightsManifest>,
) -> Manifest {
    Manifest {
        manifest_version: MANIFEST_VERSION,
        network: plan.network.name.clone(),
        design_hash,
        top,
        files,
        input_map: plan.network.input_map.clone(),
        input_stream: plan.input_format(),
        output_stream: plan.output_format(),
        output_map: plan.network.output_map.clone(),
        initiation_interval_cycles: plan.initiation_interval,
        latency_cycles: plan.latency,
        clock_mhz: plan.clock_mhz,
        checked,
        device,
        weights,
    }
}

/// Reads a directory that [`write()`] wrote.
///
/// # Errors
/// Where it is none, or of another version.
pub fn read(folder: &Path) -> Result<Compiled, ArtifactsError> {
    let manifest: Manifest = read_json(folder, "manifest.json")?;
    if manifest.manifest_version != MANIFEST_VERSION {
        return Err(ArtifactsError::Version { folder: folder.to_owned(), found: manifest.manifest_version });
    }
    let plan: Plan = read_json(folder, "plan.json")?;
    plan.network.validate().map_err(|source| ArtifactsError::Network { folder: folder.to_owned(), source })?;
    plan.validate().map_err(|source| ArtifactsError::Plan { folder: folder.to_owned(), source })?;
    let prefix = check_manifest(folder, &manifest, &plan)?;
    let built = Compiled { plan, manifest, prefix, built: None };
    match loaded::read(folder)? {
        None => Ok(built),
        Some(network) => loaded::with_network(&built, &network, folder),
    }
}

/// Writes `report.json` and `report.html` into a directory.
///
/// # Errors
/// Where the system refuses.
pub fn write_report(report: &Report, folder: &Path) -> Result<(), ArtifactsError> {
    write_json(&folder.join("report.json"), report)?;
    let page = folder.join("report.html");
    let data = page::Data::of(report).map_err(|error| file_error("write", &page, error.into()))?;
    write_file(&page, &page::html(&data))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn file_error(action: &'static str, path: &Path, source: io::Error) -> ArtifactsError {
    ArtifactsError::File { action, path: path.to_owned(), source }
}

fn make_folder(path: &Path) -> Result<(), ArtifactsError> {
    fs::create_dir_all(path).map_err(|source| file_error("create", path, source))
}

fn write_file(path: &Path, text: &str) -> Result<(), ArtifactsError> {
    fs::write(path, text).map_err(|source| file_error("write", path, source))
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), ArtifactsError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| file_error("write", path, error.into()))?;
    write_file(path, &text)
}

fn read_json<T: DeserializeOwned>(folder: &Path, file: &'static str) -> Result<T, ArtifactsError> {
    let fault = |reason: String| ArtifactsError::NotCompiled { folder: folder.to_owned(), file, reason };
    let text = fs::read_to_string(folder.join(file)).map_err(|error| fault(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| fault(error.to_string()))
}
