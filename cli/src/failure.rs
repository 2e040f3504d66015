//! Errors as the command line shows them: one screen, and an exit status that says whose turn it is.

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use std::io::IsTerminal;
use std::process::ExitCode;

/// What kind of failure ends the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The answer is no: a mismatch.
    No = 1,
    /// Usage or input.
    Input = 2,
    /// A device or tool is missing or failed.
    Tool = 3,
}

/// A failure to be rendered.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    report: miette::Report,
}

impl Failure {
    /// A failure of the given kind.
    pub fn new(exit: Exit, diagnostic: impl Diagnostic + Send + Sync + 'static) -> Self {
        Failure { exit, report: miette::Report::new(diagnostic) }
    }

    /// A failure that lies in what the user gave.
    pub fn of_input(diagnostic: impl Diagnostic + Send + Sync + 'static) -> Self {
        Failure::new(Exit::Input, diagnostic)
    }

    /// Prints the failure and gives the exit status.
    pub fn report(self) -> ExitCode {
        print(&self.report);
        ExitCode::from(self.exit as u8)
    }
}

/// Prints what the user should know though it ends nothing.
pub fn warn(diagnostic: impl Diagnostic + Send + Sync + 'static) {
    print(&miette::Report::new(diagnostic));
}

fn print(report: &miette::Report) {
    let theme = if std::io::stderr().is_terminal() { GraphicalTheme::unicode() } else { GraphicalTheme::none() };
    let mut text = String::new();
    // Every message tells its causes itself.
    let rendered =
        GraphicalReportHandler::new_themed(theme).without_cause_chain().render_report(&mut text, report.as_ref());
    match rendered {
        Ok(()) => eprint!("{text}"),
        Err(_) => eprintln!("{report}"),
    }
}

/// An error that a file or stream of the command line gave.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{}", chain(.0))]
#[diagnostic(
    code(xnorforge::file),
    help("check that the path exists, that it may be accessed and that the disk is not full")
)]
struct Glue(anyhow::Error);

/// The message and its causes, without those that the message already tells.
fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text += &format!(": {cause}");
        }
    }
    text
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure::new(Exit::Input, Glue(error))
    }
}

macro_rules! input_errors {
    ($($error:ty),+ $(,)?) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Failure::new(Exit::Input, error)
            }
        }
    )+};
}

input_errors!(
    network::onnx::ImportError,
    network::onnx::ExportError,
    network::quantize::SchemeError,
    network::quantize::QuantizeError,
    network::calibrate::ActivationsError,
    network::calibrate::CalibrateError,
    compiler::replace::ReplaceError,
    network::reference::ReferenceError,
    compiler::lower::LowerError,
    crate::images::ImagesError,
    crate::calibration::CalibratedDirectory,
    crate::cmd::quantize::LabelsWithoutImages,
    crate::cmd::compile::FoldingFile,
    crate::cmd::compile::MaxWithoutBoard,
    crate::engine::EngineError,
);

impl From<compiler::fold::PlanError> for Failure {
    fn from(error: compiler::fold::PlanError) -> Self {
        let exit = if error.is_too_large() { Exit::No } else { Exit::Input };
        Failure::new(exit, error)
    }
}

impl From<flow::board::BoardError> for Failure {
    fn from(error: flow::board::BoardError) -> Self {
        let exit = if error.is_too_large() { Exit::No } else { Exit::Input };
        Failure::new(exit, error)
    }
}

impl From<flow::artifacts::ArtifactsError> for Failure {
    fn from(error: flow::artifacts::ArtifactsError) -> Self {
        match error {
            flow::artifacts::ArtifactsError::Board(error) => error.into(),
            flow::artifacts::ArtifactsError::Values(error) => Failure::new(Exit::No, *error),
            error => Failure::new(Exit::Input, error),
        }
    }
}

impl From<flow::build::BuildError> for Failure {
    fn from(error: flow::build::BuildError) -> Self {
        use flow::build::BuildError as E;
        let exit = match &error {
            E::Timing { .. } | E::DoesNotFit { .. } => Exit::No,
            E::NoBoard { .. } | E::NoBitstream { .. } | E::Artifacts(_) | E::Board(_) | E::File { .. } => Exit::Input,
            E::SynthesisOnly { .. }
            | E::Busy { .. }
            | E::ToolMissing { .. }
            | E::ToolTooOld { .. }
            | E::Stage { .. }
            | E::Report { .. }
            | E::ProgrammerMissing
            | E::Programmer { .. } => Exit::Tool,
        };
        Failure::new(exit, error)
    }
}

impl From<sim::SimError> for Failure {
    fn from(error: sim::SimError) -> Self {
        let exit = match &error {
            sim::SimError::Device(error) if is_other_than_recorded(error) => Exit::No,
            sim::SimError::Image { .. }
            | sim::SimError::Reference { .. }
            | sim::SimError::Unsupported { .. }
            | sim::SimError::NoDevice { .. }
            | sim::SimError::NoWindows { .. }
            | sim::SimError::BarFile { .. }
            | sim::SimError::Artifacts(_)
            | sim::SimError::NoNetlist { .. }
            | sim::SimError::NoModels { .. }
            | sim::SimError::NoCells { .. } => Exit::Input,
            sim::SimError::Device(error) if matches!(**error, host::DeviceError::Input { .. }) => Exit::Input,
            _ => Exit::Tool,
        };
        Failure::new(exit, error)
    }
}

/// Whether the host did something else than the one whose session was recorded.
fn is_other_than_recorded(error: &host::DeviceError) -> bool {
    use host::TransportError as E;
    matches!(
        error,
        host::DeviceError::Bus(host::BusError::Transport(
            E::OtherRequest { .. } | E::UnreadReplay { .. } | E::ReplayEnded { .. }
        ))
    )
}
