//! What lies where something is to be written: links, pipes, and what others have put there.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use flow::atomic::{self, Partial};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::Path;

fn names(folder: &tempfile::TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A folder to be put at `place`, with the file `new`.
fn made(place: &Path) -> Partial {
    let partial = Partial::folder(place).unwrap();
    fs::write(partial.path().join("new"), "new").unwrap();
    partial
}

#[test]
fn links_are_followed_where_the_user_names_them_only() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    fs::write(&file, "old").unwrap();
    symlink("file", &link).unwrap();
    atomic::write(&link, b"written").unwrap();
    assert!(link.is_symlink());
    assert_eq!(fs::read(&file).unwrap(), b"written");
    atomic::replace(&link, b"replaced").unwrap();
    assert!(!link.is_symlink());
    assert_eq!((fs::read(&link).unwrap(), fs::read(&file).unwrap()), (b"replaced".to_vec(), b"written".to_vec()));
    assert_eq!(names(&folder), ["file", "link"]);
}

#[test]
fn a_new_folder_replaces_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("place");
    made(&place).publish_new().unwrap();
    assert_eq!(fs::read(place.join("new")).unwrap(), b"new");
    let refused = made(&place).publish_new().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::DirectoryNotEmpty);
    fs::remove_dir_all(&place).unwrap();
    fs::create_dir(&place).unwrap();
    made(&place).publish_new().unwrap();
    fs::remove_dir_all(&place).unwrap();
    fs::write(&place, "a file").unwrap();
    assert!(made(&place).publish_new().is_err());
    assert_eq!(fs::read(&place).unwrap(), b"a file");
    assert_eq!(names(&folder), ["place"]);
}

#[test]
fn folders_of_many_writers_appear_whole() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("place");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..10).for_each(|_| made(&place).publish().unwrap()));
        }
    });
    assert_eq!(fs::read(place.join("new")).unwrap(), b"new");
    assert_eq!(names(&folder), ["place"]);
}
