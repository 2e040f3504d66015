//! `devices`: what answers on this machine.

use crate::failure::Failure;
use crate::output::show;
use clap::Args;
use flow::artifacts;
use host::DeviceAddress;
use host::discover::{Found, Identity, Search, State};
use serde::Serialize;
use std::path::PathBuf;

/// List serial lines and PCIe functions, and ask those that can be devices who they are.
///
/// Asking a serial line opens it and writes one read request at each usual rate. Of PCIe
/// functions, only those with the identifiers of LitePCIe or ivshmem are read.
#[derive(Debug, Args)]
pub struct Devices {
    /// Only these: uart:PATH[@BAUD], pcie:BDF or pcie:FILE, also where the system does not list them.
    #[arg(value_name = "ADDRESS")]
    addresses: Vec<String>,
    /// A directory written by `compile`, to tell which devices run its design.
    #[arg(long = "dir", value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Only list, ask nobody.
    #[arg(long)]
    no_probe: bool,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// A place as `--json` shows it.
#[derive(Debug, Serialize)]
struct Place {
    #[serde(flatten)]
    found: Found,
    /// The directory whose design it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    directory: Option<PathBuf>,
}

impl Place {
    fn text(&self) -> String {
        let Found { address, stable_name, description, state } = &self.found;
        let name = stable_name.as_ref().map(|name| format!(", also {}", name.display())).unwrap_or_default();
        format!("{address}: {description}{name}\n{}", self.state_text(state))
    }

    fn state_text(&self, state: &State) -> String {
        match state {
            State::Ours(identity) => self.device_text(identity),
            State::NotOurs { found } => format!("  answers, but is no device of xnorforge: {found}\n"),
            State::Silent { next_step } => format!("  silent\n  help: {next_step}\n"),
            State::Busy { next_step } => format!("  busy\n  help: {next_step}\n"),
            State::PermissionDenied { next_step } => format!("  permission denied\n  help: {next_step}\n"),
            State::Gone { next_step } => format!("  gone\n  help: {next_step}\n"),
            State::Failed { reason, next_step } => format!("  not asked: {reason}\n  help: {next_step}\n"),
            State::NotAsked { reason } => format!("  not asked: {reason}\n"),
        }
    }

    fn device_text(&self, identity: &Identity) -> String {
        let Identity { abi_version, is_supported, design_hash, slots, clock_hertz } = identity;
        let version = if *is_supported { "" } else { ", which this program does not drive" };
        let folder = match &self.directory {
            Some(folder) => format!("design of {}", folder.display()),
            None => "design of none of the directories given with --dir".into(),
        };
        format!(
            "  device of xnorforge, interface {abi_version}{version}, {slots} slots, {} MHz\n  {folder}: {design_hash}\n",
            f64::from(*clock_hertz) / 1e6
        )
    }
}

impl Devices {
    /// Runs the verb.
    pub fn run(self) -> Result<(), Failure> {
        let addresses = self.addresses.iter().map(|address| address.parse()).collect::<Result<Vec<DeviceAddress>, _>>();
        let addresses = addresses.map_err(Failure::of_input)?;
        let mut designs = Vec::new();
        for folder in &self.folders {
            designs.push((artifacts::read(folder)?.manifest.design_hash, folder));
        }
        let search = Search { is_probing: !self.no_probe, ..Search::default() };
        let found = if addresses.is_empty() {
            search.all()
        } else {
            addresses.iter().map(|address| search.at(address)).collect()
        };
        let places: Vec<Place> = found
            .into_iter()
            .map(|found| {
                let directory = match &found.state {
                    State::Ours(identity) => designs
                        .iter()
                        .find(|(hash, _)| hash.eq_ignore_ascii_case(&identity.design_hash))
                        .map(|(_, folder)| (*folder).clone()),
                    _ => None,
                };
                Place { found, directory }
            })
            .collect();
        if self.json {
            return show(&format!("{}\n", serde_json::json!({ "devices": places })));
        }
        if places.is_empty() {
            return show(
                "no serial line and no PCIe function that can be a device\n\
                 plug a board in, or simulate one: `xnorforge simulate DIR --serve`, then \
                 `xnorforge devices uart:PATH` with the path that it prints\n",
            );
        }
        show(&places.iter().map(Place::text).collect::<String>())
    }
}
