//! `report.json`: what a plan costs and gives, in numbers.

use crate::blocks::Block;
use crate::chip::family::Family;
use crate::chip::memory::{MemoryKind, MemoryRole, block_rams, lut_cost};
use crate::datapath::Datapath;
use crate::estimate::{Accuracy, Estimate, accuracy};
use crate::plan::{Plan, Stage, StreamId};
use crate::planner::{Target, USABLE};
use network::graph::Approximation;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The numbers of one plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Name of the network.
    pub network: String,
    /// Name of the board compiled for; null without one.
    #[serde(default)]
    pub board: Option<String>,
    /// Clock cycles between two images.
    pub initiation_interval_cycles: u64,
    /// Clock cycles from an image's first word accepted to its last answer.
    pub latency_cycles: u64,
    /// Clock that the rates are reckoned with, in MHz.
    pub clock_mhz: f64,
    /// Images per second that the core takes.
    pub fps: f64,
    /// Images per second through the board's link; null without a board.
    pub link_fps: Option<f64>,
    /// Multiplications and additions of one image, each counted as one.
    pub ops_per_inference: u64,
    /// Bits of all weights.
    pub weight_bits: u64,
    /// Resources, estimated; with a board the device around the core included.
    pub estimate: Estimate,
    /// The family that the estimate is for.
    #[serde(default = "ecp5")]
    pub estimate_family: Family,
    /// How far estimates of designs that they were not fitted to have been from synthesis.
    #[serde(default)]
    pub estimate_accuracy: Option<Accuracy>,
    /// What the chip has; null without a board.
    #[serde(default)]
    pub available: Option<Available>,
    /// What the tools made of it; null before `build`.
    pub measured: Option<Measured>,
    /// The pipeline, stage by stage.
    pub layers: Vec<LayerReport>,
    /// Depth in words of each queue between two stages.
    pub fifo_depths: BTreeMap<String, usize>,
    /// Words of the image that each stage of windows holds.
    pub line_buffer_words: BTreeMap<String, usize>,
    /// The streams between the stages. The first is the pipeline's input.
    #[serde(default)]
    pub streams: Vec<StreamReport>,
    /// Steps that float32 rounding could move: the quantiser's node, and how many.
    #[serde(default)]
    pub sensitive_steps: BTreeMap<String, usize>,
    /// What is computed otherwise than by the file.
    #[serde(default)]
    pub approximations: Vec<Approximation>,
}

/// One stream of the pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamReport {
    /// Its name.
    pub name: String,
    /// Type of the elements.
    pub element: String,
    /// Elements of a word.
    pub lanes: usize,
    /// Bits of a word.
    pub bits: usize,
    /// Words of one image.
    pub words: usize,
}

fn ecp5() -> Family {
    Family::Ecp5
}

/// What a chip has.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Available {
    /// LUTs.
    pub lut: u64,
    /// Flip-flops.
    pub ff: u64,
    /// Block RAMs.
    pub bram: u64,
    /// Share of LUTs and flip-flops that planning for a rate takes at most.
    pub usable: f64,
}

/// Resources and speed of a design, as the tools made it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// LUTs of the family's size, carry cells that stand in their place included.
    pub lut: u64,
    /// Flip-flops.
    pub ff: u64,
    /// Block RAMs of the family's size.
    pub bram: u64,
    /// Highest clock at which every path meets its time, in MHz; null where the design was not placed and routed.
    pub fmax_mhz: Option<f64>,
}

/// One stage of the pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerReport {
    /// Name of the stage.
    #[serde(default)]
    pub stage: String,
    /// Names of the streams that it reads.
    #[serde(default)]
    pub inputs: Vec<String>,
    /// Names of the streams that it writes.
    #[serde(default)]
    pub outputs: Vec<String>,
    /// Name of the layer, as in folding files; of the stage for stages that belong to no layer.
    pub name: String,
    /// Kind of the stage.
    pub kind: String,
    /// Rows computed at once; null where a stage has none.
    pub pe: Option<usize>,
    /// Columns taken at once; null where a stage has none.
    pub simd: Option<usize>,
    /// Clock cycles that one image occupies the stage.
    pub cycles: u64,
    /// How weights meet inputs; null where a stage has no weights.
    pub datapath: Option<Datapath>,
    /// Why so.
    pub reason: Option<String>,
    /// Whether no other stage takes longer.
    #[serde(default)]
    pub bottleneck: bool,
    /// Resources, estimated.
    #[serde(default)]
    pub estimate: Estimate,
    /// The memories that could have been made of something else.
    #[serde(default)]
    pub memories: Vec<MemoryReport>,
}

/// One memory of a stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemoryReport {
    /// What it holds.
    pub role: MemoryRole,
    /// Bits of a row.
    pub width: usize,
    /// Rows.
    pub depth: usize,
    /// What it is made of.
    pub kind: MemoryKind,
    /// Block RAMs that it takes.
    pub bram: u64,
    /// Why so.
    pub reason: String,
}

impl MemoryReport {
    fn of(stage: &Stage, family: Family) -> Vec<Self> {
        let shapes = stage.block.shape().memories().into_iter();
        shapes
            .filter_map(|shape| {
                let (role, width, depth) = (shape.role, shape.width, shape.depth);
                let kind = stage.memories.kind(role)?;
                let (luts, blocks) = (lut_cost(family, role, width, depth), block_rams(family, role, width, depth));
                let bram = if kind == MemoryKind::Block { blocks } else { 0 };
                let reason = if kind == MemoryKind::Constant {
                    "one row".to_owned()
                } else {
                    let bits = width * depth;
                    format!("{bits} bits in {depth} rows: about {luts:.0} LUTs or {blocks} block RAMs")
                };
                Some(MemoryReport { role, width, depth, kind, bram, reason })
            })
            .collect()
    }
}

