//! yosys' simulation models of the cells that netlists are made of.

use super::tools::share_folder;
use super::{BuildError, Tools};
use crate::board::Family;
use crate::commands::Tool;
use std::fs;
use std::path::Path;

/// The models of the cells of `family`, of the yosys that is installed; `None` where it lies without them.
///
/// # Errors
/// Where yosys is missing, or its files cannot be read.
pub fn cells(tools: &Tools, family: Family) -> Result<Option<String>, BuildError> {
    cells_of(&tools.find(Tool::Yosys)?.program, family)
}

/// The models of the cells of `family` that lie with the program `yosys`, in one text.
pub(super) fn cells_of(yosys: &Path, family: Family) -> Result<Option<String>, BuildError> {
    let folder = share_folder(yosys).map(|share| share.join(family.cells()));
    folder.map(|folder| with_includes(&folder, "cells_sim.v")).transpose()
}

/// The text of a Verilog file of `folder`, the files that it includes in their places.
fn with_includes(folder: &Path, name: &str) -> Result<String, BuildError> {
    let path = folder.join(name);
    let read = fs::read_to_string(&path);
    let text = read.map_err(|source| BuildError::File { action: "read", path: path.clone(), source })?;
    let mut whole = String::with_capacity(text.len());
    for line in text.lines() {
        match line.trim().strip_prefix("`include \"").and_then(|rest| rest.strip_suffix('"')) {
            Some(included) => whole += &with_includes(folder, included)?,
            None => whole += line,
        }
        whole.push('\n');
    }
    Ok(whole)
}
