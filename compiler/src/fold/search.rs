//! The cheapest parallelism that reaches an interval.
//!
//! Each dot product has few sensible choices (for each number of column folds the least `simd`, and with it the least
//! `pe`); neighbours interact only through the width converter between them. Along a chain of layers the best
//! combination is a shortest path, found exactly. Where streams fork or join, the cheapest path so far is kept and the
//! search goes on from there.

use super::parallelism::Folding;
use super::units::readers;
use super::{Dot, Parallelism};
use crate::codes::Ladder;
use crate::datapath::weight_code::WeightCode;
use crate::datapath::{UnitSize, WeightRange, choose};
use crate::dot_unit::DotUnit;
use crate::estimate::{Estimate, features};
use crate::family::Family;
use crate::memory::Selection;
use crate::schedule::greatest_common_divisor;
use abi::ElementType;
use network::network::{Layer, LayerId, LayerKind, Network, TensorId};
use std::collections::BTreeSet;

/// The parallelism of each dot product so that, wherever that is possible, no stage takes more than `interval` cycles,
/// of which there is at least one. No weights take more than `most_rows` rows of memory: a layer with few pixels and many
/// weights is made wider than the interval asks for.
pub fn smallest(network: &Network, interval: u64, most_rows: u64, family: Family, price: f64) -> Folding {
    let mut search = Search {
        network,
        interval,
        most_rows,
        family,
        price,
        settled: Folding::new(),
        open: vec![Vec::new(); network.tensors.len()],
    };
    search.open[network.input.0] = vec![Path::default()];
    for (index, layer) in network.layers.iter().enumerate() {
        search.layer(LayerId(index), layer);
    }
    let last = std::mem::take(&mut search.open[network.output.0]);
    search.settle(last);
    search.settled
}

/// One way to compute the layers up to a tensor.
#[derive(Clone, Debug, Default)]
struct Path {
    cost: u64,
    /// Lanes of the stream that carries the tensor; any, where the choice is still free.
    lanes: Option<usize>,
    chosen: Vec<(LayerId, Parallelism)>,
}

struct Search<'a> {
    network: &'a Network,
    interval: u64,
    /// Rows of weights that the clock leaves time to choose from.
    most_rows: u64,
    family: Family,
    /// LUTs that a block RAM is worth.
    price: f64,
    /// Choices that no longer change.
    settled: Folding,
    /// For each tensor the ways to compute it, one for each number of lanes.
    open: Vec<Vec<Path>>,
}

impl Search<'_> {
    fn layer(&mut self, id: LayerId, layer: &Layer) {
        let mut inputs: Vec<Vec<Path>> = layer.inputs.iter().map(|tensor| self.take(*tensor)).collect();
        let before = inputs.remove(0);
        for second in inputs {
            self.settle(second);
        }
        let paths = match Dot::new(self.network, layer) {
            Some(dot) => self.dot(id, layer, &dot, &before),
            None => match layer.kind {
                LayerKind::ArgMax => {
                    self.cheapest(before).map(|path| Path { lanes: Some(1), ..path }).into_iter().collect()
                }
                LayerKind::Concat | LayerKind::Multiply | LayerKind::Add(_) | LayerKind::Table(_)
                    if layer.inputs.len() > 1 =>
                {
                    self.cheapest(before).into_iter().collect()
                }
                _ => before,
            },
        };
        self.open[layer.output.0] = paths;
    }

    /// The ways to compute a tensor. Where it is read more than once they are reduced to the cheapest.
    fn take(&mut self, tensor: TensorId) -> Vec<Path> {
        if readers(self.network, tensor) == 1 {
            return std::mem::take(&mut self.open[tensor.0]);
        }
        let paths = std::mem::take(&mut self.open[tensor.0]);
        let lanes = self.settle(paths);
        let path = Path { cost: 0, lanes, chosen: Vec::new() };
        self.open[tensor.0] = vec![path.clone()];
        vec![path]
    }

    /// Takes the cheapest of some paths for good and gives its lanes.
    fn settle(&mut self, paths: Vec<Path>) -> Option<usize> {
        let path = self.cheapest(paths)?;
        self.settled.extend(path.chosen);
        path.lanes
    }

    fn cheapest(&self, paths: Vec<Path>) -> Option<Path> {
        paths.into_iter().min_by_key(|path| path.cost)
    }

    fn dot(&self, id: LayerId, layer: &Layer, dot: &Dot, before: &[Path]) -> Vec<Path> {
        // A memory is read through once for each pixel.
        let interval = self.interval.min(self.most_rows.saturating_mul(dot.pixels as u64));
        let choices = choices(dot, interval);
        let Some(costs) = Costs::new(self, layer, dot) else { return Vec::new() };
        let elements = self.network.tensor(layer.input()).elements();
        let channels = if dot.depthwise { dot.groups } else { dot.columns };
        let best = |choice: &Parallelism| {
            let lanes = if dot.depthwise { choice.pe } else { choice.simd };
            let conversion = |path: &Path| conversion_cost(path.lanes, lanes, (elements, channels), self.interval);
            let path = before.iter().min_by_key(|path| path.cost.saturating_add(conversion(path)))?;
            let mut chosen = path.chosen.clone();
            chosen.push((id, *choice));
            let cost = path.cost.saturating_add(conversion(path)).saturating_add(costs.of(*choice));
            Some(Path { cost, lanes: Some(choice.pe), chosen })
        };
        choices.iter().filter_map(best).collect()
    }
}

