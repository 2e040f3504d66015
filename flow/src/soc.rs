//! The core for systems on a chip: with AXI4-Stream, AXI4-Lite or Wishbone around it, described for FuseSoC and LiteX, and a card with LitePCIe.
//!
//! The modules of the three tops lie in one file, which needs those of the core in `rtl/`. A module that several tops use is
//! there once.

mod fusesoc;
mod header;
mod litex;

use crate::prefix::Prefix;
use abi::ring;
use compiler::plan::Plan;
use hdl::design::{DesignError, Pipeline};
use hdl::emit::{self, Block, EmitError, VerilogDesign};
use hdl::shell::axi_lite_device::AxiLiteDevice;
use hdl::shell::axi_stream::AxiStreamCore;
use hdl::shell::axi_stream_device::AxiStreamDevice;
use hdl::shell::mapped_core::MappedCore;
use hdl::shell::register_file::DeviceFacts;
use hdl::shell::wishbone_device::WishboneDevice;

/// The top module with AXI4-Stream, and AXI4-Lite for control and status; names here follow the design's prefix.
pub const AXI_STREAM: &str = "axi_stream";

/// The top module with windows and registers on AXI4-Lite.
pub const AXI_LITE: &str = "axi_lite";

/// The top module with windows and registers on Wishbone.
pub const WISHBONE: &str = "wishbone";

/// Folder of the files that describe no tool's view.
pub const FOLDER: &str = "soc";

/// The file with the modules around the core, in [`FOLDER`].
pub const VERILOG: &str = "soc.v";

/// Everything that the descriptions say of a design.
struct Description<'a> {
    plan: &'a Plan,
    prefix: &'a Prefix,
    facts: &'a DeviceFacts,
    /// The core's files in `rtl`, Verilog first.
    rtl: &'a [String],
    /// The tops, without the prefix.
    tops: &'a [&'a str],
}

/// The tops around `core`, which is that of `plan`: their facts, the modules that are not in `core_verilog`, their names,
/// and the core again. Where an image is too large for windows, there is only the top with streams.
///
/// # Errors
/// Where a block cannot be translated, a fault of the block.
fn modules(
    plan: &Plan,
    prefix: &Prefix,
    core: Pipeline,
    core_verilog: &VerilogDesign,
    facts: &DeviceFacts,
) -> Result<(VerilogDesign, Vec<&'static str>, Pipeline), EmitError> {
    let (input, output) = (plan.input_format(), plan.output_format());
    let streams = (&input, &output);
    let mut tops = vec![AXI_STREAM];
    let mut found = VerilogDesign { top: prefix.name(AXI_STREAM), modules: Vec::new() };
    let mut add = |top: &mut dyn Block, name: &'static str| {
        top.connect_all();
        found.add(emit::emit(top, &prefix.name(name), &prefix.name(""))?, core_verilog)
    };
    let mut device = AxiStreamDevice::new(AXI_STREAM, AxiStreamCore::new(core, streams), streams, facts);
    add(&mut device, AXI_STREAM)?;
    let mut core = device.into_core();
    if facts.slots > 0 {
        let mut device = AxiLiteDevice::new(AXI_LITE, MappedCore::new(core, streams, facts));
        add(&mut device, AXI_LITE)?;
        let mut device = WishboneDevice::new(WISHBONE, device.into_mapped());
        add(&mut device, WISHBONE)?;
        core = device.into_mapped().into_core();
        tops.extend([AXI_LITE, WISHBONE]);
    }
    Ok((found, tops, core))
}

/// What a device of `plan` with the given hash says of itself on the bus of a system whose clock is the plan's, with a
/// weight window of `weight_words` words.
pub fn facts(plan: &Plan, weight_words: u32, design_hash: [u8; 32]) -> DeviceFacts {
    // Without windows the streams remain.
    let slots = ring::slots(&plan.input_format(), &plan.output_format(), ring::BUS_WORDS).unwrap_or(0);
    DeviceFacts::of(plan, (slots, weight_words), (plan.clock_mhz * 1e6).round() as u32, design_hash)
}

/// The files around `core`, which is that of `plan`, has the given hash and lies in the files `rtl`: paths in the directory
/// and texts; and the core again.
///
/// # Errors
/// Where a block cannot be translated, a fault of the block.
pub fn files(
    plan: &Plan,
    prefix: &Prefix,
    core: Pipeline,
    core_verilog: &VerilogDesign,
    rtl: &[String],
    design_hash: [u8; 32],
) -> Result<(Vec<(String, String)>, Pipeline), DesignError> {
    let facts = facts(plan, core.weight_words(), design_hash);
    let (verilog, tops, core) = modules(plan, prefix, core, core_verilog, &facts)?;
    let description = Description { plan, prefix, facts: &facts, rtl, tops: &tops };
    let within = |name: &str, text: String| (format!("{FOLDER}/{name}"), text);
    let mut files = vec![
        within(&prefix.name(VERILOG), verilog.text()),
        within("waivers.vlt", emit::lint::verilator_configuration()),
        within(&prefix.name("registers.h"), header::text(&description)),
        within(&prefix.name("litex.py"), litex::text(&description)),
        (fusesoc::file(prefix), fusesoc::text(&description)),
    ];
    if tops.contains(&WISHBONE) {
        files.push(within(&prefix.name("litepcie.py"), litex::card(&description)));
    }
    Ok((files, core))
}
