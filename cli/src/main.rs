//! `xnorforge`: from a QONNX file to a bit-exact FPGA accelerator, with open tools.

mod cmd;
mod failure;
mod output;
mod preparation;
mod progress;
mod stop;
mod trust;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Compile trained low-bit neural networks into bit-exact FPGA accelerators, with open tools.
///
/// Exit status: 0 success, 1 negative result (a mismatch, or a design that does not fit or
/// meet timing), 2 wrong usage or input, 3 a device or tool is missing or failed.
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
