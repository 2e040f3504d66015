//! Elements at other places.

use crate::graph::ValueId;
use crate::onnx::data_type::DataType;
use crate::onnx::error::ImportError;
use crate::onnx::node::NodeContext;
use crate::tensor::strides;

/// Folds an operator that puts elements at other places, and tells whether the operator is one.
pub(super) fn fold(node: &mut NodeContext<'_, '_>, operator: &str) -> Result<bool, ImportError> {
    match operator {
        "Tile" => tile(node)?,
        "Trilu" => triangle(node)?,
        "EyeLike" => diagonal(node)?,
        "NonZero" => non_zero(node)?,
        "OneHot" => one_hot(node)?,
        "GatherElements" => gather_elements(node)?,
        "GatherND" => gather_slices(node)?,
        "ScatterElements" | "Scatter" => scatter_elements(node)?,
        "ScatterND" => scatter_slices(node)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// The index along each axis of an element.
fn place(index: usize, shape: &[usize]) -> Vec<usize> {
    let own = strides(shape);
    (0..shape.len()).map(|axis| index / own[axis] % shape[axis]).collect()
}

/// `Tile`
fn tile(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "input")?;
    let repeats = super::constants::extents(node, 1, "repeats")?;
    let from = node.shape(input).to_vec();
    if repeats.len() != from.len() {
        let must = format!("`repeats` must have {} elements", from.len());
        return Err(node.shape_error(must, repeats.len().to_string()));
    }
    let extents = from.iter().zip(&repeats).map(|(extent, count)| extent.checked_mul(*count));
    let shape = extents.collect::<Option<Vec<usize>>>();
    let shape = shape.ok_or_else(|| node.parameter_error("repeats", "within 64 bits with the extent", "greater"))?;
    let data_type = node.graph.data_type(input);
    node.fold_from(input, shape.clone(), data_type, |node| {
        let (data, own) = (&node.data(input)?.data, strides(&from));
        let source = |index| -> usize {
            place(index, &shape).iter().enumerate().map(|(axis, at)| at % from[axis] * own[axis]).sum()
        };
        Ok((0..shape.iter().product()).map(|index| data[source(index)]).collect())
    })
}

/// Rows and columns of the matrices that a value is made of.
fn matrices(node: &NodeContext<'_, '_>, input: ValueId) -> Result<(usize, usize), ImportError> {
    match node.shape(input) {
        [.., rows, columns] => Ok((*rows, *columns)),
        shape => Err(node.shape_error("there must be two axes or more", format!("{shape:?}"))),
    }
}

/// `Trilu`
fn triangle(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "input")?;
    let k = if node.optional_input(1).is_some() { node.scalar(1, "k")? as i64 } else { 0 };
    let keeps_upper = node.flag("upper", true)?;
    let (rows, columns) = matrices(node, input)?;
    let (shape, data_type) = (node.shape(input).to_vec(), node.graph.data_type(input));
    node.fold(shape, data_type, |node| {
        let kept = |index: usize| {
            let (row, column) = ((index / columns % rows) as i64, (index % columns) as i64);
            if keeps_upper { column >= row.saturating_add(k) } else { column <= row.saturating_add(k) }
        };
        let data = node.data(input)?.data.iter().enumerate();
        Ok(data.map(|(index, value)| if kept(index) { *value } else { 0.0 }).collect())
    })
}

/// `EyeLike`
fn diagonal(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "input")?;
    let k = node.integer("k")?.unwrap_or(0);
    let (_, columns) = matrices(node, input)?;
    let shape = node.shape(input).to_vec();
    let named = node.integer("dtype")?.and_then(|number| DataType::from_number(i32::try_from(number).ok()?));
    let data_type = named.unwrap_or(node.graph.data_type(input));
    let count: usize = shape.iter().product();
    node.fold(shape, data_type, |_| {
        let is_on = |index: usize| ((index / columns) as i64).saturating_add(k) == (index % columns) as i64;
        Ok((0..count).map(|index| f64::from(u8::from(is_on(index)))).collect())
    })
}

