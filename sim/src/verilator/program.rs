//! Compiling Verilog and a C++ harness into one program.

use super::cache::Cache;
use super::hash::hexadecimal;
use super::tool::{self, Tool};
use crate::SimError;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Fixed for all cores. Warnings are the business of a lint run, not of a simulation; `--x-assign fast` because X is
/// looked for by random initial contents; `-O1` because a wide design compiles in 60 % of the time of `-O2` and the
/// program is no slower. One C++ file for all but huge designs, because each file reads Verilator's headers anew, and short
/// functions, because a compiler takes more than twice the time for one of twice the length: CNV takes 5 s of processor time
/// instead of 14.
const FLAGS: &[&str] = &[
    "--cc",
    "--exe",
    "--build",
    "-j",
    "2",
    "-O3",
    "--output-split",
    "100000",
    "--output-split-cfuncs",
    "2000",
    "--x-assign",
    "fast",
    "--no-timing",
    "-Wno-fatal",
    "-Wno-lint",
    "-Wno-style",
    "-CFLAGS",
    "-std=c++17",
    "-MAKEFLAGS",
    "OPT_FAST=-O1",
    "--prefix",
    "Vmodel",
];

/// Everything that goes into a program.
#[derive(Clone, Debug)]
pub struct Program<'a> {
    /// Name of the top module.
    pub top: &'a str,
    /// The folder of the files, absolute; the program must be started in it.
    pub folder: &'a Path,
    /// Verilog files, relative to `folder`.
    pub verilog: &'a [PathBuf],
    /// Files that the Verilog reads, relative to `folder`.
    pub memories: &'a [PathBuf],
    /// Generated files by name: Verilog (`.v`), C++ (`.cpp` is compiled, `.h` may be included), Verilator configuration
    /// (`.vlt`).
    pub texts: &'a [(&'static str, &'a str)],
    /// Further flags of Verilator.
    pub flags: &'a [&'a str],
    /// Able to write waveforms.
    pub wave: bool,
}

impl Program<'_> {
    /// Compiles the program, or finds it compiled in `cache`, and gives its path.
    ///
    /// # Errors
    /// Where Verilator or its C++ compiler is missing or refuses the sources, or a file cannot be read.
    pub fn build(&self, cache: &Cache, tool: &Tool) -> Result<PathBuf, SimError> {
        let key = self.key(&tool.version()?)?;
        let entry = cache.entry("verilator", &key, |room| {
            for (name, text) in self.texts {
                let path = room.join(name);
                std::fs::write(&path, text).map_err(SimError::file("write", &path))?;
            }
            self.compile(cache, tool, &key, room)
        })?;
        Ok(entry.join("model"))
    }

    /// Hash of everything that goes into the program.
    fn key(&self, version: &str) -> Result<String, SimError> {
        let wave = if self.wave { "wave" } else { "" };
        let mut parts: Vec<Vec<u8>> = [version, &FLAGS.join(" "), &self.flags.join(" "), wave, self.top]
            .map(|part| part.as_bytes().to_vec())
            .into();
        parts.extend(self.texts.iter().flat_map(|(name, text)| [name.as_bytes().to_vec(), text.as_bytes().to_vec()]));
        for file in self.verilog.iter().chain(self.memories) {
            let path = self.folder.join(file);
            parts.push(file.as_os_str().as_encoded_bytes().to_vec());
            parts.push(std::fs::read(&path).map_err(SimError::file("read", &path))?);
        }
        Ok(hexadecimal(&parts))
    }

    fn compile(&self, cache: &Cache, tool: &Tool, key: &str, room: &Path) -> Result<(), SimError> {
        let (entry, objects) = (room.join("entry"), room.join("objects"));
        let log = entry.join("build.log");
        let log_file = File::create(&log).map_err(SimError::file("write", &log))?;
        let log_file_again = log_file.try_clone().map_err(SimError::file("write", &log))?;
        let mut command = tool.command();
        command.args(FLAGS).args(self.flags).arg("--top-module").arg(self.top).arg("-Mdir").arg(&objects);
        command.arg("-CFLAGS").arg(format!("-I{}", room.display())).arg("-o").arg(entry.join("model"));
        if self.wave {
            command.args(["--trace", "--trace-underscore", "--trace-max-width", "65536"]);
        }
        let generated = |suffix: &'static str| {
            self.texts.iter().filter(move |(name, _)| name.ends_with(suffix)).map(|(name, _)| room.join(name))
        };
        // Verilator wants its configuration before the Verilog that it is about.
        command.args(generated(".vlt")).args(self.verilog.iter().map(|file| self.folder.join(file)));
        command.args(generated(".v")).args(generated(".cpp"));
        command.current_dir(room).stdin(Stdio::null()).stdout(log_file).stderr(log_file_again);
        let runtime = Runtime { cache, wave: self.wave, flags: self.flags, version: &tool.version()? };
        for object in runtime.put_into(&objects)? {
            // It is older than the makefile that Verilator is about to write, on which `make` has it depend.
            command.arg("-MAKEFLAGS").arg(format!("--old-file={object}"));
        }
        let status = command.status().map_err(|source| tool.missing(source))?;
        if status.success() {
            return runtime.keep_from(&objects);
        }
        if let Some(error) = tool::missing_compiler() {
            return Err(error);
        }
        let text = std::fs::read(&log).map_err(SimError::file("read", &log))?;
        let tail = tail(&String::from_utf8_lossy(&text));
        Err(SimError::VerilatorBuild { top: self.top.to_owned(), tail, log: cache.keep_log(key, &log) })
    }
}

