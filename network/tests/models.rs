//! Real models: import, run in the reference, compare with the outputs of the framework.

#![allow(clippy::unwrap_used)]

use ndarray::ArrayD;
use ndarray_npy::{ReadNpyExt, ReadableElement, read_npy};
use network::onnx;
use network::reference::Evaluator;
use network::tensor::Tensor;
use std::path::Path;

/// Rows along the first axis, each with the shape without it.
fn rows<T: ReadableElement + Copy>(path: &Path, number: impl Fn(T) -> f64) -> Vec<Tensor>
where
    ArrayD<T>: ReadNpyExt,
{
    let array: ArrayD<T> = read_npy(path).unwrap();
    array
        .outer_iter()
        .map(|row| Tensor::new(row.shape().to_vec(), row.iter().map(|value| number(*value)).collect()))
        .collect()
}

fn arg_max(scores: &[f64]) -> usize {
    (0..scores.len()).rev().max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap()
}

/// Compares the first `count` images; rows in `float32` may go either way.
fn agrees(model: &str, golden: &str, count: usize, float32: &[usize]) {
    let Some(models) = testkit::models::shared() else {
        return;
    };
    let graph = onnx::import(&models.join(format!("{model}.onnx"))).unwrap();
    let evaluator = Evaluator::new(&graph).unwrap();
    let folder = models.join("golden").join(model);
    let images = rows(&folder.join("input.npy"), |value: f32| f64::from(value));
    let outputs = match graph.value(graph.output).is_integer {
        true => rows(&folder.join(golden), |value: i64| value as f64),
        false if golden.contains("f64") => rows(&folder.join(golden), |value: f64| value),
        false => rows(&folder.join(golden), |value: f32| f64::from(value)),
    };
    for (index, (image, expected)) in images.iter().zip(&outputs).enumerate().take(count) {
        if float32.contains(&index) {
            continue;
        }
        let scores = evaluator.run(image).unwrap().data;
        assert_eq!(scores.len(), expected.len());
        let greatest = expected.data.iter().fold(0f64, |greatest, value| greatest.max(value.abs()));
        for (score, expected) in scores.iter().zip(&expected.data) {
            assert!((score - expected).abs() <= 1e-4 * greatest, "{model} row {index}: {score} for {expected}");
        }
        assert_eq!(arg_max(&scores), arg_max(&expected.data), "{model} row {index}");
    }
}

#[test]
fn tfc_1w1a() {
    agrees("TFC_1W1A", "output.npy", 20, &[]);
}

#[test]
fn tfc_1w2a() {
    agrees("TFC_1W2A", "output.npy", 20, &[]);
}

#[test]
fn kws_w3a3() {
    // In row 35 an input lies on a tie of its quantiser, which float32 decides and double precision otherwise.
    agrees("KWS_W3A3", "output.npy", 40, &[]);
    agrees("KWS_W3A3", "output_f64.npy", 40, &[35]);
}

#[test]
fn unsw_nb15_mlp_w2a2() {
    agrees("unsw_nb15-mlp-w2a2", "output.npy", 20, &[]);
}

#[test]
fn build_dataflow_model() {
    agrees("build_dataflow_model", "output.npy", 20, &[]);
}

#[test]
fn lfc_w1a1() {
    agrees("lfcW1A1", "output.npy", 10, &[]);
}

#[test]
fn w1a1_mlp_odd() {
    agrees("w1a1_mlp_odd", "output.npy", 20, &[]);
    agrees("w1a1_mlp_odd", "output_f64.npy", 20, &[]);
}

#[test]
fn cnv_w1a1() {
    agrees("cnvW1A1", "output.npy", 3, &[]);
}

#[test]
fn bnn_conv_pad() {
    agrees("bnn_conv_pad", "output.npy", 5, &[]);
    agrees("bnn_conv_pad", "output_f64.npy", 5, &[]);
}

#[test]
fn bnn_residual() {
    agrees("bnn_residual", "output.npy", 5, &[]);
    agrees("bnn_residual", "output_f64.npy", 5, &[]);
}

#[test]
fn ternary_twn() {
    agrees("ternary_twn", "output.npy", 5, &[]);
    agrees("ternary_twn", "output_f64.npy", 5, &[]);
}
