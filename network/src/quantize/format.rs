//! What quantised weights are: codes, and what each code stands for.

use super::Weights;
use crate::grid::{greatest, greatest_common_step};
use std::collections::BTreeSet;
use std::fmt;

/// Which weights share a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granularity {
    /// All of a layer.
    Tensor,
    /// Those of an output channel.
    Channel,
    /// Those of an output at one position of the kernel, of so many neighbouring input channels.
    Group(usize),
}

/// Scales, each a positive float32: what a file keeps, so that codes times scales are exactly what the file means.
#[derive(Clone, Debug, PartialEq)]
pub struct Scales {
    /// Which weights share one.
    pub granularity: Granularity,
    /// The scales: one, one for each output, or one for each output, position and group in this order.
    pub values: Vec<f64>,
    /// Bits that a scale takes in memory.
    pub bits: u32,
}

impl Scales {
    /// Float32 scales; [`Quantized::new`] replaces those that are not positive.
    pub(super) fn new(granularity: Granularity, values: Vec<f64>) -> Self {
        Scales { granularity, values: values.into_iter().map(|value| f64::from(value as f32)).collect(), bits: 32 }
    }

    /// The number of the scale of a weight.
    fn index(&self, weights: &Weights<'_>, element: usize) -> usize {
        let (output, inner) = (element / weights.inputs(), element % weights.inputs());
        match self.granularity {
            Granularity::Tensor => 0,
            Granularity::Channel => output,
            Granularity::Group(size) => {
                let (channel, tap) = (inner / weights.taps, inner % weights.taps);
                (output * weights.taps + tap) * weights.channels.div_ceil(size) + channel / size
            }
        }
    }
}

/// Integer codes times scales, a summand of [`Format::Sum`] or a format of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Basis {
    /// A code for each weight.
    pub codes: Vec<i32>,
    /// What the codes are multiplied by.
    pub scales: Scales,
}

impl Basis {
    /// With positive scales: a negative one turns the codes around, zero makes them zero.
    fn normal(mut self, weights: &Weights<'_>) -> Self {
        let factors: Vec<i32> =
            self.scales.values.iter().map(|scale| scale.partial_cmp(&0.0).map_or(0, |o| o as i32)).collect();
        for (element, code) in self.codes.iter_mut().enumerate() {
            *code *= factors[self.scales.index(weights, element)];
        }
        for scale in &mut self.scales.values {
            *scale = if *scale == 0.0 { 1.0 } else { scale.abs() };
        }
        self
    }

    /// Whether all codes are ±1.
    pub fn is_bipolar(&self) -> bool {
        self.codes.iter().all(|code| code.abs() == 1)
    }
}

/// How codes become numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Format {
    /// An integer times a scale.
    Scaled(Basis),
    /// +positive, 0 or −negative, for the codes 1, 0 and −1.
    TwoMagnitudes {
        /// A code for each weight.
        codes: Vec<i32>,
        /// What +1 stands for.
        positive: Scales,
        /// What −1 stands for, without its sign.
        negative: Scales,
    },
    /// A sum of integers times scales.
    Sum(Vec<Basis>),
    /// A number for each code.
    Levels {
        /// A code for each weight.
        codes: Vec<usize>,
        /// The numbers.
        levels: Vec<f64>,
    },
}

/// Quantised weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantized {
    /// What they are.
    pub format: Format,
    /// Bits that a code takes in memory, as the scheme encodes it.
    pub code_bits: u32,
    /// The numbers that they stand for, in the order of the weights.
    pub values: Vec<f64>,
}

impl Quantized {
    pub(super) fn new(weights: &Weights<'_>, format: Format, code_bits: u32) -> Self {
        let format = match format {
            Format::Scaled(basis) => Format::Scaled(basis.normal(weights)),
            Format::Sum(bases) => Format::Sum(bases.into_iter().map(|basis| basis.normal(weights)).collect()),
            format => format,
        };
        let product = |basis: &Basis, element: usize| {
            f64::from(basis.codes[element]) * basis.scales.values[basis.scales.index(weights, element)]
        };
        let value = |element: usize| match &format {
            Format::Scaled(basis) => product(basis, element),
            Format::Sum(bases) => bases.iter().map(|basis| product(basis, element)).sum(),
            Format::TwoMagnitudes { codes, positive, negative } => match codes[element] {
                0 => 0.0,
                code if code > 0 => positive.values[positive.index(weights, element)],
                _ => -negative.values[negative.index(weights, element)],
            },
            Format::Levels { codes, levels } => levels[codes[element]],
        };
        let values = (0..weights.values.len()).map(value).collect();
        Quantized { format, code_bits, values }
    }

