//! Formats of activations.

use super::places::PlaceKind;
use super::range::Range;
use crate::quantize::hwgq;
use crate::reference::quantize::limits;
use miette::Diagnostic;
use std::fmt;
use std::str::FromStr;

/// A format that activations may be given.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Format {
    /// Integers times a scale.
    Fixed {
        signed: bool,
        bits: u32,
        /// A float32.
        scale: f64,
    },
    /// Multiples of a step; every positive number gets at least one.
    HalfWave {
        /// A float32.
        step: f64,
        /// Float32 as well: where the number of steps grows.
        thresholds: Vec<f64>,
    },
}

impl Format {
    /// What becomes of a number.
    pub fn round(&self, x: f64) -> f64 {
        match self {
            Format::Fixed { signed, bits, scale } => {
                let (least, greatest) = limits(*bits, *signed);
                (x / scale).clamp(least, greatest).round_ties_even() * scale
            }
            Format::HalfWave { step, thresholds } => {
                step * thresholds.iter().filter(|threshold| x >= **threshold).count() as f64
            }
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Format::Fixed { signed, bits, scale } => {
                write!(f, "{} bits {} in steps of {scale}", bits, if *signed { "signed" } else { "unsigned" })
            }
            Format::HalfWave { step, thresholds } => {
                write!(f, "{} half-wave levels in steps of {step}", thresholds.len() + 1)
            }
        }
    }
}

/// Which scales activations may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScaleChoice {
    /// Powers of two.
    PowerOfTwo,
    /// Any, except in sums and concatenations, whose operands have powers of two.
    Any,
    /// The levels of half-wave Gaussian quantisation where no number is negative, with the step of least error instead of the
    /// one for a Gaussian of variance 1; else powers of two.
    HalfWave,
}

/// Least bits of an image of real numbers.
const IMAGE_BITS: u32 = 8;

/// What activations shall become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activations {
    /// Bits of an activation.
    pub bits: u32,
    /// Which scales they may have.
    pub scale: ScaleChoice,
}

impl Default for Activations {
    fn default() -> Self {
        Activations { bits: 8, scale: ScaleChoice::PowerOfTwo }
    }
}

/// A text that tells no format of activations.
#[derive(Clone, Debug, PartialEq, thiserror::Error, Diagnostic)]
#[error("activations must be BITS, any:BITS with 2 to 16 bits or hwgq:BITS with 1 to 4, but are `{found}`")]
#[diagnostic(
    code(network::calibrate::activations),
    help(
        "8 is fixed point with a power of two as step, any:8 takes any step, hwgq:2 the levels of half-wave Gaussian quantisation"
    )
)]
pub struct ActivationsError {
    found: String,
}

impl FromStr for Activations {
    type Err = ActivationsError;

    fn from_str(text: &str) -> Result<Self, ActivationsError> {
        let (scale, bits) = match text.split_once(':') {
            None => (ScaleChoice::PowerOfTwo, text),
            Some(("any", bits)) => (ScaleChoice::Any, bits),
            Some(("hwgq", bits)) => (ScaleChoice::HalfWave, bits),
            Some(_) => return Err(ActivationsError { found: text.into() }),
        };
        let range = if scale == ScaleChoice::HalfWave { 1..=hwgq::MAX_BITS } else { 2..=super::MAX_BITS };
        let bits = bits.parse().ok().filter(|bits| range.contains(bits));
        bits.map(|bits| Activations { bits, scale }).ok_or_else(|| ActivationsError { found: text.into() })
    }
}

