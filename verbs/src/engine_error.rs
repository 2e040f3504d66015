//! What can be wrong with the choice of an engine.

use host::address::DeviceAddressError;
use miette::Diagnostic;
use thiserror::Error;

/// An engine that cannot be had.
#[derive(Debug, Error, Diagnostic)]
pub enum EngineError {
    /// A word that names no engine.
    #[error(
        "the engine must be one of cpu, reference, plan, rtl, verilator, gates, sim:DIR, uart:PATH[@BAUD], pcie:BDF|FILE, \
         replay:FILE, but is `{found}`"
    )]
    #[diagnostic(
        code(xnorforge::engine),
        help(
            "use --on cpu for speed, --on reference for the definition, --on rtl or --on verilator to simulate the \
             hardware, --on uart:/dev/ttyUSB0 for a board, --on pcie:01:00.0 for a card"
        )
    )]
    Unknown {
        /// The word.
        found: String,
    },
    /// No serial line and no memory of a card.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Address(#[from] DeviceAddressError),
    /// An engine that simulates nothing.
    #[error("`simulate --on` must be one of rtl, verilator, gates, but is `{found}`")]
    #[diagnostic(code(xnorforge::no_simulator), help("use one of them here, or `xnorforge run DIR --on {found}`"))]
    NoSimulator {
        /// The word.
        found: String,
    },
    /// The original model is not part of a compiled directory.
    #[error(
        "`--on reference` must be given the .onnx file, but {folder} is a compiled directory, which holds integers only"
    )]
    #[diagnostic(code(xnorforge::no_graph), help("run the .onnx file, or use `--on cpu` with the directory"))]
    NoGraph {
        /// The directory.
        folder: String,
    },
    /// A device needs the directory that it was made from.
    #[error("`--on {engine}` must be given a directory compiled for a board, but {path} is a model")]
    #[diagnostic(
        code(xnorforge::no_device),
        help(
            "run `xnorforge compile {path} -o DIR --board BOARD` first and give DIR; `xnorforge boards` lists boards"
        )
    )]
    NoDevice {
        /// The engine.
        engine: &'static str,
        /// What was given.
        path: String,
    },
    /// A card needs the directory that it was made from.
    #[error("`--on pcie` must be given a compiled directory, but {path} is a model")]
    #[diagnostic(code(xnorforge::no_card), help("run `xnorforge compile {path} -o DIR` first and give DIR"))]
    NoCard {
        /// What was given.
        path: String,
    },
    /// A netlist has no bus slave.
    #[error("`simulate --serve --bar` must simulate with rtl or verilator, but gates simulates a board's pins only")]
    #[diagnostic(code(xnorforge::no_bar), help("leave --bar out, or use --on verilator"))]
    NoBar,
    /// An engine that holds no weights of its own.
    #[error(
        "`load --on` must be one of uart:PATH[@BAUD], pcie:BDF|FILE, sim:DIR, gates: a device with a weight window"
    )]
    #[diagnostic(
        code(xnorforge::no_load),
        help("without --on, DIR represents the network on every engine: `xnorforge load DIR MODEL`")
    )]
    NoLoad,
    /// Nothing passes over a line.
    #[error(
        "`--record` must be used with uart:PATH[@BAUD], sim:DIR or gates, and on simulated boards with a directory as \
         compiled, without loaded weights"
    )]
    #[diagnostic(
        code(xnorforge::no_record),
        help(
            "leave --record out, or give --on uart:PATH; what passes in memory or in a simulation of the core is no line"
        )
    )]
    NoRecord,
    /// Time does not pass in a recording.
    #[error("`bench --on` must be an engine that computes, but a recording only repeats what was")]
    #[diagnostic(code(xnorforge::no_bench), help("measure the device itself: --on uart:PATH"))]
    NoBench,
    /// Only compiled directories can be simulated.
    #[error("`simulate` must be given a directory that `compile` wrote, but {path} is none")]
    #[diagnostic(
        code(xnorforge::not_compiled),
        help("run `xnorforge compile MODEL -o DIR` first and give DIR, or `xnorforge run MODEL --on verilator`")
    )]
    NotCompiled {
        /// What was given.
        path: String,
    },
}
