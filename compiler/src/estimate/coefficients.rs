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

impl Features {
    /// What a stage with these features costs. One without a coefficient ([`unknown`](Self::unknown)) costs nothing.
    pub fn estimate(&self, family: Family) -> Estimate {
        let sum = |resource: Resource| -> f64 {
            let coefficients = self.coefficients(family, resource);
            let cost =
                |(name, value): &(&str, f64)| coefficients.and_then(|known| known.get(*name)).unwrap_or(&0.0) * value;
            self.of(resource).iter().map(cost).sum()
        };
        let [lut, ff] = [Resource::Lut, Resource::Ff].map(|resource| sum(resource).round() as u64);
        Estimate { lut, ff, bram: self.bram }
    }

    /// The features that have no coefficient.
    pub fn unknown(&self, family: Family) -> Vec<&'static str> {
        let unknown = |resource: Resource| {
            let coefficients = self.coefficients(family, resource);
            let names = self.of(resource).iter().map(|(name, _)| *name);
            names.filter(move |name| !coefficients.is_some_and(|known| known.contains_key(*name)))
        };
        [Resource::Lut, Resource::Ff].into_iter().flat_map(unknown).collect()
    }

    fn of(&self, resource: Resource) -> &[(&'static str, f64)] {
        match resource {
            Resource::Lut => &self.lut,
            Resource::Ff => &self.ff,
        }
    }

    fn coefficients(&self, family: Family, resource: Resource) -> Option<&'static BTreeMap<String, f64>> {
        let kind = FITTED.get(&family)?.kinds.get(self.kind)?;
        Some(match resource {
            Resource::Lut => &kind.lut,
            Resource::Ff => &kind.ff,
        })
    }
}

/// What coefficients are of.
#[derive(Clone, Copy)]
enum Resource {
    Lut,
    Ff,
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
