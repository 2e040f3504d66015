//! Matrix-vector products, thresholds included.
//!
//! Ports: `clock`, `reset`; the stream in, `simd` columns a word; the stream out, `pe` rows a word: codes where there
//! are thresholds, else accumulators in two's complement.
//!
//! A vector consists of `taps` parts of as many columns each, and each part begins a new word. A pixel is one vector for
//! each of `groups` groups of rows; the results of each group begin a new word. Unused lanes of both streams are zero;
//! accumulators beyond the last row are zero with weights that have a 0, anything with [`Form::Bipolar`].
//! `padded` words have one more bit, the highest: where it is set, the others say how many columns the word stands
//! for, and it adds 0 to each row.
//!
//! A vector takes `row folds × words` cycles, one word of weights a cycle, and the next one follows without a gap. From
//! the last input word taken to the first output word offered (one row fold) pass
//! [`latency`](compiler::blocks::matrix_vector_unit::latency) cycles. Nothing inside stalls: the last word of a fold is
//! issued only when the output queue has room for its result, and the queue is deep enough that this never delays a
//! free-running stream.
//!
//! Where weights are writable, `access` and `answer` lead to both memories ([`rom`](super::rom)); nothing else depends on
//! the weights then but their type.
//!
//! Each row's lanes are multiplied and added ([`lane_sum`](super::lane_sum)), then accumulated
//! ([`row_results`](super::row_results)). With ±1 by ±1 an accumulator counts agreements twice where words may be
//! padding, and a padded word adds its number of columns instead: half of what it could have added, which is what 0 is.

use super::delay_line::DelayLine;
use super::lane_sum::LaneSum;
use super::padded_lanes::PaddedLanes;
use super::register::Register;
use super::rom::Rom;
use super::row_results::{RowResults, Rows};
use super::stream_block::{StreamBlock, StreamPorts};
use super::vector_feed::VectorFeed;
use super::weight_access::ports;
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, StreamIn, StreamOut, Wire, Word, bits_of};
use abi::ElementType;
use compiler::blocks::matrix_vector_unit::queue_depth;
use compiler::chip::memory::Memories;
use compiler::datapath::weight_code::WeightCode;
use compiler::datapath::{Form, WeightRange, operand_registers};
use network::network::WeightMatrix;
use std::sync::Arc;

pub use super::row_results::RowFunction;

/// What a unit computes.
#[derive(Clone, Copy, Debug)]
pub struct MatrixVectorShape<'a> {
    /// Name of the unit, a Verilog identifier: its modules and memories are called after it.
    pub name: &'a str,
    /// The weights: the rows of the first group, then those of the others; columns of one group, tap by tap.
    pub weights: &'a WeightMatrix,
    /// Type of the elements of the stream in.
    pub input: ElementType,
    /// What is made of each accumulator.
    pub function: RowFunction<'a>,
    /// Groups of rows, each with vectors of its own; divides the rows.
    pub groups: usize,
    /// Parts of a vector; divides the columns.
    pub taps: usize,
    /// Whether words may be padding; only with ±1 in.
    pub padded: bool,
    /// How weights and lanes are multiplied; [`Form::Bipolar`] only where unused lanes in are zero.
    pub form: Form,
    /// Whether weights and constants can be written: others of the same type then fit as well.
    pub writable: bool,
    /// Rows computed at once, 1 to all of a group.
    pub pe: usize,
    /// Columns taken at once, 1 to all of a part.
    pub simd: usize,
    /// What the memories are made of.
    pub memories: Memories,
}

