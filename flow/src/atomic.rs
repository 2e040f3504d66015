//! Files and folders that appear whole: made beside their place, synced, and moved there in one step.
//!
//! What is being made is called `.<name>.partial<process>` and locked by whoever makes it. A process that is killed loses the
//! lock, so the next one that writes to the same place removes what is left. Where something is there already, a file is
//! replaced by `rename`, a folder exchanged (`renameat2` with `RENAME_EXCHANGE`). Some file systems (NFS, FAT, overlays of
//! old kernels) cannot exchange: there the old folder is moved aside first, and for a moment nothing is there.

mod disk;

use disk::{exchange, sync, sync_folder};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// What stands between the name of a place and the number of the process that makes what goes there.
const MARK: &str = ".partial";

/// A file or folder that is being made beside its place. Dropping it removes what lies there: the half-made, or after
/// [publishing](Partial::publish) what was replaced.
#[derive(Debug)]
pub struct Partial {
    path: PathBuf,
    target: PathBuf,
    /// Of a file the file itself.
    held: File,
}

impl Partial {
    /// An empty folder beside `target`, in which what is to be there can be made. Removes what killed processes have left.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn folder(target: &Path) -> io::Result<Self> {
        // Where a file is in the way, making the folder tells so better.
        if !parent(target).exists() {
            fs::create_dir_all(parent(target))?;
        }
        Self::new(target, |path| {
            fs::create_dir(path)?;
            // Somebody who cleans up may have taken it for left over already.
            let taken = |error: io::Error| match error.kind() {
                ErrorKind::NotFound => ErrorKind::AlreadyExists.into(),
                _ => error,
            };
            File::open(path).map_err(taken)
        })
    }

    /// An empty file beside `target`. Removes what killed processes have left.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn file(target: &Path) -> io::Result<Self> {
        Self::new(target, |path| OpenOptions::new().read(true).write(true).create_new(true).open(path))
    }

    fn new(target: &Path, make: impl Fn(&Path) -> io::Result<File>) -> io::Result<Self> {
        // No name twice: who cleans up goes by names, and may still be at work where another had been.
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        remove_leftovers(target)?;
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = beside(target, &format!("{}_{number}", std::process::id()))?;
            match make(&path) {
                // A process of the same number on another machine has or had that name.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
                Ok(held) => {
                    held.lock()?;
                    // Somebody who cleans up may have taken it for left over before it was locked.
                    if is_at(&held, &path) {
                        return Ok(Partial { path, target: target.to_owned(), held });
                    }
                }
            }
        }
    }

    /// Where it is made.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts it in its place. Whatever was there is gone afterwards.
    ///
    /// # Errors
    /// Where the system refuses; what was there is there still.
    pub fn publish(self) -> io::Result<()> {
        if self.held.metadata()?.is_dir() {
            return self.put(&self.path);
        }
        self.held.sync_all()?;
        fs::rename(&self.path, &self.target)?;
        sync(parent(&self.target))
    }

    /// Puts a folder in its place, unless something else than an empty folder is there.
    ///
    /// # Errors
    /// Where something is there ([`ErrorKind::DirectoryNotEmpty`] if it is a folder), or the system refuses.
    pub fn publish_new(self) -> io::Result<()> {
        sync_folder(&self.path)?;
        fs::rename(&self.path, &self.target)?;
        sync(parent(&self.target))
    }

    /// Puts the folder `name` that was made in it in its place; the rest was only needed to make it.
    ///
    /// # Errors
    /// As of [`publish`](Partial::publish).
    pub fn publish_folder(self, name: &str) -> io::Result<()> {
        self.put(&self.path.join(name))
    }

    /// Puts a folder in the place that this is for.
    fn put(&self, folder: &Path) -> io::Result<()> {
        sync_folder(folder)?;
        loop {
            match exchange(folder, &self.target) {
                Ok(()) => break,
                Err(error) if error.kind() == ErrorKind::NotFound => match fs::rename(folder, &self.target) {
                    // Another process has put its own there in between.
                    Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => {}
                    renamed => break renamed?,
                },
                Err(_) => break self.replace(folder)?,
            }
        }
        sync(parent(&self.target))
    }

    /// Moves the folder over another one where the file system cannot exchange the two.
    fn replace(&self, folder: &Path) -> io::Result<()> {
        let old = Partial::folder(&self.target)?;
        fs::rename(&self.target, &old.path)?;
        fs::rename(folder, &self.target).inspect_err(|_| {
            // The first error is the one to tell.
            let _ = fs::rename(&old.path, &self.target);
        })
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Nobody is left to tell; the next process that writes here tries again.
        let _ = remove(&self.path);
    }
}

