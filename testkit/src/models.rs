//! Folders of models.

use std::path::{Path, PathBuf};

/// The models of this repository.
pub fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models")
}

/// Models with golden outputs that are not part of this repository: `models` in `$XNORFORGE_SHARED`, else in `../shared`.
/// `None`, with a printed reason, where there are none and the variable is not set.
pub fn shared() -> Option<PathBuf> {
    let named = std::env::var_os("XNORFORGE_SHARED").map(PathBuf::from);
    let is_named = named.is_some();
    let root = named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"));
    let models = root.join("models");
    if models.is_dir() {
        return Some(models);
    }
    assert!(!is_named, "XNORFORGE_SHARED is set, but {} is not a folder", models.display());
    println!("passed over: no models at {} (set XNORFORGE_SHARED)", models.display());
    None
}
