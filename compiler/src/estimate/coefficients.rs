//! The fitted coefficients.

use super::{Estimate, Features};
use crate::family::Family;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// How far estimates of whole designs that the fit had not seen were from what synthesis made of them.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, serde::Serialize)]
pub struct Accuracy {
    /// Designs compared.
    pub designs: usize,
    /// Greatest relative error of the LUTs, in percent.
    pub lut_percent: f64,
    /// Of the flip-flops.
    pub ff_percent: f64,
    /// Of the block RAMs.
    pub bram_percent: f64,
    /// Of the clock, over a few designs that were placed; `None` where none were.
    #[serde(default)]
    pub fmax_percent: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
struct OfKind {
    #[serde(default)]
    lut: BTreeMap<String, f64>,
    #[serde(default)]
    ff: BTreeMap<String, f64>,
    /// Nanoseconds of the slowest path.
    #[serde(default)]
    delay: BTreeMap<String, f64>,
}

#[derive(Debug, Deserialize)]
struct OfFamily {
    accuracy: Option<Accuracy>,
    fmax_percent: Option<f64>,
    kinds: BTreeMap<String, OfKind>,
}

static FITTED: LazyLock<BTreeMap<Family, OfFamily>> = LazyLock::new(|| {
    // A test reads it, so a build whose tests pass has a file that parses.
    serde_json::from_str(include_str!("coefficients.json")).unwrap_or_default()
});

/// The error measured for a family, `None` where nothing was compared.
pub fn accuracy(family: Family) -> Option<Accuracy> {
    let fitted = FITTED.get(&family)?;
    Some(Accuracy { fmax_percent: fitted.fmax_percent, ..fitted.accuracy? })
}

impl Features {
    /// What a stage with these features costs.
    pub fn estimate(&self, family: Family) -> Estimate {
        let kind = FITTED.get(&family).and_then(|fitted| fitted.kinds.get(self.kind));
        let sum = |coefficients: Option<&BTreeMap<String, f64>>, values: &[(&'static str, f64)]| -> f64 {
            let coefficient = |name: &str| coefficients.and_then(|known| known.get(name)).copied().unwrap_or(0.0);
            values.iter().map(|(name, value)| coefficient(name) * value).sum()
        };
        let delay = sum(kind.map(|kind| &kind.delay), &self.delay);
        Estimate {
            lut: sum(kind.map(|kind| &kind.lut), &self.lut).round() as u64,
            ff: sum(kind.map(|kind| &kind.ff), &self.ff).round() as u64,
            bram: self.bram,
            fmax_mhz: (delay > 0.0).then(|| 1000.0 / delay),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_holds_every_family_and_kind() {
        let fitted: BTreeMap<Family, OfFamily> = serde_json::from_str(include_str!("coefficients.json")).unwrap();
        for family in Family::ALL {
            let kinds = &fitted[&family].kinds;
            for kind in super::super::features::KINDS {
                assert!(kinds.get(kind).is_some_and(|kind| !kind.lut.is_empty()), "{family} lacks {kind}");
            }
        }
    }
}
