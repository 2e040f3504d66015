//! What nextpnr says of a placed and routed design.

use super::BuildError;
use crate::board::Family;
use compiler::report::Measured;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

#[derive(Debug, Deserialize)]
struct TimingReport {
    fmax: BTreeMap<String, Clock>,
    utilization: BTreeMap<String, Use>,
}

#[derive(Debug, Deserialize)]
struct Clock {
    achieved: f64,
}

#[derive(Debug, Deserialize)]
struct Use {
    used: u64,
}

#[derive(Debug, Deserialize)]
struct Netlist {
    modules: BTreeMap<String, Module>,
}

#[derive(Debug, Deserialize)]
struct Module {
    #[serde(default)]
    attributes: BTreeMap<String, serde::de::IgnoredAny>,
    #[serde(default)]
    cells: BTreeMap<String, Cell>,
}

#[derive(Debug, Deserialize)]
struct Cell {
    #[serde(rename = "type")]
    kind: String,
}

/// The resources and the speed told by `timing.json` and `netlist.json` in `build`.
///
/// # Errors
/// Where a file is missing or of another form.
pub(super) fn measured(build: &Path, family: Family) -> Result<Measured, BuildError> {
    let path = build.join("timing.json");
    let fault = |reason: &str| BuildError::Report { path: path.clone(), reason: reason.to_owned() };
    let report: TimingReport = read(&path)?;
    let fmax_mhz = report.fmax.values().map(|clock| clock.achieved).reduce(f64::min);
    let used =
        |cell: &str| report.utilization.get(cell).map(|cell| cell.used).ok_or_else(|| fault("it lacks a cell type"));
    let fmax_mhz = fmax_mhz.ok_or_else(|| fault("it tells no clock"))?;
    Ok(match family {
        Family::Ecp5 => {
            Measured { lut: used("TRELLIS_COMB")?, ff: used("TRELLIS_FF")?, bram: used("DP16KD")?, fmax_mhz }
        }
        // A logic cell is a LUT with a flip-flop; how many flip-flops are in use, only the netlist tells.
        Family::Ice40 => Measured {
            lut: used("ICESTORM_LC")?,
            ff: count(&build.join("netlist.json"), "SB_DFF")?,
            bram: used("ICESTORM_RAM")?,
            fmax_mhz,
        },
    })
}

/// Cells of the top module whose type begins with `prefix`.
fn count(path: &Path, prefix: &str) -> Result<u64, BuildError> {
    let netlist: Netlist = read(path)?;
    let top = netlist.modules.values().filter(|module| module.attributes.contains_key("top"));
    Ok(top.flat_map(|module| module.cells.values()).filter(|cell| cell.kind.starts_with(prefix)).count() as u64)
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, BuildError> {
    let text =
        fs::read_to_string(path).map_err(|source| BuildError::File { action: "read", path: path.into(), source })?;
    serde_json::from_str(&text).map_err(|error| BuildError::Report { path: path.into(), reason: error.to_string() })
}
