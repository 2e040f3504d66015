//! The numbers that the cost of a stage is a sum of.

use crate::codes;
use crate::datapath::{Form, row_luts, row_registers};
use crate::dot_unit::DotUnit;
use crate::family::Family;
use crate::memory::{MemoryKind, MemoryRole, block_rams, shapes};
use crate::plan::{Stage, StageKind, Stream, arithmetic};
use crate::schedule::matrix_vector_unit::{feed_depth, queue_depth};
use crate::schedule::sliding_window::SlidingWindowShape;
use crate::schedule::{multi_threshold, sliding_window, upsample_shape, window_shape};
use network::network::{LayerKind, Network, Pool, PoolOperation};

/// The kinds of stages and parts of the device that have coefficients.
pub const KINDS: [&str; 16] = [
    "width_converter",
    "sliding_window",
    "matrix_vector_unit",
    "depthwise_unit",
    "pool_unit",
    "global_pool",
    "multi_threshold",
    "add_unit",
    "table_unit",
    "concat",
    "upsample",
    "fork",
    "stream_fifo",
    "arg_max",
    "shell",
    "shell_converter",
];

/// What the cost of a stage depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// Which coefficients.
    pub kind: &'static str,
    /// Of the LUTs.
    pub lut: Vec<(&'static str, f64)>,
    /// Of the flip-flops.
    pub ff: Vec<(&'static str, f64)>,
    /// Of the delay of the slowest path.
    pub delay: Vec<(&'static str, f64)>,
    /// Block RAMs, exactly.
    pub bram: u64,
}

/// A list of features under construction. Those of the same name are added up.
pub(super) struct Sum {
    features: Features,
    family: Family,
}

fn add(list: &mut Vec<(&'static str, f64)>, name: &'static str, value: f64) {
    if value == 0.0 {
        return;
    }
    match list.iter_mut().find(|(known, _)| *known == name) {
        Some((_, sum)) => *sum += value,
        None => list.push((name, value)),
    }
}

fn bits(greatest: usize) -> f64 {
    codes::bits_for(greatest as u64) as f64
}

fn address(depth: usize) -> f64 {
    bits(depth.saturating_sub(1))
}

impl Sum {
    pub(super) fn new(kind: &'static str, family: Family) -> Self {
        let (lut, ff, delay) = (vec![("one", 1.0)], vec![("one", 1.0)], vec![("one", 1.0)]);
        Sum { features: Features { kind, lut, ff, delay, bram: 0 }, family }
    }

    pub(super) fn lut(&mut self, name: &'static str, value: f64) -> &mut Self {
        add(&mut self.features.lut, name, value);
        self
    }

    pub(super) fn ff(&mut self, name: &'static str, value: f64) -> &mut Self {
        add(&mut self.features.ff, name, value);
        self
    }

    pub(super) fn both(&mut self, name: &'static str, value: f64) -> &mut Self {
        self.lut(name, value).ff(name, value)
    }

    fn delay(&mut self, name: &'static str, value: f64) -> &mut Self {
        add(&mut self.features.delay, name, value);
        self
    }

    pub(super) fn done(self) -> Features {
        self.features
    }

    /// A memory that is read at clock edges.
    pub(super) fn memory(
        &mut self,
        role: MemoryRole,
        kind: Option<MemoryKind>,
        width: usize,
        depth: usize,
    ) -> &mut Self {
        let (bits, rows) = (width as f64, depth as f64);
        let banks = depth.div_ceil(16) as f64;
        match (kind, role.is_written()) {
            _ if depth == 1 => self,
            (Some(MemoryKind::Block), written) => {
                self.features.bram += block_rams(self.family, role, width, depth);
                let most_rows = self.family.block_modes().last().map_or(1, |mode| mode.1);
                self.lut("block_banks", bits * (depth.div_ceil(most_rows) - 1) as f64);
                self.both("blocks_written", if written { address(depth) } else { 0.0 })
            }
            (_, false) => {
                self.lut("rom_bits", bits * rows / 16.0).lut("rom_width", bits).ff("rom_address", address(depth));
                self.lut("rom_banks", bits * (banks - 1.0)).delay("rom_levels", (banks.log2() / 2.0).ceil())
            }
            (_, true) if self.family.has_lut_ram() => {
                self.lut("ram_cells", (width.div_ceil(4) * 4) as f64 * banks).lut("ram_banks", bits * (banks - 1.0));
                self.lut("ram_decoder", if banks > 1.0 { banks } else { 0.0 }).ff("ram_word", bits)
            }
            (_, true) => {
                self.lut("ram_registers", bits * rows).lut("ram_rows", rows);
                self.ff("ram_registers", bits * rows).ff("ram_word", bits)
            }
        }
    }

    /// A shallow queue: its memory is read within the cycle.
    pub(super) fn queue(&mut self, width: usize, depth: usize) -> &mut Self {
        let (bits, banks) = (width as f64, depth.div_ceil(16) as f64);
        self.both("queue_counters", 3.0 * address(depth));
        if self.family.has_lut_ram() {
            self.lut("queue_cells", (width.div_ceil(4) * 4) as f64 * banks).lut("queue_banks", bits * (banks - 1.0))
        } else {
            let registers = bits * depth.next_power_of_two() as f64;
            self.both("queue_registers", registers)
        }
    }
}

/// The features of `stage`.
pub fn of_stage(network: &Network, streams: &[Stream], stages: &[Stage], stage: &Stage, family: Family) -> Features {
    let (input, output) = (&streams[stage.input().0], &streams[stage.output().0]);
    let kind = match stage.kind {
        StageKind::MultiplyUnit { .. } => "add_unit",
        _ => stage.kind.name(),
    };
    let mut sum = Sum::new(kind, family);
    let lanes = output.format.lanes as f64;
    let (bits_in, bits_out) = (input.format.element.bits() as f64, output.format.element.bits() as f64);
    let (word_in, word_out) = (input.word_bits() as f64, output.word_bits() as f64);
    match &stage.kind {
        StageKind::MatrixVectorUnit { .. } | StageKind::DepthwiseUnit { .. } => {
            return arithmetic(network, streams, stages, stage)
                .map_or_else(|| sum.done(), |arithmetic| of_dot(&arithmetic.unit, family));
        }
        StageKind::WidthConverter => {
            converter(&mut sum, output.format.channels, input.format.lanes, output.format.lanes, bits_in);
        }
        StageKind::SlidingWindow { layer, capacity } => {
            if let Some(shape) = window_shape(network, network.layer(*layer), output.format.lanes, *capacity) {
                window(&mut sum, &shape, output.format.word_bits(), output.padded);
            }
        }
        StageKind::Upsample { layer } => {
            let shape = upsample_shape(network, network.layer(*layer), stage.words_per_vector(streams, 0));
            for shape in shape.map(|shape| shape.windows()).into_iter().flatten() {
                window(&mut sum, &shape, input.word_bits(), false);
            }
        }
        StageKind::PoolUnit { layer } | StageKind::GlobalPool { layer } => {
            let words = input.format.words_per_image() / output.format.words_per_image().max(1);
            let blocks = network.tensor(network.layer(*layer).output).channels.div_ceil(output.format.lanes);
            sum.both("word_out", word_out).both("counters", bits(words) + address(blocks));
            match &network.layer(*layer).kind {
                LayerKind::Pool(Pool { operation: PoolOperation::Sum, .. }) => {
                    sum.lut("sums", lanes * bits_out).lut("terms", lanes * bits_in);
                }
                LayerKind::Pool(Pool { operation: PoolOperation::Extremum(least), .. }) => {
                    sum.lut("compared", lanes * bits_out);
                    let mixed = least.iter().any(|one| *one) && least.iter().any(|one| !*one);
                    sum.lut("masks", if mixed { lanes * (blocks as f64 / 16.0).max(0.25) } else { 0.0 });
                }
                _ => {}
            }
            if let StageKind::GlobalPool { .. } = stage.kind {
                let depth = blocks.next_power_of_two().max(2);
                sum.queue(output.word_bits(), depth);
            }
        }
        StageKind::MultiThreshold { layer } => {
            let levels = codes::Ladder::of_layer(network, *layer).map_or(1, |ladder| ladder.levels()) as f64;
            let words = stage.words_per_vector(streams, 0);
            let compared = lanes * levels * (bits_in + 1.0);
            sum.lut(if words == 1 { "compared_constants" } else { "compared" }, compared);
            sum.lut("counted", lanes * (levels - 1.0) * bits_out);
            sum.both("word_out", word_out).ff("word_in", word_in).both("counters", address(words));
            sum.queue(output.word_bits(), multi_threshold::QUEUE);
        }
        StageKind::AddUnit { layer } => add_unit(&mut sum, network, *layer, streams, stage),
        StageKind::MultiplyUnit { .. } => multiply_unit(&mut sum, streams, stage),
        StageKind::TableUnit { layer } => {
            let pair: u32 = stage.inputs.iter().map(|id| streams[id.0].format.element.bits()).sum();
            let words = output.format.words_per_vector();
            let own = match &network.layer(*layer).kind {
                LayerKind::Table(table) if table.values.len() > 1 => words as f64,
                _ => 1.0,
            };
            let entries = own * f64::from(1u32 << pair.min(20));
            sum.lut("entries", lanes * bits_out * (entries / 16.0).max(1.0)).both("word_out", word_out);
            sum.both("counters", address(words));
        }
        StageKind::Concat { .. } => {
            let words = [0, 1].map(|port| stage.words_per_vector(streams, port)).into_iter().sum();
            sum.lut("word_out", word_out).both("counters", bits(words));
        }
        StageKind::Fork => {}
        StageKind::Fifo { depth } => {
            if stage.memories.words == Some(MemoryKind::Block) {
                sum.both("deep_counters", 3.0 * address(*depth)).lut("deep_word", word_in).ff("deep_word", word_in);
            } else {
                sum.queue(input.word_bits(), *depth);
            }
        }
        StageKind::ArgMax { .. } => {
            let lanes = input.format.lanes as f64;
            let position = bits(stage.words_per_vector(streams, 0) * input.format.lanes);
            sum.lut("compared", lanes * bits_in).lut("positions", lanes * position);
            sum.ff("best", bits_in).ff("position", position);
            sum.delay("lanes", lanes);
        }
    }
    for shape in shapes(network, streams, stages, stage) {
        let kind = stage.memories.kind(shape.role);
        // A deep queue without block RAM is a queue of LUTs, counted above.
        if !matches!(stage.kind, StageKind::Fifo { .. }) || kind == Some(MemoryKind::Block) {
            sum.memory(shape.role, kind, shape.width, shape.depth);
        }
    }
    sum.done()
}

pub(super) fn converter(sum: &mut Sum, channels: usize, from: usize, to: usize, bits_in: f64) {
    let part = crate::schedule::greatest_common_divisor(from, to);
    let (from_bits, to_bits) = (from as f64 * bits_in, to as f64 * bits_in);
    if from > part {
        sum.lut("shifted", from_bits).lut("shifted_steps", (from / part) as f64);
    }
    if to > part {
        sum.lut("filled", to_bits).lut("filled_steps", (to / part) as f64);
    }
    sum.ff("word_in", from_bits).ff("word_out", to_bits).lut("part", part as f64 * bits_in);
    sum.both("counters", bits(channels.div_ceil(part)) + bits(from / part) + bits(to / part));
}

fn window(sum: &mut Sum, shape: &SlidingWindowShape, width: usize, padded: bool) {
    let SlidingWindowShape { height, width: columns, window, .. } = *shape;
    let (span, count_bits) = (window.span(), shape.number_bits() as f64);
    let active: Vec<usize> = shape.counts().into_iter().filter(|count| *count > 1).collect();
    sum.both("count_bits", count_bits).lut("count_steps", count_bits * active.len() as f64);
    sum.both("counter_bits", active.iter().map(|count| address(*count)).sum()).both("counters", active.len() as f64);
    let is_padded = f64::from(u8::from(!window.is_unpadded()));
    let coordinates = bits(height + span[0]) + bits(columns + span[1]);
    sum.both("padded_coordinates", is_padded * coordinates).lut("padded_word", is_padded * width as f64);
    let place = address(shape.pixel_words());
    sum.both("place", if shape.pixel_words() > 1 { place } else { 0.0 });
    let flagged = width + usize::from(padded);
    sum.both("word", flagged as f64).queue(flagged, sliding_window::QUEUE);
}

/// With the coefficients of a sum whose factors differ between channels: products of the same kind.
fn multiply_unit(sum: &mut Sum, streams: &[Stream], stage: &Stage) {
    let output = &streams[stage.output().0];
    let lanes = output.format.lanes as f64;
    let [a, b] = [0, 1].map(|port: usize| f64::from(streams[stage.inputs[port].0].format.element.bits()));
    sum.both("word_out", output.word_bits() as f64).lut("terms", lanes * (a + b)).lut("products", lanes * a * b);
}

fn add_unit(sum: &mut Sum, network: &Network, layer: network::network::LayerId, streams: &[Stream], stage: &Stage) {
    let output = &streams[stage.output().0];
    let (lanes, bits_out) = (output.format.lanes as f64, output.format.element.bits() as f64);
    sum.both("word_out", output.word_bits() as f64);
    let words = output.format.words_per_vector();
    sum.both("counters", address(words));
    let LayerKind::Add(layer) = &network.layer(layer).kind else { return };
    debug_assert_eq!(stage.kind.name(), "add_unit");
    for (port, factors) in layer.factors.iter().enumerate() {
        let bits_in = f64::from(streams[stage.inputs[port].0].format.element.bits());
        // Adders that a product with a constant takes: digits of its signed form with the fewest.
        let digits = |factor: i64| {
            let magnitude = factor.unsigned_abs();
            f64::from(((3 * magnitude) ^ magnitude).count_ones())
        };
        let most = factors.iter().map(|factor| digits(*factor)).fold(0.0, f64::max);
        if factors.len() == 1 || words == 1 {
            sum.lut("digits", lanes * (most - 1.0).max(0.0) * bits_out);
            sum.lut("negated", if factors[0] < 0 { lanes * bits_out } else { 0.0 });
        } else {
            let width = factors.iter().map(|factor| bits(factor.unsigned_abs() as usize) + 1.0).fold(1.0, f64::max);
            sum.lut("products", lanes * bits_in * width)
                .lut("factors", lanes * width * (words as f64 / 16.0).max(0.25));
        }
        sum.lut("terms", lanes * bits_in);
    }
    if layer.factors.len() > 1 {
        sum.lut("sums", lanes * bits_out);
    }
}

/// The features of a unit of dot products.
pub fn of_dot(unit: &DotUnit, family: Family) -> Features {
    let mut sum = Sum::new(if unit.depthwise { "depthwise_unit" } else { "matrix_vector_unit" }, family);
    let pe = unit.pe as f64;
    let constant = unit.weight_rows() == 1;
    let lanes = pe * row_luts(&unit.multiplier, unit.simd) as f64;
    let registers = pe * row_registers(&unit.multiplier, unit.simd) as f64;
    match (unit.multiplier.form, constant) {
        (Form::Bipolar, false) => sum.lut("bipolar", lanes).ff("bipolar", registers),
        (Form::Planes | Form::Bases(_), false) => sum.lut("planes", lanes).ff("planes", registers),
        (Form::Bipolar, true) => sum.lut("bipolar_constants", lanes).ff("bipolar_constants", registers),
        (Form::Planes | Form::Bases(_), true) => sum.lut("planes_constants", lanes).ff("planes_constants", registers),
        // Bases are counted as planes are, shifted lanes and scaled groups added as products are.
        (Form::Products | Form::Shifts(_) | Form::Groups(_), false) => {
            sum.lut("products", lanes).ff("products", registers)
        }
        (Form::Products | Form::Shifts(_) | Form::Groups(_), true) => {
            sum.lut("products_constants", lanes).ff("products_constants", registers)
        }
    };
    let sums = pe * unit.sum_bits as f64;
    // With one word a vector nothing is accumulated.
    sum.lut(if unit.words == 1 { "sums_once" } else { "sums" }, sums);
    sum.ff("sums", sums).lut("halves", if unit.halves { sums } else { 0.0 });
    sum.ff("halves", if unit.halves { (unit.levels() * (unit.simd + 1)) as f64 } else { 0.0 });
    let thresholds = unit.thresholds as f64;
    if unit.thresholds > 0 {
        let compared = sums * thresholds;
        sum.lut(if unit.constant_rows() == 1 { "compared_constants" } else { "compared" }, compared);
        sum.lut("counted", pe * (thresholds - 1.0) * unit.result_bits as f64);
    } else {
        sum.lut(if unit.constant_rows() == 1 { "biased_constants" } else { "biased" }, pe * unit.result_bits as f64);
    }
    sum.ff("late_constants", if unit.constant_rows() > 1 { unit.constant_width() as f64 } else { 0.0 });
    let (word, result) = (unit.word_bits as f64, unit.pe * unit.result_bits);
    sum.ff("result", result as f64).ff("flags", 3.0 * (1.0 + unit.levels() as f64));
    sum.lut("flags", unit.levels() as f64);
    sum.ff("word", if unit.depthwise { word } else { 0.0 });
    sum.queue(result, queue_depth(unit.words, unit.levels()));
    let counters = address(unit.words) + address(unit.folds) + address(unit.weight_rows());
    sum.both("counters", counters);
    if !constant {
        sum.ff("late", unit.weight_width() as f64).ff("late_word", word);
    }
    sum.memory(MemoryRole::Weights, unit.memories.weights, unit.weight_width(), unit.weight_rows());
    sum.memory(MemoryRole::Constants, unit.memories.constants, unit.constant_width(), unit.constant_rows());
    if !unit.depthwise {
        let feed = feed_depth(unit.words, unit.folds);
        sum.both("feed_counters", address(feed)).memory(MemoryRole::Words, unit.memories.words, unit.word_bits, feed);
    }
    sum.delay("sum_bits", unit.sum_bits as f64).delay("log_lanes", (unit.pe as f64 * unit.simd as f64).log2());
    sum.delay("thresholds", thresholds.max(1.0).log2());
    if unit.memories.constants == Some(MemoryKind::Block) {
        sum.delay("constants_from_block", 1.0);
    }
    sum.done()
}
