//! What each fuzz target does with its bytes. The targets and the test that replays the kept inputs
//! (`cli/tests/fuzz_corpus.rs`) and that which
//! mutates them (`cli/tests/fuzz_mutations.rs`) share it.

#![allow(dead_code, reason = "each target uses one")]

pub mod board;
pub mod frame_decoder;
pub mod host_line;
pub mod importer;
pub mod manifest;
pub mod netlist;
pub mod npy;
pub mod plan;
pub mod report;
mod script;
pub mod tflite;

use miette::Diagnostic;

/// What is done with the bytes of an input.
pub type Case = fn(&[u8]);

/// Every target with its case.
pub const CASES: [(&str, Case); 10] = [
    ("board", board::run),
    ("frame_decoder", frame_decoder::run),
    ("host_line", host_line::run),
    ("importer", importer::run),
    ("manifest", manifest::run),
    ("netlist", netlist::run),
    ("npy", npy::run),
    ("plan", plan::run),
    ("report", report::run),
    ("tflite", tflite::run),
];

/// Writes an error out as a user would read it: it must have a code and a help, and its text must not panic.
fn render(error: &dyn Diagnostic) {
    assert!(error.code().is_some(), "an error without a code: {error}");
    let help = error.help().map(|help| help.to_string()).unwrap_or_default();
    assert!(!help.trim().is_empty(), "an error without a help: {error}");
    assert!(!error.to_string().is_empty());
}
