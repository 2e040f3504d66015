//! Operators that look at windows of pixels, join values or repeat their elements.

use super::double_double::DoubleDouble;
use super::matrix::products;
use crate::graph::Window;
use crate::tensor::{Tensor, strides};

/// For each window, row by row, the pixel of each of its taps, `None` outside the image.
fn pixels(window: &Window, extents: &[usize]) -> Vec<Vec<Option<usize>>> {
    let mut found: Vec<Vec<Option<usize>>> = vec![vec![Some(0)]];
    for (axis, (extent, count)) in extents.iter().zip(window.output(extents)).enumerate() {
        let taps = 0..window.kernel[axis];
        let positions: Vec<Vec<Option<usize>>> = (0..count)
            .map(|index| taps.clone().map(|tap| window.position(axis, index, tap, *extent)).collect())
            .collect();
        let joined = |before: &Vec<Option<usize>>, own: &Vec<Option<usize>>| {
            let pair = |before: &Option<usize>, own: &Option<usize>| Some((*before)? * extent + (*own)?);
            before.iter().flat_map(|before| own.iter().map(move |own| pair(before, own))).collect()
        };
        found = found.iter().flat_map(|before| positions.iter().map(move |own| joined(before, own))).collect();
    }
    found
}

/// `Conv`: the windows of a group as rows of a matrix, times the group's weights.
pub(super) fn conv(inputs: &[&Tensor], window: &Window, groups: usize, shape: &[usize]) -> Tensor {
    let (x, weights, bias) = (inputs[0], inputs[1], inputs.get(2));
    let image: usize = x.shape[2..].iter().product();
    let pixels = pixels(window, &x.shape[2..]);
    let (rows, own) = (weights.shape[0] / groups, weights.shape[1]);
    let taps: usize = window.kernel.iter().product();
    let columns = own * taps;
    let mut data = vec![0.0; shape.iter().product()];
    for group in 0..groups {
        let mut patches = Vec::with_capacity(pixels.len() * columns);
        for taps in &pixels {
            for channel in 0..own {
                let first = (group * own + channel) * image;
                patches.extend(taps.iter().map(|pixel| pixel.map_or(0.0, |pixel| x.data[first + pixel])));
            }
        }
        let first_row = group * rows;
        let mut transposed = vec![0.0; columns * rows];
        for row in 0..rows {
            for column in 0..columns {
                transposed[column * rows + row] = weights.data[(first_row + row) * columns + column];
            }
        }
        let sums = products(&patches, &transposed, pixels.len(), rows);
        for (index, mut sum) in sums.into_iter().enumerate() {
            let (pixel, row) = (index / rows, first_row + index % rows);
            if let Some(bias) = bias {
                sum.add_product(1.0, bias.data[row]);
            }
            data[row * pixels.len() + pixel] = sum.value();
        }
    }
    Tensor::new(shape.to_vec(), data)
}

/// For each channel and window what `f` makes of the elements inside the image.
fn pool(x: &Tensor, window: &Window, shape: &[usize], f: impl Fn(usize, Vec<f64>) -> f64) -> Tensor {
    let image: usize = x.shape[2..].iter().product();
    let pixels = pixels(window, &x.shape[2..]);
    let mut data = Vec::with_capacity(shape.iter().product());
    for channel in x.data.chunks(image) {
        for (index, taps) in pixels.iter().enumerate() {
            data.push(f(index, taps.iter().flatten().map(|pixel| channel[*pixel]).collect()));
        }
    }
    Tensor::new(shape.to_vec(), data)
}

/// `MaxPool`
pub(super) fn max_pool(x: &Tensor, window: &Window, shape: &[usize]) -> Tensor {
    pool(x, window, shape, |_, elements| elements.into_iter().fold(f64::NEG_INFINITY, f64::max))
}

/// `AveragePool`
pub(super) fn average_pool(x: &Tensor, window: &Window, count_include_pad: bool, shape: &[usize]) -> Tensor {
    let extents = &x.shape[2..];
    let counts = window.output(extents);
    // Taps that count along one axis: all but those in the overhang.
    let counted = |axis: usize, index: usize| {
        let limit = window.pads_before[axis] + extents[axis] + window.pads_after[axis];
        (0..window.kernel[axis])
            .filter(|tap| index * window.strides[axis] + tap * window.dilations[axis] < limit)
            .count()
    };
    pool(x, window, shape, |index, elements| {
        let mut sum = DoubleDouble::default();
        for element in &elements {
            sum.add_product(1.0, *element);
        }
        let mut divisor = elements.len();
        if count_include_pad {
            let (mut rest, mut product) = (index, 1);
            for axis in (0..counts.len()).rev() {
                product *= counted(axis, rest % counts[axis]);
                rest /= counts[axis];
            }
            divisor = product;
        }
        sum.value() / divisor as f64
    })
}

/// `Concat`
pub(super) fn concat(inputs: &[&Tensor], axis: usize, shape: &[usize]) -> Tensor {
    let outer: usize = shape[..axis].iter().product();
    let mut data = Vec::with_capacity(shape.iter().product());
    for block in 0..outer {
        for tensor in inputs {
            let run = tensor.len() / outer;
            data.extend_from_slice(&tensor.data[block * run..(block + 1) * run]);
        }
    }
    Tensor::new(shape.to_vec(), data)
}

/// Coordinates of the element with the given row-major index.
fn coordinates(index: usize, shape: &[usize]) -> impl Iterator<Item = usize> {
    strides(shape).into_iter().zip(shape.to_vec()).map(move |(stride, extent)| index / stride % extent)
}

/// `Pad`
pub(super) fn pad(x: &Tensor, before: &[usize], value: f64, shape: &[usize]) -> Tensor {
    let own = strides(&x.shape);
    let element = |index: usize| {
        let mut source = 0;
        for (axis, coordinate) in coordinates(index, shape).enumerate() {
            match coordinate.checked_sub(before[axis]) {
                Some(inside) if inside < x.shape[axis] => source += inside * own[axis],
                _ => return value,
            }
        }
        x.data[source]
    };
    Tensor::new(shape.to_vec(), (0..shape.iter().product()).map(element).collect())
}

/// `Upsample`
pub(super) fn upsample(x: &Tensor, factors: &[usize], shape: &[usize]) -> Tensor {
    let own = strides(&x.shape);
    let source = |index: usize| -> usize {
        coordinates(index, shape).enumerate().map(|(axis, coordinate)| coordinate / factors[axis] * own[axis]).sum()
    };
    Tensor::new(shape.to_vec(), (0..shape.iter().product()).map(|index| x.data[source(index)]).collect())
}
