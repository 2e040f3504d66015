//! `xnorforge`: from a QONNX file to a bit-exact FPGA accelerator, with open tools.

// They panic where the stream cannot be written; `output` has functions that do not.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod cmd;
mod failure;
mod output;
mod preparation;
mod progress;
mod stop;
mod trust;

use clap::{Parser, Subcommand};
use std::io::{Write, stdout};
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
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(answer) => return explain(&answer),
    };
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

/// Prints what there is instead of arguments: help, the version, or what is wrong with them.
fn explain(answer: &clap::Error) -> ExitCode {
    let printed = answer.print().and_then(|()| stdout().flush());
    match output::is_read(printed) {
        Err(failure) if !answer.use_stderr() => failure::report(&failure),
        Ok(_) | Err(_) => ExitCode::from(answer.exit_code() as u8),
    }
}
