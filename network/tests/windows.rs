//! Convolutions, pools and what stands between them through a file: shapes, values by hand, and random windows against
//! loops that pad first.

#![allow(clippy::unwrap_used)]

mod support;

use network::graph::{Operator, Window};
use network::onnx::proto::{ModelProto, NodeProto};
use network::reference;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use support::tensor;
use testkit::files::{Build, INT32, With, floats, import, integers, model, node, quant, value, with_opset};

type Result = (Vec<usize>, Vec<f64>);

/// Imports a model and runs it on `x`.
fn result(model: &ModelProto, x: &[f64]) -> Result {
    let graph = import(model).unwrap();
    support::round_trip::check(&graph);
    let shape = graph.value(graph.input).shape.clone();
    let y = reference::run(&graph, &tensor(&shape, x)).unwrap();
    (y.shape, y.data)
}

/// 1, 2, 3 …
fn counted(count: usize) -> Vec<f64> {
    (1..=count).map(|i| i as f64).collect()
}

/// The result of one node on 1, 2, 3 …
fn single(shape: &[i64], node: NodeProto) -> Result {
    let count = shape.iter().product::<i64>() as usize;
    result(&model(shape).add(node), &counted(count))
}

/// The result of a convolution with the given weights, on 1, 2, 3 …
fn conv(shape: &[i64], dims: &[i64], w: &[f32], node: impl FnOnce(NodeProto) -> NodeProto) -> Result {
    let count = shape.iter().product::<i64>() as usize;
    let node = node(testkit::files::node("Conv", &["x", "w"], &["y"]));
    result(&model(shape).constant(floats("w", dims, w)).add(node), &counted(count))
}

fn max_pool() -> NodeProto {
    node("MaxPool", &["x"], &["y"])
}

fn average_pool() -> NodeProto {
    node("AveragePool", &["x"], &["y"])
}

