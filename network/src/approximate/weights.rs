//! Weights of few different magnitudes that lie on no common grid: two trained magnitudes (TTQ), sums of binary bases
//! (ABC-Net), a scale for each group of weights (FGQ), or a grid whose points float32 has rounded.

use crate::graph::{Approximation, ApproximationKind, Edit, Graph, NodeId};
use crate::grid::{FittedGrid, MAX_WEIGHT, greatest, greatest_common_step, is_on_grid};
use crate::quantize::Weights;
use crate::quantize::model::dot_products;
use crate::reference::{Evaluator, ReferenceError};
use crate::tensor::Tensor;
use std::collections::{BTreeMap, HashMap};

/// Most magnitudes of a layer whose rows all go to one grid, as trained magnitudes of a whole layer do.
const SHARED_MAGNITUDES: usize = 32;

/// How much greater the greatest weight of such a layer may be than that of any row: the grid is as coarse for all.
const SHARED_RATIO: f64 = 2.0;

/// How many weights of a layer there must be for each different magnitude: fewer are real numbers, not quantised ones.
const WEIGHTS_PER_MAGNITUDE: usize = 4;

/// The weights of dot products on grids, where they have few magnitudes.
pub(super) fn approximate(graph: Graph) -> Result<Graph, ReferenceError> {
    let evaluator = Evaluator::new(&graph)?;
    let mut found: HashMap<NodeId, (usize, Tensor, Approximation)> = HashMap::new();
    for dot in dot_products(&graph, &evaluator) {
        let Weights { values, outputs, .. } = dot.weights();
        let columns = values.len() / outputs.max(1);
        let Some(moved) = on_grids(values, columns) else { continue };
        let (name, steps) = (&graph.node(dot.node).name, steps(&moved, columns));
        if let Some(change) = Approximation::between(name, ApproximationKind::Weights, steps, values, &moved) {
            found.insert(dot.node, (dot.operand, dot.tensor_of(&moved), change));
        }
    }
    if found.is_empty() {
        return Ok(graph);
    }
    let (mut edit, nodes) = Edit::taking(graph);
    let mut changes = Vec::new();
    for (index, mut node) in nodes.into_iter().enumerate() {
        if let Some((operand, tensor, change)) = found.remove(&NodeId(index)) {
            let name = format!("{}_on_grid", edit.read(node.inputs[operand]).name);
            node.inputs[operand] = edit.constant(name, tensor);
            changes.push(change);
        }
        edit.keep(node);
    }
    let mut graph = edit.finish();
    graph.approximations.extend(changes);
    Ok(graph)
}

/// The weights, `columns` an output, with those of each output on a grid; `None` where all are already, or where they are
/// real numbers.
fn on_grids(weights: &[f64], columns: usize) -> Option<Vec<f64>> {
    let rows = || weights.chunks(columns.max(1));
    if rows().all(is_on_grid) {
        return None;
    }
    let all = magnitudes(weights);
    if all.len() * WEIGHTS_PER_MAGNITUDE > weights.len() {
        return None;
    }
    let mut moved = weights.to_vec();
    let least_row = rows().map(greatest).filter(|greatest| *greatest > 0.0).fold(f64::INFINITY, f64::min);
    if all.len() <= SHARED_MAGNITUDES && greatest(weights) <= SHARED_RATIO * least_row {
        put(&mut moved, &all);
        return Some(moved);
    }
    for row in moved.chunks_mut(columns).filter(|row| !is_on_grid(row)) {
        let own = magnitudes(row);
        put(row, &own);
    }
    Some(moved)
}

/// The different magnitudes other than zero, by bit pattern, which orders them, and how often each occurs.
fn magnitudes(weights: &[f64]) -> BTreeMap<u64, usize> {
    let mut found = BTreeMap::new();
    for weight in weights.iter().filter(|weight| **weight != 0.0) {
        *found.entry(weight.abs().to_bits()).or_insert(0) += 1;
    }
    found
}

/// Moves weights, whose magnitudes are `found`, to one grid.
fn put(weights: &mut [f64], found: &BTreeMap<u64, usize>) {
    let values: Vec<f64> = found.keys().map(|bits| f64::from_bits(*bits)).collect();
    let counts: Vec<usize> = found.values().copied().collect();
    let grid = FittedGrid::new(&values, &counts);
    let integers: BTreeMap<u64, u32> = found.keys().copied().zip(grid.integers.iter().copied()).collect();
    for weight in weights {
        if let Some(integer) = integers.get(&weight.abs().to_bits()) {
            *weight = (f64::from(*integer) * grid.scale).copysign(*weight);
        }
    }
}

/// How fine the grids are.
fn steps(weights: &[f64], columns: usize) -> String {
    let steps = |row| greatest_common_step(row, MAX_WEIGHT as f64).map_or(0, |step| (greatest(row) / step) as u64);
    format!("integers up to {} times a scale", weights.chunks(columns.max(1)).map(steps).max().unwrap_or(0))
}
