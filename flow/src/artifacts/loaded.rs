//! The network that `load` puts in the place of the compiled one.

use super::{ArtifactsError, Compiled, Lock, file_error, json, lay, manifest_of, read_json};
use crate::atomic::{self, Partial};
use abi::manifest::{Manifest, WeightsManifest};
use abi::weights::{Segment, identity};
use compiler::plan::Plan;
use compiler::replace::replace;
use compiler::values;
use hdl::design::{self, DesignError};
use network::network::Network;
use std::fmt::Write;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// The folder with the network and its words, which appear and go together.
const FOLDER: &str = "loaded";
/// The file with the network in it.
const NETWORK: &str = "loaded/network.json";
/// Where older versions have put the network.
const OLD_NETWORK: &str = "loaded.json";
/// The file with the words of the weight window: in the directory those of the compiled network, in [`FOLDER`] of the other.
pub(super) const WORDS: &str = "weights.mem";

/// What the memories of the design of `plan` hold with its network, as words of the weight window.
///
/// # Errors
/// Where the plan contradicts itself.
pub fn segments(plan: &Plan) -> Result<Vec<Segment>, DesignError> {
    Ok(design::design(plan)?.weights())
}

/// Lets the directory that `compiled` was read from stand for `network`, or without one for the network that it was
/// compiled with. Its design stays as it is.
///
/// # Errors
/// Where the design's weights cannot be written, or not by those of `network`, the plan computes something else than `network`,
/// or the system refuses.
pub fn load(compiled: &Compiled, network: Option<&Network>, folder: &Path) -> Result<Compiled, ArtifactsError> {
    let plan = compiled.built_plan();
    let manifest = manifest_for(compiled, &plan, 0);
    let built = Compiled { plan, manifest, prefix: compiled.prefix.clone(), built: None };
    let loaded = match network {
        None => built,
        Some(network) => with_network(&built, network, folder)?,
    };
    values::check(&loaded.plan)?;
    let segments = segments(&loaded.plan)?;
    let _lock = Lock::take(folder)?;
    let (place, old) = (folder.join(FOLDER), folder.join(OLD_NETWORK));
    let remove_old = || match fs::remove_file(&old) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(|source| file_error("remove", &old, source)),
    };
    // The folder counts before the file.
    if network.is_some() {
        let partial = Partial::folder(&place).map_err(|source| file_error("create", &place, source))?;
        let network = json(&place, &loaded.plan.network)?;
        lay(&[("network.json".into(), network), (WORDS.into(), words_text(&segments))], partial.path())?;
        partial.publish().map_err(|source| file_error("write", &place, source))?;
        remove_old()?;
    } else {
        remove_old()?;
        atomic::remove_folder(&place).map_err(|source| file_error("remove", &place, source))?;
    }
    Ok(loaded)
}

/// Whether the directory `folder` stands for another network than it was compiled with.
pub(super) fn is_loaded(folder: &Path) -> bool {
    file_of(folder).is_some()
}

/// The file with the network that was loaded, if one was.
fn file_of(folder: &Path) -> Option<&'static str> {
    [NETWORK, OLD_NETWORK].into_iter().find(|file| folder.join(file).exists())
}

/// The network that was loaded, if one was.
pub(super) fn read(folder: &Path) -> Result<Option<Network>, ArtifactsError> {
    file_of(folder).map(|file| read_json(folder, file)).transpose()
}

/// `built`, a directory as it was compiled, with `network` in the place of its own.
pub(super) fn with_network(built: &Compiled, network: &Network, folder: &Path) -> Result<Compiled, ArtifactsError> {
    if built.manifest.weights.is_none() {
        return Err(ArtifactsError::FixedWeights { folder: folder.to_owned() });
    }
    network.validate().map_err(compiler::replace::ReplaceError::from)?;
    let plan = Plan { network: replace(&built.plan.network, network)?, ..built.plan.clone() };
    plan.validate().map_err(|source| ArtifactsError::Plan { folder: folder.to_owned(), source: Box::new(source) })?;
    let identity = identity(&segments(&plan)?);
    let manifest = manifest_for(built, &plan, identity);
    Ok(Compiled { plan, manifest, built: Some(Box::new(built.plan.network.clone())), prefix: built.prefix.clone() })
}

/// The manifest of the design of `compiled` with the network of `plan`.
fn manifest_for(compiled: &Compiled, plan: &Plan, identity: u32) -> Manifest {
    let Manifest { checked, top, files, design_hash, device, weights, .. } = compiled.manifest.clone();
    let weights = weights.map(|weights| WeightsManifest { identity, ..weights });
    manifest_of(plan, checked, top, files, design_hash, device, weights)
}

/// The words of the weight window for `$readmemh`.
pub(super) fn words_text(segments: &[Segment]) -> String {
    let mut text = String::new();
    for Segment { first, words } in segments {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "@{first:x}");
        for word in words {
            let _ = writeln!(text, "{word:08x}");
        }
    }
    text
}
