//! Features: the numbers that the cost of a stage is a sum of, each times a fitted coefficient.

use super::family::Family;
use super::memory::{MemoryKind, MemoryRole, block_rams};
use super::number::bits_for;

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
    /// Block RAMs, exactly.
    pub bram: u64,
}

/// A list of features under construction. Those of the same name are added up.
pub(crate) struct FeatureSum {
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

/// Bits of a number up to `greatest`.
pub(crate) fn bits(greatest: usize) -> f64 {
    bits_for(greatest as u64) as f64
}

/// Bits of an address of `depth` rows.
pub(crate) fn address(depth: usize) -> f64 {
    bits(depth.saturating_sub(1))
}

impl FeatureSum {
    pub(crate) fn new(kind: &'static str, family: Family) -> Self {
        FeatureSum { features: Features { kind, lut: vec![("one", 1.0)], ff: vec![("one", 1.0)], bram: 0 }, family }
    }

    pub(crate) fn lut(&mut self, name: &'static str, value: f64) -> &mut Self {
        add(&mut self.features.lut, name, value);
        self
    }

    pub(crate) fn ff(&mut self, name: &'static str, value: f64) -> &mut Self {
        add(&mut self.features.ff, name, value);
        self
    }

    pub(crate) fn both(&mut self, name: &'static str, value: f64) -> &mut Self {
        self.lut(name, value).ff(name, value)
    }

    pub(crate) fn done(self) -> Features {
        self.features
    }

    /// A memory that is read at clock edges.
    pub(crate) fn memory(
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
                self.lut("rom_banks", bits * (banks - 1.0))
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
    pub(crate) fn queue(&mut self, width: usize, depth: usize) -> &mut Self {
        let (bits, banks) = (width as f64, depth.div_ceil(16) as f64);
        self.both("queue_counters", 3.0 * address(depth));
        if self.family.has_lut_ram() {
            self.lut("queue_cells", (width.div_ceil(4) * 4) as f64 * banks).lut("queue_banks", bits * (banks - 1.0))
        } else {
            let registers = bits * depth.next_power_of_two() as f64;
            self.both("queue_registers", registers)
        }
    }

    /// A converter of vectors of `channels` elements of `element_bits`, from some lanes a word to others.
    pub(crate) fn converter(&mut self, channels: usize, from: usize, to: usize, element_bits: f64) -> &mut Self {
        let part = super::number::greatest_common_divisor(from, to);
        let (from_bits, to_bits) = (from as f64 * element_bits, to as f64 * element_bits);
        if from > part {
            self.lut("shifted", from_bits).lut("shifted_steps", (from / part) as f64);
        }
        if to > part {
            self.lut("filled", to_bits).lut("filled_steps", (to / part) as f64);
        }
        self.ff("word_in", from_bits).ff("word_out", to_bits).lut("part", part as f64 * element_bits);
        self.both("counters", bits(channels.div_ceil(part)) + bits(from / part) + bits(to / part))
    }
}
