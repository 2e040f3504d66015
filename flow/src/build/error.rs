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
        code(flow::build::no_board),
        help("compile the model again with `--board`; `xnorforge boards` lists them")
    )]
    NoBoard {
        /// The directory.
        folder: PathBuf,
    },
    /// A tool is not there.
    #[error("`{tool}` must be installed, but is neither among the tools of xnorforge nor on the PATH")]
    #[diagnostic(code(flow::build::tool_missing), help("{INSTALL}"))]
    ToolMissing {
        /// Its name.
        tool: &'static str,
    },
    /// A tool is there, but too old.
    #[error("`{tool}` must be of version {oldest} or later, but {} is of {found}", program.display())]
    #[diagnostic(code(flow::build::tool_too_old), help("{INSTALL}"))]
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
    #[diagnostic(code(flow::build::stage), help("the whole log is in {}", log.display()))]
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
    #[diagnostic(code(flow::build::does_not_fit), help("{help}; the log is in {}", log.display()))]
    DoesNotFit {
        /// The board.
        board: String,
        /// Which resources do not suffice, and by how much.
        reason: String,
        /// Whether that holds for every placement.
        is_certain: bool,
        /// What to change.
        help: String,
        /// The log.
        log: PathBuf,
    },
    /// The design is too slow for its clock.
    #[error(
        "every path must take at most a cycle of the {clock_mhz} MHz clock, but the best of {tried} placements reaches {fmax_mhz:.2} MHz"
    )]
    #[diagnostic(code(flow::build::timing), help("{help}"))]
    Timing {
        /// The design's clock in MHz.
        clock_mhz: f64,
        /// Placements tried.
        tried: u32,
        /// What the best one reaches, in MHz.
        fmax_mhz: f64,
        /// What to change.
        help: String,
    },
    /// A signal arrives too early somewhere, whatever the clock.
    #[error("every signal must be held long enough after a clock's edge, but in no placement tried all are: {line}")]
    #[diagnostic(
        code(flow::build::hold),
        help("try more placements (`xnorforge build DIR --seeds N`); the log is in {}", log.display())
    )]
    Hold {
        /// What nextpnr says of it.
        line: String,
        /// The log.
        log: PathBuf,
    },
    /// The build was told to end.
    #[error("{stage} must end by itself, but this program was told to stop; what was built before is there still")]
    #[diagnostic(code(flow::build::stopped), help("run `xnorforge build` again: nothing is left over"))]
    Stopped {
        /// The stage that was ended.
        stage: &'static str,
    },
    /// There is nothing to load into the board.
    #[error("{} must be a bitstream to be loaded into the board, but there is none", path.display())]
    #[diagnostic(code(flow::build::no_bitstream), help("make it first: `xnorforge build {}`", folder.display()))]
    NoBitstream {
        /// Where it should lie.
        path: PathBuf,
        /// The directory.
        folder: PathBuf,
    },
    /// No open tools make bitstreams for the board.
    #[error("{board} must have open tools for place and route, but the registries hold none for {family}")]
    #[diagnostic(
        code(flow::build::synthesis_only),
        help(
            "make the bitstream with the vendor's tools from the Verilog in rtl/ and board/ and the pins in \
             board/{pins}; `xnorforge boards` lists boards for which `build` makes it"
        )
    )]
    SynthesisOnly {
        /// The board.
        board: String,
        /// Its FPGA's family.
        family: &'static str,
        /// The pin file.
        pins: &'static str,
    },
    /// No openFPGALoader.
    #[error(
        "openFPGALoader must be installed to load a board, but is neither on the PATH nor among the tools of xnorforge"
    )]
    #[diagnostic(
        code(flow::build::programmer_missing),
        help(
            "install it: `apt-get install openfpgaloader`, `brew install openfpgaloader`, or see \
             https://trabucayre.github.io/openFPGALoader; `--dry-run` shows the command"
        )
    )]
    ProgrammerMissing,
    /// openFPGALoader failed.
    #[error("{board} must take the bitstream, but openFPGALoader ended with {status}")]
    #[diagnostic(
        code(flow::build::programmer),
        help(
            "check that the board is connected (`openFPGALoader --detect`), that no other program has it open, and that \
             you may use it (udev rules, group plugdev); the bitstream goes {note}"
        )
    )]
    Programmer {
        /// The board.
        board: String,
        /// How it ended.
        status: String,
        /// Where the bitstream goes, and what must be done before.
        note: String,
    },
    /// A tool wrote something else than expected.
    #[error("{} must be a report of nextpnr, but {reason}", path.display())]
    #[diagnostic(code(flow::build::report), help("this version of nextpnr may be too new: install the pinned tools"))]
    Report {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    #[diagnostic(
        code(flow::build::file),
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
