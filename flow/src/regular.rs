//! Files of directories that somebody else may have made: regular ones, and of a size that can be read to its end.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Most bytes of a file: a sparse one takes no room in an archive, and hours to read.
const MAX_BYTES: u64 = 1 << 32;

/// Opens a file to read it.
///
/// # Errors
/// Where there is none, it is a pipe, a device or a folder, or it is larger than any that this program writes.
pub fn open(path: &Path) -> io::Result<File> {
    // Otherwise opening a pipe would wait for somebody who writes to it.
    let flags = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is not a regular file"));
    }
    match metadata.len() {
        0..=MAX_BYTES => Ok(file),
        bytes => Err(io::Error::new(ErrorKind::FileTooLarge, format!("it has {bytes} bytes"))),
    }
}

/// The bytes of a file.
///
/// # Errors
/// As of [`open`], and where the system refuses.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text of a file.
///
/// # Errors
/// As of [`read`], and where it is no UTF-8.
pub fn read_to_string(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn only_regular_files_are_opened() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (text, sparse, pipe) =
            (folder.path().join("text"), folder.path().join("sparse"), folder.path().join("pipe"));
        std::fs::write(&text, "text").expect("written");
        assert_eq!(read_to_string(&text).expect("a file"), "text");
        File::create(&sparse).and_then(|file| file.set_len(1 << 40)).expect("a sparse file");
        assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
        let link = |target: &str| {
            let path = folder.path().join("link");
            let _ = std::fs::remove_file(&path);
            std::os::unix::fs::symlink(target, &path).map(|()| path).expect("a link")
        };
        for path in [&sparse, &pipe, folder.path(), &link("/dev/zero"), &link("pipe"), &link("nothing")] {
            assert!(open(path).is_err(), "{}", path.display());
        }
        assert_eq!(read(&link("text")).expect("a file"), b"text");
    }
}
