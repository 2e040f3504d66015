//! Compiled simulations, kept.

use super::hash::hexadecimal;
use crate::SimError;
use flow::atomic::Partial;
use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A folder of compiled simulations, one subfolder for each content hash.
///
/// An entry appears in one step (it is built beside and renamed), so several processes may share a cache. Each holds the
/// sums of its files: one that is damaged is built again. Deleting any part of the cache is safe while nothing runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// The user's cache: `$XNORFORGE_CACHE`, else `$XDG_CACHE_HOME/xnorforge`, else `~/.cache/xnorforge`.
    ///
    /// # Errors
    /// Where none of these variables is set.
    pub fn from_environment() -> Result<Self, SimError> {
        let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let root = variable("XNORFORGE_CACHE")
            .or_else(|| variable("XDG_CACHE_HOME").map(|folder| folder.join("xnorforge")))
            .or_else(|| variable("HOME").map(|folder| folder.join(".cache").join("xnorforge")))
            .ok_or(SimError::NoCacheFolder)?;
        Ok(Cache { root })
    }

    /// A cache in the given folder, which is made when first needed.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Cache { root: root.into() }
    }

    /// The folder of the entry `key` of `kind`, where it exists.
    pub(super) fn find(&self, kind: &str, key: &str) -> Option<PathBuf> {
        Some(self.root.join(kind).join(key)).filter(|path| is_whole(path))
    }

    /// The folder of the entry `key` of `kind`; where it is new, `build` fills an empty folder first. `build` may
    /// use the whole folder that it is given; what it puts into the subfolder `entry` is kept.
    pub(super) fn entry(
        &self,
        kind: &str,
        key: &str,
        build: impl FnOnce(&Path) -> Result<(), SimError>,
    ) -> Result<PathBuf, SimError> {
        let shelf = self.root.join(kind);
        let path = shelf.join(key);
        let own = lock_of(&path);
        let _guard = own.lock().unwrap_or_else(PoisonError::into_inner);
        if is_whole(&path) {
            return Ok(path);
        }
        std::fs::create_dir_all(&shelf).map_err(SimError::file("create", &shelf))?;
        let room = Partial::folder(&path).map_err(SimError::file("create", &path))?;
        let entry = room.path().join("entry");
        std::fs::create_dir(&entry).map_err(SimError::file("create", &entry))?;
        build(room.path())?;
        let sums = sums(&entry).map_err(SimError::file("read", &entry))?;
        std::fs::write(entry.join(SUMS), sums).map_err(SimError::file("write", &entry))?;
        // Where another process was faster, its entry has the same contents.
        room.publish_folder("entry").map_err(SimError::file("write", &path))?;
        Ok(path)
    }

    /// Keeps the log of a failed build and says where.
    pub(super) fn keep_log(&self, key: &str, log: &Path) -> PathBuf {
        let folder = self.root.join("failed");
        let path = folder.join(format!("{key}.log"));
        // The log's tail is in the error already: a failure to keep all of it must not hide that error.
        let _ = std::fs::create_dir_all(&folder).and_then(|()| std::fs::copy(log, &path));
        path
    }
}

/// The file of an entry with the sums of the others.
const SUMS: &str = "SHA256SUMS";

/// Whether an entry is there as it was built.
fn is_whole(entry: &Path) -> bool {
    std::fs::read_to_string(entry.join(SUMS)).is_ok_and(|kept| sums(entry).is_ok_and(|found| found == kept))
}

/// The sums of the files of an entry.
fn sums(entry: &Path) -> std::io::Result<String> {
    let mut lines = Vec::new();
    for file in std::fs::read_dir(entry)? {
        let file = file?;
        if file.file_name() != SUMS {
            lines.push(format!("{}  {}\n", hexadecimal(&[std::fs::read(file.path())?]), file.file_name().display()));
        }
    }
    lines.sort();
    Ok(lines.concat())
}

/// One lock an entry, so that the threads of a process do not all compile the same thing.
fn lock_of(path: &Path) -> Arc<Mutex<()>> {
    static LOCKS: Mutex<BTreeMap<PathBuf, Arc<Mutex<()>>>> = Mutex::new(BTreeMap::new());
    let mut locks = LOCKS.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(locks.entry(path.to_owned()).or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn an_entry_is_built_once_and_only_kept_whole() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let cache = Cache::at(folder.path());
        let failed = cache.entry("kind", "key", |room| {
            std::fs::write(room.join("entry/half"), "").map_err(SimError::file("write", room))?;
            Err(SimError::Internal("a build that fails"))
        });
        assert!(failed.is_err());
        let builds = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let path = cache.entry("kind", "key", |room| {
                        builds.fetch_add(1, Ordering::Relaxed);
                        std::fs::write(room.join("scratch"), "").map_err(SimError::file("write", room))?;
                        std::fs::write(room.join("entry/model"), "m").map_err(SimError::file("write", room))
                    });
                    let path = path.expect("built");
                    let names: Vec<_> =
                        std::fs::read_dir(&path).expect("entry").flatten().map(|e| e.file_name()).collect();
                    assert_eq!(names.len(), 2, "model and sums: {names:?}");
                });
            }
        });
        assert_eq!(builds.load(Ordering::Relaxed), 1);
        assert_eq!(std::fs::read_dir(folder.path().join("kind")).expect("shelf").count(), 1, "nothing is left over");
    }

    #[test]
    fn a_damaged_entry_heals_itself() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let cache = Cache::at(folder.path());
        let built = AtomicUsize::new(0);
        let entry = || {
            let build = |room: &Path| {
                built.fetch_add(1, Ordering::Relaxed);
                std::fs::write(room.join("entry/model"), "model").map_err(SimError::file("write", room))
            };
            let path = cache.entry("kind", "key", build).expect("built");
            assert_eq!(std::fs::read(path.join("model")).expect("a model"), b"model");
            path
        };
        let model = entry().join("model");
        let damages: [&dyn Fn(); 5] = [
            &|| std::fs::write(&model, "").expect("emptied"),
            &|| std::fs::write(&model, "mode1").expect("changed"),
            &|| std::fs::remove_file(&model).expect("removed"),
            &|| std::fs::remove_file(model.with_file_name(SUMS)).expect("removed"),
            &|| std::fs::remove_dir_all(folder.path().join("kind/key")).expect("removed"),
        ];
        for (count, damage) in damages.into_iter().enumerate() {
            damage();
            assert!(cache.find("kind", "key").is_none());
            entry();
            entry();
            assert_eq!(built.load(Ordering::Relaxed), count + 2);
        }
        assert_eq!(std::fs::read_dir(folder.path().join("kind")).expect("shelf").count(), 1, "nothing is left over");
    }
}
