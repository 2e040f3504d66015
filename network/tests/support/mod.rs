//! What the tests of this crate share.

#![allow(dead_code, missing_docs, clippy::unwrap_used)]

pub mod files;
pub mod round_trip;

use miette::Diagnostic;
use network::tensor::Tensor;
use std::path::PathBuf;

/// The folder of models and golden outputs, `None` with a printed reason where it is absent.
pub fn models() -> Option<PathBuf> {
    let root = std::env::var_os("XNORFORGE_SHARED")
        .map(PathBuf::from)
        .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"));
    let models = root.join("models");
    if models.is_dir() {
        return Some(models);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "in CI the models must be at {}", models.display());
    println!("skipped: no models at {} (set XNORFORGE_SHARED)", models.display());
    None
}

/// The message of an error as a user reads it.
pub fn rendered(error: &dyn Diagnostic) -> String {
    let code = error.code().expect("every error has a code");
    let help = error.help().expect("every error has a help").to_string();
    assert!(!help.trim().is_empty(), "the help of {code} must not be empty");
    format!("{code}\n  {error}\n  help: {help}\n")
}

pub fn tensor(shape: &[usize], data: &[f64]) -> Tensor {
    Tensor::new(shape.to_vec(), data.to_vec())
}
