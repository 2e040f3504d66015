//! What can go wrong with a build.

use crate::artifacts::ArtifactsError;
use crate::board::BoardError;
use miette::Diagnostic;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// What to do where tools are missing.
const INSTALL: &str = "install the tools: `python3 -m venv ~/.local/share/xnorforge/tools && \
                       ~/.local/share/xnorforge/tools/bin/pip install -r DIR/board/requirements.txt`";

/// A bitstream that was not made.
#[derive(Debug, Error, Diagnostic)]
pub enum BuildError {
    /// A core alone.
    #[error("{} must be compiled for a board to be built, but holds a core alone", folder.display())]
    #[diagnostic(
        code(hdl::build::no_board),
        help("compile the model again with `--board`; `xnorforge boards` lists them")
    )]
    NoBoard {
        /// The directory.
        folder: PathBuf,
    },
    /// A tool is not there.
    #[error("`{tool}` must be installed, but is neither among the tools of xnorforge nor on the PATH")]
    #[diagnostic(code(hdl::build::tool_missing), help("{INSTALL}"))]
    ToolMissing {
        /// Its name.
        tool: &'static str,
    },
    /// A tool is there, but too old.
    #[error("`{tool}` must be of version {oldest} or later, but {} is of {found}", program.display())]
    #[diagnostic(code(hdl::build::tool_too_old), help("{INSTALL}"))]
    ToolTooOld {
        /// Its name.
        tool: &'static str,
        /// The program found.
        program: PathBuf,
        /// What it says of its version.
        found: String,
        /// The oldest version that will do.
        oldest: String,
    },
    /// A tool failed.
    #[error("{stage} must succeed, but `{tool}` ended with {status}:\n{tail}")]
    #[diagnostic(code(hdl::build::stage), help("the whole log is in {}", log.display()))]
    Stage {
        /// The stage.
        stage: &'static str,
        /// The tool.
        tool: &'static str,
        /// How it ended.
        status: String,
        /// The last lines of its log.
        tail: String,
        /// The log.
        log: PathBuf,
    },
    /// The design has no room on the chip.
    #[error("the design must fit the FPGA of {board}, but it does not: {reason}")]
    #[diagnostic(
        code(hdl::build::does_not_fit),
        help("compile for fewer images per second, a smaller network, or a larger board; the log is in {}", log.display())
    )]
    DoesNotFit {
        /// The board.
        board: String,
        /// What the tool says.
        reason: String,
        /// The log.
        log: PathBuf,
    },
    /// The design is too slow for the board's clock.
    #[error(
        "every path must take at most a cycle of the {clock_mhz} MHz clock, but the best of {seeds} placements reaches {fmax_mhz:.2} MHz"
    )]
    #[diagnostic(
        code(hdl::build::timing),
        help("try more placements with `xnorforge build DIR --seeds 8`, or compile for fewer images per second")
    )]
    Timing {
        /// The board's clock in MHz.
        clock_mhz: f64,
        /// Placements tried.
        seeds: u32,
        /// What the best one reaches, in MHz.
        fmax_mhz: f64,
    },
    /// A tool wrote something else than expected.
    #[error("{} must be a report of nextpnr, but {reason}", path.display())]
    #[diagnostic(code(hdl::build::report), help("this version of nextpnr may be too new: install the pinned tools"))]
    Report {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    #[diagnostic(
        code(hdl::build::file),
        help("check that the path exists, that it may be accessed and that the disk is not full")
    )]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The directory is damaged.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Artifacts(#[from] ArtifactsError),
    /// The board is not one of this program.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Board(#[from] BoardError),
}
