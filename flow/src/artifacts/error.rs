//! What can go wrong with a compiled directory.

use crate::board::BoardError;
use abi::manifest::{MANIFEST_VERSION, OLDEST_MANIFEST_VERSION};
use compiler::planner::PlanInvalid;
use compiler::replace::ReplaceError;
use compiler::values::Difference;
use hdl::design::DesignError;
use miette::Diagnostic;
use network::network::NetworkError;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// A directory that could not be written or read.
#[derive(Debug, Error, Diagnostic)]
pub enum ArtifactsError {
    /// A file is there.
    #[error("the output directory must be new, empty or written by `compile`, but {} is a file", folder.display())]
    #[diagnostic(code(flow::artifacts::no_directory), help("choose another place, or remove the file yourself"))]
    NoDirectory {
        /// The place.
        folder: PathBuf,
    },
    /// A place that cannot be replaced as a whole.
    #[error("the output directory must have a name of its own, but {} has none", folder.display())]
    #[diagnostic(code(flow::artifacts::no_name), help("give a directory below this one, for example `-o out/design`"))]
    NoName {
        /// The place.
        folder: PathBuf,
    },
    /// Something else is there.
    #[error("the output directory must be new, empty or written by `compile`, but {} holds other files", folder.display())]
    #[diagnostic(code(flow::artifacts::occupied), help("choose another directory with -o, or empty this one"))]
    Occupied {
        /// The directory.
        folder: PathBuf,
    },
    /// The system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    #[diagnostic(
        code(flow::artifacts::file),
        help(
            "check that the path exists, that it may be written and that the disk is not full; nothing half-written is left behind"
        )
    )]
    File {
        /// What was tried.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A directory of something else.
    #[error("{} was not written by `xnorforge compile`: it has no {file}", folder.display())]
    #[diagnostic(code(flow::artifacts::foreign), help("give a model file, or the directory that `compile -o` wrote"))]
    Foreign {
        /// The directory.
        folder: PathBuf,
        /// The file that each of ours has.
        file: &'static str,
    },
    /// Not a compiled directory.
    #[error("{} must be a directory written by `compile`, but it has no readable {file}: {reason}", folder.display())]
    #[diagnostic(code(flow::artifacts::not_compiled), help("write it again: `xnorforge compile MODEL -o {}`", folder.display()))]
    NotCompiled {
        /// The directory.
        folder: PathBuf,
        /// The file that is missing or broken.
        file: &'static str,
        /// Why.
        reason: String,
    },
    /// A plan whose network breaks a rule.
    #[error("{}/plan.json must hold a network as `compile` writes it: {source}", folder.display())]
    #[diagnostic(
        code(flow::artifacts::network),
        help("the file is damaged or edited; write it again: `xnorforge compile MODEL -o {}`", folder.display())
    )]
    Network {
        /// The directory.
        folder: PathBuf,
        /// The rule that is broken.
        source: NetworkError,
    },
    /// A plan that is not one of its network.
    #[error("{}/plan.json must hold a plan as `compile` writes it: {source}", folder.display())]
    #[diagnostic(
        code(flow::artifacts::plan),
        help(
            "the file is damaged, edited or of another version; write it again: `xnorforge compile MODEL -o {}`",
            folder.display()
        )
    )]
    Plan {
        /// The directory.
        folder: PathBuf,
        /// The rule that is broken.
        source: Box<PlanInvalid>,
    },
    /// A manifest of another plan.
    #[error("`{field}` of {}/manifest.json must be {expected}, but is {found}", folder.display())]
    #[diagnostic(
        code(flow::artifacts::manifest),
        help(
            "manifest.json and plan.json are not of one `compile`; write both again: `xnorforge compile MODEL -o {}`",
            folder.display()
        )
    )]
    Manifest {
        /// The directory.
        folder: PathBuf,
        /// The field, with the fields and indices that lead to it.
        field: String,
        /// What would have to stand there.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// Written by another version.
    #[error("{} must be of manifest version {OLDEST_MANIFEST_VERSION} to {MANIFEST_VERSION}, but is of version {found}", folder.display())]
    #[diagnostic(code(flow::artifacts::version), help("compile the model again with this version of xnorforge"))]
    Version {
        /// The directory.
        folder: PathBuf,
        /// Its version.
        found: u32,
    },
    /// A file that is not what `compile` wrote.
    #[error(
        "every file that is executed must be as `compile` wrote it, but {} is not: it was edited, damaged or removed",
        path.display()
    )]
    #[diagnostic(
        code(flow::artifacts::edited),
        help(
            "write it again: `xnorforge compile MODEL -o {}`; if the edit is yours, give `--trust`, which uses the files as they lie",
            folder.display()
        )
    )]
    Edited {
        /// The file.
        path: PathBuf,
        /// The directory.
        folder: PathBuf,
    },
    /// Another process is at work.
    #[error("a directory must be changed by one process at a time, but another one works in {}", folder.display())]
    #[diagnostic(
        code(flow::artifacts::busy),
        help("wait until it has ended; a tool whose build was killed goes on by itself for a while")
    )]
    Busy {
        /// The directory.
        folder: PathBuf,
    },
    /// Weights that are part of the circuit.
    #[error("{} must be compiled with `--writable-weights` for other weights to be loaded, but is not", folder.display())]
    #[diagnostic(
        code(flow::artifacts::fixed_weights),
        help("compile it again: `xnorforge compile MODEL -o {} --writable-weights`", folder.display())
    )]
    FixedWeights {
        /// The directory.
        folder: PathBuf,
    },
    /// A network that the design cannot hold.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Replace(#[from] ReplaceError),
    /// The plan computes something else than its network.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Values(Box<Difference>),
    /// The design could not be made.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Design(#[from] DesignError),
    /// The board cannot take the design.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Board(#[from] BoardError),
}

impl From<Difference> for ArtifactsError {
    fn from(difference: Difference) -> Self {
        ArtifactsError::Values(Box::new(difference))
    }
}
