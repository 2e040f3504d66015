//! What is asked of the file system: to exchange folders, and to have them on the disk.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};

/// Files that are synced at once.
const SYNCS: usize = 16;

/// Exchanges two folders.
pub(super) fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
    }
    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    {
        fs::symlink_metadata(other)?;
        Err(ErrorKind::Unsupported.into())
    }
}

/// Has everything in a folder written to the disk. Many files at once share what a disk takes for each one.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    let mut found = Vec::new();
    list(folder, &mut found)?;
    let share = found.len().div_ceil(SYNCS).max(1);
    std::thread::scope(|scope| {
        let sync_all = |paths: &'_ [PathBuf]| paths.iter().try_for_each(|path| sync(path));
        let threads: Vec<_> = found.chunks(share).map(|paths| scope.spawn(move || sync_all(paths))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

/// The files and folders in `folder`, and itself.
fn list(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            list(&entry.path(), found)?;
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    found.push(folder.to_owned());
    Ok(())
}

/// Has a file or a folder written to the disk.
pub(super) fn sync(path: &Path) -> io::Result<()> {
    match File::open(path).and_then(|file| file.sync_all()) {
        // Some file systems sync no folders.
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::PermissionDenied) => Ok(()),
        other => other,
    }
}
