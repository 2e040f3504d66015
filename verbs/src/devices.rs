//! `devices`: what answers on this machine.

use crate::error::VerbError;
use flow::artifacts;
use host::DeviceAddress;
use host::discover::{Found, Search, State};
use serde::Serialize;
use std::path::PathBuf;

/// Where to look.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Only these places, also where the system does not list them; all that it lists where there are none.
    pub addresses: Vec<DeviceAddress>,
    /// Directories that `compile` wrote, to report which devices run their designs.
    pub folders: Vec<PathBuf>,
    /// Only list, ask nobody.
    pub list_only: bool,
}

/// A place where a device can be, and what was found there.
#[derive(Clone, Debug, Serialize)]
pub struct Place {
    /// What was found.
    #[serde(flatten)]
    pub found: Found,
    /// The directory whose design it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<PathBuf>,
}

/// Lists serial lines and PCIe functions, and asks those that can be devices who they are.
///
/// # Errors
/// Where a directory is none that `compile` wrote.
pub fn devices(options: &Options) -> Result<Vec<Place>, VerbError> {
    let mut designs = Vec::new();
    for folder in &options.folders {
        designs.push((artifacts::read_manifest(folder)?.design_hash, folder));
    }
    let search = Search { is_probing: !options.list_only, ..Search::default() };
    let found = if options.addresses.is_empty() {
        search.all()
    } else {
        options.addresses.iter().map(|address| search.at(address)).collect()
    };
    let place = |found: Found| {
        let directory = match &found.state {
            State::Ours(identity) => designs
                .iter()
                .find(|(hash, _)| hash.eq_ignore_ascii_case(&identity.design_hash))
                .map(|(_, folder)| (*folder).clone()),
            State::NotOurs { .. }
            | State::Silent { .. }
            | State::Busy { .. }
            | State::PermissionDenied { .. }
            | State::Gone { .. }
            | State::Failed { .. }
            | State::NotAsked { .. } => None,
        };
        Place { found, directory }
    };
    Ok(found.into_iter().map(place).collect())
}
