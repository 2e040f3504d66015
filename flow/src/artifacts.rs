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
//! board/          with a board: the device around the core, the pins, and `build.sh`, which makes the bitstream in build/
//! SHA256SUMS      of all these but the reports, which `build` writes anew: `sha256sum -c SHA256SUMS`
//! loaded/         the network that `load` put in the place of the compiled one, and its words of the weight window
//! build/          what `build` made
//! ```
//!
//! What is read of a directory is data: [`read_manifest`], [`read_data`], [`read()`]. What tools execute comes from
//! [`Sources`].

mod check;
mod error;
mod generate;
mod loaded;
mod lock;
mod sources;
mod sums;
mod testbench;

pub use error::ArtifactsError;
pub use loaded::{load, segments};
pub use lock::Lock;
pub use sources::{OtherVersion, Sources, Trust};

use crate::atomic::{self, Partial};
use crate::board::Board;
use crate::device;
use crate::prefix::Prefix;
use crate::regular;
use abi::manifest::{Checked, DeviceManifest, Manifest, WeightsManifest, version_for};
use check::{Depth, check_manifest};
use compiler::plan::Plan;
use compiler::report::Report;
use compiler::values::{self, Check};
use generate::{Generated, generate};
use network::network::Network;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::ErrorKind;
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
/// network on drawn images. There is the old directory or the new one at any time.
///
/// # Errors
/// Where the plan computes something else than its network, the place is occupied by something else or used by another
/// process, or the system refuses.
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
    // A link goes on leading where it did.
    let folder = &if folder.is_dir() && folder.is_symlink() {
        folder.canonicalize().map_err(|source| file_error("open", folder, source))?
    } else {
        folder.to_owned()
    };
    if folder.exists() && !folder.is_dir() {
        return Err(ArtifactsError::NoDirectory { folder: folder.to_owned() });
    }
    // Only a directory of ours is replaced: another program's manifest.json does not parse as one.
    let occupied = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    let foreign = || ArtifactsError::Occupied { folder: folder.to_owned() };
    let is_ours = || read_json::<Manifest>(folder, MANIFEST).is_ok();
    if occupied && !is_ours() {
        return Err(foreign());
    }
    if folder.file_name().is_none() {
        return Err(ArtifactsError::NoName { folder: folder.to_owned() });
    }
    let partial = Partial::folder(folder).map_err(|source| file_error("create", folder, source))?;
    let compiled = write_into(plan, board, prefix, partial.path())?;
    if !occupied {
        // What somebody has put there meanwhile stays.
        return match partial.publish_new() {
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => Err(foreign()),
            published => published.map(|()| compiled).map_err(|source| file_error("write", folder, source)),
        };
    }
    // A build that runs there would lose its folder.
    let _lock = Lock::take(folder)?;
    if !is_ours() {
        return Err(foreign());
    }
    partial.publish().map_err(|source| file_error("write", folder, source))?;
    Ok(compiled)
}

/// The file that says what a design is.
const MANIFEST: &str = "manifest.json";
/// The file with the plan.
const PLAN: &str = "plan.json";

fn write_into(plan: &Plan, board: Option<&Board>, prefix: &Prefix, folder: &Path) -> Result<Compiled, ArtifactsError> {
    let Check { checked, images } = values::check(plan)?;
    let Generated { mut texts, manifest } = generate(plan, board, prefix, checked, None)?;
    let testbench = testbench_files(plan, &manifest, &images);
    texts.extend(testbench.into_iter().map(|(name, text)| (format!("testbench/{name}"), text)));
    let compiled = Compiled { plan: plan.clone(), manifest, prefix: prefix.clone(), built: None };
    texts.push((PLAN.into(), json(&folder.join(PLAN), plan)?));
    texts.push((MANIFEST.into(), json(&folder.join(MANIFEST), &compiled.manifest)?));
    texts.push((sums::FILE.into(), sums::text(&texts)));
    lay(&texts, folder)?;
    write_report(&compiled.report(), folder)?;
    Ok(compiled)
}

