//! `info`: what a model is, before anything is built.

use crate::output::show;
use crate::preparation::Preparation;
use abi::ElementType;
use abi::maps::{self, OutputMap, Reduction, ScoreMap, Search};
use clap::{Args, ValueEnum};
use network::network::{Convolution, FloatDifference, LayerKind, Network, Pool, SensitiveSteps};
use std::path::PathBuf;
use verbs::VerbError;
use verbs::explain::{ExplainedNode, State};
use verbs::info::{Form, Info as Found, Options};
use verbs::model::Model;

/// Show layers, shapes, bit widths, operations, the input domain and approximations.
#[derive(Debug, Args)]
pub struct Info {
    /// A QONNX or TensorFlow Lite file, or a directory written by `compile`.
    #[arg(value_name = "MODEL|DIR")]
    model: PathBuf,
    #[command(flatten)]
    preparation: Preparation,
    /// Print an intermediate form instead.
    #[arg(long, value_enum)]
    dump: Option<Dump>,
    /// List the possible values that float32 arithmetic would quantise to another code.
    #[arg(long, conflicts_with = "dump")]
    ties: bool,
    /// List the nodes of the file: taken, folded, approximated or refused, and why.
    #[arg(long, conflicts_with_all = ["dump", "ties"])]
    explain: bool,
}

/// An intermediate form.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Dump {
    /// The imported model, floats included.
    Graph,
    /// The network in integers.
    Network,
    /// The planned pipeline (of a model: for the default target).
    Plan,
}

impl Info {
    /// Runs the verb.
    pub fn run(self) -> Result<(), VerbError> {
        let form = match self.dump {
            _ if self.explain => Form::Explanation,
            // Before lowering, so that a model that cannot be lowered can be looked at.
            Some(Dump::Graph) => Form::Graph,
            Some(Dump::Plan) => Form::Plan,
            Some(Dump::Network) | None => Form::Model,
        };
        let options = Options { model: self.model, preparation: self.preparation.options(), form };
        let text = match verbs::info::info(&options)? {
            Found::Graph(graph) => graph.to_string(),
            Found::Plan(plan) => plan.to_string(),
            Found::Explained(explained) => {
                show(&table(&explained.nodes))?;
                return explained.refusal.map_or(Ok(()), Err);
            }
            Found::Model(model) if self.ties => ties(model.network()),
            Found::Model(model) if self.dump.is_some() => model.network().to_string(),
            Found::Model(model) => summary(&model),
        };
        show(&text)
    }
}

fn summary(model: &Model) -> String {
    let network = model.network();
    let map = &network.input_map;
    let mut text = format!("network     {}\n", network.name);
    text += &format!("input       {:?}, quantised to {}", map.shape, input_codes(network));
    text += &format!("\noutput      {:?}, {}\n", network.output_map.shape, output(&network.output_map));
    text += &format!("weights     {} bits\n", network.weight_bits());
    text += &format!("operations  {} per image\n\n", network.operations());
    let names: Vec<String> = network.layers.iter().map(|layer| short(&layer.name)).collect();
    let width = names.iter().map(|name| name.chars().count()).fold("layer".len(), usize::max);
    text += &format!("{:<width$} {:<16} {:>14} {:>10} {:>12}\n", "layer", "kind", "shape", "weights", "output");
    for (layer, name) in network.layers.iter().zip(&names) {
        let output = network.tensor(layer.output);
        let image = format!("{} x {} x {}", output.height, output.width, output.channels);
        let (shape, weights) = match &layer.kind {
            LayerKind::MatrixVector(weights) => {
                (format!("{} x {}", weights.rows, weights.columns), weights.element.to_string())
            }
            LayerKind::Convolution(Convolution { window, groups, weights, .. }) => {
                let [vertical, horizontal] = window.kernel;
                let channels = weights.columns / window.taps();
                let groups = if *groups > 1 { format!(" / {groups}") } else { String::new() };
                (format!("{} x {vertical}x{horizontal}x{channels}{groups}", weights.rows), weights.element.to_string())
            }
            LayerKind::Pool(Pool { window, .. }) => {
                (format!("{}x{} of {image}", window.kernel[0], window.kernel[1]), "-".into())
            }
            LayerKind::MultiThreshold(_)
            | LayerKind::Add(_)
            | LayerKind::Multiply
            | LayerKind::Table(_)
            | LayerKind::Concat
            | LayerKind::Upsample { .. }
            | LayerKind::Reshape
            | LayerKind::ArgMax => {
                (if output.vectors() == 1 { output.channels.to_string() } else { image }, "-".into())
            }
        };
        let element = format!("{}[{}]", output.element, output.channels);
        text += &format!("{:<width$} {:<16} {shape:>14} {weights:>10} {element:>12}\n", name, layer.kind.name());
    }
    let mut remarks: Vec<String> = match model {
        Model::Imported { graph, .. } => graph.remarks.clone(),
        Model::Compiled { .. } => Vec::new(),
    };
    remarks.extend(network.approximations.iter().map(ToString::to_string));
    remarks.extend(float_differences(&network.sensitive_steps));
    if network.layers.iter().zip(&names).any(|(layer, name)| layer.name != *name) {
        remarks.push("long names of layers are shortened here; --dump network has them whole".to_owned());
    }
    if !remarks.is_empty() {
        text += "\n";
    }
    for remark in remarks {
        text += &format!("note: {remark}\n");
    }
    text
}

