//! What several test programs need.

#![allow(dead_code, clippy::unwrap_used)]

use std::process::{Command, Stdio};

/// Whether `tool` can be started. Where it cannot, a test is skipped with a sentence; under `CI=true` it fails.
pub fn has(tool: &str) -> bool {
    let version = Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if version.is_err() {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "`{tool}` must be installed where CI=true");
        eprintln!("skipped: `{tool}` is not installed");
    }
    version.is_ok()
}