impl Report {
    /// The report of `plan`, made for `target`.
    pub fn new(plan: &Plan, target: &Target) -> Self {
        let family = target.costs();
        let slowest = plan.stages.iter().map(|stage| stage.cycles).max();
        let names = |ids: &[StreamId]| ids.iter().map(|id| plan.stream(*id).name.clone()).collect();
        let layers = plan
            .stages
            .iter()
            .map(|stage| {
                let unit = stage.block.dot_unit();
                let layer = stage.block.layer().map(|id| plan.network.layer(id));
                LayerReport {
                    stage: stage.name.clone(),
                    inputs: names(&stage.inputs),
                    outputs: names(&stage.outputs),
                    name: layer.map_or_else(|| stage.name.clone(), |layer| layer.name.clone()),
                    kind: stage.block.name().to_owned(),
                    pe: unit.map(|unit| unit.pe),
                    simd: unit.map(|unit| unit.simd),
                    cycles: stage.cycles,
                    datapath: unit.map(|unit| unit.multiplier.form.datapath()),
                    reason: unit.map(|unit| unit.reason.clone()),
                    bottleneck: Some(stage.cycles) == slowest,
                    estimate: Estimate::of_stage(stage, family),
                    memories: MemoryReport::of(stage, family),
                }
            })
            .collect();
        Report {
            network: plan.network.name.clone(),
            board: None,
            initiation_interval_cycles: plan.initiation_interval,
            latency_cycles: plan.latency,
            clock_mhz: plan.clock_mhz,
            fps: plan.frames_per_second(),
            link_fps: None,
            ops_per_inference: plan.network.operations(),
            weight_bits: plan.network.weight_bits(),
            estimate: target.estimate(&plan.streams, &plan.stages),
            estimate_family: family,
            estimate_accuracy: accuracy(family),
            available: target.budget.map(|budget| Available {
                lut: budget.lut,
                ff: budget.ff,
                bram: budget.bram,
                usable: USABLE,
            }),
            measured: None,
            layers,
            fifo_depths: plan
                .stages
                .iter()
                .filter_map(|stage| {
                    let Block::StreamFifo(queue) = &stage.block else { return None };
                    Some((stage.name.clone(), queue.depth))
                })
                .collect(),
            line_buffer_words: plan
                .stages
                .iter()
                .filter_map(|stage| {
                    let Block::SlidingWindow(window) = &stage.block else { return None };
                    Some((stage.name.clone(), window.shape.depth))
                })
                .collect(),
            streams: plan
                .streams
                .iter()
                .map(|stream| StreamReport {
                    name: stream.name.clone(),
                    element: stream.format.element.to_string(),
                    lanes: stream.format.lanes,
                    bits: stream.word_bits(),
                    words: stream.format.words_per_image(),
                })
                .collect(),
            sensitive_steps: plan
                .network
                .sensitive_steps
                .iter()
                .map(|steps| (steps.node.clone(), steps.channels.len()))
                .collect(),
            approximations: plan.network.approximations.clone(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.layers.iter().map(|layer| layer.name.len()).fold("layer".len(), usize::max);
        writeln!(f, "{:<width$} {:<18} {:>5} {:>6} {:>8}", "layer", "kind", "pe", "simd", "cycles")?;
        let number = |value: Option<usize>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
        for layer in &self.layers {
            let (pe, simd) = (number(layer.pe), number(layer.simd));
            writeln!(f, "{:<width$} {:<18} {pe:>5} {simd:>6} {:>8}", layer.name, layer.kind, layer.cycles)?;
        }
        for approximation in &self.approximations {
            writeln!(f, "{approximation}")?;
        }
        for (name, words) in &self.line_buffer_words {
            writeln!(f, "line buffer {name}: {words} words")?;
        }
        for (name, depth) in &self.fifo_depths {
            writeln!(f, "queue {name}: {depth} words")?;
        }
        writeln!(
            f,
            "initiation interval {} cycle{}, latency {} cycles: {:.0} images/s at {} MHz",
            self.initiation_interval_cycles,
            if self.initiation_interval_cycles == 1 { "" } else { "s" },
            self.latency_cycles,
            self.fps,
            self.clock_mhz
        )?;
        if let Some(link_fps) = self.link_fps {
            writeln!(f, "through the board's link: {link_fps:.0} images/s")?;
        }
        let Estimate { lut, ff, bram } = self.estimate;
        let family = self.estimate_family;
        match self.available {
            None => {
                writeln!(f, "estimate of the core for {family}: {lut} LUTs, {ff} flip-flops, {bram} block RAMs")?;
            }
            Some(Available { lut: luts, ff: ffs, bram: brams, .. }) => writeln!(
                f,
                "estimate of the device on {family}: {lut} of {luts} LUTs, {ff} of {ffs} flip-flops, {bram} of {brams} \
                 block RAMs"
            )?,
        }
        match self.measured {
            None => Ok(()),
            Some(Measured { lut, ff, bram, fmax_mhz }) => {
                write!(f, "measured: {lut} LUTs, {ff} flip-flops, {bram} block RAMs")?;
                match fmax_mhz {
                    Some(fmax_mhz) => writeln!(f, ", at most {fmax_mhz:.1} MHz"),
                    None => writeln!(f, "; not placed and routed"),
                }
            }
        }
    }
}
