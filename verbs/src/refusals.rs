//! What verbs refuse by rules of their own.

use miette::Diagnostic;
use std::path::PathBuf;
use thiserror::Error;

/// A directory whose network is made of integers already.
#[derive(Debug, Error, Diagnostic)]
#[error(
    "`--calibrate` and `--input-type` must be given with an ONNX file, but {} is a directory, whose network consists of integers",
    path.display()
)]
#[diagnostic(
    code(xnorforge::calibrated_directory),
    help("leave out the option; to choose other formats, compile the ONNX file again with it")
)]
pub struct CalibratedDirectory {
    /// The directory.
    pub path: PathBuf,
}

/// The folding file is not valid JSON of the expected shape.
#[derive(Debug, Error, Diagnostic)]
#[error("{} must be JSON with `pe` and `simd` of each layer: {reason}", path.display())]
#[diagnostic(
    code(xnorforge::folding_file),
    help("write it as {{\"<layer>\": {{\"pe\": 4, \"simd\": 8}}, …}}; `xnorforge info MODEL` names the layers")
)]
pub struct FoldingFile {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// A search for the largest design without a limit.
#[derive(Debug, Error, Diagnostic)]
#[error("`--max` must be given with a board, whose room it fills, but there is no `--board`")]
#[diagnostic(
    code(xnorforge::max_without_board),
    help("add `--board B` (`xnorforge boards` lists them), or plan for a rate with `--target-fps N`")
)]
pub struct MaxWithoutBoard;

/// Labels of no images.
#[derive(Debug, Error, Diagnostic)]
#[error("`--labels` must come with images, but there is neither `--input` nor `--calibrate`")]
#[diagnostic(
    code(xnorforge::labels_without_images),
    help("add `--input X.npy` with the images that the labels belong to")
)]
pub struct LabelsWithoutImages;

/// Labels of outputs that are no scores of classes.
#[derive(Debug, Error, Diagnostic)]
#[error("labels need a vector of class scores, but the output is {shape:?}")]
#[diagnostic(
    code(xnorforge::labels_of_map),
    help("leave out `--labels`; `run … --output Y.npy` writes the outputs, to be compared in NumPy")
)]
pub struct LabelsOfMap {
    /// Shape of an image's output.
    pub shape: Vec<usize>,
}

/// Nodes that stand in the way, each told before.
#[derive(Debug, Error, Diagnostic)]
#[error("{refused} of {nodes} nodes are refused")]
#[diagnostic(
    code(xnorforge::refused),
    help("fix them for the reasons in the table; `xnorforge info MODEL` without `--explain` says how")
)]
pub struct NodesRefused {
    /// Number of nodes that are refused.
    pub refused: usize,
    /// Number of nodes of the file.
    pub nodes: usize,
}

/// The answer is no.
#[derive(Debug, Error, Diagnostic)]
pub enum Mismatch {
    /// Scores differ.
    #[error("every engine must give the same integers, but the simulated design differs{place}")]
    #[diagnostic(
        code(xnorforge::mismatch),
        help(
            "this is a fault of xnorforge: please report it with the model; `--trace DIR --wave F.vcd` records the evidence"
        )
    )]
    Integers {
        /// Where, with leading punctuation.
        place: String,
    },
    /// Another interval than planned.
    #[error("the design must take an image every {planned} cycles as planned, but takes one every {measured}")]
    #[diagnostic(
        code(xnorforge::interval),
        help("this is a fault of xnorforge: please report it with the model and the folding")
    )]
    Interval {
        /// The plan's interval.
        planned: u64,
        /// The simulation's.
        measured: u64,
    },
    /// Another latency than planned.
    #[error("the first image must be through after {planned} cycles as planned, but takes {measured}")]
    #[diagnostic(
        code(xnorforge::latency),
        help("this is a fault of xnorforge: please report it with the model and the folding")
    )]
    Latency {
        /// The plan's latency.
        planned: u64,
        /// The simulation's.
        measured: u64,
    },
}
