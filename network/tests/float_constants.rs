//! Quantised constants are decided in float32, and stand for exact numbers.

#![allow(clippy::unwrap_used)]

mod support;

use network::graph::Graph;
use network::onnx::{export, import_bytes};
use support::files::{Build, With, floats, import, model, node};

fn quantised(weights: &[f32], scale: f32, zero_point: f32, rounding: &str) -> Graph {
    let mut quant = node("Quant", &["w", "scale", "zero", "bits"], &["q"]);
    quant.domain = "qonnx.custom_op.general".into();
    let model = model(&[1, 1])
        .constant(floats("w", &[1, weights.len() as i64], weights))
        .constant(floats("scale", &[], &[scale]))
        .constant(floats("zero", &[], &[zero_point]))
        .constant(floats("bits", &[], &[8.0]))
        .add(quant.int("signed", 1).int("narrow", 0).text("rounding_mode", rounding))
        .add(node("MatMul", &["x", "q"], &["y"]));
    import(&model).unwrap()
}

#[test]
fn weights_on_ties_go_where_float32_takes_them() {
    let mut moved = 0;
    for scale in [0.1f32, 1.0 / 255.0, 1.0 / 3.0, 0.7] {
        // Multiples and middles, as float32 has them.
        let weights: Vec<f32> = (-100..=100i16).map(|half| f32::from(half) * 0.5 * scale).collect();
        type Rounding = fn(f32) -> f32;
        let modes: [(&str, Rounding); 4] = [
            ("ROUND", f32::round_ties_even),
            ("FLOOR", f32::floor),
            ("CEIL", f32::ceil),
            ("HALF_UP", |x| (x.abs() + 0.5).floor() * x.signum()),
        ];
        for (mode, round) in modes {
            let graph = quantised(&weights, scale, 3.0, mode);
            let found = &graph.constant(graph.nodes[0].inputs[1]).unwrap().data;
            for (weight, found) in weights.iter().zip(found) {
                let code = round(weight / scale + 3.0);
                assert_eq!(*found, (f64::from(code) - 3.0) * f64::from(scale), "{weight} / {scale} {mode}");
                let quotient = f64::from(*weight) / f64::from(scale) + 3.0;
                moved += usize::from(mode == "FLOOR" && quotient.floor() != f64::from(code));
            }
            // What is written is read again.
            let again = import_bytes(&export(&graph).unwrap(), None, "again").unwrap();
            assert_eq!(again.constant(again.nodes[0].inputs[1]).unwrap().data, *found);
        }
    }
    assert!(moved > 10, "exact quotients lie below the code: {moved}");
}
