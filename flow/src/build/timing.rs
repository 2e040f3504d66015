//! What synthesis and place and route say of a design.

use super::BuildError;
use crate::board::{Family, Resources};
use compiler::report::Measured;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

#[derive(Debug, Deserialize)]
struct TimingReport {
    fmax: BTreeMap<String, Clock>,
    utilization: BTreeMap<String, Use>,
    #[serde(default)]
    critical_paths: Vec<CriticalPath>,
}

#[derive(Debug, Deserialize)]
struct CriticalPath {
    from: String,
    to: String,
    #[serde(default)]
    path: Vec<Segment>,
}

#[derive(Debug, Deserialize)]
struct Segment {
    #[serde(rename = "type")]
    kind: String,
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

/// nextpnr's report.
pub(super) const REPORT: &str = "timing.json";

/// The resources and the speed reported by `timing.json` and `netlist.json` in `build`.
///
/// # Errors
/// Where a file is missing or of another form, or reports a hold violation.
pub(super) fn placed(build: &Path, family: Family) -> Result<Measured, BuildError> {
    let path = build.join(REPORT);
    let fault = |reason: &str| BuildError::Report { path: path.clone(), reason: reason.to_owned() };
    let report: TimingReport = read(&path)?;
    let ends_in_hold = |path: &&CriticalPath| path.path.iter().any(|segment| segment.kind == "hold");
    if let Some(CriticalPath { from, to, .. }) = report.critical_paths.iter().find(ends_in_hold) {
        return Err(BuildError::Hold { line: format!("from {from} to {to}"), log: path });
    }
    // Everything that is clocked runs at the design's clock.
    let fmax_mhz = report.fmax.values().map(|clock| clock.achieved).reduce(f64::min);
    let fmax_mhz = Some(fmax_mhz.ok_or_else(|| fault("it reports no clock"))?);
    let uses = report.utilization.into_iter().map(|(cell, count)| (cell, count.used)).collect();
    let Resources { lut, mut ff, bram, .. } = resources(family, &uses).ok_or_else(|| fault("it lacks a cell type"))?;
    if let Family::Ice40 | Family::Ice40up = family {
        // A logic cell is a LUT with a flip-flop; how many flip-flops are in use, only the netlist shows.
        ff = cells(&build.join("netlist.json"))?.iter().filter(|cell| cell.starts_with("SB_DFF")).count() as u64;
    }
    Ok(Measured { lut, ff, bram, fmax_mhz })
}

/// The line of nextpnr's log that reports a hold violation: with `--timing-allow-fail` a warning, and nextpnr succeeds.
pub(super) fn hold_violation(log: &str) -> Option<String> {
    let reports = |line: &&str| line.to_ascii_lowercase().contains("hold/min time violation");
    log.lines().find(reports).map(|line| line.trim().trim_end_matches(':').to_owned())
}

/// What the cells in `uses` take of a chip, by nextpnr's names of cells; `None` where a name is missing.
pub(super) fn resources(family: Family, uses: &BTreeMap<String, u64>) -> Option<Resources> {
    let used = |cell: &str| uses.get(cell).copied();
    let of = |lut, ff, bram| Some(Resources { lut, ff, bram, spram: 0, dsp: 0 });
    match family {
        Family::Ecp5 => of(used("TRELLIS_COMB")?, used("TRELLIS_FF")?, used("DP16KD")?),
        Family::Ice40 | Family::Ice40up => {
            let cells = used("ICESTORM_LC")?;
            of(cells, cells, used("ICESTORM_RAM")?)
        }
        Family::Gowin => {
            // A carry stands in a LUT's place, and a small RAM in those of four.
            let lut = used("LUT4")? + used("ALU")? + 4 * used("RAM16SDP4")?;
            of(lut, used("DFF")?, used("BSRAM")?)
        }
        Family::Xilinx7 => None,
    }
}

/// The resources reported by the netlist of a Xilinx 7 series in `build`: there is no place and route, hence no clock.
pub(super) fn synthesised(build: &Path) -> Result<Measured, BuildError> {
    let cells = cells(&build.join("netlist.json"))?;
    let sum = |weight: fn(&str) -> u64| cells.iter().map(|cell| weight(cell)).sum();
    Ok(Measured {
        lut: sum(|cell| match cell {
            "LUT1" | "LUT2" | "LUT3" | "LUT4" | "LUT5" | "LUT6" | "SRL16E" | "SRLC32E" | "RAM32X1S" | "RAM64X1S" => 1,
            "LUT6_2" => 1,
            "RAM32X1D" | "RAM64X1D" | "RAM128X1S" => 2,
            "RAM32M" | "RAM64M" | "RAM128X1D" | "RAM256X1S" => 4,
            _ => 0,
        }),
        ff: sum(|cell| u64::from(matches!(cell, "FDRE" | "FDSE" | "FDCE" | "FDPE"))),
        bram: sum(|cell| match cell {
            "RAMB18E1" => 1,
            "RAMB36E1" => 2,
            _ => 0,
        }),
        fmax_mhz: None,
    })
}

/// The types of the top module's cells.
fn cells(path: &Path) -> Result<Vec<String>, BuildError> {
    let netlist: Netlist = read(path)?;
    let top = netlist.modules.into_values().filter(|module| module.attributes.contains_key("top"));
    Ok(top.flat_map(|module| module.cells.into_values()).map(|cell| cell.kind).collect())
}

/// A resource and how much of it a design takes, by nextpnr's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Utilisation {
    pub(super) cell: String,
    pub(super) used: u64,
    pub(super) available: u64,
}

/// The table of utilisation in nextpnr's log.
pub(super) fn utilisation(log: &str) -> Vec<Utilisation> {
    log.lines()
        .filter_map(|line| {
            let (cell, rest) = line.strip_prefix("Info:")?.split_once(':')?;
            let (used, rest) = rest.split_once('/')?;
            let (available, share) = rest.trim_start().split_once(char::is_whitespace)?;
            share.trim_end().ends_with('%').then_some(())?;
            Some(Utilisation {
                cell: cell.trim().to_owned(),
                used: used.trim().parse().ok()?,
                available: available.parse().ok()?,
            })
        })
        .collect()
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, BuildError> {
    let text =
        fs::read_to_string(path).map_err(|source| BuildError::File { action: "read", path: path.into(), source })?;
    serde_json::from_str(&text).map_err(|error| BuildError::Report { path: path.into(), reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_utilisation_is_found_in_a_log() {
        let log = "Info: Device utilisation:\nInfo: \t         ICESTORM_LC:    6101/   5280   115%\n\
                   Info: \t        ICESTORM_RAM:      20/     30    66%\nInfo: Placed 7 cells based on constraints.\n\
                   ERROR: Unable to place cell 'a/b: 1/2 3%', no BELs remaining\n";
        let found = utilisation(log);
        let row = |cell: &str, used, available| Utilisation { cell: cell.to_owned(), used, available };
        assert_eq!(found, [row("ICESTORM_LC", 6101, 5280), row("ICESTORM_RAM", 20, 30)]);
        let uses = found.into_iter().map(|row| (row.cell, row.used)).collect();
        let needed = resources(Family::Ice40up, &uses).expect("all cells of the family are there");
        assert_eq!((needed.lut, needed.ff, needed.bram), (6101, 6101, 20));
        assert_eq!(resources(Family::Ecp5, &uses), None);
    }
}
