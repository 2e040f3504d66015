//! Testbenches compiled by Verilator.
//!
//! Five sixths of the time that a block takes go into Verilator's own C++ files, which are the same for all: they are compiled
//! once and kept in cargo's folder for tests, under the version of Verilator.

use std::fs;
use std::hash::{Hash, Hasher};
use std::path::Path;

use testkit::tools::run_in;

/// A run is short: no time for optimisation.
const ARGUMENTS: &str = "--binary --timing -Wno-fatal -Wno-lint -Wno-style -j 2 -O1 --top-module testbench --Mdir obj \
                         -MAKEFLAGS OPT_FAST=-O0 -MAKEFLAGS OPT_SLOW=-O0 -MAKEFLAGS OPT_GLOBAL=-O0 \
                         -MAKEFLAGS VM_PARALLEL_BUILDS=0 testbench.sv design.v";

/// Compiles `testbench.sv` and `design.v` in `folder` into `obj/Vtestbench` there.
pub fn build(folder: &Path) {
    let version = run_in(folder, "verilator", &["--version"]);
    let version: String = version.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '.').collect();
    let tests = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut options = std::hash::DefaultHasher::new();
    ARGUMENTS.hash(&mut options);
    let kept = tests.join(format!("runtime-{version}-{:016x}", options.finish()));
    let objects = folder.join("obj");
    fs::create_dir_all(&objects).expect("the temporary folder is writable");
    let mut arguments: Vec<String> = ARGUMENTS.split_whitespace().map(str::to_owned).collect();
    let is_kept = kept.is_dir();
    if is_kept {
        for object in copy_runtime(&kept, &objects) {
            // It is older than the makefile that Verilator is about to write, on which `make` has it depend.
            arguments.extend(["-MAKEFLAGS".to_owned(), format!("--old-file={object}")]);
        }
    }
    run_in(folder, "verilator", &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    if !is_kept {
        let new = tempfile::tempdir_in(tests).expect("cargo's folder for tests is writable");
        copy_runtime(&objects, new.path());
        // Where another test was faster, its objects stay.
        let _ = fs::rename(new.path(), &kept);
    }
}

/// Copies the objects that do not depend on the design; their names.
fn copy_runtime(from: &Path, to: &Path) -> Vec<String> {
    let files = fs::read_dir(from).expect("a folder of objects").flatten();
    let names = files.filter_map(|file| file.file_name().into_string().ok());
    let objects: Vec<String> = names.filter(|name| name.starts_with("verilated") && name.ends_with(".o")).collect();
    for name in &objects {
        fs::copy(from.join(name), to.join(name)).expect("objects can be copied");
    }
    objects
}