/// Writes a file that has the old contents or the new ones at any time. What is no regular file, such as a terminal or a
/// pipe, is written to as it stands.
///
/// # Errors
/// Where the system refuses; a file that was there is there still.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let old = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
        Ok(old) if old.is_file() => Some(old),
        Ok(_) => return OpenOptions::new().write(true).open(path)?.write_all(bytes),
    };
    // A link goes on leading where it did.
    let path = if old.is_some() { path.canonicalize()? } else { path.to_owned() };
    put(&path, bytes, old.map(|old| old.permissions()))
}

/// Writes a file in the place of what is there: a link that somebody has put there is replaced, not followed.
///
/// # Errors
/// Where the system refuses; what was there is there still.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    put(path, bytes, None)
}

fn put(path: &Path, bytes: &[u8], permissions: Option<Permissions>) -> io::Result<()> {
    let partial = Partial::file(path)?;
    (&partial.held).write_all(bytes)?;
    if let Some(permissions) = permissions {
        partial.held.set_permissions(permissions)?;
    }
    partial.publish()
}

/// Removes the folder at `target` in one step, if there is one.
///
/// # Errors
/// Where the system refuses.
pub fn remove_folder(target: &Path) -> io::Result<()> {
    if !target.exists() {
        return Ok(());
    }
    let aside = Partial::folder(target)?;
    fs::rename(target, aside.path())?;
    sync(parent(target))
}

/// Removes what killed processes have left beside `target`.
///
/// # Errors
/// Where the system refuses to remove it.
pub fn remove_leftovers(target: &Path) -> io::Result<()> {
    let prefix = beside(target, "")?;
    let prefix = prefix.file_name().unwrap_or_default().as_encoded_bytes();
    let is_number = |rest: &[u8]| rest.iter().all(|byte| byte.is_ascii_digit() || *byte == b'_');
    // A folder that cannot be listed holds nothing that could be removed.
    for entry in fs::read_dir(parent(target)).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_ours = name.as_encoded_bytes().strip_prefix(prefix).is_some_and(is_number);
        // Anything else of that name is nobody's who writes here, and opening it may take forever.
        let is_plain = entry.file_type().is_ok_and(|kind| kind.is_file() || kind.is_dir());
        if !is_ours || !is_plain {
            continue;
        }
        match File::open(entry.path()) {
            Ok(held) if held.try_lock().is_ok() => remove(&entry.path())?,
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

/// Whether `held` is what lies at `path`, or where a link there leads.
pub(crate) fn is_at(held: &File, path: &Path) -> bool {
    let same = |a: fs::Metadata, b: fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    held.metadata().is_ok_and(|held| fs::metadata(path).is_ok_and(|found| same(held, found)))
}

/// The hidden name beside `target` that ends with `number`.
fn beside(target: &Path, number: &str) -> io::Result<PathBuf> {
    let name: &OsStr = target.file_name().ok_or(ErrorKind::InvalidFilename)?;
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(format!("{MARK}{number}"));
    Ok(target.with_file_name(hidden))
}

/// The folder that `path` lies in.
fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        // Another process was faster.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