/// The window of the first node.
fn window(model: &ModelProto) -> Window {
    match &import(model).unwrap().nodes[0].operator {
        Operator::Conv { window, .. } | Operator::MaxPool { window } | Operator::AveragePool { window, .. } => {
            window.clone()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn convolution_in_two_dimensions() {
    // x = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    let w = [1.0, 10.0, 100.0, 1000.0];
    let y = |change: fn(NodeProto) -> NodeProto| conv(&[1, 1, 3, 3], &[1, 1, 2, 2], &w, change);
    assert_eq!(y(|node| node), (vec![1, 1, 2, 2], vec![5421.0, 6532.0, 8754.0, 9865.0]));
    assert_eq!(y(|node| node.ints("kernel_shape", &[2, 2])).1, y(|node| node).1);
    assert_eq!(y(|node| node.ints("strides", &[1, 2])), (vec![1, 1, 2, 1], vec![5421.0, 8754.0]));
    assert_eq!(y(|node| node.ints("dilations", &[2, 2])), (vec![1, 1, 1, 1], vec![9731.0]));
    // One row above, one column to the right.
    let right = y(|node| node.ints("pads", &[1, 0, 0, 1]));
    assert_eq!(right.0, [1, 1, 3, 3]);
    assert_eq!(right.1, [2100.0, 3200.0, 300.0, 5421.0, 6532.0, 603.0, 8754.0, 9865.0, 906.0]);
}

#[test]
fn convolution_in_one_dimension() {
    let w = [1.0, 10.0, 100.0];
    let y = |change: fn(NodeProto) -> NodeProto| conv(&[1, 1, 5], &[1, 1, 3], &w, change);
    assert_eq!(y(|node| node), (vec![1, 1, 3], vec![321.0, 432.0, 543.0]));
    assert_eq!(y(|node| node.ints("pads", &[2, 0])), (vec![1, 1, 5], vec![100.0, 210.0, 321.0, 432.0, 543.0]));
    assert_eq!(y(|node| node.ints("pads", &[0, 3])).1, [321.0, 432.0, 543.0, 54.0, 5.0, 0.0]);
    assert_eq!(y(|node| node.ints("strides", &[2])).1, [321.0, 543.0]);
    assert_eq!(y(|node| node.ints("dilations", &[2])).1, [531.0]);
}

#[test]
fn automatic_padding() {
    let w = [1.0, 10.0];
    let y = |change: fn(NodeProto) -> NodeProto| conv(&[1, 1, 5], &[1, 1, 2], &w, change).1;
    assert_eq!(y(|node| node.text("auto_pad", "SAME_UPPER")), [21.0, 32.0, 43.0, 54.0, 5.0]);
    assert_eq!(y(|node| node.text("auto_pad", "SAME_LOWER")), [10.0, 21.0, 32.0, 43.0, 54.0]);
    assert_eq!(y(|node| node.text("auto_pad", "VALID").ints("pads", &[0, 0])), [21.0, 32.0, 43.0, 54.0]);
    assert_eq!(y(|node| node.text("auto_pad", "NOTSET").ints("pads", &[0, 1])), [21.0, 32.0, 43.0, 54.0, 5.0]);
    // Three windows of reach 3 at distance 2 cover seven positions: one is padded on either side.
    let same = node("MaxPool", &["x"], &["y"])
        .ints("kernel_shape", &[2])
        .ints("strides", &[2])
        .ints("dilations", &[2])
        .text("auto_pad", "SAME_UPPER");
    let window = window(&model(&[1, 1, 5]).add(same));
    assert_eq!((window.pads_before, window.pads_after), (vec![1], vec![1]));
    // Where strides jump over more than a window holds, nothing is padded.
    let y = conv(&[1, 1, 5], &[1, 1, 1], &[1.0], |node| node.ints("strides", &[3]).text("auto_pad", "SAME_LOWER"));
    assert_eq!(y, (vec![1, 1, 2], vec![1.0, 4.0]));
}

#[test]
fn groups_and_bias() {
    // Channels 0 and 1 go to outputs 0 and 1, channels 2 and 3 to outputs 2 and 3.
    let w = [1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 4.0, 40.0];
    let y = conv(&[1, 4, 1], &[4, 2, 1], &w, |node| node.int("group", 2));
    assert_eq!(y, (vec![1, 4, 1], vec![21.0, 42.0, 129.0, 172.0]));
    // Depthwise with two outputs for each channel.
    let y = conv(&[1, 2, 2], &[4, 1, 1], &[1.0, 2.0, 3.0, 4.0], |node| node.int("group", 2));
    assert_eq!(y, (vec![1, 4, 2], vec![1.0, 2.0, 2.0, 4.0, 9.0, 12.0, 12.0, 16.0]));
    let bias = model(&[1, 1, 2])
        .constant(floats("w", &[2, 1, 1], &[1.0, -1.0]))
        .constant(floats("b", &[2], &[0.5, 100.0]))
        .add(node("Conv", &["x", "w", "b"], &["y"]));
    assert_eq!(result(&bias, &[1.0, 2.0]), (vec![1, 2, 2], vec![1.5, 2.5, 99.0, 98.0]));
}

#[test]
fn weights_with_a_scale_for_each_output_fold() {
    for quantizer in [quant(&["w", "s", "none", "two"], "wq"), {
        let mut bipolar = node("BipolarQuant", &["w", "s"], &["wq"]);
        bipolar.domain = "qonnx.custom_op.general".into();
        bipolar
    }] {
        let model = model(&[1, 1, 2, 2])
            .constant(floats("w", &[2, 1, 1, 1], &[0.75, -0.25]))
            .constant(floats("s", &[2, 1, 1, 1], &[0.5, 0.25]))
            .constant(floats("none", &[], &[0.0]))
            .constant(floats("two", &[], &[2.0]))
            .add(quantizer)
            .add(node("Conv", &["x", "wq"], &["y"]));
        let graph = import(&model).unwrap();
        assert_eq!(graph.nodes.len(), 1);
        let weights = graph.constant(graph.nodes[0].inputs[1]).unwrap();
        assert_eq!((weights.shape.as_slice(), weights.data.as_slice()), (&[2, 1, 1, 1][..], &[0.5, -0.25][..]));
    }
}

#[test]
fn normalisation_goes_by_channels() {
    for spatial in [&[2][..], &[1, 2]] {
        let shape: Vec<i64> = [1, 2].iter().chain(spatial).copied().collect();
        let model = model(&shape)
            .constant(floats("scale", &[2], &[1.0, -2.0]))
            .constant(floats("bias", &[2], &[0.5, 0.0]))
            .constant(floats("mean", &[2], &[1.0, 3.0]))
            .constant(floats("var", &[2], &[1.0, 4.0]))
            .add(node("BatchNormalization", &["x", "scale", "bias", "mean", "var"], &["y"]).float("epsilon", 0.0));
        assert_eq!(result(&model, &[1.0, 2.0, 3.0, 4.0]).1, [0.5, 1.5, 0.0, -1.0]);
    }
}

#[test]
fn greatest_of_windows() {
    let y = |node: NodeProto| single(&[1, 1, 3, 3], node.ints("kernel_shape", &[2, 2]));
    assert_eq!(y(max_pool()), (vec![1, 1, 2, 2], vec![5.0, 6.0, 8.0, 9.0]));
    assert_eq!(y(max_pool().ints("strides", &[2, 2])), (vec![1, 1, 1, 1], vec![5.0]));
    let ceil = max_pool().ints("strides", &[2, 2]).int("ceil_mode", 1);
    assert_eq!(y(ceil.clone()), (vec![1, 1, 2, 2], vec![5.0, 6.0, 8.0, 9.0]));
    let model_of_ceil = model(&[1, 1, 3, 3]).add(ceil.ints("kernel_shape", &[2, 2]));
    assert_eq!(window(&model_of_ceil).overhang, [1, 1]);
    assert_eq!(y(max_pool().ints("dilations", &[2, 2])).1, [9.0]);
    // Padding is no zero: the greatest of negative elements is negative.
    let padded = model(&[1, 1, 2]).add(max_pool().ints("kernel_shape", &[2]).ints("pads", &[1, 1]));
    assert_eq!(result(&padded, &[-3.0, -5.0]), (vec![1, 1, 3], vec![-3.0, -3.0, -5.0]));
    let global = node("GlobalMaxPool", &["x"], &["y"]);
    assert_eq!(single(&[1, 2, 3], global.clone()), (vec![1, 2, 1], vec![3.0, 6.0]));
    assert_eq!(single(&[1, 2, 2, 2], global), (vec![1, 2, 1, 1], vec![4.0, 8.0]));
    let row_major = max_pool().int("storage_order", 0);
    assert_eq!(y(row_major).0, [1, 1, 2, 2]);
}

#[test]
fn means_of_windows() {
    let y = |node: NodeProto| single(&[1, 1, 5], node.ints("kernel_shape", &[3])).1;
    assert_eq!(y(average_pool()), [2.0, 3.0, 4.0]);
    assert_eq!(y(average_pool().ints("pads", &[1, 0])), [1.5, 2.0, 3.0, 4.0]);
    let with_zeros = average_pool().int("count_include_pad", 1);
    assert_eq!(y(with_zeros.clone().ints("pads", &[1, 0])), [1.0, 2.0, 3.0, 4.0]);
    // The last window reaches beyond the padded extent: the overhang never counts.
    let ceil = with_zeros.clone().int("ceil_mode", 1).ints("strides", &[3]).ints("pads", &[1, 0]);
    assert_eq!(y(ceil), [1.0, 4.0]);
    let ceil = with_zeros.int("ceil_mode", 1).ints("strides", &[3]).ints("pads", &[0, 0]);
    assert_eq!(y(ceil), [2.0, 4.5]);
    assert_eq!(y(average_pool().ints("dilations", &[2])), [3.0]);
    let global = node("GlobalAveragePool", &["x"], &["y"]);
    assert_eq!(single(&[1, 2, 2, 2], global.clone()), (vec![1, 2, 1, 1], vec![2.5, 6.5]));
    assert_eq!(single(&[1, 1, 3], global), (vec![1, 1, 1], vec![2.0]));
}

#[test]
fn a_window_that_would_start_in_the_padding_is_left_out() {
    // Extent 4 with 1 behind: windows at 0 and 3 would be followed by one at 6, beyond; with extent 3 one at 3 would
    // start in the padding.
    let pool = || max_pool().ints("kernel_shape", &[2]).ints("strides", &[3]).int("ceil_mode", 1);
    assert_eq!(single(&[1, 1, 4], pool().ints("pads", &[0, 1])).1, [2.0, 4.0]);
    assert_eq!(single(&[1, 1, 3], pool().ints("pads", &[0, 1])).1, [2.0]);
    assert_eq!(single(&[1, 1, 4], pool()).1, [2.0, 4.0]);
}

#[test]
fn random_windows_are_those_of_loops() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut compared = 0;
    for _ in 0..2000 {
        let axes = random.random_range(1..=2);
        let mut draw =
            |from: usize, to: usize| -> Vec<usize> { (0..axes).map(|_| random.random_range(from..=to)).collect() };
        let (kernel, spatial) = (draw(1, 4), draw(1, 8));
        let (strides, dilations, before, after) = (draw(1, 3), draw(1, 2), draw(0, 2), draw(0, 2));
        let groups = random.random_range(1..=2);
        let (channels, outputs) = (groups * random.random_range(1..=2), groups * random.random_range(1..=2));
        let kind = ["Conv", "MaxPool", "AveragePool"][random.random_range(0..3)];
        let flags = [random.random_range(0..=1), random.random_range(0..=1)];
        let signed = |list: &[usize]| -> Vec<i64> { list.iter().map(|number| *number as i64).collect() };
        let shape: Vec<usize> = [1, channels].into_iter().chain(spatial.iter().copied()).collect();
        let weight_shape: Vec<usize> = [outputs, channels / groups].into_iter().chain(kernel.iter().copied()).collect();
        let pads: Vec<usize> = before.iter().chain(&after).copied().collect();
        let x: Vec<f64> = (0..shape.iter().product()).map(|_| f64::from(random.random_range(-9..9))).collect();
        let w: Vec<f32> = (0..weight_shape.iter().product()).map(|_| random.random_range(-3..3) as f32).collect();

        let mut proto = node(kind, if kind == "Conv" { &["x", "w"] } else { &["x"] }, &["y"])
            .ints("kernel_shape", &signed(&kernel))
            .ints("strides", &signed(&strides))
            .ints("dilations", &signed(&dilations))
            .ints("pads", &signed(&pads));
        proto = match kind {
            "Conv" => proto.int("group", groups as i64),
            "MaxPool" => proto.int("ceil_mode", flags[0]),
            _ => proto.int("ceil_mode", flags[0]).int("count_include_pad", flags[1]),
        };
        let model = model(&signed(&shape)).constant(floats("w", &signed(&weight_shape), &w)).add(proto);
        let Ok(graph) = import(&model) else {
            continue;
        };
        let y = reference::run(&graph, &tensor(&shape, &x)).unwrap();

        // Element by element, as the ONNX specification words it; a missing axis is one of extent 1.
        let two = |list: &[usize], fill: usize| if axes == 2 { [list[0], list[1]] } else { [fill, list[0]] };
        let [k, s, d] = [&kernel, &strides, &dilations].map(|list| two(list, 1));
        let (n, b, a) = (two(&spatial, 1), two(&before, 0), two(&after, 0));
        let out = two(&y.shape[2..], 1);
        for axis in 0..2 {
            let room = (n[axis] + b[axis] + a[axis]) as i64 - ((k[axis] - 1) * d[axis] + 1) as i64;
            let mut count = room / s[axis] as i64 + 1;
            if kind != "Conv" && flags[0] == 1 && room % s[axis] as i64 > 0 {
                let start = count as usize * s[axis];
                count += i64::from(start < n[axis] + b[axis]);
            }
            assert_eq!(out[axis], count as usize, "{model:?}");
        }
        for (index, got) in y.data.iter().enumerate() {
            let (channel, row, column) = (index / (out[0] * out[1]), index / out[1] % out[0], index % out[1]);
            let inputs = match kind {
                "Conv" => {
                    channel / (outputs / groups) * (channels / groups)
                        ..(channel / (outputs / groups) + 1) * (channels / groups)
                }
                _ => channel..channel + 1,
            };
            let (mut sum, mut greatest, mut real, mut padded) = (0.0, f64::NEG_INFINITY, 0, 0);
            for (number, input) in inputs.enumerate() {
                for (i, j) in (0..k[0]).flat_map(|i| (0..k[1]).map(move |j| (i, j))) {
                    let (p, q) = (row * s[0] + i * d[0], column * s[1] + j * d[1]);
                    if p >= n[0] + b[0] + a[0] || q >= n[1] + b[1] + a[1] {
                        continue;
                    }
                    padded += 1;
                    if p < b[0] || q < b[1] || p >= n[0] + b[0] || q >= n[1] + b[1] {
                        continue;
                    }
                    real += 1;
                    let element = x[(input * n[0] + p - b[0]) * n[1] + q - b[1]];
                    greatest = greatest.max(element);
                    let weight = ((channel * channels / groups + number) * k[0] + i) * k[1] + j;
                    sum += if kind == "Conv" { element * f64::from(w[weight]) } else { element };
                }
            }
            let expected = match kind {
                "Conv" => sum,
                "MaxPool" => greatest,
                _ => sum / f64::from(if flags[1] == 1 { padded } else { real }),
            };
            // The image's floats, each result of which is rounded to float32 once.
            assert_eq!(*got, f64::from(expected as f32), "element {index} of {:?} in {graph}", y.shape);
        }
        compared += 1;
    }
    assert!(compared > 1000, "{compared} compared");
}

#[test]
fn tensors_are_joined() {
    let both = model(&[1, 2, 2])
        .add(node("Neg", &["x"], &["n"]))
        .add(node("Concat", &["x", "n", "c"], &["y"]).int("axis", 1))
        .constant(floats("c", &[1, 1, 2], &[7.0, 8.0]));
    let expected = vec![1.0, 2.0, 3.0, 4.0, -1.0, -2.0, -3.0, -4.0, 7.0, 8.0];
    assert_eq!(result(&both, &counted(4)), (vec![1, 5, 2], expected));
    let last =
        model(&[1, 2, 2]).add(node("Neg", &["x"], &["n"])).add(node("Concat", &["x", "n"], &["y"]).int("axis", -1));
    assert_eq!(result(&last, &counted(4)).1, [1.0, 2.0, -1.0, -2.0, 3.0, 4.0, -3.0, -4.0]);
}

#[test]
fn tensors_are_surrounded() {
    let attributes = node("Pad", &["x"], &["y"]).ints("pads", &[0, 0, 1, 0, 1, 0]).float("value", -1.0);
    let old = with_opset(model(&[1, 2, 2]).add(attributes), 10);
    let expected = vec![-1.0, 1.0, 2.0, -1.0, 3.0, 4.0, -1.0, -1.0, -1.0];
    assert_eq!(result(&old, &counted(4)), (vec![1, 3, 3], expected.clone()));
    let inputs = model(&[1, 2, 2])
        .constant(integers("pads", &[0, 0, 1, 0, 1, 0]))
        .constant(floats("value", &[], &[-1.0]))
        .add(node("Pad", &["x", "pads", "value"], &["y"]).text("mode", "constant"));
    assert_eq!(result(&inputs, &counted(4)), (vec![1, 3, 3], expected.clone()));
    let axes = with_opset(
        model(&[1, 2, 2])
            .constant(integers("pads", &[1, 0, 0, 1]))
            .constant(integers("axes", &[-1, 1]))
            .constant(floats("value", &[], &[-1.0]))
            .add(node("Pad", &["x", "pads", "value", "axes"], &["y"])),
        18,
    );
    assert_eq!(result(&axes, &counted(4)), (vec![1, 3, 3], expected));
    let zeros = model(&[1, 2]).constant(integers("pads", &[0, 1, 0, 0])).add(node("Pad", &["x", "pads"], &["y"]));
    assert_eq!(result(&zeros, &counted(2)).1, [0.0, 1.0, 2.0]);
    let nothing = model(&[1, 2])
        .constant(integers("pads", &[0, 0, 0, 0]))
        .add(node("Pad", &["x", "pads"], &["p"]))
        .add(node("Neg", &["p"], &["y"]));
    assert_eq!(import(&nothing).unwrap().nodes.len(), 1);
}

#[test]
fn tensors_are_enlarged() {
    let twice_and_thrice = [
        1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 3.0, 3.0, 3.0, 4.0, 4.0, 4.0, 3.0, 3.0, 3.0, 4.0,
        4.0, 4.0,
    ];
    let check = |case: &str, opset: i64, node: NodeProto| {
        let model = model(&[1, 1, 2, 2])
            .constant(floats("scales", &[4], &[1.0, 1.0, 2.0, 3.0]))
            .constant(floats("two", &[2], &[2.0, 3.0]))
            .constant(floats("empty", &[0], &[]))
            .constant(integers("sizes", &[1, 1, 4, 6]))
            .add(node);
        let y = result(&with_opset(model, opset), &counted(4));
        assert_eq!(y, (vec![1, 1, 4, 6], twice_and_thrice.to_vec()), "{case}");
    };
    let old = node("Upsample", &["x"], &["y"]).text("mode", "nearest").floats("scales", &[1.0, 1.0, 2.0, 3.0]);
    check("attribute", 9, old);
    check("Upsample", 9, node("Upsample", &["x", "scales"], &["y"]));
    check("Resize of set 10", 10, node("Resize", &["x", "scales"], &["y"]).text("mode", "nearest"));
    let resize = |inputs: &[&str], coordinates: &str, rounding: &str| {
        node("Resize", inputs, &["y"])
            .text("mode", "nearest")
            .text("coordinate_transformation_mode", coordinates)
            .text("nearest_mode", rounding)
    };
    check("scales", 13, resize(&["x", "", "scales"], "asymmetric", "floor"));
    check("sizes", 13, resize(&["x", "", "", "sizes"], "half_pixel", "round_prefer_ceil"));
    check(
        "sizes behind an empty tensor",
        11,
        resize(&["x", "empty", "empty", "sizes"], "pytorch_half_pixel", "round_prefer_floor"),
    );
    check("defaults", 13, node("Resize", &["x", "", "scales"], &["y"]));
    check("axes", 18, resize(&["x", "", "two"], "half_pixel_symmetric", "round_prefer_floor").ints("axes", &[2, -1]));
    check("TensorFlow", 11, resize(&["x", "empty", "scales"], "tf_half_pixel_for_nn", "floor"));
    let once = model(&[1, 1, 2])
        .constant(floats("scales", &[3], &[1.0, 1.0, 1.0]))
        .add(node("Resize", &["x", "", "scales"], &["r"]))
        .add(node("Neg", &["r"], &["y"]));
    assert_eq!(import(&once).unwrap().nodes.len(), 1);
}

#[test]
fn constants_fold() {
    let surrounded = model(&[1, 1, 6])
        .constant(floats("c", &[1, 1, 1], &[3.0]))
        .constant(floats("scales", &[3], &[1.0, 1.0, 2.0]))
        .constant(integers("pads", &[0, 0, 1, 0, 0, 3]))
        .add(node("Upsample", &["c", "scales"], &["u"]))
        .add(node("Pad", &["u", "pads"], &["p"]))
        .add(node("Add", &["x", "p"], &["y"]));
    let graph = import(&surrounded).unwrap();
    assert_eq!(graph.nodes.len(), 1);
    assert_eq!(graph.constant(graph.nodes[0].inputs[1]).unwrap().data, [0.0, 3.0, 3.0, 0.0, 0.0, 0.0]);
}

#[test]
fn integers_keep_their_type() {
    let integer_input = |node: NodeProto| {
        let mut model = model(&[1, 1, 4]).add(node);
        model.graph().input[0] = value("x", INT32, &testkit::files::fixed(&[1, 1, 4]));
        import(&model).map(|graph| graph.value(graph.output).is_integer)
    };
    assert!(integer_input(max_pool().ints("kernel_shape", &[2])).unwrap());
    assert!(integer_input(node("GlobalMaxPool", &["x"], &["y"])).unwrap());
    assert!(integer_input(node("Concat", &["x", "x"], &["y"]).int("axis", 1)).unwrap());
    assert!(integer_input(average_pool().ints("kernel_shape", &[2])).is_err());
}

#[test]
fn a_symbolic_batch_is_one_image() {
    let mut pooled = model(&[1, 1, 2]).add(max_pool().ints("kernel_shape", &[2]));
    let shape = pooled.graph().input[0].r#type.as_mut().unwrap().tensor_type.as_mut().unwrap().shape.as_mut().unwrap();
    shape.dim[0] = testkit::files::symbolic("N");
    assert_eq!(result(&pooled, &counted(2)), (vec![1, 1, 1], vec![2.0]));
}
