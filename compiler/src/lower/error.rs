//! What a model may hold that has no exact integer form.

use super::chain::MAX_OPERATIONS;
use miette::Diagnostic;
use network::network::{Network, NetworkError};
use thiserror::Error;

/// A model that cannot be lowered to integers.
#[derive(Clone, Debug, PartialEq, Error, Diagnostic)]
pub enum LowerError {
    /// An operation where only integers times a scale may stand.
    #[error("the data input of node `{node}` ({operator}) must be quantised, but reaches it as real numbers{from}")]
    #[diagnostic(
        code(compiler::lower::not_quantised),
        help(
            "put a quantiser (Quant, BipolarQuant, MultiThreshold or Sign) before `{node}`, in Brevitas a QuantIdentity or a quantised activation, and export again; or let `--calibrate X.npy` choose one on images"
        )
    )]
    NotQuantised {
        /// The node.
        node: String,
        /// Its operator.
        operator: &'static str,
        /// Where the real numbers come from, with a leading space; may be empty.
        from: String,
    },
    /// The same, with weights that are real numbers, too.
    #[error(
        "data input and weights of node `{node}` ({operator}) must be quantised, but the data reach it as real numbers{from}, and its weights are real numbers, too"
    )]
    #[diagnostic(
        code(compiler::lower::nothing_quantised),
        help(
            "quantise both: `xnorforge quantize MODEL.onnx -o NEW.onnx --scheme SCHEME --calibrate X.npy` does it for a model that was trained in floats; or train with quantisers (in Brevitas: weight_quant and a QuantIdentity or a quantised activation before `{node}`)"
        )
    )]
    NothingQuantised {
        /// The node.
        node: String,
        /// Its operator.
        operator: &'static str,
        /// Where the real numbers come from, with a leading space; may be empty.
        from: String,
    },
    /// A model of floats.
    #[error(
        "model `{model}` must be quantised, but it has no quantiser: data and weights of {} are real numbers",
        layers(refusals, *further)
    )]
    #[diagnostic(
        code(compiler::lower::unquantised),
        help(
            "quantise it: `xnorforge quantize MODEL.onnx -o quantised.onnx --scheme hwgq:4 --calibrate IMAGES.npy`, with images as the model was trained on; or train it with quantisers (Brevitas, QKeras), or quantise it by onnxruntime's quantize_static"
        )
    )]
    Unquantised {
        /// The model.
        model: String,
        /// Refusals beyond those kept.
        further: usize,
        /// What each layer lacks.
        refusals: Vec<LowerError>,
    },
    /// The model's input where only integers times a scale may stand.
    #[error(
        "the data input of node `{node}` ({operator}) must be quantised, but is the model's input `{input}` itself"
    )]
    #[diagnostic(
        code(compiler::lower::input_not_quantised),
        help(
            "say what the images hold: `--input-type u8` where their values are integers, `--input-type u8 --input-scale 1/255` where they are integers times a scale; or put a quantiser (Quant, in Brevitas a QuantIdentity) before `{node}` and export again; or let `--calibrate X.npy` choose one on images"
        )
    )]
    InputNotQuantised {
        /// The node.
        node: String,
        /// Its operator.
        operator: &'static str,
        /// The input.
        input: String,
    },
    /// An input of more bits than a design's input may have.
    #[error(
        "the file says that the input `{input}`, which node `{node}` ({operator}) reads, is {found}, but inputs have at most {} bits",
        network::graph::MAX_INPUT_BITS
    )]
    #[diagnostic(
        code(compiler::lower::wide_input),
        help(
            "scale the images to 16 bits or fewer and say so (`--input-type u8`, `u16`), or let `--calibrate X.npy` choose a format, or put a quantiser before `{node}`"
        )
    )]
    WideInput {
        /// What the file says that it is.
        found: String,
        /// The node.
        node: String,
        /// Its operator.
        operator: &'static str,
        /// The input.
        input: String,
    },
    /// Channels with different scales or offsets where there can be only one.
    #[error(
        "the data input of node `{node}` ({operator}) must have {must}, but comes with {count} different {what} from node `{source_node}` ({source_operator})"
    )]
    #[diagnostic(code(compiler::lower::unlike_channels), help("{help}"))]
    UnlikeChannels {
        /// The node.
        node: Box<str>,
        /// Its operator.
        operator: &'static str,
        /// What it can read.
        must: &'static str,
        /// The node that makes the channels different.
        source_node: Box<str>,
        /// Its operator.
        source_operator: &'static str,
        /// How many there are.
        count: usize,
        /// Of what: `scales` or `offsets`.
        what: &'static str,
        /// What to do.
        help: Box<str>,
    },
    /// Weights that are not few-bit integers times a scale.
    #[error(
        "the weights of node `{node}` must be integers of at most {bits} bits times one scale per output channel, but those of channel {channel} are not{detail}"
    )]
    #[diagnostic(
        code(compiler::lower::weights_not_quantised),
        help(
            "quantise the weights of `{node}` (in Brevitas: a weight_quant with one scale per tensor or per output channel) and export again, or by `xnorforge quantize`"
        )
    )]
    WeightsNotQuantised {
        /// The node.
        node: String,
        /// Most bits that weights may take.
        bits: u32,
        /// The output channel.
        channel: usize,
        /// What was found, with leading punctuation; may be empty.
        detail: String,
    },
    /// Two operands that both depend on the input.
    #[error("one operand of node `{node}` ({operator}) must be a constant, but both depend on the model's input")]
    #[diagnostic(
        code(compiler::lower::two_data_operands),
        help(
            "two activations can be added, subtracted, multiplied and concatenated, not divided; rewrite the model without `{node}`"
        )
    )]
    TwoDataOperands {
        /// The node.
        node: String,
        /// Its operator.
        operator: &'static str,
    },
    /// An operator with no integer form at its place.
    #[error("node `{node}` ({operator}) must {must}, but {found}")]
    #[diagnostic(code(compiler::lower::unsupported), help("{help}"))]
    Unsupported {
        /// The node.
        node: String,
        /// Its operator.
        operator: &'static str,
        /// What would have to hold.
        must: &'static str,
        /// What was found.
        found: String,
        /// What to do.
        help: &'static str,
    },
    /// A function without a value somewhere in its reachable range.
    #[error(
        "what node `{node}` quantises must be a number for every value that can occur, but channel {channel} divides by zero or takes the root of a negative number"
    )]
    #[diagnostic(
        code(compiler::lower::undefined),
        help(
            "look at the parameters between the last dot product and `{node}`: a variance plus epsilon of zero, or a zero scale"
        )
    )]
    Undefined {
        /// The quantiser's node.
        node: String,
        /// The channel.
        channel: usize,
    },
    /// Constants that take too long to work with.
    #[error(
        "the constants that node `{node}` ({operator}) works with must be computed by at most {} operations, but take more",
        MAX_OPERATIONS
    )]
    #[diagnostic(
        code(compiler::lower::too_long),
        help(
            "put a quantiser before `{node}`: the arithmetic since the last one is too long to be exact in reasonable time"
        )
    )]
    TooLong {
        /// The node.
        node: String,
        /// Its operator.
        operator: &'static str,
    },
    /// A model that has nothing for hardware to do.
    #[error("model `{model}` must hold at least one quantiser or dot product between input and output, but holds none")]
    #[diagnostic(
        code(compiler::lower::empty),
        help("check that this is the exported network and not a fragment of it")
    )]
    NothingToDo {
        /// The model.
        model: String,
    },
    /// Tensors that take too much memory.
    #[error(
        "the tensors of model `{model}` must have at most {} elements together, but have {elements}",
        Network::MAX_ELEMENTS
    )]
    #[diagnostic(
        code(compiler::lower::too_large),
        help("export the model for a smaller image, or with fewer channels")
    )]
    TooLarge {
        /// The model.
        model: String,
        /// What its tensors have.
        elements: usize,
    },
    /// Several nodes without an integer form.
    #[error("{count} nodes of the model have no exact integer form: fix each of them")]
    #[diagnostic(
        code(compiler::lower::several),
        help("`xnorforge info MODEL --explain` lists what becomes of each node")
    )]
    Several {
        /// How many there are.
        count: usize,
        /// The first of them.
        #[related]
        refusals: Vec<LowerError>,
    },
    /// A fault of a pass.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Invalid(#[from] NetworkError),
}

