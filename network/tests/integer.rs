//! The naive evaluator: small examples computed by hand, and windows computed another way.

use abi::ElementType;
use network::integer::evaluate;
use network::network::{Add, Convolution, LayerKind, Pool, PoolOperation, Table, TensorType, WeightMatrix, Window};
use proptest::prelude::*;

const I8: ElementType = ElementType::Signed { bits: 8 };

fn image(height: usize, width: usize, channels: usize) -> TensorType {
    TensorType { height, width, ..TensorType::vector(channels, I8) }
}

fn window(kernel: [usize; 2], stride: usize, padding: usize) -> Window {
    Window { kernel, stride: [stride; 2], dilation: [1; 2], before: [padding; 2], after: [padding; 2] }
}

fn weights(rows: usize, values: &[i16]) -> WeightMatrix {
    WeightMatrix { rows, columns: values.len() / rows, element: I8, values: values.to_vec() }
}

#[test]
fn convolution_in_groups() {
    // Two pixels side by side of two channels, each with a kernel of its own.
    let convolution = Convolution {
        window: Window { before: [0, 1], after: [0, 0], ..window([1, 2], 1, 0) },
        groups: 2,
        padding: 0,
        weights: weights(2, &[1, 10, -1, 2]),
    };
    let input = [3, 5, 4, 7];
    let kind = LayerKind::Convolution(convolution.clone());
    assert_eq!(evaluate(&kind, &[(&image(1, 2, 2), &input)]), [30, 10, 3 + 40, -5 + 14]);
    // Outside lies 2.
    let kind = LayerKind::Convolution(Convolution { padding: 2, ..convolution });
    assert_eq!(evaluate(&kind, &[(&image(1, 2, 2), &input)]), [2 + 30, -2 + 10, 3 + 40, -5 + 14]);
}

#[test]
fn convolution_over_a_border() {
    // All nine of 3 x 3 ones, over 1 to 6 in two rows: sums of the neighbourhoods.
    let kind = LayerKind::Convolution(Convolution {
        window: window([3, 3], 1, 1),
        groups: 1,
        padding: 0,
        weights: weights(1, &[1; 9]),
    });
    let input = [1, 2, 3, 4, 5, 6];
    assert_eq!(evaluate(&kind, &[(&image(2, 3, 1), &input)]), [12, 21, 16, 12, 21, 16]);
}

#[test]
fn parts_of_sums_may_be_large() {
    let wide = TensorType::vector(4, ElementType::Signed { bits: 32 });
    let kind = LayerKind::MatrixVector(weights(1, &[100, 100, -100, -100]));
    assert_eq!(evaluate(&kind, &[(&wide, &[i32::MAX, i32::MAX, i32::MAX, i32::MAX - 1])]), [100]);
}

#[test]
fn pools() {
    // Greatest in the first channel, least in the second, of 2 x 2 pixels with a border.
    let input = [1, 1, 2, 2, 3, 3, -4, -4];
    let pool =
        |operation| LayerKind::Pool(Pool { window: Window { after: [0; 2], ..window([2, 2], 1, 1) }, operation });
    let found = evaluate(&pool(PoolOperation::Extremum(vec![false, true])), &[(&image(2, 2, 2), &input)]);
    assert_eq!(found, [1, 1, 2, 1, 3, 1, 3, -4]);
    let found = evaluate(&pool(PoolOperation::Sum), &[(&image(2, 2, 2), &input)]);
    assert_eq!(found, [1, 1, 3, 3, 4, 4, 2, 2]);
}

#[test]
fn sums_and_tables() {
    let (a, b) = ([1, -2, 3, 4], [10, 20, -30, 40]);
    let shape = image(2, 1, 2);
    let add = |factors: Vec<Vec<i64>>| LayerKind::Add(Add { factors });
    assert_eq!(evaluate(&add(vec![vec![1], vec![2, -1]]), &[(&shape, &a), (&shape, &b)]), [21, -22, -57, -36]);
    assert_eq!(evaluate(&add(vec![vec![0, 3]]), &[(&shape, &a)]), [0, -6, 0, 12]);
    // The code of −1 is 0 in ±1 and 3 in two bits with a sign.
    let signs = TensorType { element: ElementType::Bipolar, ..shape };
    let pairs = TensorType { element: ElementType::Signed { bits: 2 }, ..shape };
    let table = |values| LayerKind::Table(Table { values });
    let (a, b) = ([-1, 1, -1, 1], [0, 1, -1, -2]);
    let first: Vec<i32> = (0..8).collect();
    let found = evaluate(&table(vec![first.clone()]), &[(&signs, &a), (&pairs, &b)]);
    assert_eq!(found, [0, 1 + 2, 6, 1 + 4]);
    let second = first.iter().map(|value| value + 100).collect();
    let found = evaluate(&table(vec![first, second]), &[(&signs, &a), (&pairs, &b)]);
    assert_eq!(found, [0, 103, 6, 105]);
}

#[test]
fn layout() {
    let (a, b) = ([1, 2, 3, 4], [5, 6]);
    let found = evaluate(&LayerKind::Concat, &[(&image(1, 2, 2), &a), (&image(1, 2, 1), &b)]);
    assert_eq!(found, [1, 2, 5, 3, 4, 6]);
    let kind = LayerKind::Upsample { vertical: 2, horizontal: 3 };
    let found = evaluate(&kind, &[(&image(2, 1, 2), &a)]);
    assert_eq!(found, [[1, 2].repeat(6), [3, 4].repeat(6)].concat());
    assert_eq!(evaluate(&LayerKind::Reshape, &[(&image(2, 1, 2), &a)]), a);
}