impl MatrixVectorShape<'_> {
    fn part(&self) -> usize {
        self.weights.columns / self.taps
    }

    /// Words of a vector.
    pub fn words(&self) -> usize {
        self.taps * self.part().div_ceil(self.simd)
    }

    /// Folds of a group's rows.
    pub fn folds(&self) -> usize {
        (self.weights.rows / self.groups).div_ceil(self.pe)
    }

    fn code(&self) -> WeightCode {
        WeightCode::new(self.form, WeightRange::held(self.weights, self.part(), self.writable), self.input, self.padded)
    }

    /// Clock cycles from operands read to sum.
    pub fn levels(&self) -> usize {
        self.code().multiplier.levels(self.simd) + self.registers()
    }

    fn registers(&self) -> usize {
        self.memories.weights.map_or(0, operand_registers)
    }

    /// The rows of each fold.
    fn fold_rows(&self) -> Vec<Vec<Option<usize>>> {
        let rows = self.weights.rows / self.groups;
        let row = |group: usize, row: usize| (row < rows).then_some(group * rows + row);
        (0..self.groups)
            .flat_map(|group| (0..self.folds()).map(move |fold| (group, fold)))
            .map(|(group, fold)| (0..self.pe).map(|lane| row(group, fold * self.pe + lane)).collect())
            .collect()
    }

    /// The columns of each word of a vector.
    fn word_columns(&self) -> Vec<Vec<Option<usize>>> {
        let part = self.part();
        let column = |tap: usize, channel: usize| (channel < part).then_some(tap * part + channel);
        (0..self.taps)
            .flat_map(|tap| (0..part).step_by(self.simd).map(move |first| (tap, first)))
            .map(|(tap, first)| (0..self.simd).map(|lane| column(tap, first + lane)).collect())
            .collect()
    }

    /// The words of the weight memory: for each fold, for each word of a vector, `pe` times `simd` codes.
    fn weight_words(&self, code: &WeightCode) -> Vec<Word> {
        let columns = self.word_columns();
        let weight = |row: Option<usize>, column: Option<usize>| match (row.or(self.function.stand_in()), column) {
            (Some(row), Some(column)) => i64::from(self.weights.values[row * self.weights.columns + column]),
            _ => 0,
        };
        let mut words = Vec::new();
        for rows in self.fold_rows() {
            for columns in &columns {
                let row = |row: &Option<usize>| {
                    code.encode_word(&columns.iter().map(|column| weight(*row, *column)).collect::<Vec<i64>>())
                };
                let bits = |(code, bits): (u64, usize)| (0..bits).map(move |bit| code >> bit & 1 == 1);
                words.push(Word::from_bits(rows.iter().flat_map(row).flat_map(bits)));
            }
        }
        words
    }
}

/// A matrix-vector unit.
#[derive(Clone, Debug, LogicBlock)]
pub struct MatrixVectorUnit {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// The stream in.
    pub in_: StreamIn,
    /// The stream out.
    pub out: StreamOut,
    /// Access to the memories, where they are writable.
    pub access: Vec<Wire<In>>,
    /// The word accessed.
    pub answer: Vec<Wire<Out>>,
    feed: VectorFeed,
    weights: Rom,
    /// Registers behind both memories, where there are some.
    late_weights: Vec<Register>,
    late_words: Vec<Register>,
    weight_word: Wire<Local>,
    word: Wire<Local>,
    padded_lanes: Vec<PaddedLanes>,
    x: Wire<Local>,
    lanes: Vec<LaneSum>,
    /// Padding and number of columns, in step with the sums.
    padding: Vec<DelayLine>,
    count: Vec<Wire<Local>>,
    term: Vec<Wire<Local>>,
    terms: Wire<Local>,
    /// First, last and issue, in step with the sums.
    flags: DelayLine,
    results: RowResults,
    simd_width: Parameter,
    sum_width: Parameter,
    flag: Parameter,
    _writable: usize,
    _rows: usize,
    _late: usize,
    _padded_lanes: usize,
    _padding: usize,
    _terms: usize,
}

impl MatrixVectorUnit {
    /// The unit of the given shape.
    pub fn new(shape: &MatrixVectorShape) -> Self {
        let MatrixVectorShape { name, weights, input, function, groups, pe, simd, .. } = *shape;
        debug_assert!(weights.rows % groups == 0 && weights.columns % shape.taps == 0, "groups and taps are alike");
        debug_assert!(pe * groups <= weights.rows && simd <= shape.part(), "more lanes than there is work for");
        let code = shape.code();
        let (words, folds, levels) = (shape.words(), shape.folds(), shape.levels());
        let unused = words * simd - weights.columns;
        let row = |row: usize| code.held_row(weights.row(row), unused, shape.writable);
        let fold_rows = shape.fold_rows();
        let ranges = super::row_results::ranges(&code, (0..weights.rows).map(row), &fold_rows, &function);
        let rows = Rows { function, ranges: &ranges, folds: &fold_rows, scale: code.scale(), writable: shape.writable };
        let sum = rows.sum_bits();
        let width = simd * input.bits() as usize + usize::from(shape.padded);
        let weight_words = shape.weight_words(&code);
        let weight_width = weight_words[0].bits();
        let late = shape.registers();
        let padding = usize::from(code.counts_halves());
        let padded_lanes = usize::from(shape.padded) - padding;
        let x = simd * code.operand.bits() as usize;
        let (access, answer) = ports(shape.writable);
        MatrixVectorUnit {
            module_name: ModuleName::new(name).about("Matrix-vector products, thresholds included."),
            clock: Wire::default(),
            reset: Wire::default(),
            in_: StreamIn::of(width),
            out: StreamOut::of(pe * function.element().bits() as usize),
            access,
            answer,
            feed: VectorFeed::new(words, folds, width, groups).of_kind(shape.memories.words),
            _writable: usize::from(shape.writable),
            weights: Rom::new(&format!("{name}_weights"), Arc::new(weight_words))
                .of_kind(shape.memories.weights)
                .writable(shape.writable),
            late_weights: (0..late).map(|_| Register::new(weight_width)).collect(),
            late_words: (0..late).map(|_| Register::new(width)).collect(),
            weight_word: Wire::of(weight_width),
            word: Wire::of(width),
            padded_lanes: (0..padded_lanes).map(|_| PaddedLanes::new(simd)).collect(),
            x: Wire::of(x),
            lanes: (0..pe).map(|_| LaneSum::new(code.multiplier, simd, code.has_offset(), sum)).collect(),
            padding: (0..padding).map(|_| DelayLine::new(levels - late, simd + 1)).collect(),
            count: (0..padding).map(|_| Wire::of(super::bits_for(simd))).collect(),
            term: (0..pe).map(|_| Wire::of(pe * sum)).collect(),
            terms: Wire::of(pe * sum),
            flags: DelayLine::new(1 + levels, 3),
            results: RowResults::new(name, &rows, queue_depth(words, levels)).of_kind(shape.memories.constants),
            simd_width: Parameter::number(code.multiplier.word_bits(simd)),
            sum_width: Parameter::number(sum),
            flag: Parameter::number(simd),
            _rows: pe,
            _late: late,
            _padded_lanes: padded_lanes,
            _padding: padding,
            _terms: pe * sum,
        }
    }
}

