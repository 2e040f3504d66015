//! Compiling a core and its harness, and running the program.

use super::cache::Cache;
use super::tool::Tool;
use super::{files, tool};
use crate::SimError;
use crate::executor::RunOptions;
use crate::stream_core::{StageProbe, StreamCore, StreamRecord};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const HARNESS: &str = include_str!("harness.cpp");

/// Fixed for all cores. Warnings are the business of a lint run, not of a simulation; `--x-assign fast` because X is
/// looked for by random initial contents; `-O1` because a wide design compiles in 60 % of the time of `-O2` and the
/// program is no slower.
const FLAGS: &[&str] = &[
    "--cc",
    "--exe",
    "--build",
    "-j",
    "2",
    "-O3",
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

/// Which variant of a model to build. Each costs speed and is a program of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModelOptions {
    /// Able to write waveforms.
    pub wave: bool,
    /// Records the core's stages.
    pub probes: bool,
}

/// A compiled core.
#[derive(Clone, Debug)]
pub struct Model {
    core: StreamCore,
    options: ModelOptions,
    program: PathBuf,
}

impl Model {
    /// Compiles `core`, or finds it compiled in `cache`.
    ///
    /// # Errors
    /// Where Verilator or its C++ compiler is missing or refuses the core, or a file cannot be read.
    pub fn build(core: &StreamCore, options: ModelOptions, cache: &Cache, tool: &Tool) -> Result<Self, SimError> {
        let folder = core.folder.canonicalize().map_err(SimError::file("open", &core.folder))?;
        let core = StreamCore { folder, ..core.clone() };
        let header = header(&core, options);
        let configuration = configuration(&core, options);
        let key = key(&core, options, &tool.version()?, &[&header, &configuration, HARNESS])?;
        let entry = cache.entry("verilator", &key, |room| {
            for (name, text) in [("core.h", &*header), ("probes.vlt", &configuration), ("harness.cpp", HARNESS)] {
                let path = room.join(name);
                std::fs::write(&path, text).map_err(SimError::file("write", &path))?;
            }
            compile(&core, options, cache, tool, &key, room)
        })?;
        Ok(Model { core, options, program: entry.join("model") })
    }

    /// The core that was compiled.
    pub fn core(&self) -> &StreamCore {
        &self.core
    }

    /// The compiled program.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The stages that a run records.
    pub fn probes(&self) -> &[StageProbe] {
        if self.options.probes { &self.core.stages } else { &[] }
    }

    /// Feeds the core with images, given as elements in stream order, and records what it does.
    ///
    /// # Errors
    /// Where the core gets stuck, breaks the protocol or the program fails.
    pub fn run(&self, images: &[Vec<i32>], options: &RunOptions) -> Result<StreamRecord, SimError> {
        if images.is_empty() {
            let stages = vec![Vec::new(); self.probes().len()];
            return Ok(StreamRecord { stages, ..StreamRecord::default() });
        }
        for memory in &self.core.memories {
            let path = self.core.folder.join(memory);
            std::fs::metadata(&path).map_err(SimError::file("read", &path))?;
        }
        let room = tempfile::tempdir().map_err(SimError::file("create a folder in", &std::env::temp_dir()))?;
        let (stimulus, result) = (room.path().join("stimulus"), room.path().join("result"));
        files::write_stimulus(&stimulus, &self.core.input, images)?;
        let mut command = Command::new(&self.program);
        command.arg(&stimulus).arg(&result).arg(self.core.patience.to_string()).arg(self.drain().to_string());
        if let Some(seed) = options.back_pressure {
            command.arg("--seed").arg(seed.to_string());
        }
        if let Some(wave) = &options.wave {
            command.arg("--wave").arg(std::path::absolute(wave).map_err(SimError::file("write", wave))?);
        }
        self.execute(command, room.path(), options)?;
        let record = files::read_result(&result, self, images.len(), self.core.patience)?;
        options.report(images.len());
        Ok(record)
    }

    /// Cycles to watch for surplus words: time for another vector and then some.
    fn drain(&self) -> u64 {
        256 + self.core.output.words_per_image() as u64
    }