/// Most characters of a name in a table.
const LONGEST_NAME: usize = 40;

/// A name for a table: of several names that an exporter has joined the first, and of a long one its ends.
fn short(name: &str) -> String {
    let count = |name: &str| name.chars().count();
    if count(name) <= LONGEST_NAME {
        return name.to_owned();
    }
    let first = match name.split_once(';') {
        Some((first, _)) if !first.is_empty() => format!("{first};…"),
        _ => name.to_owned(),
    };
    if count(&first) <= LONGEST_NAME {
        return first;
    }
    let half = LONGEST_NAME / 2;
    let begin: String = first.chars().take(half - 1).collect();
    let end: String = first.chars().skip(count(&first) - half).collect();
    format!("{begin}…{end}")
}

/// What float32 arithmetic may do otherwise: of one node in full, of several in one sentence.
fn float_differences(all: &[SensitiveSteps]) -> Option<String> {
    let differences: usize = all.iter().map(|steps| steps.differences.len()).sum();
    let thresholds: usize = all.iter().map(|steps| steps.channels.len()).sum();
    let where_ = match all {
        [] => return None,
        [steps] => format!("{} ({})", steps.node, listed(&steps.channels)),
        several => format!("{} layers", several.len()),
    };
    Some(format!(
        "{thresholds} thresholds of {where_} lie within float32 rounding of a possible value: a float32 framework, which may \
         add in another order, may differ there; where it rounds each node's result once, it differs for {}{differences} \
         values{}",
        if all.iter().all(|steps| steps.is_complete) { "" } else { "at least " },
        if differences == 0 { "" } else { " (listed by info --ties)" },
    ))
}

/// What the output holds, and what the host computes for it.
fn output(map: &OutputMap) -> String {
    let (one, many) = match &map.score_map {
        None => ("score".to_owned(), "scores".to_owned()),
        Some(ScoreMap { function, codes }) => {
            let quantised = if codes.is_some() { ", quantised" } else { "" };
            let name = format!("{} of the scores{quantised}", function.name());
            (format!("value of {name}"), name)
        }
    };
    match map.reduction {
        Reduction::None if map.score_map.is_none() => many,
        Reduction::None => format!("{many}, computed on the host"),
        Reduction::ArgMax => format!("index of the greatest {one}, computed on the host"),
        Reduction::Index => format!("index of the greatest {one}, computed in hardware"),
        Reduction::Softmax(_) => format!("softmax of the {many} as TensorFlow Lite computes it, on the host"),
        Reduction::Search(Search { along, k, last, gives }) => {
            let of = format!("of each {} {many}", along.extent);
            let ties = if last { ", the highest on ties" } else { "" };
            match (gives, k) {
                (maps::Found::Values, 1) => format!("the greatest {of}, found on the host"),
                (maps::Found::Values, k) => format!("the {k} greatest {of}, sorted on the host"),
                (maps::Found::Indices, 1) => format!("index of the greatest {of}{ties}, found on the host"),
                (maps::Found::Indices, k) => format!("indices of the {k} greatest {of}{ties}, sorted on the host"),
            }
        }
    }
}

