//! A plan as the device of a board.

use crate::board::{Board, BoardError, ClockSource, TOP, line_bytes, ring_words};
use crate::commands;
use crate::prefix::Prefix;
use abi::frame::{CHECKSUM_BYTES, HEADER_BYTES, words_for};
use abi::manifest::{DeviceManifest, Manifest};
use abi::packing::StreamFormat;
use abi::ring::{self, WindowTooLarge};
use abi::uart::UartTiming;
use abi::window::WindowFormat;
use compiler::plan::Plan;
use hdl::design::{DesignError, Pipeline};
use hdl::emit::{self, Block, EmitError, VerilogDesign};
use hdl::shell::device::Device;
use hdl::shell::mapped_core::MappedCore;
use hdl::shell::register_file::DeviceFacts;

/// The module of a device, behind the design's prefix.
const DEVICE: &str = "device";

/// What a manifest says of `plan` on `board`, whose design files are named `files`.
///
/// # Errors
/// Where the windows cannot hold two images, or the board cannot make the plan's clock.
pub fn manifest(plan: &Plan, prefix: &Prefix, board: &Board, files: Vec<String>) -> Result<DeviceManifest, BoardError> {
    let (input, output) = (plan.input_format(), plan.output_format());
    let too_large = |WindowTooLarge { bytes, limit }: WindowTooLarge| BoardError::Window {
        board: board.name.clone(),
        bytes,
        limit,
    };
    let family = board.facts.fpga.family.costs();
    let slots = ring::slots(&input, &output, ring_words(family)).map_err(too_large)?;
    Ok(DeviceManifest {
        board: board.name.clone(),
        top: prefix.name(TOP),
        files,
        clock_hertz: board.clock(plan.clock_mhz)?.hertz,
        baud: board.facts.uart.baud,
        line_bytes: line_bytes(family),
        slots,
    })
}

/// The device that `manifest` describes around `core`, which is that of `plan` and has the given hash.
///
/// # Errors
/// Where the manifest's clock cannot make its baud rate.
pub fn device(
    plan: &Plan,
    core: Pipeline,
    manifest: &DeviceManifest,
    design_hash: [u8; 32],
) -> Result<Device, DesignError> {
    let (input, output) = (plan.input_format(), plan.output_format());
    let weight_words = core.weight_words();
    let facts = DeviceFacts::of(plan, (manifest.slots, weight_words), manifest.clock_hertz, design_hash);
    let facts = DeviceFacts { line_bytes: manifest.line_bytes, ..facts };
    let timing = UartTiming::new(manifest.clock_hertz, manifest.baud)?;
    Ok(Device::new(DEVICE, MappedCore::new(core, (&input, &output), &facts), &timing, manifest.line_bytes))
}

/// The files of the folder `board` for `device`, whose clock comes from `clock`: names and texts. Modules of `core_verilog`
/// are not repeated.
///
/// # Errors
/// Where a block cannot be translated, a fault of the block.
pub fn files(
    board: &Board,
    clock: &ClockSource,
    mut device: Device,
    prefix: &Prefix,
    core_verilog: &VerilogDesign,
) -> Result<Vec<(String, String)>, EmitError> {
    device.connect_all();
    let (top, inner) = (prefix.name(TOP), prefix.name(DEVICE));
    let comment = vec![format!("The device at the pins of the board {}.", board.name)];
    let text = board.top_module(&top, &inner, clock);
    let modules = vec![emit::Module { name: top.clone(), comment, text }];
    let mut design = VerilogDesign { top: top.clone(), modules };
    design.add(emit::emit(&device, &inner, &prefix.name(""))?, core_verilog)?;
    let text = |name: &str, text: String| (name.to_owned(), text);
    Ok(vec![
        (format!("{top}.v"), design.text()),
        text(board.facts.fpga.family.pin_file(), board.pins.clone()),
        text("synthesis.ys", commands::synthesis_script(board, &top, &[format!("{}.v", core_verilog.top)])),
        text("build.sh", commands::script(board, clock.hertz)),
        text("requirements.txt", commands::REQUIREMENTS.to_owned()),
    ])
}

/// Images per second that the UART of a design carries in the long run, while images go and answers come at the same time, in
/// batches of a third of the windows as the host makes them; stuffed bytes are not counted. At most what the core computes.
/// `None` without a board.
pub fn link_frames_per_second(manifest: &Manifest) -> Option<f64> {
    let device = manifest.device.as_ref()?;
    let batch = (device.slots / 3).max(1);
    let words = |format: StreamFormat| WindowFormat::of(&format).words_per_image() * batch;
    let (input, output) = (words(manifest.input_stream), words(manifest.output_stream));
    let frames = |words: usize| words.div_ceil(words_for(device.line_bytes).max(1));
    // Both flags and both checksums of a frame with words; one pair less without.
    let (with_words, without) = (2 + HEADER_BYTES + 2 * CHECKSUM_BYTES, 2 + HEADER_BYTES + CHECKSUM_BYTES);
    // Besides the windows, `submitted` is written, `completed` and `session` are read.
    let register = 4 + with_words;
    let there = 4 * input + frames(input) * with_words + frames(output) * without + register + 2 * without;
    let back = 4 * output + frames(output) * with_words + frames(input) * without + without + 2 * register;
    let line = (there.max(back) * 10) as f64 / f64::from(device.baud);
    let core = batch as f64 * manifest.initiation_interval_cycles as f64 / f64::from(device.clock_hertz);
    Some(batch as f64 / line.max(core))
}