    fn execute(&self, mut command: Command, room: &Path, options: &RunOptions) -> Result<(), SimError> {
        let complaints = room.join("stderr");
        let stderr = File::create(&complaints).map_err(SimError::file("write", &complaints))?;
        command.current_dir(&self.core.folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr);
        let started = SimError::file("run", &self.program);
        let mut child = command.spawn().map_err(started)?;
        let mut said = String::new();
        if let Some(stdout) = child.stdout.take() {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                match line.strip_prefix("done ").and_then(|count| count.parse().ok()) {
                    Some(count) => options.report(count),
                    // A core may print; only its last words matter.
                    None if said.len() < 100_000 => said.extend([&line, "\n"]),
                    None => {}
                }
            }
        }
        let status = child.wait().map_err(SimError::file("run", &self.program))?;
        said.push_str(&std::fs::read_to_string(&complaints).unwrap_or_default());
        // Verilator takes a memory file that it cannot read for a warning and simulates zeros.
        if status.success() && !said.contains("%Warning") {
            return Ok(());
        }
        Err(SimError::SimulatorFailed { top: self.core.top.clone(), status: status.to_string(), tail: tail(&said) })
    }
}

fn compile(
    core: &StreamCore,
    options: ModelOptions,
    cache: &Cache,
    tool: &Tool,
    key: &str,
    room: &Path,
) -> Result<(), SimError> {
    let (entry, objects) = (room.join("entry"), room.join("objects"));
    let log = entry.join("build.log");
    let log_file = File::create(&log).map_err(SimError::file("write", &log))?;
    let log_file_again = log_file.try_clone().map_err(SimError::file("write", &log))?;
    let mut command = tool.command();
    command.args(FLAGS).arg("--top-module").arg(&core.top).arg("-Mdir").arg(&objects);
    command.arg("-CFLAGS").arg(format!("-I{}", room.display())).arg("-o").arg(entry.join("model"));
    if options.wave {
        command.args(["--trace", "--trace-underscore", "--trace-max-width", "65536"]);
    }
    command.arg(room.join("probes.vlt"));
    command.args(core.verilog.iter().map(|file| core.folder.join(file)));
    command.arg(room.join("harness.cpp"));
    command.current_dir(room).stdin(Stdio::null()).stdout(log_file).stderr(log_file_again);
    let runtime = Runtime { cache, options, version: &tool.version()? };
    runtime.put_into(&objects)?;
    let status = command.status().map_err(|source| tool.missing(source))?;
    if status.success() {
        return runtime.keep_from(&objects);
    }
    if let Some(error) = tool::missing_compiler() {
        return Err(error);
    }
    let text = std::fs::read(&log).map_err(SimError::file("read", &log))?;
    let tail = tail(&String::from_utf8_lossy(&text));
    Err(SimError::VerilatorBuild { top: core.top.clone(), tail, log: cache.keep_log(key, &log) })
}

/// Verilator's own C++ files, compiled: the same for every core, and most of the time that a small one takes.
struct Runtime<'a> {
    cache: &'a Cache,
    options: ModelOptions,
    version: &'a str,
}

impl Runtime<'_> {
    const SHELF: &'static str = "verilator-runtime";

    fn key(&self) -> String {
        let variant = format!("{:?}", self.options);
        hexadecimal(&[self.version.as_bytes(), FLAGS.join(" ").as_bytes(), variant.as_bytes()])
    }

    /// Lays the objects where `make` finds them up to date.
    fn put_into(&self, objects: &Path) -> Result<(), SimError> {
        std::fs::create_dir_all(objects).map_err(SimError::file("create", objects))?;
        match self.cache.find(Self::SHELF, &self.key()) {
            Some(kept) => copy_objects(&kept, objects),
            None => Ok(()),
        }
    }

    fn keep_from(&self, objects: &Path) -> Result<(), SimError> {
        let keep = |room: &Path| copy_objects(objects, &room.join("entry"));
        self.cache.entry(Self::SHELF, &self.key(), keep).map(drop)
    }
}

fn copy_objects(from: &Path, to: &Path) -> Result<(), SimError> {
    for file in std::fs::read_dir(from).map_err(SimError::file("read", from))?.flatten() {
        let name = file.file_name();
        if name.to_str().is_some_and(|name| name.starts_with("verilated") && name.ends_with(".o")) {
            // Copying gives the object a new date, later than that of its source.
            std::fs::copy(file.path(), to.join(&name)).map_err(SimError::file("copy", &file.path()))?;
        }
    }
    Ok(())
}

