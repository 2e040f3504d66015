//! The network that `load` puts in the place of the compiled one.

use super::{ArtifactsError, Compiled, manifest_of, read_json, write_file, write_json};
use abi::manifest::{Manifest, WeightsManifest};
use abi::weights::{Segment, identity};
use compiler::plan::Plan;
use compiler::replace::replace;
use compiler::values;
use hdl::design::{self, DesignError};
use network::network::Network;
use std::fmt::Write;
use std::path::Path;

/// The file with the network.
const NETWORK: &str = "loaded.json";
/// The file with the words of the weight window.
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
    let text = words_text(&segments(&loaded.plan)?);
    let path = folder.join(NETWORK);
    // Written beside it and moved, so that the directory stands for one of the two at any time.
    let beside = folder.join(format!("{NETWORK}.partial{}", std::process::id()));
    match network {
        Some(_) => {
            write_json(&beside, &loaded.plan.network)?;
            std::fs::rename(&beside, &path).map_err(|source| super::file_error("write", &path, source))?;
        }
        None if path.exists() => {
            std::fs::remove_file(&path).map_err(|source| super::file_error("remove", &path, source))?;
        }
        None => {}
    }
    write_file(&folder.join(WORDS), &text)?;
    Ok(loaded)
}

/// The network that was loaded, if one was.
pub(super) fn read(folder: &Path) -> Result<Option<Network>, ArtifactsError> {
    if folder.join(NETWORK).exists() { read_json(folder, NETWORK).map(Some) } else { Ok(None) }
}

/// `built`, a directory as it was compiled, with `network` in the place of its own.
pub(super) fn with_network(built: &Compiled, network: &Network, folder: &Path) -> Result<Compiled, ArtifactsError> {
    if built.manifest.weights.is_none() {
        return Err(ArtifactsError::FixedWeights { folder: folder.to_owned() });
    }
    network.validate().map_err(compiler::replace::ReplaceError::from)?;
    let plan = Plan { network: replace(&built.plan.network, network)?, ..built.plan.clone() };
    plan.validate().map_err(|source| ArtifactsError::Plan { folder: folder.to_owned(), source })?;
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
