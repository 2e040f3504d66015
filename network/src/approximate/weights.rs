//! Weights of few different magnitudes that lie on no common grid: two trained magnitudes (TTQ), sums of binary bases
//! (ABC-Net), a scale for each group of weights (FGQ), or a grid whose points float32 has rounded.

use super::add_constant;
use crate::graph::{Approximation, ApproximationKind, Graph, NodeId, Operator, ValueId};
use crate::grid::{FittedGrid, is_on_grid};
use crate::reference::{Evaluator, ReferenceError};
use crate::tensor::Tensor;
use std::collections::BTreeMap;

/// Most magnitudes of a layer whose rows all go to one grid, as trained magnitudes of a whole layer do.
const SHARED_MAGNITUDES: usize = 32;

/// How much greater the greatest weight of such a layer may be than that of any row: the grid is as coarse for all.
const SHARED_RATIO: f64 = 2.0;

/// How many weights of a layer there must be for each different magnitude: fewer are real numbers, not quantised ones.
const WEIGHTS_PER_MAGNITUDE: usize = 4;

/// The weights of dot products on grids, where they have few magnitudes.
pub(super) fn approximate(mut graph: Graph) -> Result<Graph, ReferenceError> {
    let evaluator = Evaluator::new(&graph)?;
    let found: Vec<(NodeId, usize, Tensor, Approximation)> = (0..graph.nodes.len())
        .map(NodeId)
        .filter_map(|id| {
            let (input, weights, rows) = weights(&graph, &evaluator, id)?;
            let tensor = on_grids(weights, &rows)?;
            let steps = steps(&tensor, &rows);
            let name = &graph.node(id).name;
            let (before, after) = (&weights.data, &tensor.data);
            let change = Approximation::between(name, ApproximationKind::Weights, steps, before, after)?;
            Some((id, input, tensor, change))
        })
        .collect();
    for (id, input, tensor, change) in found {
        let name = format!("{}_on_grid", graph.value(graph.node(id).inputs[input]).name);
        graph.nodes[id.0].inputs[input] = add_constant(&mut graph, name, tensor);
        graph.approximations.push(change);
    }
    Ok(graph)
}

/// The constant operand of a dot product: which input it is, its tensor, and the indices of each output channel's
/// weights.
fn weights<'a>(graph: &'a Graph, evaluator: &'a Evaluator, id: NodeId) -> Option<(usize, &'a Tensor, Vec<Vec<usize>>)> {
    let node = graph.node(id);
    let constant = |input: usize| -> Option<&Tensor> { evaluator.constant(node.inputs[input]) };
    let is_constant = |id: ValueId| evaluator.constant(id).is_some();
    let (input, outer_is_first) = match (&node.operator, is_constant(node.inputs[0])) {
        (Operator::Conv { .. }, false) => (1, true),
        (Operator::Gemm { transpose_b, .. }, false) => (1, *transpose_b),
        (Operator::Gemm { transpose_a, .. }, true) => (0, !transpose_a),
        (Operator::MatMul, false) => (1, false),
        (Operator::MatMul, true) => (0, true),
        _ => return None,
    };
    let tensor = constant(input)?;
    let rank = tensor.shape.len();
    if node.inputs[..2].iter().all(|id| is_constant(*id)) || rank == 0 {
        return None;
    }
    let is_conv = matches!(node.operator, Operator::Conv { .. });
    let outer = match (is_conv, rank) {
        (true, _) => tensor.shape[0],
        (false, 1) => 1,
        (false, _) if outer_is_first => tensor.shape[rank - 2],
        (false, _) => tensor.shape[rank - 1],
    };
    let inner = tensor.len() / outer.max(1);
    let row = |row: usize| {
        let index = |column: usize| if outer_is_first { row * inner + column } else { column * outer + row };
        (0..inner).map(index).collect()
    };
    Some((input, tensor, (0..outer).map(row).collect()))
}

/// The weights with each row on a grid, `None` where all are already, or where they are real numbers.
fn on_grids(weights: &Tensor, rows: &[Vec<usize>]) -> Option<Tensor> {
    let row_of = |indices: &[usize]| -> Vec<f64> { indices.iter().map(|index| weights.data[*index]).collect() };
    if rows.iter().all(|indices| is_on_grid(&row_of(indices))) {
        return None;
    }
    let all = magnitudes(weights.data.iter());
    if all.len() * WEIGHTS_PER_MAGNITUDE > weights.len() {
        return None;
    }
    let mut tensor = weights.clone();
    let greatest = |weights: &[f64]| weights.iter().fold(0.0, |greatest: f64, weight| greatest.max(weight.abs()));
    let of_rows = rows.iter().map(|indices| greatest(&row_of(indices))).filter(|greatest| *greatest > 0.0);
    let least_row = of_rows.fold(f64::INFINITY, f64::min);
    if all.len() <= SHARED_MAGNITUDES && greatest(&weights.data) <= SHARED_RATIO * least_row {
        put(&mut tensor, 0..weights.len(), &all);
        return Some(tensor);
    }
    for indices in rows {
        let row = row_of(indices);
        if !is_on_grid(&row) {
            put(&mut tensor, indices.iter().copied(), &magnitudes(row.iter()));
        }
    }
    Some(tensor)
}

/// The different magnitudes other than zero, by bit pattern, which orders them, and how often each occurs.
fn magnitudes<'a>(weights: impl Iterator<Item = &'a f64>) -> BTreeMap<u64, usize> {
    let mut found = BTreeMap::new();
    for weight in weights.filter(|weight| **weight != 0.0) {
        *found.entry(weight.abs().to_bits()).or_insert(0) += 1;
    }
    found
}

/// Moves the weights at `indices`, whose magnitudes are `found`, to one grid.
fn put(tensor: &mut Tensor, indices: impl Iterator<Item = usize>, found: &BTreeMap<u64, usize>) {
    let values: Vec<f64> = found.keys().map(|bits| f64::from_bits(*bits)).collect();
    let counts: Vec<usize> = found.values().copied().collect();
    let grid = FittedGrid::new(&values, &counts);
    let integers: BTreeMap<u64, u32> = found.keys().copied().zip(grid.integers.iter().copied()).collect();
    for index in indices {
        let weight = tensor.data[index];
        if let Some(integer) = integers.get(&weight.abs().to_bits()) {
            tensor.data[index] = (f64::from(*integer) * grid.scale).copysign(weight);
        }
    }
}

/// How fine the grids are.
fn steps(tensor: &Tensor, rows: &[Vec<usize>]) -> String {
    let steps = |indices: &Vec<usize>| {
        let row: Vec<f64> = indices.iter().map(|index| tensor.data[*index]).collect();
        let greatest = row.iter().fold(0.0, |greatest: f64, weight| greatest.max(weight.abs()));
        crate::grid::greatest_common_step(&row).map_or(0, |step| (greatest / step) as u64)
    };
    format!("integers up to {} times a scale", rows.iter().map(steps).max().unwrap_or(0))
}
