//! `xnorforge`: from a QONNX file to a bit-exact FPGA accelerator, with open tools.

mod calibration;
mod cmd;
mod failure;
mod output;
mod progress;
mod stop;
mod trust;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// From a trained low-bit network to a bit-exact FPGA accelerator, with open tools.
///
/// Exit status: 0 ok, 1 the answer is no (a mismatch, or a design that is too slow or
/// does not fit), 2 usage or input, 3 a device or tool is missing or failed.
#[derive(Debug, Parser)]
#[command(name = "xnorforge", version)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Info(cmd::info::Info),
    Run(cmd::run::Run),
    Compile(cmd::compile::Compile),
    Simulate(cmd::simulate::Simulate),
    Load(cmd::load::Load),
    Quantize(cmd::quantize::Quantize),
    Build(cmd::build::Build),
    Flash(cmd::flash::Flash),
    Boards(cmd::boards::Boards),
    Devices(cmd::devices::Devices),
    Bench(cmd::bench::Bench),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.verb {
        Verb::Info(info) => info.run(),
        Verb::Run(run) => run.run(),
        Verb::Compile(compile) => compile.run(),
        Verb::Simulate(simulate) => simulate.run(),
        Verb::Load(load) => load.run(),
        Verb::Quantize(quantize) => quantize.run(),
        Verb::Build(build) => build.run(),
        Verb::Flash(flash) => flash.run(),
        Verb::Boards(boards) => boards.run(),
        Verb::Devices(devices) => devices.run(),
        Verb::Bench(bench) => bench.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure::report(&failure),
    }
}
