//! Whether a manifest is that of a plan.

use super::{ArtifactsError, manifest_of};
use crate::board::Board;
use crate::device;
use crate::prefix::Prefix;
use abi::manifest::{Manifest, WeightsManifest};
use compiler::plan::Plan;
use serde_json::Value;
use std::path::Path;

/// What a directory is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// To feed a device that another version may have made.
    Data,
    /// To make the design again.
    Design,
}

/// Checks that the manifest is the plan's, and that what it says of its own can be used. Gives what names begin with.
pub(super) fn check_manifest(
    folder: &Path,
    found: &Manifest,
    plan: &Plan,
    depth: Depth,
) -> Result<Prefix, ArtifactsError> {
    let Manifest { top, files, design_hash, device, .. } = found;
    let fault = |field: String, expected: String, found: String| {
        Err(ArtifactsError::Manifest { folder: folder.to_owned(), field, expected, found })
    };
    let Some(prefix) = Prefix::of_core(top) else {
        return fault("top".into(), "a prefix followed by _core".into(), shown(&top.as_str().into()));
    };
    let device = match device {
        Some(found) if depth == Depth::Data => Some(found.clone()),
        None => None,
        Some(found) => Some(device::manifest(plan, &prefix, &Board::find(&found.board)?, found.files.clone())?),
    };
    let weights = match plan.network.replaceable {
        false => None,
        true => Some(WeightsManifest { words: hdl::design::design(plan)?.pipeline.weight_words(), identity: 0 }),
    };
    let expected = manifest_of(plan, found.checked, top.clone(), files.clone(), design_hash.clone(), device, weights);
    if *found != expected {
        let value = |manifest: &Manifest| serde_json::to_value(manifest).unwrap_or_default();
        let Difference { field, expected, found } = difference(String::new(), &value(&expected), &value(found));
        return fault(field, expected, found);
    }
    if found.design_hash_bytes().is_none() {
        return fault("design_hash".into(), "64 hexadecimal digits".into(), shown(&design_hash.as_str().into()));
    }
    let verilog = format!("{top}.v");
    if files.first() != Some(&verilog) {
        return fault("files".into(), format!("a list that begins with {verilog}"), shown(&files.clone().into()));
    }
    check_files(folder, found, |_, _| true)?;
    Ok(prefix)
}

/// Checks that the manifest's files are names in their folders that `is_there`, which is given the folder's name, accepts.
/// Names that lead elsewhere are not files of ours, whatever lies there.
pub(super) fn check_files(
    folder: &Path,
    manifest: &Manifest,
    is_there: impl Fn(&str, &str) -> bool,
) -> Result<(), ArtifactsError> {
    let of_board = manifest.device.iter().flat_map(|device| &device.files).map(|file| ("device.files", "board", file));
    for (field, place, file) in manifest.files.iter().map(|file| ("files", "rtl", file)).chain(of_board) {
        if file.contains(['/', '\\']) || !is_there(place, file) {
            return Err(ArtifactsError::Manifest {
                folder: folder.to_owned(),
                field: field.into(),
                expected: format!("a list of files in the folder {place}"),
                found: shown(&file.as_str().into()),
            });
        }
    }
    Ok(())
}

/// Where two values differ first.
struct Difference {
    field: String,
    expected: String,
    found: String,
}

/// The first difference below `field` of two values that are not equal.
fn difference(field: String, expected: &Value, found: &Value) -> Difference {
    let inside = match (expected, found) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            let dot = if field.is_empty() { "" } else { "." };
            a.iter().zip(b.values()).map(|((key, a), b)| (format!("{field}{dot}{key}"), a, b)).find(|(_, a, b)| a != b)
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().map(|(at, (a, b))| (format!("{field}[{at}]"), a, b)).find(|(_, a, b)| a != b)
        }
        _ => None,
    };
    match inside {
        Some((field, expected, found)) => difference(field, expected, found),
        None => Difference { field, expected: shown(expected), found: shown(found) },
    }
}

/// A value as an error message quotes it.
fn shown(value: &Value) -> String {
    const MAX_CHARACTERS: usize = 80;
    let text = value.to_string();
    match text.char_indices().nth(MAX_CHARACTERS) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