/// What the harness must know of a core at compile time.
fn header(core: &StreamCore, options: ModelOptions) -> String {
    let mut text = String::from("// Generated by xnorforge: what harness.cpp must know of this core.\n#pragma once\n");
    let constants = [
        ("INPUT_BITS", core.input.word_bits()),
        ("OUTPUT_BITS", core.output.word_bits()),
        ("INPUT_WORDS_PER_IMAGE", core.input.words_per_image()),
        ("OUTPUT_WORDS_PER_IMAGE", core.output.words_per_image()),
    ];
    let mut line = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    for (name, value) in constants {
        line(format!("constexpr unsigned {name} = {value};"));
    }
    line(format!("#define TOP_NAME \"{}\"", core.top));
    let probes: &[StageProbe] = if options.probes { &core.stages } else { &[] };
    line(format!("#define PROBE_COUNT {}", probes.len()));
    if !probes.is_empty() {
        line("struct ProbeSpec {\n    const char* prefix;\n    unsigned bits;\n};".to_owned());
        line("static const ProbeSpec PROBES[] = {".to_owned());
        for probe in probes {
            line(format!("    {{\"{}\", {}}},", probe.prefix, probe.format.word_bits()));
        }
        line("};".to_owned());
    }
    text
}

/// Verilator's configuration file: keeps the probed signals, and only these, from being optimised away.
fn configuration(core: &StreamCore, options: ModelOptions) -> String {
    let mut text = String::from("`verilator_config\n");
    if options.probes {
        let module = encoded(&core.top);
        for probe in &core.stages {
            for part in ["data", "valid", "ready"] {
                let variable = encoded(&format!("{}_{part}", probe.prefix));
                // Writing to a String cannot fail.
                let _ = writeln!(text, "public_flat_rd -module \"{module}\" -var \"{variable}\"");
            }
        }
    }
    text
}

/// An identifier as Verilator's configuration file wants it: what C++ does not take as hexadecimal, and of `__` the
/// second.
fn encoded(identifier: &str) -> String {
    let mut text = String::new();
    let mut characters = identifier.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '_' if characters.next_if_eq(&'_').is_some() => text.push_str("___05F"),
            '_' => text.push('_'),
            c if c.is_ascii_alphabetic() || (c.is_ascii_digit() && !text.is_empty()) => text.push(c),
            c => text.push_str(&format!("__0{:02X}", u32::from(c) & 0xff)),
        }
    }
    text
}

/// Hash of everything that goes into a model.
fn key(core: &StreamCore, options: ModelOptions, version: &str, texts: &[&str]) -> Result<String, SimError> {
    let (flags, variant) = (FLAGS.join(" "), format!("{options:?}"));
    let mut parts: Vec<Vec<u8>> = [version, &flags, &variant, &core.top].map(|part| part.as_bytes().to_vec()).into();
    parts.extend(texts.iter().map(|text| text.as_bytes().to_vec()));
    for file in core.verilog.iter().chain(&core.memories) {
        let path = core.folder.join(file);
        parts.push(file.as_os_str().as_encoded_bytes().to_vec());
        parts.push(std::fs::read(&path).map_err(SimError::file("read", &path))?);
    }
    Ok(hexadecimal(&parts))
}

/// SHA-256 over a list of parts, each preceded by its length, so that two lists never look the same.
fn hexadecimal(parts: &[impl AsRef<[u8]>]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.as_ref().len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The last lines of a text.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_encoded_like_verilator_does() {
        assert_eq!(encoded("stage_0_data"), "stage_0_data");
        assert_eq!(encoded("a$out__x_data"), "a__024out___05Fx_data");
        assert_eq!(encoded("a___b"), "a___05F_b");
    }

    #[test]
    fn tails_are_short() {
        let text: String = (0..100).map(|line| format!("line {line}\n")).collect();
        assert!(tail(&text).starts_with("line 80\n") && tail(&text).ends_with("line 99"));
        assert_eq!(tail("one"), "one");
    }
}
