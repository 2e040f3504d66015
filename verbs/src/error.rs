//! What ends a verb, and whose turn it is then.

use crate::engine_error::EngineError;
use crate::file::FileError;
use crate::images::ImagesError;
use crate::refusals::{
    CalibratedDirectory, FoldingFile, LabelsOfMap, LabelsWithoutImages, MaxWithoutBoard, Mismatch, NodesRefused,
};
use compiler::lower::LowerError;
use compiler::planner::PlanError;
use compiler::replace::ReplaceError;
use flow::artifacts::ArtifactsError;
use flow::board::BoardError;
use flow::build::BuildError;
use flow::prefix::PrefixError;
use host::address::DeviceAddressError;
use host::transport::record::RecordingError;
use host::{BusError, DeviceError, TransportError};
use miette::Diagnostic;
use network::calibrate::{ActivationsError, CalibrateError};
use network::file;
use network::onnx::{ExportError, ImportError};
use network::quantize::{QuantizeError, SchemeError};
use network::reference::ReferenceError;
use network::tflite::TfliteError;
use sim::SimError;
use thiserror::Error;

/// Whose turn it is after a failure; the number is the exit status of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The answer is no: a mismatch, or a design that is too slow or does not fit.
    No = 1,
    /// The user's: usage or input.
    Input = 2,
    /// A device or tool is missing or failed.
    Tool = 3,
}

