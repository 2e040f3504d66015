//! What of a directory follows from its plan, its board and this version alone.

use super::{ArtifactsError, hexadecimal, loaded, manifest_of};
use crate::board::Board;
use crate::prefix::Prefix;
use crate::{device, soc};
use abi::manifest::{Checked, DeviceManifest, Manifest, WeightsManifest};
use compiler::plan::Plan;
use hdl::design::{self, DesignError};
use hdl::emit::{self, Block};
use sha2::{Digest, Sha256};

/// The files of a design and what it says of itself.
#[derive(Clone, Debug)]
pub(super) struct Generated {
    /// Paths in the directory, parted by `/`, and texts: `rtl/`, `soc/`, `board/`, the description for FuseSoC, and the
    /// words of the weight window.
    pub(super) texts: Vec<(String, String)>,
    /// The manifest.
    pub(super) manifest: Manifest,
}

/// Makes the files of `plan`, with a device around the core where there is a board. Devices report the hash
/// `identity`, without one that of the files in `rtl/`.
pub(super) fn generate(
    plan: &Plan,
    board: Option<&Board>,
    prefix: &Prefix,
    checked: Checked,
    identity: Option<[u8; 32]>,
) -> Result<Generated, ArtifactsError> {
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
    let mut hash = Sha256::new();
    let (mut files, mut texts) = (Vec::new(), Vec::new());
    let memories = core.pipeline.memory_files().into_iter().map(|(name, text)| (prefix.name(&name), text));
    for (name, text) in [(format!("{top}.v"), verilog.text())].into_iter().chain(memories) {
        hash.update(text.as_bytes());
        texts.push((format!("rtl/{name}"), text));
        files.push(name);
    }
    let hash = identity.unwrap_or_else(|| hash.finalize().into());
    let (soc_files, pipeline) = soc::files(plan, prefix, core.pipeline, &verilog, &files, hash)?;
    texts.extend(soc_files);
    let device = match board {
        None => None,
        Some(board) => {
            let clock = board.clock(plan.clock_mhz)?;
            let unfiled = device::manifest(plan, prefix, board, Vec::new())?;
            let block = device::device(plan, pipeline, &unfiled, hash)?;
            let of_board = device::files(board, &clock, block, prefix, &verilog).map_err(DesignError::from)?;
            let names = of_board.iter().map(|(name, _)| name.clone()).collect();
            texts.extend(of_board.into_iter().map(|(name, text)| (format!("board/{name}"), text)));
            Some(DeviceManifest { files: names, ..unfiled })
        }
    };
    if weights.is_some() {
        texts.push((loaded::WORDS.into(), loaded::words_text(&segments)));
    }
    let manifest = manifest_of(plan, checked, top, files, hexadecimal(&hash), device, weights);
    Ok(Generated { texts, manifest })
}