/// Writes new files into `folder`: paths in it, parted by `/`, and contents.
fn lay(files: &[(String, impl AsRef<[u8]>)], folder: &Path) -> Result<(), ArtifactsError> {
    for (name, contents) in files {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|source| file_error("create", parent, source))?;
        }
        fs::write(&path, contents).map_err(|source| file_error("write", &path, source))?;
    }
    Ok(())
}

impl Compiled {
    /// The plan of the design as it was compiled.
    pub fn built_plan(&self) -> Plan {
        let network = self.built.as_deref().unwrap_or(&self.plan.network).clone();
        Plan { network, ..self.plan.clone() }
    }

    /// The design's numbers, as far as they are known before it is built.
    pub fn report(&self) -> Report {
        let link_fps = device::link_frames_per_second(&self.manifest);
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
        manifest_version: version_for(&plan.network.output_map),
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

/// Reads what a directory says of its design: all that a host needs of it. Of the version that wrote it only the
/// manifest's version matters. The plan is read where another network was loaded, whose maps follow from it.
///
/// # Errors
/// Where there is no manifest, or one of another version.
pub fn read_manifest(folder: &Path) -> Result<Manifest, ArtifactsError> {
    if loaded::is_loaded(folder) { Ok(read_data(folder)?.manifest) } else { written_manifest(folder) }
}

/// The manifest as `compile` wrote it.
fn written_manifest(folder: &Path) -> Result<Manifest, ArtifactsError> {
    if folder.is_dir() && !folder.join(MANIFEST).exists() {
        return Err(ArtifactsError::Foreign { folder: folder.to_owned(), file: MANIFEST });
    }
    let manifest: Manifest = read_json(folder, MANIFEST)?;
    if !manifest.is_understood() {
        return Err(ArtifactsError::Version { folder: folder.to_owned(), found: manifest.manifest_version });
    }
    Ok(manifest)
}

/// Reads the plan of a directory as well. What the manifest says of the device is taken as it stands: a bitstream that
/// another version made is as that version planned it.
///
/// # Errors
/// Where it is no such directory, or manifest and plan are not of one design.
pub fn read_data(folder: &Path) -> Result<Compiled, ArtifactsError> {
    read_to(folder, Depth::Data)
}

/// Reads a directory that [`write()`] wrote, so that its design can be made again. None of the files that tools execute is
/// looked at: see [`Sources`].
///
/// # Errors
/// Where it is none, or manifest and plan are not what this version makes of one network.
pub fn read(folder: &Path) -> Result<Compiled, ArtifactsError> {
    read_to(folder, Depth::Design)
}

fn read_to(folder: &Path, depth: Depth) -> Result<Compiled, ArtifactsError> {
    let manifest = written_manifest(folder)?;
    let plan: Plan = read_json(folder, PLAN)?;
    plan.network.validate().map_err(|source| ArtifactsError::Network { folder: folder.to_owned(), source })?;
    plan.validate().map_err(|source| ArtifactsError::Plan { folder: folder.to_owned(), source: Box::new(source) })?;
    let prefix = check_manifest(folder, &manifest, &plan, depth)?;
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

fn write_file(path: &Path, text: &str) -> Result<(), ArtifactsError> {
    atomic::replace(path, text.as_bytes()).map_err(|source| file_error("write", path, source))
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), ArtifactsError> {
    write_file(path, &json(path, value)?)
}

/// The text of `value` for the file at `path`.
fn json(path: &Path, value: &impl Serialize) -> Result<String, ArtifactsError> {
    serde_json::to_string_pretty(value).map_err(|error| file_error("write", path, error.into()))
}

fn read_json<T: DeserializeOwned>(folder: &Path, file: &'static str) -> Result<T, ArtifactsError> {
    let fault = |reason: String| ArtifactsError::NotCompiled { folder: folder.to_owned(), file, reason };
    let text = regular::read_to_string(&folder.join(file)).map_err(|error| fault(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| fault(error.to_string()))
}