/// The image with its padding, channel by channel, `None` outside: the other way to compute windows.
fn padded(shape: &TensorType, window: &Window, input: &[i32]) -> Vec<Vec<Vec<Option<i32>>>> {
    let [above, left] = window.before;
    let (height, width) = (above + shape.height + window.after[0], left + shape.width + window.after[1]);
    let mut channels = vec![vec![vec![None; width]; height]; shape.channels];
    for (index, element) in input.iter().enumerate() {
        let (pixel, channel) = (index / shape.channels, index % shape.channels);
        channels[channel][above + pixel / shape.width][left + pixel % shape.width] = Some(*element);
    }
    channels
}

/// For each window, then each channel, its elements row by row.
fn windows(shape: &TensorType, window: &Window, input: &[i32]) -> Vec<Vec<Vec<Option<i32>>>> {
    let channels = padded(shape, window, input);
    let (height, width) = (channels[0].len(), channels[0][0].len());
    let reach = |axis: usize| (window.kernel[axis] - 1) * window.dilation[axis];
    let mut result = Vec::new();
    for top in (0..height).step_by(window.stride[0]).filter(|top| top + reach(0) < height) {
        for left in (0..width).step_by(window.stride[1]).filter(|left| left + reach(1) < width) {
            let rows = || (top..=top + reach(0)).step_by(window.dilation[0]);
            let columns = || (left..=left + reach(1)).step_by(window.dilation[1]);
            let of_channel = |c: &Vec<Vec<Option<i32>>>| rows().flat_map(|y| columns().map(move |x| c[y][x])).collect();
            result.push(channels.iter().map(of_channel).collect());
        }
    }
    result
}

fn pair(least: usize, most: usize) -> impl Strategy<Value = [usize; 2]> {
    (least..=most, least..=most).prop_map(|(vertical, horizontal)| [vertical, horizontal])
}

fn any_window() -> impl Strategy<Value = Window> {
    (pair(1, 4), pair(1, 3), pair(1, 2), pair(0, 2), pair(0, 2))
        .prop_map(|(kernel, stride, dilation, before, after)| Window { kernel, stride, dilation, before, after })
}

fn pseudo_random(seed: u64) -> impl FnMut(i32) -> i32 {
    let mut state = seed | 1;
    move |reach| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as i32 % (reach + 1) - reach / 2
    }
}

proptest! {
    #[test]
    fn convolutions_another_way(
        window in any_window(),
        (height, width) in (1usize..8, 1usize..8),
        (groups, inputs, outputs) in (1usize..4, 1usize..4, 1usize..4),
        padding in -2i32..3,
        seed in any::<u64>(),
    ) {
        let shape = image(height, width, groups * inputs);
        let mut random = pseudo_random(seed);
        let input: Vec<i32> = (0..shape.elements()).map(|_| random(200)).collect();
        let values: Vec<i16> = (0..groups * outputs * inputs * window.taps()).map(|_| random(14) as i16).collect();
        let matrix = weights(groups * outputs, &values);
        let mut expected = Vec::new();
        for window in windows(&shape, &window, &input) {
            for row in 0..groups * outputs {
                let of_group = &window[row / outputs * inputs..][..inputs];
                let mut sum = 0;
                for (channel, elements) in of_group.iter().enumerate() {
                    for (tap, element) in elements.iter().enumerate() {
                        let weight = i32::from(values[row * matrix.columns + tap * inputs + channel]);
                        sum += weight * element.unwrap_or(padding);
                    }
                }
                expected.push(sum);
            }
        }
        let kind = LayerKind::Convolution(Convolution { window, groups, padding, weights: matrix });
        prop_assert_eq!(evaluate(&kind, &[(&shape, &input)]), expected);
    }

    #[test]
    fn pools_another_way(
        window in any_window(),
        (height, width, channels) in (1usize..8, 1usize..8, 1usize..4),
        seed in any::<u64>(),
    ) {
        let shape = image(height, width, channels);
        let mut random = pseudo_random(seed);
        let input: Vec<i32> = (0..shape.elements()).map(|_| random(200)).collect();
        let least: Vec<bool> = (0..channels).map(|_| random(1) == 0).collect();
        let windows = windows(&shape, &window, &input);
        prop_assume!(windows.iter().flatten().all(|elements| elements.iter().flatten().count() > 0));
        let of_channels = |make: &dyn Fn(usize, Vec<i32>) -> i32| -> Vec<i32> {
            let pools = |window: &Vec<Vec<Option<i32>>>| -> Vec<i32> {
                window.iter().enumerate().map(|(c, all)| make(c, all.iter().flatten().copied().collect())).collect()
            };
            windows.iter().flat_map(pools).collect()
        };
        let sums = of_channels(&|_, elements| elements.iter().sum());
        let extremes = of_channels(&|channel, mut elements| {
            elements.sort_unstable();
            if least[channel] { elements[0] } else { elements[elements.len() - 1] }
        });
        let pool = |operation| LayerKind::Pool(Pool { window, operation });
        prop_assert_eq!(evaluate(&pool(PoolOperation::Sum), &[(&shape, &input)]), sums);
        prop_assert_eq!(evaluate(&pool(PoolOperation::Extremum(least.clone())), &[(&shape, &input)]), extremes);
    }
}