/// Verilator's own C++ files, compiled: the same for every core, and most of the time that a small one takes.
struct Runtime<'a> {
    cache: &'a Cache,
    wave: bool,
    flags: &'a [&'a str],
    version: &'a str,
}

impl Runtime<'_> {
    const SHELF: &'static str = "verilator-runtime";

    fn key(&self) -> String {
        let variant = format!("wave {}", self.wave);
        let (always, own) = (FLAGS.join(" "), self.flags.join(" "));
        hexadecimal(&[self.version.as_bytes(), always.as_bytes(), own.as_bytes(), variant.as_bytes()])
    }

    /// Lays the objects, if there are any yet, where `make` finds them; their names.
    fn put_into(&self, objects: &Path) -> Result<Vec<String>, SimError> {
        std::fs::create_dir_all(objects).map_err(SimError::file("create", objects))?;
        match self.cache.find(Self::SHELF, &self.key()) {
            Some(kept) => copy_objects(&kept, objects),
            None => Ok(Vec::new()),
        }
    }

    fn keep_from(&self, objects: &Path) -> Result<(), SimError> {
        let keep = |room: &Path| copy_objects(objects, &room.join("entry")).map(drop);
        self.cache.entry(Self::SHELF, &self.key(), keep).map(drop)
    }
}

/// Copies the runtime's objects; their names.
fn copy_objects(from: &Path, to: &Path) -> Result<Vec<String>, SimError> {
    let files = std::fs::read_dir(from).map_err(SimError::file("read", from))?.flatten();
    let names = files.filter_map(|file| file.file_name().into_string().ok());
    let objects: Vec<String> = names.filter(|name| name.starts_with("verilated") && name.ends_with(".o")).collect();
    for name in &objects {
        let path = from.join(name);
        std::fs::copy(&path, to.join(name)).map_err(SimError::file("copy", &path))?;
    }
    Ok(objects)
}

/// The last lines of a text.
pub fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_short() {
        let text: String = (0..100).map(|line| format!("line {line}\n")).collect();
        assert!(tail(&text).starts_with("line 80\n") && tail(&text).ends_with("line 99"));
        assert_eq!(tail("one"), "one");
    }
}
