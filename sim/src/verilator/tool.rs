//! The Verilator that is installed.

use crate::SimError;
use std::io::ErrorKind;
use std::process::{Command, Stdio};
use std::sync::Mutex;

/// A Verilator: the name or path of its program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    program: String,
}

impl Default for Tool {
    /// `verilator` on the PATH.
    fn default() -> Self {
        Tool { program: "verilator".to_owned() }
    }
}

impl Tool {
    /// The Verilator of the given name or path.
    pub fn new(program: impl Into<String>) -> Self {
        Tool { program: program.into() }
    }

    pub(super) fn command(&self) -> Command {
        Command::new(&self.program)
    }

    /// What `verilator --version` says.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn version(&self) -> Result<String, SimError> {
        // Starting the Perl wrapper takes longer than many simulations: ask once.
        static KNOWN: Mutex<Vec<(Tool, String)>> = Mutex::new(Vec::new());
        let known = || KNOWN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some((_, version)) = known().iter().find(|(tool, _)| tool == self) {
            return Ok(version.clone());
        }
        let output = self.command().arg("--version").stdin(Stdio::null()).output();
        let output = output.map_err(|source| self.missing(source))?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        known().push((self.clone(), version.clone()));
        Ok(version)
    }

    pub(super) fn missing(&self, source: std::io::Error) -> SimError {
        SimError::ToolMissing {
            tool: self.program.clone(),
            help: "install Verilator 5 (Debian, Ubuntu: `apt install verilator g++ make`; macOS: `brew install verilator`), \
                   or run with `--on cpu`",
            source,
        }
    }
}

/// The C++ tools that Verilator calls and that are not there: it would only mention that deep in its log.
pub(super) fn missing_compiler() -> Option<SimError> {
    ["make", "g++"].into_iter().find_map(|tool| {
        let probe = Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        probe.err().filter(|error| error.kind() == ErrorKind::NotFound).map(|source| SimError::ToolMissing {
            tool: tool.to_owned(),
            help: "Verilator compiles C++: install a compiler (Debian, Ubuntu: `apt install g++ make`)",
            source,
        })
    })
}
