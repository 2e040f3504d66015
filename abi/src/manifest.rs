//! What a compiled directory says of itself: enough to feed the design and to read its answers.

use crate::maps::Reduction;
use crate::packing::StreamFormat;
use crate::{InputMap, OutputMap};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The newest version of the manifest's layout.
pub const MANIFEST_VERSION: u32 = 4;

/// The oldest version that is read. A reader refuses others.
pub const OLDEST_MANIFEST_VERSION: u32 = 3;

/// The oldest version whose readers understand `output_map`: those of 3 would leave out what the host computes of scores,
/// and their divisor.
pub fn version_for(output_map: &OutputMap) -> u32 {
    let is_new = matches!(output_map.reduction, Reduction::Search(_) | Reduction::Softmax(_));
    if output_map.score_map.is_some() || output_map.divisor != 1.0 || is_new {
        MANIFEST_VERSION
    } else {
        OLDEST_MANIFEST_VERSION
    }
}

/// The manifest of one design (`manifest.json`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the layout, from [`OLDEST_MANIFEST_VERSION`] to [`MANIFEST_VERSION`].
    pub manifest_version: u32,
    /// Name of the network.
    pub network: String,
    /// SHA-256, hexadecimal, over every Verilog and memory file in the order of `files`.
    pub design_hash: String,
    /// Name of the top Verilog module.
    pub top: String,
    /// The design's files, all in the folder `rtl`: Verilog first, then memories.
    pub files: Vec<String>,
    /// From input values to elements.
    pub input_map: InputMap,
    /// How those elements enter the core.
    pub input_stream: StreamFormat,
    /// How the last tensor's elements leave the core.
    pub output_stream: StreamFormat,
    /// From those elements to scores.
    pub output_map: OutputMap,
    /// Clock cycles between two images, planned.
    pub initiation_interval_cycles: u64,
    /// Clock cycles from an image's first word accepted to its last answer, planned.
    pub latency_cycles: u64,
    /// Clock that the plan assumed, in MHz.
    pub clock_mhz: f64,
    /// Whether the plan was compared with the network before it was written.
    #[serde(default)]
    pub checked: Checked,
    /// The device around the core, where the design was compiled for a board.
    pub device: Option<DeviceManifest>,
    /// The weight window, where weights can be written at run time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<WeightsManifest>,
}

/// On what a plan was compared with its network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Checked {
    /// On random images, tensor by tensor.
    Images,
    /// On some dot products of each stage and all that the other stages do.
    Stages,
    /// Not at all: written by a version that did not check.
    #[default]
    Unchecked,
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Checked::Images => "every tensor of random images",
            Checked::Stages => "every stage, on some of its dot products",
            Checked::Unchecked => "nothing",
        })
    }
}

/// What the manifest says of weights that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightsManifest {
    /// Words of the weight window.
    pub words: u32,
    /// [Identity](crate::weights::identity) of the weights that the maps of this manifest belong to, 0 for those that the
    /// design begins with.
    pub identity: u32,
}

/// What the manifest says of the device around a core.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceManifest {
    /// Name of the board.
    pub board: String,
    /// Name of the top Verilog module.
    pub top: String,
    /// Its files besides the core's, all in the folder `board`.
    pub files: Vec<String>,
    /// The clock in Hz.
    pub clock_hertz: u32,
    /// Rate of its UART in baud.
    pub baud: u32,
    /// Bytes that it holds of its line.
    pub line_bytes: usize,
    /// Images that each of its windows holds.
    pub slots: usize,
}

impl Manifest {
    /// Whether this version of the program understands the layout.
    pub fn is_understood(&self) -> bool {
        (OLDEST_MANIFEST_VERSION..=MANIFEST_VERSION).contains(&self.manifest_version)
    }

    /// The design hash as bytes; `None` where it is not 64 hexadecimal digits.
    pub fn design_hash_bytes(&self) -> Option<[u8; 32]> {
        let mut bytes = [0; 32];
        if self.design_hash.len() != 64 || !self.design_hash.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&self.design_hash[2 * index..2 * index + 2], 16).ok()?;
        }
        Some(bytes)
    }
}
