//! The integers of dot products. Where channels have unlike scales these go into the weights, or into the data.

use super::Walk;
use crate::chip::number::greatest_common_divisor;
use crate::lower::LowerError;
use crate::lower::chain::{Binary, Constant};
use crate::lower::steps::Lattice;
use crate::lower::symbol::Parameter;
use crate::lower::weights::{IntegerWeights, NoGrid, element_of, integer_weights};
use abi::ElementType;
use network::graph::Node;
use network::grid::{MAX_WEIGHT, WIDEST_DATA, is_exact_product};
use network::network::{Add, LayerKind, TensorId, TensorType, Window};
use network::tensor::Tensor;
use num_bigint::BigInt;
use num_rational::BigRational;
use std::cmp::Ordering;
use std::collections::HashMap;

/// What a dot product over channels with unlike scales can read.
const INTO_WEIGHTS: &str = "one scale for all channels that it sums; scales that times the weights are integers of at most 9 bits times one \
                            scale; or scales that times the codes are integers of at most 16 bits times one scale";

/// A dot product before its weights are integers.
pub(super) struct Dot {
    /// The tensor read.
    pub(super) source: TensorId,
    /// Factor and summand of the numbers read, one constant for each channel of the tensor, or one for all.
    pub(super) factor: Parameter,
    pub(super) summand: Parameter,
    /// Real weights, `[rows, columns]`, the columns in the order in which the stream carries the elements.
    pub(super) weights: Tensor,
    /// What is added to each row's sum.
    pub(super) bias: Option<Vec<Constant>>,
    /// Windows, groups and the code of the padding; `None` for a product with each pixel.
    pub(super) windows: Option<(Window, usize, i32)>,
}

impl Dot {
    /// The channel that a row's weight of a column belongs to.
    fn channel(&self, row: usize, column: usize) -> usize {
        let Some((window, groups, _)) = &self.windows else { return column };
        let own = self.weights.shape[1] / window.taps();
        row / (self.weights.shape[0] / groups) * own + column % own
    }

    /// The code of what windows reach beyond the border.
    fn padding(&self) -> i32 {
        self.windows.as_ref().map_or(0, |(_, _, padding)| *padding)
    }
}

/// Weights in integers, and what each row's sums of them times the data's integers are to be multiplied with and added to.
pub(super) struct ScaledRows {
    pub(super) weights: IntegerWeights,
    /// Factor of each row, without the scale of its weights.
    pub(super) factors: Vec<Constant>,
    /// Summand of each row that the summands of the data make.
    pub(super) terms: Vec<Constant>,
    /// The tensor read: the data's, or it with the scales in it.
    pub(super) source: TensorId,
}

