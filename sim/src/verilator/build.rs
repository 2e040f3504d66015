//! Compiling a core and its harness, and running the program.

use super::cache::Cache;
use super::files;
use super::program::{Program, tail};
use super::tool::Tool;
use crate::SimError;
use crate::executor::RunOptions;
use crate::stream_core::{StageProbe, StreamCore, StreamRecord};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const HARNESS: &str = include_str!("harness.cpp");

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
        let program = Program {
            top: &core.top,
            folder: &core.folder,
            verilog: &core.verilog,
            memories: &core.memories,
            texts: &[("core.h", &header), ("probes.vlt", &configuration), ("harness.cpp", HARNESS)],
            flags: &[],
            wave: options.wave,
        };
        let program = program.build(cache, tool)?;
        Ok(Model { core, options, program })
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
        if let Some(weights) = self.core.weights.as_ref().filter(|weights| !weights.is_empty()) {
            let path = room.path().join("weights");
            files::write_weights(&path, weights)?;
            command.arg("--weights").arg(path);
        }
        if let Some(seed) = options.back_pressure {
            command.arg("--seed").arg(seed.to_string());
        }
        if let Some(wave) = &options.wave {
            command.arg("--wave").arg(std::path::absolute(wave).map_err(SimError::file("write", wave))?);
        }
        self.execute(command, room.path(), options)?;
        let record = files::read_result(&result, &self.core, self.probes(), images.len(), self.core.patience)?;
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
    line(format!("#define HAS_WEIGHTS {}", u8::from(core.weights.is_some())));
    line(format!("constexpr unsigned WEIGHTS_SETTLE = {};", StreamCore::WEIGHTS_SETTLE));
    line(format!("#define TOP_NAME \"{}\"", core.top));
    let probes: &[StageProbe] = if options.probes { &core.stages } else { &[] };
    line(format!("#define PROBE_COUNT {}", probes.len()));
    if !probes.is_empty() {
        line(
            "struct ProbeSpec {\n    const char* prefix;\n    unsigned bits;\n    unsigned words_per_image;\n};"
                .to_owned(),
        );
        line("static const ProbeSpec PROBES[] = {".to_owned());
        for probe in probes {
            let words = probe.format.words_per_image();
            line(format!("    {{\"{}\", {}, {words}}},", probe.prefix, probe.format.word_bits()));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_encoded_like_verilator_does() {
        assert_eq!(encoded("stage_0_data"), "stage_0_data");
        assert_eq!(encoded("a$out__x_data"), "a__024out___05Fx_data");
        assert_eq!(encoded("a___b"), "a___05F_b");
    }
}
