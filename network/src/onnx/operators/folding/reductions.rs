//! One number of many along axes.

use super::{are_codes, held};
use crate::onnx::data_type::DataType;
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;
use crate::tensor::strides;

/// Folds a reduction, and tells whether the operator is one.
pub(super) fn fold(node: &mut NodeContext<'_, '_>, operator: &str) -> Result<bool, ImportError> {
    let sum = |x: &[f64], f: fn(f64) -> f64| x.iter().map(|x| f(*x)).sum::<f64>();
    match operator {
        "ReduceSum" => reduce(node, |x| sum(x, |x| x))?,
        "ReduceMean" => reduce(node, |x| sum(x, |x| x) / x.len() as f64)?,
        "ReduceProd" => reduce(node, |x| x.iter().product())?,
        "ReduceMax" => reduce(node, |x| x.iter().copied().fold(f64::NEG_INFINITY, f64::max))?,
        "ReduceMin" => reduce(node, |x| x.iter().copied().fold(f64::INFINITY, f64::min))?,
        "ReduceL1" => reduce(node, |x| sum(x, f64::abs))?,
        "ReduceL2" => reduce(node, |x| sum(x, |x| x * x).sqrt())?,
        "ReduceSumSquare" => reduce(node, |x| sum(x, |x| x * x))?,
        "ReduceLogSum" => reduce(node, |x| sum(x, |x| x).ln())?,
        "ReduceLogSumExp" => reduce(node, |x| {
            let greatest = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            greatest + x.iter().map(|x| (x - greatest).exp()).sum::<f64>().ln()
        })?,
        "ArgMin" => position(node, |a, b| a < b)?,
        "ArgMax" => position(node, |a, b| a > b)?,
        "CumSum" => running_sum(node)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// `f` of the elements along the axes that the node names, all where it names none.
fn reduce(node: &mut NodeContext<'_, '_>, f: impl Fn(&[f64]) -> f64) -> Result<(), ImportError> {
    let input = node.input(0, "data")?;
    let from = node.shape(input).to_vec();
    let axes = node.list("axes", 1)?.unwrap_or_default();
    if axes.is_empty() && node.flag("noop_with_empty_axes", false)? {
        node.alias(input);
        return Ok(());
    }
    let mut is_reduced = vec![axes.is_empty(); from.len()];
    for axis in axes {
        is_reduced[node.axis(axis, from.len())?] = true;
    }
    let keeps = node.flag("keepdims", true)?;
    let along = |reduced: bool| from.iter().zip(&is_reduced).filter(move |(_, is)| **is == reduced);
    let shape = match keeps {
        true => from.iter().zip(&is_reduced).map(|(extent, is)| if *is { 1 } else { *extent }).collect(),
        false => along(false).map(|(extent, _)| *extent).collect(),
    };
    let (data_type, is_exact) = (node.graph.data_type(input), are_codes(node, &[input]));
    let groups: usize = along(false).map(|(extent, _)| extent).product();
    node.fold(shape, data_type, |node| {
        let mut grouped = vec![Vec::new(); groups];
        for (index, value) in node.data(input)?.data.iter().enumerate() {
            grouped[group_of(index, &from, &is_reduced)].push(*value);
        }
        grouped.iter().map(|group| held(node, f(group), data_type, is_exact)).collect()
    })
}

/// The row-major index of an element among those that only differ along axes that are not reduced.
fn group_of(index: usize, shape: &[usize], is_reduced: &[bool]) -> usize {
    let own = strides(shape);
    let kept = (0..shape.len()).filter(|axis| !is_reduced[*axis]);
    kept.fold(0, |group, axis| group * shape[axis] + index / own[axis] % shape[axis])
}

/// The lines of elements along one axis: extent, distance of neighbours, and the first index of each line.
fn lines(shape: &[usize], axis: usize) -> (usize, usize, Vec<usize>) {
    let (extent, stride) = (shape[axis], strides(shape)[axis]);
    let count: usize = shape.iter().product();
    let firsts = (0..count).filter(|index| index / stride % extent.max(1) == 0).collect();
    (extent, stride, firsts)
}

/// The index of the element along an axis that is `better` than the others, the first on ties or the last where asked.
fn position(node: &mut NodeContext<'_, '_>, better: fn(f64, f64) -> bool) -> Result<(), ImportError> {
    let input = node.input(0, "data")?;
    let mut shape = node.shape(input).to_vec();
    let axis = node.axis(node.integer("axis")?.unwrap_or(0), shape.len())?;
    let (extent, stride, firsts) = lines(&shape, axis);
    if extent == 0 {
        return Err(node.shape_error("the axis searched must not be empty", format!("{shape:?}")));
    }
    let takes_last = node.flag("select_last_index", false)?;
    match node.flag("keepdims", true)? {
        true => shape[axis] = 1,
        false => drop(shape.remove(axis)),
    }
    node.fold(shape, DataType::Int64, |node| {
        let data = &node.data(input)?.data;
        let found = firsts.iter().map(|first| {
            (1..extent).fold(0, |best, place| {
                let (one, other) = (data[first + place * stride], data[first + best * stride]);
                if better(one, other) || (takes_last && one == other) { place } else { best }
            }) as f64
        });
        Ok(found.collect())
    })
}

/// `CumSum`
fn running_sum(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "x")?;
    let shape = node.shape(input).to_vec();
    let axis = node.axis(node.scalar(1, "axis")? as i64, shape.len())?;
    let (is_exclusive, is_reverse) = (node.flag("exclusive", false)?, node.flag("reverse", false)?);
    let (extent, stride, firsts) = lines(&shape, axis);
    let (data_type, is_exact) = (node.graph.data_type(input), are_codes(node, &[input]));
    node.fold(shape, data_type, |node| {
        let mut data = node.data(input)?.data.clone();
        for first in firsts {
            let mut sum = 0.0;
            for place in 0..extent {
                let place = if is_reverse { extent - 1 - place } else { place };
                let element = &mut data[first + place * stride];
                let with = held(node, sum + *element, data_type, is_exact)?;
                *element = if is_exclusive { sum } else { with };
                sum = with;
            }
        }
        Ok(data)
    })
}
