//! Any bytes as an `.npy` file of images and of labels.

use super::render;
use std::io::Write;
use verbs::images;

/// Writes the bytes into a file and reads it as the command line does.
pub fn run(data: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().expect("a folder for temporary files");
    file.write_all(data).expect("room for a few bytes");
    for shape in [&[1, 2, 3][..], &[4]] {
        if let Err(error) = images::images(file.path(), shape, Some(5)) {
            render(&error);
        }
    }
    if let Err(error) = images::labels(file.path(), 2, Some(3)) {
        render(&error);
    }
}
