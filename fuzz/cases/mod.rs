//! What each fuzz target does with its bytes. The targets and the test that replays the kept inputs
//! (`cli/tests/fuzz_corpus.rs`) share it.

#![allow(dead_code, reason = "each target uses one")]

pub mod board;
pub mod frame_decoder;
pub mod host_line;
pub mod importer;
pub mod manifest;
pub mod npy;
pub mod plan;
pub mod report;
mod script;

use miette::Diagnostic;

/// Writes an error out as a user would read it: it must have a code and a help, and its text must not panic.
fn render(error: &dyn Diagnostic) {
    assert!(error.code().is_some(), "an error without a code: {error}");
    let help = error.help().map(|help| help.to_string()).unwrap_or_default();
    assert!(!help.trim().is_empty(), "an error without a help: {error}");
    assert!(!error.to_string().is_empty());
}