    /// Integers times a scale.
    pub(super) fn scaled(weights: &Weights<'_>, codes: Vec<i32>, scales: Scales, code_bits: u32) -> Self {
        Quantized::new(weights, Format::Scaled(Basis { codes, scales }), code_bits)
    }

    /// Mean square of what the weights changed by, over the mean square of the weights.
    pub fn relative_mse(&self, weights: &Weights<'_>) -> f64 {
        let square = |(weight, value): (&f64, &f64)| (weight - value) * (weight - value);
        let changes: f64 = weights.values.iter().zip(&self.values).map(square).sum();
        let whole: f64 = weights.values.iter().map(|weight| weight * weight).sum();
        if whole > 0.0 { changes / whole } else { 0.0 }
    }

    /// Bits that codes and scales take.
    pub fn bits(&self) -> u64 {
        let of = |scales: &Scales| scales.values.len() as u64 * u64::from(scales.bits);
        let scales = match &self.format {
            Format::Scaled(basis) => of(&basis.scales),
            Format::Sum(bases) => bases.iter().map(|basis| of(&basis.scales)).sum(),
            Format::TwoMagnitudes { positive, negative, .. } => of(positive) + of(negative),
            Format::Levels { levels, .. } => 32 * levels.len() as u64,
        };
        self.values.len() as u64 * u64::from(self.code_bits) + scales
    }

    /// The weights as integers times one scale for the layer or one for each output channel, `None` where they are none.
    pub fn as_integers(&self, weights: &Weights<'_>) -> Option<Basis> {
        let Format::Scaled(basis) = &self.format else {
            return None;
        };
        if !matches!(basis.scales.granularity, Granularity::Group(_)) {
            return Some(basis.clone());
        }
        let step = greatest_common_step(&basis.scales.values, MAX_STEPS)?;
        if step * MAX_STEPS < greatest(&basis.scales.values) {
            return None;
        }
        let code = |(element, code): (usize, &i32)| {
            let scale = basis.scales.values[basis.scales.index(weights, element)];
            code * (scale / step) as i32
        };
        let codes = basis.codes.iter().enumerate().map(code).collect();
        Some(Basis { codes, scales: Scales::new(Granularity::Tensor, vec![step]) })
    }
}

/// Most steps of a common grid that scales of groups are put on.
const MAX_STEPS: f64 = 256.0;

impl fmt::Display for Quantized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let alphabet = |codes: &[i32]| {
            let distinct: BTreeSet<i32> = codes.iter().copied().collect();
            match (distinct.first(), distinct.last()) {
                (Some(-1), Some(1)) if distinct.len() == 2 => "±1".to_owned(),
                (Some(first), Some(last)) if distinct.len() > 3 => format!("{} of {first}..{last}", distinct.len()),
                _ => distinct.iter().map(i32::to_string).collect::<Vec<_>>().join(" "),
            }
        };
        let scale = |scales: &Scales| match scales.granularity {
            Granularity::Tensor => "scale".to_owned(),
            Granularity::Channel => "scale per channel".to_owned(),
            Granularity::Group(size) => format!("scale per {size} inputs"),
        };
        match &self.format {
            Format::Scaled(basis) => write!(f, "{} x {}", alphabet(&basis.codes), scale(&basis.scales)),
            Format::TwoMagnitudes { positive, .. } => {
                write!(f, "+p 0 -n, {}", scale(positive).replace("scale", "pair"))
            }
            Format::Sum(bases) => write!(f, "{} x (±1 x {})", bases.len(), scale(&bases[0].scales)),
            Format::Levels { levels, .. } => write!(f, "{} levels", levels.len()),
        }
    }
}
