//! `devices`: what answers on this machine.

use crate::output::{show, show_json};
use clap::Args;
use host::discover::{Found, Identity, State};
use std::path::{Path, PathBuf};
use verbs::VerbError;
use verbs::devices::{Options, Place};

/// List serial ports and PCIe functions, and identify the devices of xnorforge.
///
/// A probe opens the serial port and sends one read request at each usual bit rate. Of the PCIe
/// functions, only those with the identifiers of LitePCIe or ivshmem are read.
#[derive(Debug, Args)]
pub struct Devices {
    /// Probe only these, listed by the system or not: uart:PATH[@BAUD], pcie:BDF or pcie:FILE.
    #[arg(value_name = "ADDRESS")]
    addresses: Vec<String>,
    /// A directory written by `compile`, to report which devices run its design.
    #[arg(long = "dir", value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// List without probing.
    #[arg(long)]
    no_probe: bool,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

impl Devices {
    /// Runs the verb.
    pub fn run(self) -> Result<(), VerbError> {
        let addresses = self.addresses.iter().map(|address| address.parse()).collect::<Result<_, _>>()?;
        let options = Options { addresses, folders: self.folders, list_only: self.no_probe };
        let places = verbs::devices::devices(&options)?;
        if self.json {
            return show_json(&serde_json::json!({ "devices": places }));
        }
        if places.is_empty() {
            return show(
                "no serial line and no PCIe function that can be a device\n\
                 plug a board in, or simulate one: `xnorforge simulate DIR --serve`, then \
                 `xnorforge devices uart:PATH` with the path that it prints\n",
            );
        }
        show(&places.iter().map(text).collect::<String>())
    }
}

fn text(place: &Place) -> String {
    let Found { address, stable_name, description, state } = &place.found;
    let name = stable_name.as_ref().map(|name| format!(", also {}", name.display())).unwrap_or_default();
    format!("{address}: {description}{name}\n{}", state_text(state, place.directory.as_deref()))
}

fn state_text(state: &State, directory: Option<&Path>) -> String {
    match state {
        State::Ours(identity) => device_text(identity, directory),
        State::NotOurs { found } => format!("  answers, but is no device of xnorforge: {found}\n"),
        State::Silent { next_step } => format!("  silent\n  help: {next_step}\n"),
        State::Busy { next_step } => format!("  busy\n  help: {next_step}\n"),
        State::PermissionDenied { next_step } => format!("  permission denied\n  help: {next_step}\n"),
        State::Gone { next_step } => format!("  gone\n  help: {next_step}\n"),
        State::Failed { reason, next_step } => format!("  not asked: {reason}\n  help: {next_step}\n"),
        State::NotAsked { reason } => format!("  not asked: {reason}\n"),
    }
}

fn device_text(identity: &Identity, directory: Option<&Path>) -> String {
    let Identity { abi_version, is_supported, design_hash, slots, clock_hertz } = identity;
    let version = if *is_supported { "" } else { ", which this program does not drive" };
    let folder = match directory {
        Some(folder) => format!("design of {}", folder.display()),
        None => "design of none of the directories given with --dir".into(),
    };
    format!(
        "  device of xnorforge, interface {abi_version}{version}, {slots} slots, {} MHz\n  {folder}: {design_hash}\n",
        f64::from(*clock_hertz) / 1e6
    )
}
