//! The windows of an image, tap by tap, out of a line buffer that is written while it is read.
//!
//! Ports: `clock`, `reset`; the stream in, pixels row by row, each `blocks` times `words` words; the stream out, for each
//! window row by row, for each block, for each tap row by row: the `words` words of the block of the tap's pixel, or, for
//! a tap outside the image, the padding word of that place. With `flagged`, words out have one more bit, the highest,
//! which is set in padding words.
//!
//! Words are counted over all images; the line buffer holds word `n` at place `n`, modulo its depth. A word taken in cycle
//! `t` is read in `t + 2` at the earliest, one in every cycle, and offered [`LATENCY`] cycles later. When the first tap of
//! a window is next to be read, the words before it have made room, so the next ones, of the same image or the next, come
//! in meanwhile. The first words are taken two cycles after a reset.
//!
//! For the clock's sake taps go through three places, with nothing but an addition or a comparison before each: one counts,
//! one knows whether the tap lies outside, one whether the word is there. From a tap to the next the word's number grows
//! by one of a few constants, depending on how many counters start anew; so do the tap's row, column and place in a pixel.

use super::constant_table::ConstantTable;
use super::ram::Ram;
use super::register::Register;
use super::stream_block::{StreamBlock, StreamPorts};
use super::stream_fifo::StreamFifo;
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, StreamIn, StreamOut, Wire, Word, bits_of};
use compiler::blocks::sliding_window::{QUEUE, SlidingWindowShape};
use compiler::chip::memory::MemoryKind;

/// Windows over a stream of pixels.
#[derive(Clone, Debug, LogicBlock)]
pub struct SlidingWindow {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// The stream in.
    pub in_: StreamIn,
    /// The stream out.
    pub out: StreamOut,
    memory: Ram,
    paddings: ConstantTable,
    queue: StreamFifo,
    /// The number of the next word, the last one that there is room for, whether that is not yet written.
    written: Register,
    limit: Register,
    room: Register,
    /// Whether the registers below have been set since the reset.
    started: Register,
    /// Loop counters: word, kernel column, kernel row, block, window column, window row; trivial ones omitted.
    /// `lasts[i]`: counter `i` is at its last value.
    counters: Vec<Register>,
    lasts: Vec<Register>,
    /// The tap counted: its word, row, column, place in the pixel; the image's first word; whether it begins a window.
    index: Register,
    row: Register,
    column: Register,
    place: Register,
    image: Register,
    begins: Register,
    /// The tap behind the one to be read.
    second_filled: Register,
    second_index: Register,
    second_padded: Register,
    second_place: Register,
    second_limit: Register,
    second_limits: Register,
    /// The tap to be read.
    first_filled: Register,
    first_index: Register,
    first_padded: Register,
    first_place: Register,
    first_ready: Register,
    /// The tap being read, and the word of the one before.
    reading: Register,
    read_place: Register,
    read_padded: Register,
    delivers: Register,
    delivered: Register,
    /// Places of the queue that are taken or promised, and whether there are more.
    reserved: Register,
    credit: Register,
    ends: Vec<Wire<Local, Bit>>,
    next_image: Wire<Local, Bit>,
    index_step: Wire<Local>,
    row_step: Wire<Local>,
    column_step: Wire<Local>,
    place_step: Wire<Local>,
    above: Wire<Local, Bit>,
    left: Wire<Local, Bit>,
    off_rows: Wire<Local, Bit>,
    off_columns: Wire<Local, Bit>,
    padded: Wire<Local, Bit>,
    origin: Wire<Local>,
    until_limit: Wire<Local>,
    until_second: Wire<Local>,
    until_first: Wire<Local>,
    take: Wire<Local, Bit>,
    read: Wire<Local, Bit>,
    load: Wire<Local, Bit>,
    release: Wire<Local, Bit>,
    next_reserved: Wire<Local>,
    word_out: Wire<Local>,
    /// For each counter its value before the last one, and its first.
    penultimates: Vec<Parameter>,
    zeros: Vec<Parameter>,
    /// By how much each grows when no counter, the first, the first two … start anew.
    index_steps: Vec<Parameter>,
    row_steps: Vec<Parameter>,
    column_steps: Vec<Parameter>,
    place_steps: Vec<Parameter>,
    first_tap: Parameter,
    first_row: Parameter,
    first_column: Parameter,
    image_words: Parameter,
    room_behind: Parameter,
    rows: Parameter,
    columns: Parameter,
    sign: Parameter,
    row_sign: Parameter,
    column_sign: Parameter,
    has_paddings: Parameter,
    flag: Parameter,
    queue_depth: Parameter,
    _width: usize,
    _place: usize,
    _reserved: usize,
    _counters: usize,
    _window_counters: usize,
}