/// `NonZero`
fn non_zero(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let input = node.input(0, "X")?;
    let shape = node.shape(input).to_vec();
    let data = node.data(input)?.data.iter().enumerate();
    let places: Vec<Vec<usize>> =
        data.filter(|(_, value)| **value != 0.0).map(|(index, _)| place(index, &shape)).collect();
    node.fold(vec![shape.len(), places.len()], DataType::Int64, |_| {
        let along = |axis: usize| places.iter().map(move |place| place[axis] as f64);
        Ok((0..shape.len()).flat_map(along).collect())
    })
}

/// An index counted from the end where negative, as one of an axis.
fn index(node: &NodeContext<'_, '_>, value: f64, extent: usize) -> Result<usize, ImportError> {
    let from_start = if value < 0.0 { value + extent as f64 } else { value };
    if from_start >= 0.0 && from_start < extent as f64 {
        return Ok(from_start as usize);
    }
    Err(node.parameter_error("indices", format!("below the extent {extent}"), value.to_string()))
}

/// `OneHot`
fn one_hot(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let (indices, values) = (node.input(0, "indices")?, node.input(2, "values")?);
    let depth = node.scalar(1, "depth")? as usize;
    let from = node.shape(indices).to_vec();
    let axis = node.axis(node.integer("axis")?.unwrap_or(-1), from.len() + 1)?;
    let mut shape = from.clone();
    shape.insert(axis, depth);
    let data_type = node.graph.data_type(values);
    let (off, on) = match node.data(values)?.data.as_slice() {
        [off, on] => (*off, *on),
        _ => return Err(node.shape_error("`values` must have two elements", format!("{:?}", node.shape(values)))),
    };
    let inner: usize = from[axis..].iter().product();
    let count: usize = node.check_size(&shape)?;
    node.fold(shape, data_type, |node| {
        let data = &node.data(indices)?.data;
        let is_on = |element: usize| {
            let (outer, at, rest) = (element / (inner * depth), element / inner % depth, element % inner);
            let value = data[outer * inner + rest];
            (if value < 0.0 { value + depth as f64 } else { value }) == at as f64
        };
        Ok((0..count).map(|element| if is_on(element) { on } else { off }).collect())
    })
}

/// For each element of `indices` the element of `shape` that it names along an axis.
fn elements_along(
    node: &NodeContext<'_, '_>,
    indices: ValueId,
    shape: &[usize],
    axis: usize,
) -> Result<Vec<usize>, ImportError> {
    let tensor = node.data(indices)?;
    let fits = tensor.shape.len() == shape.len()
        && (0..shape.len()).all(|other| other == axis || tensor.shape[other] <= shape[other]);
    if !fits {
        let must = format!("`indices` must fit shape {shape:?} but along axis {axis}");
        return Err(node.shape_error(must, format!("{:?}", tensor.shape)));
    }
    let own = strides(shape);
    let named = |(element, value): (usize, &f64)| {
        let mut place = place(element, &tensor.shape);
        place[axis] = index(node, *value, shape[axis])?;
        Ok(place.iter().zip(&own).map(|(at, stride)| at * stride).sum())
    };
    tensor.data.iter().enumerate().map(named).collect()
}

/// `GatherElements`
fn gather_elements(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let (input, indices) = (node.input(0, "data")?, node.input(1, "indices")?);
    let from = node.shape(input).to_vec();
    let axis = node.axis(node.integer("axis")?.unwrap_or(0), from.len())?;
    let (shape, data_type) = (node.shape(indices).to_vec(), node.graph.data_type(input));
    node.fold_from(input, shape, data_type, |node| {
        let sources = elements_along(node, indices, &from, axis)?;
        let data = &node.data(input)?.data;
        Ok(sources.into_iter().map(|source| data[source]).collect())
    })
}

