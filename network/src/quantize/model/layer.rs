//! Dot products of a graph, their weights in the order that schemes take, and what they read.

use crate::graph::{Graph, Node, NodeId, Operator, ValueId, Window};
use crate::quantize::{InputProducts, Weights};
use crate::reference::Evaluator;
use crate::tensor::Tensor;

/// A dot product of data with constant weights.
#[derive(Clone, Debug, PartialEq)]
pub struct DotProduct {
    /// The node.
    pub node: NodeId,
    /// Which of the node's inputs the weights are.
    pub operand: usize,
    /// The other operand.
    pub data: ValueId,
    /// Shape of the weights as the node reads them.
    pub shape: Vec<usize>,
    /// Whether the axis of outputs comes behind that of inputs.
    outputs_last: bool,
    outputs: usize,
    channels: usize,
    taps: usize,
    /// `[outputs, channels, taps]`
    values: Vec<f64>,
    reads: Reads,
}

/// How a dot product takes its inputs from the data.
#[derive(Clone, Debug, PartialEq)]
enum Reads {
    /// Neighbours along the last axis.
    Rows,
    /// Neighbours along the last axis but one.
    Columns,
    /// Windows over the spatial axes, with the number of groups.
    Windows(Window, usize),
}

/// The dot products of a graph with constant weights, in order.
pub fn dot_products(graph: &Graph, evaluator: &Evaluator<'_>) -> Vec<DotProduct> {
    let of = |(index, node)| DotProduct::of(NodeId(index), node, evaluator);
    graph.nodes.iter().enumerate().filter_map(of).collect()
}

impl DotProduct {
    fn of(id: NodeId, node: &Node, evaluator: &Evaluator<'_>) -> Option<DotProduct> {
        let (transpose_a, transpose_b) = match node.operator {
            Operator::Gemm { transpose_a, transpose_b, .. } => (transpose_a, transpose_b),
            Operator::MatMul | Operator::Conv { .. } => (false, false),
            _ => return None,
        };
        let constants = [0, 1].map(|index| evaluator.constant(node.inputs[index]));
        let (operand, weights) = match constants {
            [None, Some(weights)] => (1, weights),
            [Some(weights), None] => (0, weights),
            _ => return None,
        };
        let data = node.inputs[1 - operand];
        let shape = weights.shape.clone();
        let (outputs_last, [outputs, channels, taps], reads) = match &node.operator {
            Operator::Conv { window, groups } if operand == 1 => {
                let taps = shape[2..].iter().product();
                (false, [shape[0], shape[1], taps], Reads::Windows(window.clone(), *groups))
            }
            Operator::Conv { .. } => return None,
            _ => {
                let outputs_last = if operand == 1 { !transpose_b } else { transpose_a };
                let (rows, columns) = match shape.as_slice() {
                    [inputs] => (if outputs_last { *inputs } else { 1 }, if outputs_last { 1 } else { *inputs }),
                    [stack @ .., rows, columns] if stack.iter().all(|extent| *extent == 1) => (*rows, *columns),
                    _ => return None,
                };
                let (outputs, inputs) = if outputs_last { (columns, rows) } else { (rows, columns) };
                // `a` transposed has its vectors along the last axis but one, as a right operand has.
                let by_rows = if operand == 1 { !transpose_a } else { transpose_b };
                (outputs_last, [outputs, inputs, 1], if by_rows { Reads::Rows } else { Reads::Columns })
            }
        };
        let values = match outputs_last {
            false => weights.data.clone(),
            true => turned(&weights.data, outputs),
        };
        Some(DotProduct { node: id, operand, data, shape, outputs_last, outputs, channels, taps, values, reads })
    }

