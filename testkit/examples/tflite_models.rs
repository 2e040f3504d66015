//! Writes random TensorFlow Lite files: `cargo run -p xnorforge-testkit --example tflite_models FOLDER FIRST COUNT`, with
//! the least and the greatest number of their inputs in `FOLDER/ranges.txt`.

#![allow(clippy::unwrap_used, reason = "a tool of the tests")]

use std::fmt::Write;
use std::path::PathBuf;
use testkit::tflite::random;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, folder, first, count] = arguments.as_slice() else {
        panic!("usage: tflite_models FOLDER FIRST COUNT");
    };
    let (folder, first, count) = (PathBuf::from(folder), first.parse::<u64>().unwrap(), count.parse::<u64>().unwrap());
    let mut ranges = String::new();
    for seed in first..first + count {
        let network = random::network(seed);
        std::fs::write(folder.join(format!("{seed}.tflite")), network.bytes).unwrap();
        writeln!(ranges, "{seed} {} {}", network.range.0, network.range.1).unwrap();
    }
    std::fs::write(folder.join("ranges.txt"), ranges).unwrap();
}