/// The first elements of the slices that the last axis of `indices` names, and the number of elements of each.
fn slices(node: &NodeContext<'_, '_>, indices: ValueId, shape: &[usize]) -> Result<(Vec<usize>, usize), ImportError> {
    let tensor = node.data(indices)?;
    let depth = tensor.shape.last().copied().unwrap_or(0);
    if depth == 0 || depth > shape.len() {
        let must = format!("the last axis of `indices` must name 1 to {} axes", shape.len());
        return Err(node.shape_error(must, format!("{:?}", tensor.shape)));
    }
    let own = strides(shape);
    let first = |named: &[f64]| {
        let along = |axis: usize| Ok::<usize, ImportError>(index(node, named[axis], shape[axis])? * own[axis]);
        (0..depth).try_fold(0, |sum, axis| Ok(sum + along(axis)?))
    };
    let firsts = tensor.data.chunks(depth).map(first).collect::<Result<_, ImportError>>()?;
    Ok((firsts, shape[depth..].iter().product()))
}

/// `GatherND`
fn gather_slices(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let (input, indices) = (node.input(0, "data")?, node.input(1, "indices")?);
    if node.integer("batch_dims")?.unwrap_or(0) != 0 {
        return Err(node.attribute_error("batch_dims", "0", "other"));
    }
    let from = node.shape(input).to_vec();
    let (firsts, length) = slices(node, indices, &from)?;
    let named = node.shape(indices);
    let depth = named.last().copied().unwrap_or(0);
    let shape = [&named[..named.len() - 1], &from[depth..]].concat();
    let data_type = node.graph.data_type(input);
    node.fold_from(input, shape, data_type, |node| {
        let data = &node.data(input)?.data;
        Ok(firsts.iter().flat_map(|first| data[*first..first + length].iter().copied()).collect())
    })
}

/// Refuses sums at one place, which only training needs.
fn check_reduction(node: &NodeContext<'_, '_>) -> Result<(), ImportError> {
    match node.text("reduction")?.unwrap_or("none") {
        "none" => Ok(()),
        other => Err(node.attribute_error("reduction", "`none`", format!("`{other}`"))),
    }
}

/// `ScatterElements`
fn scatter_elements(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let (input, indices, updates) = (node.input(0, "data")?, node.input(1, "indices")?, node.input(2, "updates")?);
    check_reduction(node)?;
    let shape = node.shape(input).to_vec();
    let axis = node.axis(node.integer("axis")?.unwrap_or(0), shape.len())?;
    if node.shape(updates) != node.shape(indices) {
        let found = format!("{:?} and {:?}", node.shape(indices), node.shape(updates));
        return Err(node.shape_error("`indices` and `updates` must have one shape", found));
    }
    let targets = elements_along(node, indices, &shape, axis)?;
    scattered(node, [input, updates], shape, targets.into_iter().enumerate().map(|(from, to)| (to, from)).collect())
}

/// `ScatterND`
fn scatter_slices(node: &mut NodeContext<'_, '_>) -> Result<(), ImportError> {
    let (input, indices, updates) = (node.input(0, "data")?, node.input(1, "indices")?, node.input(2, "updates")?);
    check_reduction(node)?;
    let shape = node.shape(input).to_vec();
    let (firsts, length) = slices(node, indices, &shape)?;
    if node.data(updates)?.len() != firsts.len() * length {
        let must = format!("`updates` must have {} slices of {length} elements", firsts.len());
        return Err(node.shape_error(must, format!("shape {:?}", node.shape(updates))));
    }
    let moved = |(number, first): (usize, usize)| (0..length).map(move |i| (first + i, number * length + i));
    let targets = firsts.into_iter().enumerate().flat_map(moved).collect();
    scattered(node, [input, updates], shape, targets)
}

/// Makes the output the first value with elements of the second at other places: pairs of where to and where from.
fn scattered(
    node: &mut NodeContext<'_, '_>,
    [input, updates]: [ValueId; 2],
    shape: Vec<usize>,
    targets: Vec<(usize, usize)>,
) -> Result<(), ImportError> {
    let data_type = node.graph.data_type(input);
    node.fold(shape, data_type, |node| {
        let (mut data, updates) = (node.data(input)?.data.clone(), &node.data(updates)?.data);
        targets.into_iter().for_each(|(to, from)| data[to] = updates[from]);
        Ok(data)
    })
}