/// By how much something grows from one tap to the next, for each number of counters that start anew. `strides` says what
/// one more of each counter means, `image` what one more image does.
fn steps(counts: &[usize; 6], strides: [usize; 6], image: usize) -> Vec<i64> {
    let active = counts.iter().zip(strides).filter(|(count, _)| **count > 1);
    let mut back = 0;
    let mut steps = Vec::new();
    for (count, stride) in active {
        steps.push(stride as i64 - back);
        back += (*count as i64 - 1) * stride as i64;
    }
    steps.push(image as i64 - back);
    steps
}

impl SlidingWindow {
    /// The unit called `name`, a Verilog identifier, for words of `bits` bits; `paddings` holds the padding word for each
    /// word of a pixel.
    pub fn new(name: &str, shape: &SlidingWindowShape, bits: usize, paddings: &[Word], flagged: bool) -> Self {
        let SlidingWindowShape { height, width: columns, window, words, depth, .. } = *shape;
        let [rows_out, columns_out] = window.output(height, columns);
        let (pixel, row) = (shape.pixel_words(), shape.row_words());
        let place = super::address_bits(pixel);
        let ([top, left], [down, across]) = (window.before, window.stride);
        let ([tap_down, tap_across], span) = (window.dilation, window.span());
        let width = shape.number_bits();
        let row_bits = super::bits_for(((rows_out - 1) * down + span[0]).max(height).max(top)) + 1;
        let column_bits = super::bits_for(((columns_out - 1) * across + span[1]).max(columns).max(left)) + 1;
        let (reserved, out) = (super::bits_for(QUEUE), bits + usize::from(flagged));
        let counts = shape.counts();
        let active: Vec<usize> = counts.into_iter().filter(|count| *count > 1).collect();
        let signed = |value: i64, bits: usize| Parameter::new(Word::signed(value, bits));
        let all = |steps: Vec<i64>, bits: usize| steps.into_iter().map(|step| signed(step, bits)).collect();
        let counter_bits = |count: &usize| super::address_bits(*count);
        SlidingWindow {
            module_name: ModuleName::new(name)
                .about("The windows of an image, tap by tap, out of a line buffer that is written while it is read."),
            clock: Wire::default(),
            reset: Wire::default(),
            in_: StreamIn::of(bits),
            out: StreamOut::of(out),
            memory: Ram::careless(depth, bits),
            paddings: ConstantTable::new(&format!("{name}_paddings"), paddings.to_vec()),
            queue: StreamFifo::new(QUEUE, out),
            written: Register::new(width),
            limit: Register::new(width),
            room: Register::new(1),
            started: Register::new(1),
            counters: active.iter().map(|count| Register::new(counter_bits(count))).collect(),
            lasts: active.iter().map(|_| Register::new(1)).collect(),
            index: Register::new(width),
            row: Register::new(row_bits),
            column: Register::new(column_bits),
            place: Register::new(place),
            image: Register::new(width),
            begins: Register::new(1),
            second_filled: Register::new(1),
            second_index: Register::new(width),
            second_padded: Register::new(1),
            second_place: Register::new(place),
            second_limit: Register::new(width),
            second_limits: Register::new(1),
            first_filled: Register::new(1),
            first_index: Register::new(width),
            first_padded: Register::new(1),
            first_place: Register::new(place),
            first_ready: Register::new(1),
            reading: Register::new(1),
            read_place: Register::new(place),
            read_padded: Register::new(1),
            delivers: Register::new(1),
            delivered: Register::new(out),
            reserved: Register::new(reserved),
            credit: Register::new(1),
            ends: active.iter().map(|_| Wire::default()).collect(),
            next_image: Wire::default(),
            index_step: Wire::of(width),
            row_step: Wire::of(row_bits),
            column_step: Wire::of(column_bits),
            place_step: Wire::of(place),
            above: Wire::default(),
            left: Wire::default(),
            off_rows: Wire::default(),
            off_columns: Wire::default(),
            padded: Wire::default(),
            origin: Wire::of(width),
            until_limit: Wire::of(width),
            until_second: Wire::of(width),
            until_first: Wire::of(width),
            take: Wire::default(),
            read: Wire::default(),
            load: Wire::default(),
            release: Wire::default(),
            next_reserved: Wire::of(reserved),
            word_out: Wire::of(out),
            penultimates: active.iter().map(|count| signed(*count as i64 - 2, counter_bits(count))).collect(),
            zeros: active.iter().map(|count| signed(0, counter_bits(count))).collect(),
            index_steps: all(
                steps(
                    &counts,
                    [1, tap_across * pixel, tap_down * row, words, across * pixel, down * row],
                    shape.words_in(),
                ),
                width,
            ),
            row_steps: all(steps(&counts, [0, 0, tap_down, 0, 0, down], 0), row_bits),
            column_steps: all(steps(&counts, [0, tap_across, 0, 0, across, 0], 0), column_bits),
            place_steps: all(steps(&counts, [1, 0, 0, words, 0, 0], 0), place),
            first_tap: signed(-((top * row + left * pixel) as i64), width),
            first_row: signed(-(top as i64), row_bits),
            first_column: signed(-(left as i64), column_bits),
            image_words: signed(shape.words_in() as i64, width),
            room_behind: signed(depth as i64 - 1, width),
            rows: signed(height as i64, row_bits),
            columns: signed(columns as i64, column_bits),
            sign: signed(1 << (width - 1), width),
            row_sign: signed(1 << (row_bits - 1), row_bits),
            column_sign: signed(1 << (column_bits - 1), column_bits),
            has_paddings: Parameter::flag(!window.is_unpadded()),
            flag: Parameter::new(Word::from_bits((0..out).map(|bit| bit == bits))),
            queue_depth: signed(QUEUE as i64, reserved),
            _width: width,
            _place: place,
            _reserved: reserved,
            _counters: active.len(),
            _window_counters: counts[..4].iter().filter(|count| **count > 1).count(),
        }
    }

