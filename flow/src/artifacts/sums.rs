//! `SHA256SUMS`: the files of a directory as they were written.

use super::{ArtifactsError, file_error, hexadecimal};
use crate::regular;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read};
use std::path::{Component, Path};

/// Its name.
pub(super) const FILE: &str = "SHA256SUMS";

/// The sums of texts by their paths in the directory, as `sha256sum -c` reads them.
pub(super) fn text(texts: &[(String, String)]) -> String {
    texts.iter().map(|(path, text)| format!("{}  {path}\n", hexadecimal(&Sha256::digest(text)))).collect()
}

/// The sums that a directory was written with, by path; `None` where it has none, as those of older versions.
pub(super) fn read(folder: &Path) -> Result<Option<BTreeMap<String, String>>, ArtifactsError> {
    let path = folder.join(FILE);
    let text = match regular::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        text => text.map_err(|source| file_error("read", &path, source))?,
    };
    let lines = text.lines().filter_map(|line| line.split_once("  "));
    // A path that leads elsewhere is none of ours.
    let is_inside = |path: &str| Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    Ok(Some(lines.filter(|(_, path)| is_inside(path)).map(|(sum, path)| (path.into(), sum.into())).collect()))
}

/// Whether a regular file with this sum lies at `path`.
pub(super) fn holds(path: &Path, sum: &str) -> bool {
    let digest = || -> io::Result<String> {
        let (mut hash, mut file, mut buffer) = (Sha256::new(), regular::open(path)?, vec![0; 1 << 16]);
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(hexadecimal(&hash.finalize())),
                count => hash.update(&buffer[..count]),
            }
        }
    };
    digest().is_ok_and(|found| found == sum)
}
