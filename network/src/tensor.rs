//! Dense tensors of real numbers, row-major.

/// A dense tensor of real numbers (ONNX floats and integers alike), row-major.
///
/// ONNX stores float32; `f64` holds each of those numbers, and each int64 that a shape may be, exactly.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor<N = f64> {
    /// Extent of each axis; empty for a scalar.
    pub shape: Vec<usize>,
    /// The elements, last axis fastest.
    pub data: Vec<N>,
}

impl<N> Tensor<N> {
    /// A tensor of `shape` with the given elements.
    ///
    /// # Panics
    /// Where the number of elements is not the product of `shape`: a fault of the caller, never of a file.
    pub fn new(shape: Vec<usize>, data: Vec<N>) -> Self {
        assert_eq!(shape.iter().product::<usize>(), data.len(), "elements must fill the shape");
        Tensor { shape, data }
    }

    /// A tensor without axes.
    pub fn scalar(value: N) -> Self {
        Tensor { shape: Vec::new(), data: vec![value] }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// The tensor with `f` of each element.
    pub fn map<M>(&self, f: impl FnMut(&N) -> M) -> Tensor<M> {
        Tensor { shape: self.shape.clone(), data: self.data.iter().map(f).collect() }
    }
}

impl<N: Clone> Tensor<N> {
    /// The only element of a one-element tensor of any rank.
    pub fn as_scalar(&self) -> Option<N> {
        match self.data.as_slice() {
            [value] => Some(value.clone()),
            _ => None,
        }
    }
}

impl Tensor {
    /// Whether float32 holds every element.
    pub fn is_single(&self) -> bool {
        self.data.iter().all(|value| f64::from(*value as f32) == *value)
    }
}

/// Distance in elements between neighbours along each axis of a row-major tensor.
pub fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// The shape that two shapes broadcast to (multidirectional broadcasting of the ONNX specification), or `None`
/// where they do not fit.
pub fn broadcast_shape(left: &[usize], right: &[usize]) -> Option<Vec<usize>> {
    let rank = left.len().max(right.len());
    let extent = |shape: &[usize], axis: usize| {
        let missing = rank - shape.len();
        if axis < missing { 1 } else { shape[axis - missing] }
    };
    (0..rank)
        .map(|axis| match (extent(left, axis), extent(right, axis)) {
            (a, b) if a == b => Some(a),
            (1, b) => Some(b),
            (a, 1) => Some(a),
            _ => None,
        })
        .collect()
}

/// For each element of `shape` in row-major order, the index of the element of a tensor of shape `from` that
/// broadcasting puts there. `from` must broadcast to `shape`.
pub fn broadcast_indices(from: &[usize], shape: &[usize]) -> Vec<usize> {
    let missing = shape.len() - from.len();
    let from_strides = strides(from);
    let step: Vec<usize> = (0..shape.len())
        .map(|axis| match axis.checked_sub(missing) {
            Some(own) if from[own] != 1 => from_strides[own],
            _ => 0,
        })
        .collect();
    indices_by_steps(shape, &step)
}

/// For each element of the transposed tensor in row-major order, its row-major index in the original of shape
/// `shape`. Axis `i` of the result is axis `permutation[i]` of the original.
pub fn transpose_indices(shape: &[usize], permutation: &[usize]) -> Vec<usize> {
    let original = strides(shape);
    let extents: Vec<usize> = permutation.iter().map(|axis| shape[*axis]).collect();
    let step: Vec<usize> = permutation.iter().map(|axis| original[*axis]).collect();
    indices_by_steps(&extents, &step)
}

fn indices_by_steps(extents: &[usize], step: &[usize]) -> Vec<usize> {
    let mut indices = vec![0];
    for (extent, step) in extents.iter().zip(step) {
        indices = indices.iter().flat_map(|base| (0..*extent).map(move |i| base + i * step)).collect();
    }
    indices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_follows_onnx() {
        assert_eq!(broadcast_shape(&[2, 3, 4, 5], &[]), Some(vec![2, 3, 4, 5]));
        assert_eq!(broadcast_shape(&[4, 5], &[2, 3, 1, 1]), Some(vec![2, 3, 4, 5]));
        assert_eq!(broadcast_shape(&[2, 3], &[3, 2]), None);
        assert_eq!(broadcast_indices(&[3, 1], &[2, 3, 2]), vec![0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2]);
    }

    #[test]
    fn transposing_moves_axes() {
        assert_eq!(transpose_indices(&[2, 3], &[1, 0]), vec![0, 3, 1, 4, 2, 5]);
    }
}
