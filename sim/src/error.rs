//! What can go wrong when a network runs without a board.

use abi::maps::MapError;
use miette::Diagnostic;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A run that gave no result.
#[derive(Debug, Error, Diagnostic)]
pub enum SimError {
    /// An image that the network cannot take.
    #[error("image {image}: {source}")]
    #[diagnostic(code(sim::image), help("give images of the shape and domain that `xnorforge info` shows"))]
    Image {
        /// Index of the image.
        image: usize,
        /// What is wrong with it.
        source: MapError,
    },
    /// An image that the graph cannot take.
    #[error("image {image}: {source}")]
    #[diagnostic(code(sim::reference), help("give images of the shape and domain that `xnorforge info` shows"))]
    Reference {
        /// Index of the image.
        image: usize,
        /// What is wrong with it.
        source: network::reference::ReferenceError,
    },
    /// A plan that no hardware can be made of.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Design(#[from] hdl::design::DesignError),
    /// Combinational logic that does not come to rest.
    #[error(transparent)]
    #[diagnostic(transparent)]
    NotSettled(#[from] hdl::wire::NotSettled),
    /// A plan whose stages do not find their vectors in their words.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Words(#[from] compiler::values::WordsError),
    /// A compiled directory that is damaged.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Artifacts(#[from] flow::artifacts::ArtifactsError),
    /// A core without a device around it.
    #[error("the design of `{network}` must be compiled for a board to be driven like one, but it is a core alone")]
    #[diagnostic(
        code(sim::no_device),
        help("compile it again with `--board`, for example `xnorforge compile MODEL -o DIR --board ulx3s-85f`")
    )]
    NoDevice {
        /// The network.
        network: String,
    },
    /// The design has streams only.
    #[error("an image of `{network}` must fit into the windows of a device, but is too large")]
    #[diagnostic(
        code(sim::no_windows),
        help("drive the design through its streams: the Verilog in soc/ has a top with AXI4-Stream")
    )]
    NoWindows {
        /// The network.
        network: String,
    },
    /// The file of a BAR cannot be made.
    #[error("{} must be a new file for the memory of a simulated card, but the system answered: {source}", path.display())]
    #[diagnostic(
        code(sim::bar_file),
        help("remove the file if no program uses it (`fuser {}` names one), or choose another place", path.display())
    )]
    BarFile {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The file system has no space for the file of a BAR.
    #[error(
        "{bytes} bytes of {} must have space for the memory of a simulated card, but the system answered: {source}",
        path.display()
    )]
    #[diagnostic(
        code(sim::bar_space),
        help("make space there (`df {}` tells how much is left), or choose another place with `--bar FILE`",
            path.parent().unwrap_or(path).display())
    )]
    BarSpace {
        /// The file.
        path: PathBuf,
        /// Bytes without space.
        bytes: u64,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A simulated device does not end its reset.
    #[error("a simulated reset must be over within {cycles} cycles, but lasts")]
    #[diagnostic(code(sim::reset_lasts), help("this is a fault of the design: please report it with the model"))]
    ResetLasts {
        /// Cycles waited.
        cycles: u32,
    },
    /// No netlist to simulate.
    #[error("{} must be the netlist of a built design, but there is none", folder.join("build/netlist.v").display())]
    #[diagnostic(code(sim::no_netlist), help("run `xnorforge build {}` first", folder.display()))]
    NoNetlist {
        /// The directory.
        folder: PathBuf,
    },
    /// What lies in the netlist's place does more than a netlist.
    #[error(
        "a netlist must be modules of ports, wires, cells and assignments, but line {line} of {} has `{found}`",
        path.display()
    )]
    #[diagnostic(
        code(sim::netlist),
        help("make it again with `xnorforge build`; if you trust the file, give `--trust`: what it says is executed")
    )]
    Netlist {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What stands there.
        found: String,
    },
    /// No models of the cells that the netlist is made of.
    #[error("yosys must be installed with its simulation models of cells for the netlist of {} to run, but they are not found", folder.display())]
    #[diagnostic(
        code(sim::no_cells),
        help(
            "install the tools of {0}/board/requirements.txt; or give `--trust`, which takes {0}/build/cells_sim.v, if you \
             trust it",
            folder.display()
        )
    )]
    NoCells {
        /// The directory.
        folder: PathBuf,
    },
    /// A family whose netlists have black boxes for which there is no model.
    #[error("every cell of a netlist must have a model to be simulated, but the block RAM of {family} has none")]
    #[diagnostic(
        code(sim::no_models),
        help(
            "simulate the Verilog that the netlist was made from: `--on verilator`, or `--on sim:DIR` at the UART's pins"
        )
    )]
    NoModels {
        /// The family.
        family: &'static str,
    },
    /// A clock that cannot make the line's rate.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Uart(#[from] abi::uart::UartError),
    /// A device refused, failed or is another one.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Device(Box<host::DeviceError>),
    /// The system gave no pseudo-terminal, or took it away.
    #[error("a pseudo-terminal must carry the simulated board's line, but the system answered: {source}")]
    #[diagnostic(code(sim::pseudo_terminal), help("check that /dev/pts is mounted and not used up"))]
    PseudoTerminal {
        /// The system's answer.
        source: std::io::Error,
    },
    /// An option that the engine does not have.
    #[error("engine `{executor}` has no {what}")]
    #[diagnostic(code(sim::unsupported), help("leave the option out, or choose `--on verilator`"))]
    Unsupported {
        /// The engine.
        executor: &'static str,
        /// What was asked for.
        what: &'static str,
    },
    /// A program that must be installed.
    #[error("`{tool}` must be installed and on the PATH, but it could not be started: {source}")]
    #[diagnostic(code(sim::tool_missing), help("{help}"))]
    ToolMissing {
        /// The program.
        tool: String,
        /// How to install it.
        help: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Verilator or the C++ compiler refused the design.
    #[error("Verilator must accept the design, but it failed on `{top}`:\n{tail}")]
    #[diagnostic(
        code(sim::verilator_build),
        help("the full log is in {}; if the Verilog is as `xnorforge compile` wrote it, please report it", log.display())
    )]
    VerilatorBuild {
        /// Name of the top module.
        top: String,
        /// The last lines of the log.
        tail: String,
        /// The whole log.
        log: PathBuf,
    },
    /// The simulation ended without a result.
    #[error("the simulation of `{top}` must write its result, but it ended with {status}:\n{tail}")]
    #[diagnostic(
        code(sim::simulator_failed),
        help("check that every memory file of the design is in its folder; `xnorforge compile` writes them again")
    )]
    SimulatorFailed {
        /// Name of the top module.
        top: String,
        /// How it ended.
        status: String,
        /// The last lines that it printed.
        tail: String,
    },
    /// No word moved for a long time.
    #[error(
        "`{top}` must go on until every word is out, but at cycle {cycle} no word had moved for {patience} cycles: \
         {taken} of {taken_expected} input words accepted, {given} of {given_expected} output words delivered"
    )]
    #[diagnostic(
        code(sim::stuck),
        help(
            "run it with one image and `--wave F.vcd`, and look for a stream whose valid stays up while ready is down"
        )
    )]
    Stuck {
        /// Name of the top module.
        top: String,
        /// Cycle at which patience ended.
        cycle: u64,
        /// Cycles waited.
        patience: u64,
        /// Input words accepted.
        taken: u64,
        /// Input words of all images.
        taken_expected: u64,
        /// Output words delivered.
        given: u64,
        /// Output words of all images.
        given_expected: u64,
    },
    /// A word changed while it waited.
    #[error(
        "`{top}` must hold out_data while out_ready is low, but at cycle {cycle} (output word {word}) it changed from \
         {before} to {after}"
    )]
    #[diagnostic(
        code(sim::data_changed),
        help("this is a fault of the core: run it with `--wave F.vcd` and report it")
    )]
    DataChanged {
        /// Name of the top module.
        top: String,
        /// Cycle of the change.
        cycle: u64,
        /// Index of the output word concerned.
        word: u64,
        /// Hexadecimal value before.
        before: String,
        /// Hexadecimal value after.
        after: String,
    },
    /// A word was withdrawn while it waited.
    #[error("`{top}` must keep out_valid until out_ready is high, but at cycle {cycle} it withdrew output word {word}")]
    #[diagnostic(
        code(sim::valid_withdrawn),
        help("this is a fault of the core: run it with `--wave F.vcd` and report it")
    )]
    ValidWithdrawn {
        /// Name of the top module.
        top: String,
        /// Cycle of the withdrawal.
        cycle: u64,
        /// Index of the output word concerned.
        word: u64,
    },
    /// More words came out than the images have.
    #[error("`{top}` must deliver {expected} output words, but at cycle {cycle} it offered one more")]
    #[diagnostic(
        code(sim::surplus_word),
        help("this is a fault of the core: run it with `--wave F.vcd` and report it")
    )]
    SurplusWord {
        /// Name of the top module.
        top: String,
        /// Cycle of the surplus word.
        cycle: u64,
        /// Output words of all images.
        expected: u64,
    },
    /// A stream inside the core carried another number of words than its images have.
    #[error("stream `{stream}` must carry {expected} words for these images, but it carried {found}")]
    #[diagnostic(
        code(sim::probe_count),
        help("the stage that feeds the stream loses or repeats words: run it with `--wave F.vcd`")
    )]
    ProbeCount {
        /// Prefix of the stream's wires.
        stream: String,
        /// Words of all images.
        expected: usize,
        /// Words recorded.
        found: usize,
    },
    /// No folder for compiled simulations is known.
    #[error("a folder for compiled simulations is needed, but neither XNORFORGE_CACHE, XDG_CACHE_HOME nor HOME is set")]
    #[diagnostic(code(sim::no_cache_folder), help("set XNORFORGE_CACHE to a folder that can be written"))]
    NoCacheFolder,
    /// A file could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    #[diagnostic(
        code(sim::file),
        help("check that the path exists, that it may be accessed and that the disk is not full")
    )]
    File {
        /// What was tried: `read`, `write` and so on.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A tensor of a trace could not be written.
    #[error("cannot write {}: {source}", path.display())]
    #[diagnostic(code(sim::write_npy), help("check that the folder may be written and that the disk is not full"))]
    WriteNpy {
        /// The file.
        path: PathBuf,
        /// The writer's answer.
        source: Box<ndarray_npy::WriteNpyError>,
    },
    /// A fault of this program.
    #[error("internal error: {0}")]
    #[diagnostic(
        code(sim::internal),
        help("this is a fault of xnorforge: please report it together with the model and the command")
    )]
    Internal(&'static str),
}

impl SimError {
    /// For `map_err` on file operations.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> SimError {
        let path = path.to_owned();
        move |source| SimError::File { action, path, source }
    }
}
