//! A compiled simulation that answers requests while it runs.
//!
//! Requests go to its standard input and answers come from its standard output; both are 32-bit words in the machine's own
//! byte order. What they mean is the harness's affair.

use super::{Cache, Program, Tool};
use crate::SimError;
use std::io::{BufReader, BufWriter, Error, ErrorKind, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A simulation that runs.
#[derive(Debug)]
pub struct Process {
    program: PathBuf,
    child: Child,
    requests: Option<BufWriter<ChildStdin>>,
    answers: BufReader<ChildStdout>,
}

impl Process {
    /// Compiles `program`, or finds it compiled in the user's cache, and starts it.
    ///
    /// # Errors
    /// Where Verilator is missing or refuses the sources, or a file that the Verilog reads is missing.
    pub fn start(program: &Program) -> Result<Self, SimError> {
        let path = program.build(&Cache::from_environment()?, &Tool::default())?;
        for memory in program.memories {
            let path = program.folder.join(memory);
            std::fs::metadata(&path).map_err(SimError::file("read", &path))?;
        }
        let mut command = Command::new(&path);
        command.current_dir(program.folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(SimError::file("run", &path))?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (requests, answers) = pipes.ok_or(SimError::Internal("a child was started without its pipes"))?;
        let (requests, answers) = (Some(BufWriter::new(requests)), BufReader::new(answers));
        Ok(Process { program: path, child, requests, answers })
    }

    /// The program.
    pub fn program(&self) -> &PathBuf {
        &self.program
    }

    /// Sends a request.
    ///
    /// # Errors
    /// Where the simulation has ended.
    pub fn send(&mut self, words: &[u32]) -> std::io::Result<()> {
        let requests = self.requests.as_mut().ok_or(ErrorKind::BrokenPipe)?;
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        requests.write_all(&bytes)?;
        requests.flush()
    }

    /// Waits for a word of an answer.
    ///
    /// # Errors
    /// Where the simulation has ended.
    pub fn receive(&mut self) -> Result<u32, Error> {
        let mut bytes = [0; 4];
        self.answers.read_exact(&mut bytes).map(|()| u32::from_ne_bytes(bytes))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The program ends with its standard input. A simulation that does not is ended; there is nobody left to tell.
        self.requests = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