    /// The weights.
    pub fn weights(&self) -> Weights<'_> {
        Weights { outputs: self.outputs, channels: self.channels, taps: self.taps, values: &self.values }
    }

    /// Numbers in the order of the weights as a tensor of the shape that the node reads.
    pub(crate) fn tensor_of(&self, values: &[f64]) -> Tensor {
        let data = match self.outputs_last {
            false => values.to_vec(),
            true => turned(values, self.channels * self.taps),
        };
        Tensor::new(self.shape.clone(), data)
    }

    /// A number for each output, in a shape that broadcasts to that of the weights.
    pub(super) fn per_output(&self, values: &[f64]) -> Tensor {
        let rank = self.shape.len();
        if rank == 1 {
            return Tensor::new(vec![1], values.to_vec());
        }
        let mut shape = vec![1; rank];
        let axis = match (&self.reads, self.outputs_last) {
            (Reads::Windows(..), _) => 0,
            (_, true) => rank - 1,
            (_, false) => rank - 2,
        };
        shape[axis] = self.outputs;
        Tensor::new(shape, values.to_vec())
    }

    /// Products of inputs of which none has been seen.
    pub(super) fn no_products(&self) -> InputProducts {
        let groups = if let Reads::Windows(_, groups) = self.reads { groups } else { 1 };
        InputProducts::new(self.channels * self.taps, groups)
    }

    /// Adds all that the layer reads from `data`.
    pub(super) fn observe(&self, data: &Tensor, products: &mut InputProducts) {
        let size = self.channels * self.taps;
        match &self.reads {
            Reads::Rows => data.data.chunks_exact(size).for_each(|row| products.add(0, row)),
            Reads::Columns => {
                let columns = if data.shape.len() < 2 { 1 } else { data.shape[data.shape.len() - 1] };
                for matrix in data.data.chunks_exact(size * columns) {
                    turned(matrix, columns).chunks_exact(size).for_each(|column| products.add(0, column));
                }
            }
            Reads::Windows(window, groups) => {
                for patch in patches(data, window) {
                    // Channels outermost: those of a group stand together.
                    for (group, inputs) in patch.chunks_exact(patch.len() / groups).enumerate() {
                        products.add(group, inputs);
                    }
                }
            }
        }
    }
}

/// A matrix with `columns` columns, its columns as rows.
fn turned(matrix: &[f64], columns: usize) -> Vec<f64> {
    let rows = matrix.len() / columns.max(1);
    (0..columns).flat_map(|column| (0..rows).map(move |row| matrix[row * columns + column])).collect()
}

/// What each window over `x` holds, `[channels, taps]` row-major, zeros where it reaches beyond.
fn patches(x: &Tensor, window: &Window) -> Vec<Vec<f64>> {
    let (channels, spatial) = (x.shape[1], &x.shape[2..]);
    let pixels: usize = spatial.iter().product();
    let outputs = window.output_extents(spatial).unwrap_or_default();
    let places = |extents: &[usize]| {
        let mut places = vec![Vec::new()];
        for extent in extents {
            places = places
                .iter()
                .flat_map(|place: &Vec<usize>| (0..*extent).map(move |next| [place.as_slice(), &[next]].concat()))
                .collect();
        }
        places
    };
    let taps = places(&window.kernel);
    // The pixel that a tap of a window stands on.
    let pixel = |output: &[usize], tap: &[usize]| {
        let mut index = 0;
        for axis in 0..spatial.len() {
            let position = output[axis] * window.strides[axis] + tap[axis] * window.dilations[axis];
            let position = position.checked_sub(window.pads_before[axis]).filter(|at| *at < spatial[axis])?;
            index = index * spatial[axis] + position;
        }
        Some(index)
    };
    let patch = |output: &Vec<usize>| {
        let own: Vec<Option<usize>> = taps.iter().map(|tap| pixel(output, tap)).collect();
        let at = |channel: usize, pixel: &Option<usize>| pixel.map_or(0.0, |pixel| x.data[channel * pixels + pixel]);
        (0..channels).flat_map(|channel| own.iter().map(move |pixel| at(channel, pixel))).collect()
    };
    places(&outputs).iter().map(patch).collect()
}

#[cfg(test)]
mod tests {
    use super::{patches, turned};
    use crate::graph::Window;
    use crate::tensor::Tensor;

    #[test]
    fn patches_hold_zeros_beyond_the_border() {
        let x = Tensor::new(vec![1, 2, 1, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let window = Window {
            kernel: vec![1, 2],
            strides: vec![1, 2],
            dilations: vec![1, 1],
            pads_before: vec![0, 1],
            pads_after: vec![0, 0],
            overhang: vec![0, 0],
        };
        assert_eq!(patches(&x, &window), [[0.0, 1.0, 0.0, 4.0], [2.0, 3.0, 5.0, 6.0]]);
    }

    #[test]
    fn turning_twice_changes_nothing() {
        let matrix = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        assert_eq!(turned(&matrix, 3), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        assert_eq!(turned(&turned(&matrix, 3), 2), matrix);
    }
}