/// A verb that gave no result.
#[derive(Debug, Error, Diagnostic)]
pub enum VerbError {
    /// The model cannot be imported.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Import(Box<ImportError>),
    /// The TensorFlow Lite model cannot be imported.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Tflite(Box<TfliteError>),
    /// The graph cannot be written as a file.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Export(#[from] ExportError),
    /// No scheme of quantisation.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Scheme(#[from] SchemeError),
    /// Weights that cannot be quantised.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Quantize(#[from] QuantizeError),
    /// No format of activations.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Activations(#[from] ActivationsError),
    /// Activations that cannot be quantised.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Calibrate(#[from] CalibrateError),
    /// A directory that is to be calibrated.
    #[error(transparent)]
    #[diagnostic(transparent)]
    CalibratedDirectory(#[from] CalibratedDirectory),
    /// Labels of no images.
    #[error(transparent)]
    #[diagnostic(transparent)]
    LabelsWithoutImages(#[from] LabelsWithoutImages),
    /// Labels of outputs that are no scores of classes.
    #[error(transparent)]
    #[diagnostic(transparent)]
    LabelsOfMap(#[from] LabelsOfMap),
    /// Nodes that stand in the way.
    #[error(transparent)]
    #[diagnostic(transparent)]
    NodesRefused(#[from] NodesRefused),
    /// The graph cannot be evaluated.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Reference(#[from] ReferenceError),
    /// The graph has no form in integers.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Lower(Box<LowerError>),
    /// Weights that cannot take the place of others.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Replace(#[from] ReplaceError),
    /// A folding file that cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    FoldingFile(#[from] FoldingFile),
    /// A search for the largest design without a limit.
    #[error(transparent)]
    #[diagnostic(transparent)]
    MaxWithoutBoard(#[from] MaxWithoutBoard),
    /// What cannot begin names.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Prefix(#[from] PrefixError),
    /// The network cannot be planned.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Plan(#[from] PlanError),
    /// A board that cannot be used, or not for this.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Board(#[from] BoardError),
    /// A compiled directory that cannot be written or read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Artifacts(Box<ArtifactsError>),
    /// A bitstream that was not made, or not loaded.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Build(Box<BuildError>),
    /// Images or labels that do not fit.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Images(#[from] ImagesError),
    /// An engine that cannot be had.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Engine(#[from] EngineError),
    /// No address of a device.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Address(#[from] DeviceAddressError),
    /// A device that cannot be reached.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Bus(#[from] BusError),
    /// A serial line that cannot be opened.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Line(TransportError),
    /// A recording that cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Recording(#[from] RecordingError),
    /// A recording that cannot be written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Recorder(TransportError),
    /// A run that gave no result.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Sim(Box<SimError>),
    /// A trace that cannot be written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Trace(Box<SimError>),
    /// A simulation that differs from what was planned.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Mismatch(#[from] Mismatch),
    /// A file or stream that cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] FileError),
}

/// Errors that would make every result large.
macro_rules! boxed {
    ($($variant:ident($error:ty)),+ $(,)?) => {$(
        impl From<$error> for VerbError {
            fn from(error: $error) -> Self {
                VerbError::$variant(Box::new(error))
            }
        }
    )+};
}

boxed!(Import(ImportError), Lower(LowerError), Artifacts(ArtifactsError), Build(BuildError), Sim(SimError));

impl From<file::FileError> for VerbError {
    fn from(error: file::FileError) -> Self {
        match error {
            file::FileError::Onnx(error) => VerbError::Import(error),
            file::FileError::Tflite(error) => VerbError::Tflite(error),
        }
    }
}

impl VerbError {
    /// Whose turn it is.
    pub fn status(&self) -> Status {
        match self {
            VerbError::Mismatch(_) => Status::No,
            VerbError::Import(_)
            | VerbError::Tflite(_)
            | VerbError::Export(_)
            | VerbError::Scheme(_)
            | VerbError::Quantize(_)
            | VerbError::Activations(_)
            | VerbError::Calibrate(_)
            | VerbError::CalibratedDirectory(_)
            | VerbError::LabelsWithoutImages(_)
            | VerbError::LabelsOfMap(_)
            | VerbError::NodesRefused(_)
            | VerbError::Reference(_)
            | VerbError::Lower(_)
            | VerbError::Replace(_)
            | VerbError::FoldingFile(_)
            | VerbError::MaxWithoutBoard(_)
            | VerbError::Prefix(_)
            | VerbError::Images(_)
            | VerbError::Engine(_)
            | VerbError::Address(_)
            | VerbError::Recording(_)
            | VerbError::Recorder(_)
            | VerbError::Trace(_)
            | VerbError::File(_) => Status::Input,
            VerbError::Bus(_) | VerbError::Line(_) => Status::Tool,
            VerbError::Plan(error) if error.is_too_large() => Status::No,
            VerbError::Plan(_) => Status::Input,
            VerbError::Board(error) => of_board(error),
            VerbError::Artifacts(error) => of_artifacts(error),
            VerbError::Build(error) => of_build(error),
            VerbError::Sim(error) => of_sim(error),
        }
    }
}

fn of_board(error: &BoardError) -> Status {
    if error.is_too_large() { Status::No } else { Status::Input }
}

fn of_artifacts(error: &ArtifactsError) -> Status {
    use ArtifactsError as E;
    match error {
        E::Board(error) => of_board(error),
        E::Values(_) => Status::No,
        E::Busy { .. } => Status::Tool,
        E::NoDirectory { .. }
        | E::Edited { .. }
        | E::NoName { .. }
        | E::Occupied { .. }
        | E::File { .. }
        | E::Foreign { .. }
        | E::NotCompiled { .. }
        | E::Network { .. }
        | E::Plan { .. }
        | E::Manifest { .. }
        | E::Version { .. }
        | E::FixedWeights { .. }
        | E::Replace(_)
        | E::Design(_) => Status::Input,
    }
}

fn of_build(error: &BuildError) -> Status {
    use BuildError as E;
    match error {
        E::Timing { .. } | E::Hold { .. } | E::DoesNotFit { .. } => Status::No,
        E::Artifacts(error) => of_artifacts(error),
        E::Board(error) => of_board(error),
        E::NoBoard { .. } | E::NoBitstream { .. } | E::File { .. } => Status::Input,
        E::SynthesisOnly { .. }
        | E::Stopped { .. }
        | E::ToolMissing { .. }
        | E::ToolTooOld { .. }
        | E::Stage { .. }
        | E::Report { .. }
        | E::ProgrammerMissing
        | E::Programmer { .. } => Status::Tool,
    }
}

fn of_sim(error: &SimError) -> Status {
    use SimError as E;
    match error {
        E::Artifacts(error) => of_artifacts(error),
        E::Device(error) => of_device(error),
        E::Image { .. }
        | E::Reference { .. }
        | E::Unsupported { .. }
        | E::NoDevice { .. }
        | E::NoWindows { .. }
        | E::BarFile { .. }
        | E::BarSpace { .. }
        | E::NoNetlist { .. }
        | E::Netlist { .. }
        | E::NoModels { .. }
        | E::NoCells { .. } => Status::Input,
        E::Design(_)
        | E::NotSettled(_)
        | E::Words(_)
        | E::ResetLasts { .. }
        | E::NoThreads { .. }
        | E::Uart(_)
        | E::PseudoTerminal { .. }
        | E::ToolMissing { .. }
        | E::VerilatorBuild { .. }
        | E::SimulatorFailed { .. }
        | E::Stuck { .. }
        | E::DataChanged { .. }
        | E::ValidWithdrawn { .. }
        | E::SurplusWord { .. }
        | E::ProbeCount { .. }
        | E::NoCacheFolder
        | E::File { .. }
        | E::WriteNpy { .. }
        | E::Internal(_) => Status::Tool,
    }
}

fn of_device(error: &DeviceError) -> Status {
    use DeviceError as E;
    match error {
        E::Bus(error) => of_bus(error),
        E::Input { .. } => Status::Input,
        E::Forked { .. }
        | E::Identifier { .. }
        | E::OlderDevice { .. }
        | E::NewerDevice { .. }
        | E::DesignHash { .. }
        | E::NoSlots
        | E::ImageWords { .. }
        | E::WindowSize { .. }
        | E::OtherWeights { .. }
        | E::WeightWords { .. }
        | E::WeightPlace { .. }
        | E::WeightsNotHeld { .. }
        | E::Manifest { .. }
        | E::ImageSize { .. }
        | E::Element { .. }
        | E::Stuck { .. }
        | E::Halted { .. }
        | E::OutOfStep { .. }
        | E::ForeignReset { .. }
        | E::ResetLasts { .. }
        | E::ResetStuck { .. }
        | E::NotReset { .. } => Status::Tool,
    }
}

/// Of a device's bus. Where a recording is replayed, the answer is no if the host does something else than the one whose
/// session was recorded.
fn of_bus(error: &BusError) -> Status {
    use TransportError as E;
    match error {
        BusError::Transport(E::OtherRequest { .. } | E::UnreadReplay { .. } | E::ReplayEnded { .. }) => Status::No,
        BusError::Transport(
            E::Timeout { .. }
            | E::Closed { .. }
            | E::NotFound { .. }
            | E::NotSerial { .. }
            | E::PermissionDenied { .. }
            | E::Busy { .. }
            | E::BaudRate { .. }
            | E::Open { .. }
            | E::NotRecorded { .. },
        )
        | BusError::Bar(_)
        | BusError::Silent { .. }
        | BusError::Unintelligible { .. }
        | BusError::Echo { .. }
        | BusError::Late { .. }
        | BusError::Stopped { .. }
        | BusError::Payload { .. }
        | BusError::Address { .. }
        | BusError::Kind { .. }
        | BusError::Count { .. }
        | BusError::UnknownRefusal { .. }
        | BusError::NoFrameWords => Status::Tool,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_s_answer_does_not_depend_on_who_passes_it_on() {
        let too_large = || BoardError::TooLarge { board: "b".into(), memory_bits: 1, weight_bits: 2, larger: vec![] };
        let unknown = || BoardError::Unknown { name: "b".into(), near: vec![], known: "c".into() };
        let ways: [fn(BoardError) -> VerbError; 5] = [
            VerbError::from,
            |error| ArtifactsError::from(error).into(),
            |error| BuildError::from(error).into(),
            |error| BuildError::from(ArtifactsError::from(error)).into(),
            |error| SimError::from(ArtifactsError::from(error)).into(),
        ];
        for way in ways {
            assert_eq!((way(too_large()).status(), way(unknown()).status()), (Status::No, Status::Input));
        }
    }
}
