//! `flash`: a bitstream into a board.

use crate::error::VerbError;
use flow::artifacts;
use flow::build::Flash;
use std::path::Path;

/// The loading of what was built in the directory `folder`, to be [run](Flash::run).
///
/// # Errors
/// Where the directory is none, for no board, or holds no bitstream.
pub fn flash(folder: &Path) -> Result<Flash, VerbError> {
    Ok(Flash::new(&artifacts::read_manifest(folder)?, folder)?)
}
