//! What a compiled directory says of itself: enough to feed the design and to read its answers.

use crate::packing::StreamFormat;
use crate::{InputMap, OutputMap};
use serde::{Deserialize, Serialize};

/// Version of the manifest's layout. A reader refuses others.
pub const MANIFEST_VERSION: u32 = 1;

/// The manifest of one design (`manifest.json`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`] of the writer.
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
}