    /// The same block with a line buffer made of what the plan says.
    pub fn of_kind(mut self, kind: Option<MemoryKind>) -> Self {
        self.memory = self.memory.of_kind(kind);
        self
    }
}

impl StreamBlock for SlidingWindow {
    fn ports(&mut self) -> StreamPorts<'_> {
        StreamPorts::new(&mut self.clock, &mut self.reset, [&mut self.in_], [&mut self.out])
    }
}

impl Logic for SlidingWindow {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, memory, queue, written, limit, room, started, index, row, column, place, image);
        clock!(self, clock, begins, second_filled, second_index, second_padded, second_place, second_limit);
        clock!(self, clock, second_limits, first_filled, first_index, first_padded, first_place, first_ready);
        clock!(self, clock, reading, read_place, read_padded, delivers, delivered, reserved, credit);
        self.queue.reset.next = self.reset.val();

        self.in_.ready.next = self.room.q.val().any();
        self.take.next = self.in_.valid.val() && self.room.q.val().any();
        self.read.next = self.first_filled.q.val().any() && self.first_ready.q.val().any() && self.credit.q.val().any();
        self.load.next = self.read.val() || !self.first_filled.q.val().any();
        self.memory.write.next = self.take.val();
        self.memory.write_address.next = self.written.q.val();
        self.memory.write_data.next = self.in_.data.val();
        self.memory.read_address.next = self.first_index.q.val();
        self.written.d.next = self.written.q.val() + self.take.val();
        self.until_limit.next = self.written.q.val() - self.limit.q.val();
        self.room.d.next =
            bits_of(0u64, 1) + (self.started.q.val().any() && (self.until_limit.val() & self.sign.val()).any());

        self.next_image.next = true;
        self.index_step.next = self.index_steps[0].val();
        self.row_step.next = self.row_steps[0].val();
        self.column_step.next = self.column_steps[0].val();
        self.place_step.next = self.place_steps[0].val();
        for i in 0..self._counters {
            self.ends[i].next = self.lasts[i].q.val().any();
        }
        for i in 1..self._counters {
            self.ends[i].next = self.ends[i - 1].val() && self.lasts[i].q.val().any();
        }
        for i in 0..self._counters {
            self.next_image.next = self.ends[i].val();
            if self.ends[i].val() {
                self.index_step.next = self.index_steps[i + 1].val();
                self.row_step.next = self.row_steps[i + 1].val();
                self.column_step.next = self.column_steps[i + 1].val();
                self.place_step.next = self.place_steps[i + 1].val();
            }
            self.counters[i].clock.next = self.clock.val();
            self.lasts[i].clock.next = self.clock.val();
            self.counters[i].d.next = self.counters[i].q.val();
            self.lasts[i].d.next = self.lasts[i].q.val();
        }
        if self.load.val() {
            for i in 0..self._counters {
                if !self.lasts[i].q.val().any() {
                    self.counters[i].d.next = self.counters[i].q.val() + 1u64;
                } else {
                    self.counters[i].d.next = self.zeros[i].val();
                }
                self.lasts[i].d.next = bits_of(0u64, 1)
                    + (!self.lasts[i].q.val().any() && (self.counters[i].q.val() == self.penultimates[i].val()));
            }
        }
        for i in 1..self._counters {
            if !self.ends[i - 1].val() {
                self.counters[i].d.next = self.counters[i].q.val();
                self.lasts[i].d.next = self.lasts[i].q.val();
            }
        }
        for i in 0..self._counters {
            if !self.started.q.val().any() {
                self.counters[i].d.next = self.zeros[i].val();
                self.lasts[i].d.next = bits_of(0u64, 1);
            }
        }

        // Above the image and left of it numbers are negative, and as such greater than any other.
        self.above.next = (self.row.q.val() & self.row_sign.val()).any();
        self.left.next = (self.column.q.val() & self.column_sign.val()).any();
        self.off_rows.next = self.row.q.val() >= self.rows.val();
        self.off_columns.next = self.column.q.val() >= self.columns.val();
        self.padded.next = self.has_paddings.val().any() && (self.off_rows.val() || self.off_columns.val());
        self.origin.next = self.index.q.val();
        if self.has_paddings.val().any() && self.above.val() {
            self.origin.next = self.image.q.val();
        }

        self.index.d.next = self.index.q.val();
        self.row.d.next = self.row.q.val();
        self.column.d.next = self.column.q.val();
        self.place.d.next = self.place.q.val();
        self.image.d.next = self.image.q.val();
        self.begins.d.next = self.begins.q.val();
        self.second_index.d.next = self.second_index.q.val();
        self.second_padded.d.next = self.second_padded.q.val();
        self.second_place.d.next = self.second_place.q.val();
        self.second_limit.d.next = self.second_limit.q.val();
        self.second_limits.d.next = self.second_limits.q.val();
        self.second_filled.d.next = self.second_filled.q.val();
        self.first_index.d.next = self.first_index.q.val();
        self.first_padded.d.next = self.first_padded.q.val();
        self.first_place.d.next = self.first_place.q.val();
        self.first_filled.d.next = self.first_filled.q.val();
        self.limit.d.next = self.limit.q.val();
        if self.load.val() {
            self.index.d.next = self.index.q.val() + self.index_step.val();
            self.row.d.next = self.row.q.val() + self.row_step.val();
            self.column.d.next = self.column.q.val() + self.column_step.val();
            self.place.d.next = self.place.q.val() + self.place_step.val();
            if self.next_image.val() {
                self.image.d.next = self.image.q.val() + self.image_words.val();
            }
            self.begins.d.next = bits_of(1u64, 1);
            for i in 0..self._window_counters {
                self.begins.d.next = bits_of(0u64, 1) + self.ends[i].val();
            }
            self.second_filled.d.next = self.started.q.val();
            self.second_index.d.next = self.index.q.val();
            if self.padded.val() {
                self.second_index.d.next = self.image.q.val();
            }
            self.second_padded.d.next = bits_of(0u64, 1) + self.padded.val();
            self.second_place.d.next = self.place.q.val();
            self.second_limit.d.next = self.origin.val() + self.room_behind.val();
            // A window that lies behind the last row or column makes no room.
            self.second_limits.d.next = bits_of(0u64, 1)
                + (self.begins.q.val().any()
                    && (!self.padded.val()
                        || ((self.above.val() || !self.off_rows.val())
                            && (self.left.val() || !self.off_columns.val()))));
            self.first_filled.d.next = self.second_filled.q.val();
            self.first_index.d.next = self.second_index.q.val();
            self.first_padded.d.next = self.second_padded.q.val();
            self.first_place.d.next = self.second_place.q.val();
            if self.second_filled.q.val().any() && self.second_limits.q.val().any() {
                self.limit.d.next = self.second_limit.q.val();
            }
        }
        self.until_second.next = self.second_index.q.val() - self.written.q.val();
        self.until_first.next = self.first_index.q.val() - self.written.q.val();
        self.first_ready.d.next = bits_of(0u64, 1) + (self.until_first.val() & self.sign.val()).any();
        if self.load.val() {
            self.first_ready.d.next = bits_of(0u64, 1) + (self.until_second.val() & self.sign.val()).any();
        }

        self.reading.d.next = bits_of(0u64, 1) + self.read.val();
        self.read_place.d.next = self.first_place.q.val();
        self.read_padded.d.next = self.first_padded.q.val();
        self.paddings.address.next = self.read_place.q.val();
        self.word_out.next = self.memory.q.val();
        if self.read_padded.q.val().any() {
            self.word_out.next = self.flag.val() | self.paddings.q.val();
        }
        self.delivers.d.next = self.reading.q.val();
        self.delivered.d.next = self.word_out.val();
        self.queue.in_.data.next = self.delivered.q.val();
        self.queue.in_.valid.next = self.delivers.q.val().any();
        StreamOut::link(&mut self.out, &mut self.queue.out);

        self.release.next = self.queue.out.valid.val() && self.out.ready.val();
        self.next_reserved.next = self.reserved.q.val();
        if self.read.val() && !self.release.val() {
            self.next_reserved.next = self.reserved.q.val() + 1u64;
        } else if !self.read.val() && self.release.val() {
            self.next_reserved.next = self.reserved.q.val() - 1u64;
        }
        self.reserved.d.next = self.next_reserved.val();
        self.credit.d.next = bits_of(0u64, 1) + (self.next_reserved.val() != self.queue_depth.val());

        self.started.d.next = bits_of(1u64, 1);
        if !self.started.q.val().any() {
            self.written.d.next = bits_of(0u64, self._width);
            self.limit.d.next = self.room_behind.val();
            self.index.d.next = self.first_tap.val();
            self.row.d.next = self.first_row.val();
            self.column.d.next = self.first_column.val();
            self.place.d.next = bits_of(0u64, self._place);
            self.image.d.next = bits_of(0u64, self._width);
            self.begins.d.next = bits_of(1u64, 1);
        }
        if self.reset.val() {
            self.started.d.next = bits_of(0u64, 1);
            self.room.d.next = bits_of(0u64, 1);
            self.second_filled.d.next = bits_of(0u64, 1);
            self.first_filled.d.next = bits_of(0u64, 1);
            self.reading.d.next = bits_of(0u64, 1);
            self.delivers.d.next = bits_of(0u64, 1);
            self.reserved.d.next = bits_of(0u64, self._reserved);
        }
    }
}
