//! `info`: what a model is, before anything is built.

use crate::engine::default_plan;
use crate::error::VerbError;
use crate::explain::{Explained, explain};
use crate::model::{Model, graph, is_directory};
use crate::preparation::Preparation;
use compiler::plan::Plan;
use network::graph::Graph;
use std::path::PathBuf;

/// What to look at.
#[derive(Clone, Debug)]
pub struct Options {
    /// A QONNX or TensorFlow Lite file, or a directory that `compile` wrote.
    pub model: PathBuf,
    /// What is done to the graph first.
    pub preparation: Preparation,
    /// The form to look at.
    pub form: Form,
}

/// A form that a model goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The graph with its network in integers.
    Model,
    /// The graph alone, which a model that cannot be lowered has as well. A directory has its network only.
    Graph,
    /// The plan; of a model that of the default target.
    Plan,
    /// What becomes of each node of a model's file. A directory has its network only.
    Explanation,
}

/// A model in the form asked for.
#[derive(Debug)]
pub enum Info {
    /// The graph with its network in integers, or the directory.
    Model(Box<Model>),
    /// The graph.
    Graph(Box<Graph>),
    /// The plan.
    Plan(Box<Plan>),
    /// What becomes of each node.
    Explained(Box<Explained>),
}

/// Reads a model.
///
/// # Errors
/// Where the model cannot be had in that form.
pub fn info(options: &Options) -> Result<Info, VerbError> {
    let Options { model: path, preparation, form } = options;
    if *form == Form::Graph && !is_directory(path) {
        return Ok(Info::Graph(Box::new(graph(path, preparation)?)));
    }
    if *form == Form::Explanation && !is_directory(path) {
        return Ok(Info::Explained(Box::new(explain(path, preparation)?)));
    }
    let model = Model::open(path, preparation)?;
    Ok(match (form, model) {
        (Form::Model | Form::Graph | Form::Explanation, model) => Info::Model(Box::new(model)),
        (Form::Plan, Model::Compiled { compiled, .. }) => Info::Plan(Box::new(compiled.plan)),
        (Form::Plan, Model::Imported { network, .. }) => Info::Plan(Box::new(default_plan(&network)?)),
    })
}