impl StreamBlock for MatrixVectorUnit {
    fn ports(&mut self) -> StreamPorts<'_> {
        StreamPorts::new(&mut self.clock, &mut self.reset, [&mut self.in_], [&mut self.out])
    }

    fn memories(&self) -> Vec<&Rom> {
        vec![&self.weights, self.results.memory()]
    }

    fn memories_mut(&mut self) -> Vec<&mut Rom> {
        vec![&mut self.weights, self.results.memory_mut()]
    }

    fn weights(&mut self) -> Option<(&mut Wire<In>, &Wire<Out>)> {
        self.access.first_mut().zip(self.answer.first())
    }
}

impl Logic for MatrixVectorUnit {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, feed, weights, flags, results);
        self.feed.reset.next = self.reset.val();
        self.flags.reset.next = self.reset.val();
        self.results.reset.next = self.reset.val();

        StreamIn::link(&mut self.in_, &mut self.feed.in_);
        self.feed.go.next = self.results.room.val();
        self.weights.address.next = self.feed.weight_address.val();
        self.weight_word.next = self.weights.q.val();
        self.word.next = self.feed.x.val();
        for i in 0..self._late {
            self.late_weights[i].clock.next = self.clock.val();
            self.late_weights[i].d.next = self.weights.q.val();
            self.weight_word.next = self.late_weights[i].q.val();
            self.late_words[i].clock.next = self.clock.val();
            self.late_words[i].d.next = self.feed.x.val();
            self.word.next = self.late_words[i].q.val();
        }

        for i in 0..self._writable {
            self.weights.access[i].next = self.access[i].val();
            self.results.access[i].next = self.access[i].val();
            self.answer[i].next = self.weights.answer[i].val() | self.results.answer[i].val();
        }

        self.x.next = self.word.val();
        for i in 0..self._padded_lanes {
            self.padded_lanes[i].word.next = self.word.val();
            self.x.next = self.padded_lanes[i].x.val();
        }
        for i in 0..self._padding {
            self.padding[i].clock.next = self.clock.val();
            self.padding[i].reset.next = self.reset.val();
            self.padding[i].d.next = self.word.val();
            self.count[i].next = self.padding[i].q.val();
        }

        self.flags.d.next = bits_of(0u64, 3);
        if self.feed.issue.val() {
            self.flags.d.next = bits_of(4u64, 3) + self.feed.first.val();
            if self.feed.last.val() {
                self.flags.d.next = bits_of(6u64, 3) + self.feed.first.val();
            }
        }

        self.terms.next = bits_of(0u64, self._terms);
        for i in 0..self._rows {
            self.lanes[i].clock.next = self.clock.val();
            self.lanes[i].x.next = self.x.val();
            self.lanes[i].weights.next = self.weight_word.val() >> (self.simd_width.val() * i);
            self.term[i].next = self.lanes[i].sum.val();
            for j in 0..self._padding {
                self.term[i].next = self.lanes[i].sum.val() << 1;
                if self.padding[j].q.val().get_bit(self.flag.val()) {
                    self.term[i].next = self.count[j].val();
                }
            }
            self.terms.next = self.terms.val() | (self.term[i].val() << (self.sum_width.val() * i));
        }

        self.results.terms.next = self.terms.val();
        self.results.add.next = self.flags.q.val().get_bit(2);
        self.results.first.next = self.flags.q.val().get_bit(0);
        self.results.last.next = self.flags.q.val().get_bit(1);
        self.results.reserve.next = self.feed.issue.val() && self.feed.last.val();
        StreamOut::link(&mut self.out, &mut self.results.out);
    }
}