/// What becomes of each node, a line each.
fn table(nodes: &[ExplainedNode]) -> String {
    let width = |title: &str, of: fn(&ExplainedNode) -> &str| {
        nodes.iter().map(|node| of(node).chars().count()).fold(title.len(), usize::max)
    };
    let short_names: Vec<String> = nodes.iter().map(|node| short(&node.name)).collect();
    let names = short_names.iter().map(|name| name.chars().count()).fold("node".len(), usize::max);
    let operators = width("operator", |node| &node.operator);
    let mut text = format!("{:<names$} {:<operators$} {:<12} {}\n", "node", "operator", "becomes", "because");
    for (ExplainedNode { operator, state, why, .. }, name) in nodes.iter().zip(short_names) {
        let state = match state {
            State::Taken => "taken",
            State::Folded => "folded",
            State::Approximated => "approximated",
            State::Refused => "refused",
            State::LeftOut => "left out",
            State::NotReached => "not reached",
        };
        text += format!("{name:<names$} {operator:<operators$} {state:<12} {why}").trim_end();
        text += "\n";
    }
    let legend = [
        (State::Taken, "taken: computed by the network"),
        (State::Folded, "folded: a constant, computed now"),
        (State::LeftOut, "left out: no effect on the output"),
    ];
    let appears = |state: State| nodes.iter().any(|node| node.state == state);
    let legend: Vec<&str> = legend.iter().filter(|(state, _)| appears(*state)).map(|(_, words)| *words).collect();
    if !legend.is_empty() {
        text += &format!("\n{}\n", legend.join("; "));
    }
    text
}

/// The values that float32 arithmetic quantises to another code, a line each.
fn ties(network: &Network) -> String {
    let count: usize = network.sensitive_steps.iter().map(|steps| steps.differences.len()).sum();
    let mut text = format!(
        "possible values that float32 arithmetic, with each node's result rounded once, quantises to another code: {}{count}\n",
        if network.sensitive_steps.iter().all(|steps| steps.is_complete) { "" } else { "at least " }
    );
    let width = network.sensitive_steps.iter().map(|steps| steps.node.len()).fold("node".len(), usize::max);
    if count > 0 {
        text += &format!(
            "{:<width$} {:>8} {:>12} {:>24} {:>8} {:>8}\n",
            "node", "channel", "sum", "value", "exact", "float32"
        );
    }
    for steps in &network.sensitive_steps {
        for FloatDifference { channel, sum, value, exact, float } in &steps.differences {
            text += &format!("{:<width$} {channel:>8} {sum:>12} {value:>24} {exact:>8} {float:>8}\n", steps.node);
        }
    }
    text
}

/// Ascending channels, each once; how many where they are many.
fn listed(channels: &[usize]) -> String {
    const SHOWN: usize = 8;
    let mut channels = channels.to_vec();
    channels.dedup();
    match channels.len() {
        count if count > SHOWN => format!("in {count} channels"),
        1 => format!("channel {}", channels[0]),
        _ => format!("channels {channels:?}"),
    }
}

/// The codes that the input's values become, and where they change.
fn input_codes(network: &Network) -> String {
    let map = &network.input_map;
    let thresholds = map.functions.iter().map(|function| function.boundaries.len()).max().unwrap_or(0);
    let places = match domain(network) {
        None => String::new(),
        Some((low, high)) if low == high => format!(" at {low}"),
        Some((low, high)) => format!(" from {low} to {high}"),
    };
    match (map.element, thresholds) {
        (ElementType::Bipolar, 1) => format!("±1: split{places}"),
        (element, 1) => format!("{element}: 1 threshold{places}"),
        (element, thresholds) => format!("{element}: {thresholds} thresholds{places}"),
    }
}

/// The least and the greatest input value at which a code changes.
fn domain(network: &Network) -> Option<(f32, f32)> {
    let boundaries = || network.input_map.functions.iter().flat_map(|function| function.boundaries.iter().copied());
    // 0 where it is -0.
    Some((boundaries().min_by(f32::total_cmp)? + 0.0, boundaries().max_by(f32::total_cmp)? + 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut() {
        let joined = "model/dense/MatMul;model/dense/BiasAdd/ReadVariableOp;model/dense/BiasAdd";
        let long = "StatefulPartitionedCall/model/conv2d_12/Conv2D_depthwise_quantised";
        let characters = "ö".repeat(41);
        for (name, shown) in [
            ("/conv1/Conv", "/conv1/Conv"),
            ("a;b", "a;b"),
            (joined, "model/dense/MatMul;…"),
            (long, "StatefulPartitioned…_depthwise_quantised"),
            (&characters, &format!("{}…{}", "ö".repeat(19), "ö".repeat(20))),
        ] {
            assert_eq!(short(name), shown);
            assert!(short(name).chars().count() <= LONGEST_NAME);
        }
    }
}
