//! One stage of a build: a tool at work.

use super::timing::{self, Utilisation};
use super::{BuildError, Installed};
use crate::artifacts::Lock;
use crate::board::Board;
use crate::commands::Stage;
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What a build is at.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    /// A stage begins.
    Begins {
        /// Its name.
        stage: &'a str,
        /// Where placement begins.
        seed: u32,
        /// What runs it.
        tool: &'a Installed,
    },
    /// A stage is over.
    Ends {
        /// Its name.
        stage: &'a str,
        /// How long it took.
        elapsed: Duration,
    },
}

/// Where the tools of a build work.
pub(super) struct Workshop<'a> {
    /// The folder that they work in.
    pub(super) room: PathBuf,
    /// The folder that it becomes.
    pub(super) place: PathBuf,
    /// What tools hold while they run.
    pub(super) lock: &'a Lock,
    /// What becomes true when the build is to end.
    pub(super) stop: &'a AtomicBool,
    pub(super) board: &'a Board,
    /// Images per second that the design was planned for.
    pub(super) fps: f64,
    pub(super) notify: &'a mut dyn FnMut(Event),
}

impl Workshop<'_> {
    /// Runs a stage.
    pub(super) fn run(&mut self, stage: &Stage, tool: &Installed, seed: u32) -> Result<(), BuildError> {
        (self.notify)(Event::Begins { stage: stage.name, seed, tool });
        let start = Instant::now();
        let log = self.room.join(stage.log());
        let out = File::create(&log).map_err(self.file("write", &log))?;
        let again = out.try_clone().map_err(self.file("write", &log))?;
        let mut command = Command::new(&tool.program);
        command.args(&stage.arguments).current_dir(&self.room).stdin(self.lock.stdin()).stdout(out).stderr(again);
        // A group of its own: what the tool starts ends with it.
        let child = command.process_group(0).spawn().map_err(self.file("run", &tool.program))?;
        let Some(status) = wait(child, self.stop).map_err(self.file("run", &tool.program))? else {
            return Err(BuildError::Stopped { stage: stage.name });
        };
        let text = fs::read(&log).map_err(self.file("read", &log))?;
        let text = String::from_utf8_lossy(&text);
        if let Some(line) = timing::hold_violation(&text) {
            return Err(BuildError::Hold { line, log: self.place.join(stage.log()) });
        }
        if !status.success() {
            return Err(self.failure(stage, status.to_string(), &text));
        }
        (self.notify)(Event::Ends { stage: stage.name, elapsed: start.elapsed() });
        Ok(())
    }

    /// Runs a stage that makes `product`; nothing of that name is left where it fails.
    pub(super) fn make(&mut self, stage: &Stage, tool: &Installed, product: &str) -> Result<(), BuildError> {
        let path = self.room.join(product);
        let made = self.run(stage, tool, 1).and_then(|()| {
            let is_there = fs::metadata(&path).is_ok_and(|found| found.is_file() && found.len() > 0);
            if is_there { Ok(()) } else { Err(self.failure(stage, format!("success, but without {product}"), "")) }
        });
        if made.is_err() && path.exists() {
            fs::remove_file(&path).map_err(self.file("remove", &path))?;
        }
        made
    }

    /// The error of a tool that ended with `status` and has written `text`.
    fn failure(&self, stage: &Stage, status: String, text: &str) -> BuildError {
        let log = self.place.join(stage.log());
        let table = timing::utilisation(text);
        let over: Vec<String> = table
            .iter()
            .filter(|row| row.used > row.available)
            .map(|row| {
                let Utilisation { cell, used, available } = row;
                format!("{used} of {available} {cell} are needed, {} too many", used - available)
            })
            .collect();
        let no_room =
            text.lines().find(|line| line.contains("ERROR") && NO_ROOM.iter().any(|sign| line.contains(sign)));
        let no_room = no_room.map(|line| line.trim_start_matches("ERROR: ").trim().to_owned());
        let is_certain = !over.is_empty();
        if let Some(reason) = is_certain.then(|| over.join("; ")).or(no_room) {
            let (board, help) = (self.board.name.clone(), self.smaller(&table));
            return BuildError::DoesNotFit { board, reason, is_certain, help, log };
        }
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n");
        BuildError::Stage { stage: stage.name, tool: stage.tool.name(), status, tail, log }
    }

    /// What to do about a design that takes more than there is.
    fn smaller(&self, table: &[Utilisation]) -> String {
        let uses = table.iter().map(|row| (row.cell.clone(), row.used)).collect();
        let needed = timing::resources(self.board.facts.fpga.family, &uses);
        let boards = needed.map_or_else(Vec::new, |needed| self.board.larger(&needed));
        let mut help = format!("compile for fewer than {:.0} images/s (`--target-fps`), a smaller network", self.fps);
        match boards.is_empty() {
            true => help += "; no board of this program holds it",
            false => help += &format!(", or a larger board: by these numbers it fits {}", boards.join(", ")),
        }
        help
    }

    /// `error` with the path that its file has in the end.
    pub(super) fn published(&self, error: BuildError) -> BuildError {
        let moved =
            |path: PathBuf| path.strip_prefix(&self.room).map(|name| self.place.join(name)).unwrap_or(path.clone());
        match error {
            BuildError::Report { path, reason } => BuildError::Report { path: moved(path), reason },
            BuildError::File { action, path, source } => BuildError::File { action, path: moved(path), source },
            BuildError::Hold { line, log } => BuildError::Hold { line, log: moved(log) },
            other => other,
        }
    }

    fn file(&self, action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> BuildError + use<> {
        let path = path.strip_prefix(&self.room).map_or_else(|_| path.to_owned(), |name| self.place.join(name));
        move |source| BuildError::File { action, path, source }
    }
}

/// What nextpnr says where it finds no place for a cell.
const NO_ROOM: [&str; 3] = ["Unable to place", "unable to place", "Unable to find legal placement"];

/// Lines of a failed tool's log that an error shows.
const LOG_LINES: usize = 12;

/// Longest time between two looks at a tool that runs.
const NAP: Duration = Duration::from_millis(50);

/// How long a tool has to end once it was asked to.
const GRACE: Duration = Duration::from_secs(2);

/// Waits until `child` has ended. Ends it, and all that it started, once `stop` is true; then there is no status.
fn wait(mut child: Child, stop: &AtomicBool) -> std::io::Result<Option<ExitStatus>> {
    let group = Pid::from_child(&child);
    let mut nap = Duration::from_millis(1);
    let mut asked: Option<Instant> = None;
    loop {
        if let Some(status) = child.try_wait()? {
            if asked.is_some() {
                // What the tool started may have ignored the first signal; where nothing is left, there is nobody to end.
                let _ = kill_process_group(group, Signal::KILL);
            }
            return Ok(asked.is_none().then_some(status));
        }
        if asked.is_none() && stop.load(Ordering::Relaxed) {
            kill_process_group(group, Signal::TERM)?;
            asked = Some(Instant::now());
        }
        if asked.is_some_and(|asked| asked.elapsed() > GRACE) {
            kill_process_group(group, Signal::KILL)?;
        }
        sleep(nap);
        nap = (2 * nap).min(NAP);
    }
}