impl LowerError {
    /// The refusals that this is made of, each with the node that it is about, where it is about one.
    pub fn refusals(&self) -> Vec<(Option<&str>, &LowerError)> {
        match self {
            LowerError::Several { refusals, .. } | LowerError::Unquantised { refusals, .. } => {
                refusals.iter().flat_map(LowerError::refusals).collect()
            }
            LowerError::NotQuantised { node, .. }
            | LowerError::NothingQuantised { node, .. }
            | LowerError::InputNotQuantised { node, .. }
            | LowerError::WideInput { node, .. }
            | LowerError::WeightsNotQuantised { node, .. }
            | LowerError::TwoDataOperands { node, .. }
            | LowerError::Unsupported { node, .. }
            | LowerError::Undefined { node, .. }
            | LowerError::TooLong { node, .. } => vec![(Some(node), self)],
            LowerError::UnlikeChannels { node, .. } => vec![(Some(node), self)],
            LowerError::NothingToDo { .. } | LowerError::TooLarge { .. } | LowerError::Invalid(_) => vec![(None, self)],
        }
    }
}

/// The layers that refusals are about: their number, and the names of the first.
fn layers(refusals: &[LowerError], further: usize) -> String {
    const SHOWN: usize = 4;
    let mut names: Vec<&str> = refusals.iter().flat_map(LowerError::refusals).filter_map(|(node, _)| node).collect();
    let count = names.len() + further;
    names.truncate(SHOWN);
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let more = if count > names.len() { ", …" } else { "" };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} layer{plural} ({}{more})", names.join(", "))
}
