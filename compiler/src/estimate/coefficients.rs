//! The fitted coefficients.

use super::Estimate;
use crate::chip::family::Family;
use crate::chip::features::Features;
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
}

#[derive(Debug, Default, Deserialize)]
struct OfKind {
    #[serde(default)]
    lut: BTreeMap<String, f64>,
    #[serde(default)]
    ff: BTreeMap<String, f64>,
}

#[derive(Debug, Deserialize)]
struct OfFamily {
    accuracy: Option<Accuracy>,
    kinds: BTreeMap<String, OfKind>,
}

static FITTED: LazyLock<BTreeMap<Family, OfFamily>> = LazyLock::new(|| {
    // A test reads it, so a build whose tests pass has a file that parses.
    serde_json::from_str(include_str!("coefficients.json")).unwrap_or_default()
});

/// The error measured for a family, `None` where nothing was compared.
pub fn accuracy(family: Family) -> Option<Accuracy> {
    FITTED.get(&family)?.accuracy
}

/// Features of a resource, and the coefficients of their kind by name.
type WithCoefficients<'a> = (&'a [(&'static str, f64)], Option<&'static BTreeMap<String, f64>>);

impl Features {
    /// What a stage with these features costs. One without a coefficient ([`unknown`](Self::unknown)) costs nothing.
    pub fn estimate(&self, family: Family) -> Estimate {
        let [lut, ff] = self.with_coefficients(family).map(|(features, known)| {
            let coefficient = |name: &str| known.and_then(|known| known.get(name)).copied().unwrap_or(0.0);
            features.iter().map(|(name, value)| coefficient(name) * value).sum::<f64>().round() as u64
        });
        Estimate { lut, ff, bram: self.bram }
    }

    /// The features that have no coefficient.
    pub fn unknown(&self, family: Family) -> Vec<&'static str> {
        let unknown = self.with_coefficients(family).map(|(features, known)| {
            let names = features.iter().map(|(name, _)| *name);
            names.filter(move |name| !known.is_some_and(|known| known.contains_key(*name)))
        });
        unknown.into_iter().flatten().collect()
    }

    /// The features of LUTs and of flip-flops, each with the coefficients of the kind.
    fn with_coefficients(&self, family: Family) -> [WithCoefficients<'_>; 2] {
        let kind = FITTED.get(&family).and_then(|fitted| fitted.kinds.get(self.kind));
        [(&self.lut, kind.map(|kind| &kind.lut)), (&self.ff, kind.map(|kind| &kind.ff))]
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
            for kind in crate::chip::features::KINDS {
                assert!(kinds.get(kind).is_some_and(|kind| !kind.lut.is_empty()), "{family} lacks {kind}");
            }
        }
    }
}