impl Activations {
    /// Formats for numbers of a range, from which the one with the least mean squared error is taken: to cut off some
    /// great numbers may cost less than to round all the others more.
    pub(super) fn candidates(&self, range: &Range, kind: PlaceKind) -> Vec<Format> {
        let signed = range.least < 0.0;
        if kind == PlaceKind::Image && range.is_integer_of(super::MAX_BITS) {
            // Its own grid: nothing is lost.
            let bits = (1..).find(|bits| {
                let (least, greatest) = limits(*bits, signed);
                range.least >= least && range.greatest <= greatest && (*bits > 1 || !signed)
            });
            return vec![Format::Fixed { signed, bits: bits.unwrap_or(super::MAX_BITS), scale: 1.0 }];
        }
        let magnitude = range.greatest.max(-range.least);
        // Nothing but zeros, or numbers that float32 scales do not reach.
        let magnitude = if magnitude > 1e-30 { magnitude } else { 1.0 };
        if self.scale == ScaleChoice::HalfWave && !signed && kind != PlaceKind::Image {
            return half_waves(magnitude, self.bits);
        }
        // Fewer than two bits cannot be signed; an image keeps at least the bits of its pixels.
        let bits = self.bits.max(if kind == PlaceKind::Image { IMAGE_BITS } else { 2 });
        let (_, greatest) = limits(bits, signed);
        let widest = magnitude / greatest;
        let scales: Vec<f64> = match self.scale {
            ScaleChoice::Any if kind != PlaceKind::Joined => {
                (8..=64).rev().map(|share| f64::from((widest * f64::from(share) / 64.0) as f32)).collect()
            }
            _ => {
                let coarsest = widest.log2().ceil() as i32;
                (0..=bits as i32).map(|finer| 2f64.powi(coarsest - finer)).collect()
            }
        };
        scales.into_iter().map(|scale| Format::Fixed { signed, bits, scale }).collect()
    }
}

/// Half-wave levels up to `magnitude` and less.
fn half_waves(magnitude: f64, bits: u32) -> Vec<Format> {
    let levels = (1u32 << bits) - 1;
    let widest = magnitude / f64::from(levels);
    let single = |value: f64| f64::from(value as f32);
    (4..=64)
        .rev()
        .map(|share| {
            let step = single(widest * f64::from(share) / 64.0);
            let above = (1..levels).map(|level| single((f64::from(level) + 0.5) * step));
            let thresholds = [f64::from(f32::MIN_POSITIVE)].into_iter().chain(above).collect();
            Format::HalfWave { step, thresholds }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::places::PlaceKind;
    use super::super::range::Range;
    use super::super::statistics::Errors;
    use super::{Activations, Format, ScaleChoice, half_waves};
    use crate::tensor::Tensor;

    fn chosen(text: &str, data: &[f64], kind: PlaceKind) -> Format {
        let tensor = Tensor::new(vec![data.len()], data.to_vec());
        let mut range = Range::default();
        range.add(&tensor);
        let mut errors = Errors::of(text.parse::<Activations>().unwrap_or_default().candidates(&range, kind));
        errors.add(&tensor);
        errors.format(errors.best()).clone()
    }

    #[test]
    fn numbers_on_a_grid_keep_it() {
        let sixteenths: Vec<f64> = (0..200).map(|number| f64::from(number) / 16.0).collect();
        let expected = Format::Fixed { signed: false, bits: 8, scale: 0.0625 };
        assert_eq!(chosen("8", &sixteenths, PlaceKind::Inner), expected);
        let signed = [-1.0, -0.5, 0.5, 0.75];
        assert_eq!(chosen("3", &signed, PlaceKind::Inner), Format::Fixed { signed: true, bits: 3, scale: 0.25 });
        let pixels = [0.0, 3.0, 16.0];
        assert_eq!(chosen("8", &pixels, PlaceKind::Image), Format::Fixed { signed: false, bits: 5, scale: 1.0 });
    }

    #[test]
    fn a_single_great_number_is_cut_off() {
        let mut data: Vec<f64> = (0..10_000).map(|number| f64::from(number) / 10_000.0).collect();
        data.push(4.0);
        let Format::Fixed { scale, .. } = chosen("4", &data, PlaceKind::Inner) else { panic!() };
        // 4 would take a step of 1/2; with 1/16 it becomes 15/16.
        assert_eq!(scale, 0.0625);
    }

    #[test]
    fn half_waves_give_positive_numbers_a_level() {
        let format = &half_waves(3.0, 2)[0];
        assert_eq!(
            [-1.0, 0.0, 0.01, 1.4, 1.6, 2.4, 2.6, 99.0].map(|x| format.round(x)),
            [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0]
        );
    }

    #[test]
    fn formats_by_name() {
        let of = |text: &str| text.parse::<Activations>();
        assert_eq!(of("8"), Ok(Activations::default()));
        assert_eq!(of("any:4"), Ok(Activations { bits: 4, scale: ScaleChoice::Any }));
        assert_eq!(of("hwgq:2"), Ok(Activations { bits: 2, scale: ScaleChoice::HalfWave }));
        for wrong in ["", "1", "17", "any", "hwgq:5", "hwgq:0", "float"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