impl Walk<'_> {
    /// The integers of a dot product.
    pub(super) fn scaled_rows(&mut self, node: &Node, dot: &Dot) -> Result<ScaledRows, LowerError> {
        let (rows, columns) = (dot.weights.shape[0], dot.weights.shape[1]);
        let grid = match integer_weights(&dot.weights.data, rows, columns) {
            Ok(grid) => grid,
            Err(fault) => return self.folded_rows(dot).ok_or_else(|| self.no_grid(node, fault)),
        };
        let mut terms = Vec::with_capacity(rows);
        for row in 0..rows {
            terms.push(self.term(node, dot, &grid, row)?);
        }
        if let Some(factor) = dot.factor.as_uniform() {
            let factors = vec![factor.clone(); rows];
            return Ok(ScaledRows { weights: grid, factors, terms, source: dot.source });
        }
        let channels = self.tensors[dot.source.0].channels;
        let class_of = self.classes(node, &dot.factor, channels)?;
        // The channels that count: those with a weight.
        let of_row = |row: usize| {
            let weights = grid.matrix.row(row).iter().enumerate();
            weights.filter(|(_, weight)| **weight != 0).map(move |(column, _)| dot.channel(row, column))
        };
        let single = |row: usize| {
            let first = of_row(row).next().map_or(0, |channel| class_of[channel]);
            of_row(row).all(|channel| class_of[channel] == first).then_some(first)
        };
        let singles: Vec<Option<usize>> = (0..rows).map(single).collect();
        if let Some(classes) = singles.iter().copied().collect::<Option<Vec<usize>>>() {
            let factors = classes.into_iter().map(|channel| dot.factor.at(channel).clone()).collect();
            return Ok(ScaledRows { weights: grid, factors, terms, source: dot.source });
        }
        let common = common_unit(&dot.factor, channels);
        let numbers = match &common {
            Some((integers, _)) => Some(integers.iter().map(|integer| *integer as f64).collect()),
            None => (0..channels).map(|channel| dot.factor.at(channel).as_float()).collect::<Option<Vec<f64>>>(),
        };
        let unit = common.as_ref().map_or(Constant::Float(1.0), |(_, unit)| unit.clone());
        if let Some((weights, scales)) = numbers.and_then(|numbers| scale_weights(dot, &grid, &singles, &numbers)) {
            let factor = |(single, scale): (&Option<usize>, f64)| match single {
                Some(channel) => dot.factor.at(*channel).clone(),
                None => Constant::Float(scale).binary(Binary::Multiply, unit.clone()),
            };
            let factors = singles.iter().zip(scales).map(factor).collect();
            return Ok(ScaledRows { weights, factors, terms, source: dot.source });
        }
        let source = common.and_then(|(integers, _)| self.scale_data(node, dot, integers));
        let source = source.ok_or_else(|| self.unlike_channels(node, INTO_WEIGHTS))?;
        Ok(ScaledRows { weights: grid, factors: vec![unit; rows], terms, source })
    }

    /// Weights that are on a grid only with the scales of the channels in them.
    fn folded_rows(&self, dot: &Dot) -> Option<ScaledRows> {
        let (rows, columns) = (dot.weights.shape[0], dot.weights.shape[1]);
        let channels = self.tensors[dot.source.0].channels;
        let scales: Vec<f64> = (0..channels)
            .map(|channel| dot.factor.at(channel).as_float().filter(|s| *s != 0.0))
            .collect::<Option<_>>()?;
        let place = |index: usize| dot.channel(index / columns, index % columns);
        let products = dot.weights.data.iter().enumerate().map(|(index, weight)| {
            let scale = scales[place(index)];
            is_exact_product(*weight, scale).then_some(weight * scale)
        });
        let grid = integer_weights(&products.collect::<Option<Vec<f64>>>()?, rows, columns).ok()?;
        // w · (f · x + s) = (w · f) · (x + s / f)
        let term = |row: usize| {
            let weights = grid.matrix.row(row).iter().enumerate();
            let terms = weights.map(|(column, weight)| {
                let channel = dot.channel(row, column);
                let (summand, scale) = (dot.summand.at(channel).clone(), dot.factor.at(channel).clone());
                (summand.binary(Binary::Divide, scale), i64::from(*weight))
            });
            Constant::sum(terms.collect()).binary(Binary::Multiply, Constant::Float(grid.scales[row]))
        };
        let is_zero = dot.summand.as_uniform().is_some_and(|summand| *summand == Constant::Float(0.0));
        let terms = (0..rows).map(|row| if is_zero { Constant::Float(0.0) } else { term(row) }).collect();
        Some(ScaledRows { weights: grid, factors: vec![Constant::Float(1.0); rows], terms, source: dot.source })
    }

    fn no_grid(&self, node: &Node, fault: NoGrid) -> LowerError {
        LowerError::WeightsNotQuantised {
            node: node.name.clone(),
            bits: 9,
            channel: fault.row,
            detail: match fault.steps {
                Some(steps) => format!(": they reach {steps} steps of their grid, more than {MAX_WEIGHT}"),
                None => String::new(),
            },
        }
    }

    /// What the summands of the data add to a row's sum: Σ w · s.
    fn term(&self, node: &Node, dot: &Dot, grid: &IntegerWeights, row: usize) -> Result<Constant, LowerError> {
        let weights = grid.matrix.row(row).iter().map(|weight| i64::from(*weight));
        let sum = match dot.summand.as_uniform() {
            Some(constant) => {
                let sign = constant.sign();
                let undefined = |_| LowerError::Undefined { node: node.name.clone(), channel: 0 };
                if sign.map_err(undefined)?.is_eq() {
                    return Ok(Constant::Float(0.0));
                }
                vec![(constant.clone(), weights.sum())]
            }
            None => {
                let summand = |column: usize| dot.summand.at(dot.channel(row, column)).clone();
                weights.enumerate().map(|(column, weight)| (summand(column), weight)).collect()
            }
        };
        Ok(Constant::sum(sum).binary(Binary::Multiply, Constant::Float(grid.scales[row])))
    }

    /// For each channel the first one with the same scale.
    fn classes(&self, node: &Node, factor: &Parameter, channels: usize) -> Result<Vec<usize>, LowerError> {
        let mut known: HashMap<u64, Vec<usize>> = HashMap::new();
        let mut classes = Vec::with_capacity(channels);
        for channel in 0..channels {
            let constant = factor.at(channel);
            let undefined = || LowerError::Undefined { node: node.name.clone(), channel };
            let near = constant.approximate().ok_or_else(undefined)?;
            let candidates = known.entry(near.to_bits()).or_default();
            let mut found = None;
            for candidate in candidates.iter() {
                if found.is_none() && constant.equals(factor.at(*candidate)).map_err(|_| undefined())? {
                    found = Some(*candidate);
                }
            }
            if found.is_none() {
                candidates.push(channel);
            }
            classes.push(found.unwrap_or(channel));
        }
        Ok(classes)
    }

    /// The data's integers, each channel's times its factor; `None` where they are none of 16 bits.
    fn scale_data(&mut self, node: &Node, dot: &Dot, factors: Vec<i64>) -> Option<TensorId> {
        let kind = self.tensors[dot.source.0];
        let ends = factors.iter().flat_map(|factor| [factor * kind.minimum, factor * kind.maximum]);
        let (minimum, maximum) = ends.fold((0, 0), |(low, high): (i64, i64), end| (low.min(end), high.max(end)));
        let element = ElementType::holding(minimum, maximum);
        // Behind a border of another code than 0 all channels would have to have one factor.
        if element.bits() > WIDEST_DATA || dot.padding() != 0 {
            return None;
        }
        let lattices = self.channel_lattices(dot.source);
        let lattices = lattices.iter().zip(&factors).map(|(lattice, factor)| Lattice::sum(&[(*factor, *lattice)]));
        let lattices = lattices.collect();
        let output = TensorType { element, minimum, maximum, ..kind };
        let layer = LayerKind::Add(Add { factors: vec![factors] });
        let scaled = self.add_layer(&format!("{}_scales", node.name), layer, &[dot.source], output);
        self.lattices.insert(scaled, lattices);
        Some(scaled)
    }
}