/// The sensible ways to compute a dot product within the interval; the fastest, where none is.
fn choices(dot: &Dot, interval: u64) -> Vec<Parallelism> {
    let limits = dot.limits();
    if dot.depthwise {
        let fits = |pe: &usize| dot.cycles(Parallelism { pe: *pe, simd: 1 }) <= interval;
        let pe = (1..=limits.pe).find(fits).unwrap_or(limits.pe);
        return vec![Parallelism { pe, simd: 1 }];
    }
    let columns = dot.columns;
    let simds: BTreeSet<usize> = (1..=columns).map(|simd| columns.div_ceil(columns.div_ceil(simd))).collect();
    let within = simds.into_iter().filter_map(|simd| {
        let words = dot.words(Parallelism { pe: limits.pe, simd });
        let row_folds = (interval / words).min(dot.rows as u64) as usize;
        (row_folds > 0).then(|| Parallelism { pe: dot.rows.div_ceil(row_folds), simd })
    });
    let within: Vec<Parallelism> = within.collect();
    if within.is_empty() { vec![limits] } else { within }
}

/// What the units of a layer cost.
struct Costs<'a> {
    range: WeightRange,
    element: ElementType,
    padded: bool,
    dot: &'a Dot,
    thresholds: usize,
    result_bits: usize,
    /// Bits of the accumulators, without what unused lanes add.
    sum_bits: usize,
    family: Family,
    selection: Selection,
}

impl<'a> Costs<'a> {
    fn new(search: &Search, layer: &Layer, dot: &'a Dot) -> Option<Self> {
        let network = search.network;
        let padded = match &layer.kind {
            LayerKind::Convolution(convolution) => !convolution.window.is_unpadded() && convolution.padding == 0,
            _ => false,
        };
        let weights = layer.kind.weights()?;
        let (input, sums) = (network.tensor(layer.input()), network.tensor(layer.output));
        let element = input.element;
        let is_steps = |id: &LayerId| {
            let reader = network.layer(*id);
            matches!(reader.kind, LayerKind::MultiThreshold(_)) && reader.inputs == [layer.output]
        };
        let steps = (0..network.layers.len()).map(LayerId).find(is_steps);
        let result = steps.map_or(sums, |steps| network.tensor(network.layer(steps).output));
        let spread = (sums.maximum - sums.minimum) / element.step();
        Some(Costs {
            range: WeightRange::held(weights, dot.part(), network.replaceable),
            element,
            padded: padded && element == ElementType::Bipolar,
            dot,
            thresholds: steps.and_then(|steps| Ladder::of_layer(network, steps)).map_or(0, |ladder| ladder.levels()),
            result_bits: result.element.bits() as usize,
            sum_bits: ElementType::holding(0, spread.max(1)).bits() as usize,
            family: search.family,
            selection: Selection::ByCost { family: Some(search.family), price: search.price },
        })
    }

    /// LUTs and block RAMs at their price.
    fn of(&self, Parallelism { pe, simd }: Parallelism) -> u64 {
        let clean = self.dot.columns.is_multiple_of(simd);
        let size = UnitSize { pe, simd, weight_rows: self.dot.weight_rows(Parallelism { pe, simd }) };
        let choice = choose(self.range, self.element, size, self.padded, clean);
        let code = WeightCode::new(choice.form, self.range, self.element, self.padded);
        let mut unit = DotUnit::new(self.dot, code, (pe, simd), self.thresholds, self.result_bits);
        unit.sum_bits = self.sum_bits;
        unit.choose_memories(&self.selection);
        let Estimate { lut, bram, .. } = features::of_dot(&unit, self.family).estimate(self.family);
        let Selection::ByCost { price, .. } = self.selection else { return lut };
        lut + (price * bram as f64) as u64
    }
}

/// Cost that no path has which keeps to the interval.
const TOO_SLOW: u64 = 1 << 40;

/// Cost of bringing a stream of `elements`, cut into vectors of `channels`, from some lanes to others.
fn conversion_cost(from: Option<usize>, to: usize, (elements, channels): (usize, usize), interval: u64) -> u64 {
    let vectors = elements / channels;
    let common = from.map_or(to, |from| greatest_common_divisor(from, to));
    let cycles = (vectors * channels.div_ceil(common)) as u64;
    let penalty = if cycles > interval { TOO_SLOW } else { 0 };
    match from {
        Some(from) if from != to => penalty + (2 * (from + to) + 20) as u64,
        _ => penalty,
    }
}
