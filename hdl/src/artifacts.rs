//! The directory that `compile` writes: everything later verbs need, the `.onnx` file not among it.
//!
//! ```text
//! manifest.json   what the design is: streams, maps, files, hash
//! plan.json       the plan with the network in integers
//! report.json     cycles, rates, layers
//! rtl/            Verilog and memory files
//! testbench/      a self-checking testbench with its vectors: `sh testbench/run.sh` runs it in Icarus Verilog
//! ```

use crate::design::{self, DesignError};
use crate::emit::testbench::testbench;
use abi::manifest::{MANIFEST_VERSION, Manifest};
use compiler::plan::Plan;
use compiler::report::Report;
use miette::Diagnostic;
use network::integer;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::{fs, io};
use thiserror::Error;

/// What a directory holds, as later verbs use it.
#[derive(Clone, Debug, PartialEq)]
pub struct Compiled {
    /// The plan with the network in integers.
    pub plan: Plan,
    /// What the design is.
    pub manifest: Manifest,
}

/// A directory that could not be written or read.
#[derive(Debug, Error, Diagnostic)]
pub enum ArtifactsError {
    /// Something else is there.
    #[error("the output directory must be new, empty or written by `compile`, but {} holds other files", folder.display())]
    #[diagnostic(code(hdl::artifacts::occupied), help("choose another directory with -o, or empty this one"))]
    Occupied {
        /// The directory.
        folder: PathBuf,
    },
    /// The system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    #[diagnostic(
        code(hdl::artifacts::file),
        help(
            "check that the path exists, that it may be written and that the disk is not full; nothing half-written is left behind"
        )
    )]
    File {
        /// What was tried.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Not a compiled directory.
    #[error("{} must be a directory written by `compile`, but it has no readable {file}: {reason}", folder.display())]
    #[diagnostic(code(hdl::artifacts::not_compiled), help("write it again: `xnorforge compile MODEL -o {}`", folder.display()))]
    NotCompiled {
        /// The directory.
        folder: PathBuf,
        /// The file that is missing or broken.
        file: &'static str,
        /// Why.
        reason: String,
    },
    /// Written by another version.
    #[error("{} must be of manifest version {MANIFEST_VERSION}, but is of version {found}", folder.display())]
    #[diagnostic(code(hdl::artifacts::version), help("compile the model again with this version of xnorforge"))]
    Version {
        /// The directory.
        folder: PathBuf,
        /// Its version.
        found: u32,
    },
    /// The design could not be made.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Design(#[from] DesignError),
}

/// Writes the directory of `plan`. It is complete or absent: everything is written beside it and moved there last.
///
/// # Errors
/// Where the place is occupied by something else, or the system refuses.
pub fn write(plan: &Plan, folder: &Path) -> Result<Compiled, ArtifactsError> {
    // Only a directory of ours is replaced: another program's manifest.json does not parse as one.
    let occupied = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    let ours = || read_json::<Manifest>(folder, "manifest.json").is_ok();
    let Some(name) = folder.file_name().filter(|_| !folder.is_file() && (!occupied || ours())) else {
        return Err(ArtifactsError::Occupied { folder: folder.to_owned() });
    };
    let mut beside = name.to_owned();
    beside.push(format!(".partial{}", std::process::id()));
    let beside = folder.with_file_name(beside);
    let written = write_into(plan, &beside).and_then(|compiled| {
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

fn write_into(plan: &Plan, folder: &Path) -> Result<Compiled, ArtifactsError> {
    let design = design::design(plan)?;
    let rtl = folder.join("rtl");
    make_folder(&rtl)?;
    let mut hash = Sha256::new();
    let mut files = Vec::new();
    let top = design.top.clone();
    for (name, text) in design.files()? {
        hash.update(text.as_bytes());
        write_file(&rtl.join(&name), &text)?;
        files.push(name);
    }
    let manifest = Manifest {
        manifest_version: MANIFEST_VERSION,
        network: plan.network.name.clone(),
        design_hash: hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect(),
        top,
        files,
        input_map: plan.network.input_map.clone(),
        input_stream: plan.input_format(),
        output_stream: plan.output_format(),
        output_map: plan.network.output_map.clone(),
        initiation_interval_cycles: plan.initiation_interval,
        latency_cycles: plan.latency,
        clock_mhz: plan.clock_mhz,
    };
    let testbench = folder.join("testbench");
    make_folder(&testbench)?;
    for (name, text) in testbench_files(plan, &manifest) {
        write_file(&testbench.join(name), &text)?;
    }
    write_json(&folder.join("plan.json"), plan)?;
    write_json(&folder.join("report.json"), &Report::new(plan))?;
    // Last, because it is the mark of a whole directory.
    write_json(&folder.join("manifest.json"), &manifest)?;
    Ok(Compiled { plan: plan.clone(), manifest })
}

/// Images that the testbench feeds.
const TESTBENCH_IMAGES: u64 = 4;

/// The testbench with reproducible random images and what the network makes of them.
fn testbench_files(plan: &Plan, manifest: &Manifest) -> Vec<(String, String)> {
    let network = &plan.network;
    let input = network.tensor(network.input);
    let values = ((input.maximum - input.minimum) / input.element.step()) as u64 + 1;
    // Any fixed sequence will do; this is the multiplier and increment of Knuth's MMIX generator.
    let mut state = 1u64;
    let mut element = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (input.minimum + ((state >> 33) % values) as i64 * input.element.step()) as i32
    };
    let stimulus: Vec<Vec<i32>> =
        (0..TESTBENCH_IMAGES).map(|_| (0..input.elements()).map(|_| element()).collect()).collect();
    let expected: Vec<Vec<i32>> = stimulus
        .iter()
        .map(|elements| integer::run_elements(network, elements.clone()).swap_remove(network.output.0))
        .collect();
    let patience = 4 * plan.latency + 20_000;
    let (from, to) = (&manifest.input_stream, &manifest.output_stream);
    let testbench = testbench(&manifest.top, from, to, &stimulus, &expected, patience);
    let mut files = testbench.memories;
    files.push(("testbench.v".into(), testbench.verilog));
    files.push(("run.sh".into(), RUN_TESTBENCH.into()));
    files
}

const RUN_TESTBENCH: &str = "\
#!/bin/sh
# Compiles the design with its testbench in Icarus Verilog and runs it; the exit status tells whether it passed.
set -e
cd \"$(dirname \"$0\")/../rtl\"
program=$(mktemp)
trap 'rm -f \"$program\"' EXIT
iverilog -g2012 -o \"$program\" -s testbench ./*.v ../testbench/testbench.v
vvp -N \"$program\" +vectors=../testbench
";

/// Reads a directory that [`write`] wrote.
///
/// # Errors
/// Where it is none, or of another version.
pub fn read(folder: &Path) -> Result<Compiled, ArtifactsError> {
    let manifest: Manifest = read_json(folder, "manifest.json")?;
    if manifest.manifest_version != MANIFEST_VERSION {
        return Err(ArtifactsError::Version { folder: folder.to_owned(), found: manifest.manifest_version });
    }
    let plan: Plan = read_json(folder, "plan.json")?;
    let fault = |reason: String| ArtifactsError::NotCompiled { folder: folder.to_owned(), file: "plan.json", reason };
    plan.network.validate().map_err(|error| fault(error.to_string()))?;
    plan.validate().map_err(|error| fault(error.to_string()))?;
    Ok(Compiled { plan, manifest })
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