/// Integers of few bits, one for each channel, and what they are times, which together are the channels' factors.
fn common_unit(factor: &Parameter, channels: usize) -> Option<(Vec<i64>, Constant)> {
    const MOST: usize = 1 << WIDEST_DATA;
    let first =
        (0..channels).map(|channel| factor.at(channel)).find(|factor| factor.sign().is_ok_and(Ordering::is_ne))?;
    let whole = first.as_ratio()?;
    let ratios = (0..channels).map(|channel| Some(factor.at(channel).as_ratio()? / &whole));
    let ratios: Vec<BigRational> = ratios.collect::<Option<_>>()?;
    let mut denominator = 1;
    for ratio in &ratios {
        let own = usize::try_from(ratio.denom()).ok().filter(|own| *own <= MOST)?;
        denominator *= own / greatest_common_divisor(denominator, own);
        if denominator > MOST {
            return None;
        }
    }
    let integer = |ratio: &BigRational| i64::try_from((ratio * BigInt::from(denominator)).to_integer()).ok();
    let integers: Vec<i64> = ratios.iter().map(integer).collect::<Option<_>>()?;
    let magnitudes = || integers.iter().map(|integer| integer.unsigned_abs() as usize);
    let divisor = magnitudes().fold(0, greatest_common_divisor);
    if magnitudes().any(|magnitude| magnitude / divisor > MOST) {
        return None;
    }
    let unit = Constant::Float(divisor as f64)
        .binary(Binary::Divide, Constant::Float(denominator as f64))
        .binary(Binary::Multiply, first.clone());
    Some((integers.into_iter().map(|integer| integer / divisor as i64).collect(), unit))
}

/// The weights of each row times the scales of the channels, where all are integers of at most 9 bits again, and what each
/// row is then times. Rows of one scale, those with a channel in `singles`, keep their weights.
fn scale_weights(
    dot: &Dot,
    grid: &IntegerWeights,
    singles: &[Option<usize>],
    scales: &[f64],
) -> Option<(IntegerWeights, Vec<f64>)> {
    let mut weights = grid.clone();
    let columns = weights.matrix.columns;
    let mut factors = vec![1.0; singles.len()];
    for row in (0..singles.len()).filter(|row| singles[*row].is_none()) {
        let scaled = grid.matrix.row(row).iter().enumerate().map(|(column, weight)| {
            let (weight, scale) = (f64::from(*weight), scales[dot.channel(row, column)]);
            is_exact_product(weight, scale).then_some(weight * scale)
        });
        let folded = integer_weights(&scaled.collect::<Option<Vec<f64>>>()?, 1, columns).ok()?;
        weights.matrix.values[row * columns..(row + 1) * columns].copy_from_slice(&folded.matrix.values);
        factors[row] = folded.scales[0];
    }
    weights.matrix.element = element_of(&weights.matrix.values);
    Some((weights, factors))
}
