//! Why a TensorFlow Lite file cannot be imported.

use miette::Diagnostic;
use std::fmt;
use std::path::PathBuf;

/// An operator of the file, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Name of the tensor that it writes.
    pub output: String,
    /// The operator's name in the format.
    pub operator: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} that writes `{}`", self.operator, self.output)
    }
}

/// Why a file cannot be imported.
#[derive(Clone, Debug, PartialEq, thiserror::Error, Diagnostic)]
pub enum TfliteError {
    /// The file cannot be read.
    #[error("cannot read model `{}`: {reason}", path.display())]
    #[diagnostic(code(network::tflite::unreadable), help("check the path and the permissions"))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },

    /// The bytes do not begin as such a file does.
    #[error("`{name}` must be a TensorFlow Lite file, whose bytes 4 to 7 are `TFL3`, but they are not")]
    #[diagnostic(
        code(network::tflite::identifier),
        help("check that the file is complete: compare its size and checksum with the original")
    )]
    Identifier {
        /// The model's name.
        name: String,
    },

    /// The bytes are no flatbuffer of the format.
    #[error("what stands at byte {at} of `{name}` must {must}, but does not")]
    #[diagnostic(
        code(network::tflite::damaged),
        help("check that the file is complete: compare its size and checksum with the original")
    )]
    Damaged {
        /// The model's name.
        name: String,
        /// Position in the file.
        at: usize,
        /// What must be there.
        must: &'static str,
    },

    /// The model as a whole is not one that a graph can be.
    #[error("model `{name}` must {must}, but {found}")]
    #[diagnostic(code(network::tflite::model), help("{help}"))]
    Model {
        /// The model's name.
        name: String,
        /// What must hold.
        must: &'static str,
        /// What was found.
        found: String,
        /// The next step.
        help: &'static str,
    },

    /// An operator that is not supported.
    #[error("every operator must be a supported one, but `{}` is written by {}", place.output, place.operator)]
    #[diagnostic(
        code(network::tflite::operator),
        help(
            "leave the operator out of the model, or put it behind the accelerator, on the host; supported are {supported}"
        )
    )]
    Operator {
        /// The operator.
        place: Place,
        /// The names of those that are.
        supported: String,
    },

    /// An operator that cannot be represented as it is.
    #[error("{place} must {must}, but {found}")]
    #[diagnostic(code(network::tflite::unsupported), help("{help}"))]
    Unsupported {
        /// The operator.
        place: Place,
        /// What must hold.
        must: String,
        /// What was found.
        found: String,
        /// The next step.
        help: &'static str,
    },
}
