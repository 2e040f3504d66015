//! The cheapest parallelism that reaches an interval.
//!
//! Each dot product has few sensible choices (for each number of column folds the least `simd`, and with it the least
//! `pe`); neighbours interact only through the width converter between them. Along a chain of layers the best
//! combination is a shortest path, found exactly. Where streams fork or join, the cheapest path so far is kept and the
//! search goes on from there.

use super::Planner;
use super::parallelism::Folding;
use super::selection::Selection;
use crate::blocks::dot_layer::DotLayer;
use crate::blocks::width_converter::WidthConverter;
use crate::blocks::{Dot, Parallelism, Shape};
use crate::chip::family::Family;
use crate::chip::number::greatest_common_divisor;
use crate::estimate::Estimate;
use network::network::{Layer, LayerId, LayerKind, Network, PoolOperation, TensorId};
use network::shared_list::SharedList;
use std::cell::OnceCell;
use std::collections::BTreeSet;

/// The parallelism of each dot product so that, wherever that is possible, no stage takes more than `interval` cycles,
/// of which there is at least one. No weights take more than `most_rows` rows of memory: a layer with few pixels and many
/// weights is made wider than the interval asks for.
pub fn smallest(planner: &Planner, interval: u64, most_rows: u64, price: f64) -> Folding {
    let network = planner.network;
    let mut search = Search {
        planner,
        network,
        interval,
        most_rows,
        family: planner.target.costs(),
        price,
        settled: Folding::new(),
        open: vec![Vec::new(); network.tensors.len()],
    };
    search.open[network.input.0] = vec![Path { clean: true, ..Path::default() }];
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
    /// Whether unused lanes of that stream hold zeros.
    clean: bool,
    chosen: SharedList<(LayerId, Parallelism)>,
}

struct Search<'a> {
    planner: &'a Planner<'a>,
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
        let units = self.planner.units;
        let unit = units.binary_search_by_key(&id, |unit| unit.layer).ok();
        let dot = unit.and_then(|index| units[index].dot.as_ref());
        let paths = match dot {
            Some(dot) => self.dot(layer, dot, &before),
            None => self.other(layer, before),
        };
        self.open[layer.output.0] = paths;
    }

    /// The ways to compute a layer without dot products.
    fn other(&self, layer: &Layer, before: Vec<Path>) -> Vec<Path> {
        let channels = self.network.tensor(layer.output).channels;
        let cleaned = |keeps: bool| {
            move |path: Path| {
                let whole = path.lanes.is_some_and(|lanes| channels.is_multiple_of(lanes));
                Path { clean: whole || (keeps && path.clean), ..path }
            }
        };
        match &layer.kind {
            LayerKind::ArgMax => {
                self.cheapest(before).map(|path| Path { lanes: Some(1), clean: true, ..path }).into_iter().collect()
            }
            LayerKind::Concat => self.cheapest(before).map(cleaned(true)).into_iter().collect(),
            LayerKind::Multiply | LayerKind::Add(_) | LayerKind::Table(_) if layer.inputs.len() > 1 => {
                self.cheapest(before).map(cleaned(false)).into_iter().collect()
            }
            LayerKind::Multiply | LayerKind::Add(_) | LayerKind::Table(_) => {
                before.into_iter().map(cleaned(false)).collect()
            }
            LayerKind::Pool(pool) => before.into_iter().map(cleaned(pool.operation != PoolOperation::Sum)).collect(),
            LayerKind::MultiThreshold(_) => before.into_iter().map(|path| Path { clean: true, ..path }).collect(),
            LayerKind::Upsample { .. }
            | LayerKind::Reshape
            | LayerKind::MatrixVector(_)
            | LayerKind::Convolution(_) => before,
        }
    }

    /// The ways to compute a tensor. Where it is read more than once they are reduced to the cheapest.
    fn take(&mut self, tensor: TensorId) -> Vec<Path> {
        if self.planner.edges.readers(tensor) == 1 {
            return std::mem::take(&mut self.open[tensor.0]);
        }
        let paths = std::mem::take(&mut self.open[tensor.0]);
        let (lanes, clean) = self.settle(paths).unwrap_or_default();
        let path = Path { lanes, clean, ..Path::default() };
        self.open[tensor.0] = vec![path.clone()];
        vec![path]
    }

    /// Takes the cheapest of some paths for good and gives its lanes, and whether these are clean.
    fn settle(&mut self, paths: Vec<Path>) -> Option<(Option<usize>, bool)> {
        let path = self.cheapest(paths)?;
        self.settled.extend(path.chosen.backwards().copied());
        Some((path.lanes, path.clean))
    }

    fn cheapest(&self, paths: Vec<Path>) -> Option<Path> {
        paths.into_iter().min_by_key(|path| path.cost)
    }

    /// The ways to compute a layer of dot products.
    fn dot(&self, layer: &Layer, of_layer: &DotLayer, before: &[Path]) -> Vec<Path> {
        let dot = &of_layer.dot;
        // A memory is read through once for each pixel.
        let interval = self.interval.min(self.most_rows.saturating_mul(dot.pixels as u64));
        let elements = self.network.tensor(layer.input()).elements();
        let channels = dot.reads().channels;
        let best = |choice: &Parallelism| {
            let lanes = dot.lanes(*choice);
            let costs = [OnceCell::new(), OnceCell::new()];
            let total = |path: &Path| {
                let converts =
                    path.lanes.is_some_and(|from| from != lanes && WidthConverter::cleans(channels, from, lanes));
                let clean = path.clean || converts || channels.is_multiple_of(lanes);
                let unit = *costs[usize::from(clean)].get_or_init(|| self.cost(of_layer, *choice, clean));
                let conversion = conversion_cost(path.lanes, lanes, (elements, channels), self.interval);
                path.cost.saturating_add(conversion).saturating_add(unit)
            };
            let (cost, path) = before.iter().map(|path| (total(path), path)).min_by_key(|(cost, _)| *cost)?;
            let mut chosen = path.chosen.clone();
            chosen.push((of_layer.layer, *choice));
            let clean = of_layer.thresholds.is_some() || dot.results().is_multiple_of(choice.pe);
            Some(Path { cost, lanes: Some(choice.pe), clean, chosen })
        };
        choices(dot, interval).iter().filter_map(best).collect()
    }

    /// LUTs of a unit, its block RAMs counted at their price.
    fn cost(&self, of_layer: &DotLayer, choice: Parallelism, clean: bool) -> u64 {
        let unit = of_layer.unit(choice, clean);
        let selection = Selection::ByCost { family: Some(self.family), price: self.price };
        let memories = selection.of_block("", &unit, self.network.replaceable);
        let Estimate { lut, bram, .. } = unit.features(self.family, &memories).estimate(self.family);
        lut + (self.price * bram as f64) as u64
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

/// Penalty that dominates any path meeting the interval.
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
