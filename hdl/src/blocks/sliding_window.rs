//! The windows of an image, tap by tap, out of a line buffer that is written while it is read.
//!
//! Ports: `clock`, `reset`; the stream in, pixels row by row, each `blocks` times `words` words; the stream out, for each
//! window row by row, for each block, for each tap row by row: the `words` words of the block of the tap's pixel, or, for
//! a tap outside the image, the padding word of that place. With `flagged`, words out have one more bit, the highest,
//! which is set in padding words.
//!
//! A word is read once it has been written, one in every cycle, and offered [`LATENCY`] cycles later at the earliest.
//! Rows make room as soon as no later row of windows needs them, so the next ones, of the same image or the next, come in
//! meanwhile. Words that no window needs pass.
//!
//! The oldest word kept stands at `base`, the first of the first row that windows still need. Each tap's place is its
//! distance from there, kept up to date by additions, without products: rows and columns are counted from the corner of
//! the padded image. `kept` counts the words in the buffer; it falls below zero where words still to come are not needed.

use super::constant_table::ConstantTable;
use super::ram::Ram;
use super::register::Register;
use super::stream_fifo::StreamFifo;
use crate::wire::{ModuleName, Parameter, Wire, Word, bits_of};
use compiler::memory::MemoryKind;
use compiler::schedule::sliding_window::{QUEUE, SlidingWindowShape};
use rust_hdl::core::prelude::*;

/// Windows over a stream of pixels.
#[derive(Clone, Debug, LogicBlock)]
pub struct SlidingWindow {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// Word in.
    pub in_data: Wire<In>,
    /// Whether there is a word in.
    pub in_valid: Wire<In, Bit>,
    /// Whether the word in is taken.
    pub in_ready: Wire<Out, Bit>,
    /// Word out.
    pub out_data: Wire<Out>,
    /// Whether there is a word out.
    pub out_valid: Wire<Out, Bit>,
    /// Whether the word out is taken.
    pub out_ready: Wire<In, Bit>,
    memory: Ram,
    paddings: ConstantTable,
    queue: StreamFifo,
    base: Register,
    tail: Register,
    kept: Register,
    reserved: Register,
    /// Word, kernel column, kernel row, block, column and row of windows.
    counters: Vec<Register>,
    /// Word of the pixel, and the first one of its block.
    place: Register,
    block_place: Register,
    /// Of the tap and of the window, in the padded image.
    row: Register,
    window_row: Register,
    column: Register,
    window_column: Register,
    /// Words from `base` to the tap's row and from there to its pixel, and the same for the window, `shift` too great.
    row_offset: Register,
    window_row_offset: Register,
    column_offset: Register,
    window_column_offset: Register,
    /// Words of the image that have made room.
    dropped: Register,
    /// The word asked for.
    requested: Register,
    offset: Register,
    frees: Register,
    request_place: Register,
    is_padded: Register,
    /// The word being read.
    reading: Register,
    read_place: Register,
    read_padded: Register,
    ends: Vec<Wire<Local, Bit>>,
    outside: Wire<Local, Bit>,
    next_row_offset: Wire<Local>,
    /// Words up to the first row of the next windows; those of the image that have not made room; the fewer of both.
    drop: Wire<Local>,
    left: Wire<Local>,
    dropping: Wire<Local>,
    take: Wire<Local, Bit>,
    read: Wire<Local, Bit>,
    load: Wire<Local, Bit>,
    release: Wire<Local, Bit>,
    available: Wire<Local, Bit>,
    freed: Wire<Local>,
    word_out: Wire<Local>,
    lasts: Vec<Parameter>,
    zeros: Vec<Parameter>,
    full: Parameter,
    queue_depth: Parameter,
    block_words: Parameter,
    tap_rows: Parameter,
    tap_row_words: Parameter,
    window_rows: Parameter,
    window_row_words: Parameter,
    tap_columns: Parameter,
    tap_column_words: Parameter,
    window_columns: Parameter,
    window_column_words: Parameter,
    image_words: Parameter,
    above_words: Parameter,
    shift: Parameter,
    first_row: Parameter,
    behind_row: Parameter,
    first_column: Parameter,
    behind_column: Parameter,
    sign: Parameter,
    flag: Parameter,
    _width: usize,
    _address: usize,
    _place: usize,
    _row: usize,
    _column: usize,
    _reserved: usize,
    _out: usize,
    _counters: usize,
}

impl SlidingWindow {
    /// The unit called `name`, a Verilog identifier, for words of `bits` bits; `paddings` holds the padding word for each
    /// word of a pixel.
    pub fn new(name: &str, shape: &SlidingWindowShape, bits: usize, paddings: &[Word], flagged: bool) -> Self {
        let SlidingWindowShape { height, width: columns, window, blocks, words, depth } = *shape;
        let [rows_out, columns_out] = window.output(height, columns);
        let (pixel, row) = (shape.pixel_words(), shape.row_words());
        let (address, place) = (super::address_bits(depth), super::address_bits(pixel));
        let [top, left] = window.before;
        // A sign, and enough bits for what is kept, for what is missing, and for the rows above the image.
        let greatest = depth.max(shape.words_in()).max((top + window.stride[0]) * row);
        let width = super::bits_for(greatest) + 1;
        let span = window.span();
        let row_bits = super::bits_for(((rows_out - 1) * window.stride[0] + span[0]).max(top + height));
        let column_bits = super::bits_for(((columns_out - 1) * window.stride[1] + span[1]).max(left + columns));
        let reserved = super::bits_for(QUEUE);
        let out = bits + usize::from(flagged);
        let counts = [words, window.kernel[1], window.kernel[0], blocks, columns_out, rows_out];
        let number = |value: usize| Parameter::new(Word::new((value as u64) & ((1 << width) - 1), width));
        let of_row = |value: usize| Parameter::new(Word::new(value as u64, row_bits));
        let of_column = |value: usize| Parameter::new(Word::new(value as u64, column_bits));
        let flag = Word::from_bits((0..out).map(|bit| bit == bits));
        SlidingWindow {
            module_name: ModuleName::new(name),
            clock: Wire::default(),
            reset: Wire::default(),
            in_data: Wire::of(bits),
            in_valid: Wire::default(),
            in_ready: Wire::default(),
            out_data: Wire::of(out),
            out_valid: Wire::default(),
            out_ready: Wire::default(),
            memory: Ram::new(depth, bits, true),
            paddings: ConstantTable::new(&format!("{name}_paddings"), paddings.to_vec()),
            queue: StreamFifo::new(QUEUE, out),
            base: Register::new(address),
            tail: Register::new(address),
            kept: Register::new(width),
            reserved: Register::new(reserved),
            counters: counts.iter().map(|count| Register::new(super::address_bits(*count))).collect(),
            place: Register::new(place),
            block_place: Register::new(place),
            row: Register::new(row_bits),
            window_row: Register::new(row_bits),
            column: Register::new(column_bits),
            window_column: Register::new(column_bits),
            row_offset: Register::new(width),
            window_row_offset: Register::new(width),
            column_offset: Register::new(width),
            window_column_offset: Register::new(width),
            dropped: Register::new(width),
            requested: Register::new(1),
            offset: Register::new(width),
            frees: Register::new(width),
            request_place: Register::new(place),
            is_padded: Register::new(1),
            reading: Register::new(1),
            read_place: Register::new(place),
            read_padded: Register::new(1),
            ends: (0..counts.len()).map(|_| Wire::default()).collect(),
            outside: Wire::default(),
            next_row_offset: Wire::of(width),
            drop: Wire::of(width),
            left: Wire::of(width),
            dropping: Wire::of(width),
            take: Wire::default(),
            read: Wire::default(),
            load: Wire::default(),
            release: Wire::default(),
            available: Wire::default(),
            freed: Wire::of(width),
            word_out: Wire::of(out),
            lasts: counts
                .iter()
                .map(|count| Parameter::new(Word::new(*count as u64 - 1, super::address_bits(*count))))
                .collect(),
            zeros: counts.iter().map(|count| Parameter::new(Word::zero(super::address_bits(*count)))).collect(),
            full: number(depth),
            queue_depth: Parameter::new(Word::new(QUEUE as u64, reserved)),
            block_words: Parameter::new(Word::new(words as u64 & ((1 << place) - 1), place)),
            tap_rows: of_row(window.dilation[0] & ((1 << row_bits) - 1)),
            tap_row_words: number(window.dilation[0] * row),
            window_rows: of_row(window.stride[0] & ((1 << row_bits) - 1)),
            window_row_words: number(window.stride[0] * row),
            tap_columns: of_column(window.dilation[1] & ((1 << column_bits) - 1)),
            tap_column_words: number(window.dilation[1] * pixel),
            window_columns: of_column(window.stride[1] & ((1 << column_bits) - 1)),
            window_column_words: number(window.stride[1] * pixel),
            image_words: number(shape.words_in()),
            above_words: number(top * row),
            shift: number(top * row + left * pixel),
            first_row: of_row(top),
            behind_row: of_row(top + height),
            first_column: of_column(left),
            behind_column: of_column(left + columns),
            sign: number(1 << (width - 1)),
            flag: Parameter::new(flag),
            _width: width,
            _address: address,
            _place: place,
            _row: row_bits,
            _column: column_bits,
            _reserved: reserved,
            _out: out,
            _counters: counts.len(),
        }
    }

    /// The same block with a line buffer made of what the plan says.
    pub fn of_kind(mut self, kind: Option<MemoryKind>) -> Self {
        self.memory = self.memory.of_kind(kind);
        self
    }
}

impl Logic for SlidingWindow {
    #[hdl_gen]
    fn update(&mut self) {
        self.memory.clock.next = self.clock.val();
        self.queue.clock.next = self.clock.val();
        self.base.clock.next = self.clock.val();
        self.tail.clock.next = self.clock.val();
        self.kept.clock.next = self.clock.val();
        self.reserved.clock.next = self.clock.val();
        self.place.clock.next = self.clock.val();
        self.block_place.clock.next = self.clock.val();
        self.row.clock.next = self.clock.val();
        self.window_row.clock.next = self.clock.val();
        self.column.clock.next = self.clock.val();
        self.window_column.clock.next = self.clock.val();
        self.row_offset.clock.next = self.clock.val();
        self.window_row_offset.clock.next = self.clock.val();
        self.column_offset.clock.next = self.clock.val();
        self.window_column_offset.clock.next = self.clock.val();
        self.dropped.clock.next = self.clock.val();
        self.requested.clock.next = self.clock.val();
        self.offset.clock.next = self.clock.val();
        self.frees.clock.next = self.clock.val();
        self.request_place.clock.next = self.clock.val();
        self.is_padded.clock.next = self.clock.val();
        self.reading.clock.next = self.clock.val();
        self.read_place.clock.next = self.clock.val();
        self.read_padded.clock.next = self.clock.val();
        self.queue.reset.next = self.reset.val();

        self.in_ready.next = (self.kept.q.val() ^ self.sign.val()) < (self.full.val() ^ self.sign.val());
        self.take.next = self.in_valid.val() && self.in_ready.val();
        self.available.next = (self.kept.q.val() ^ self.sign.val()) > (self.offset.q.val() ^ self.sign.val());
        self.read.next = self.requested.q.val().any()
            && (self.reserved.q.val() != self.queue_depth.val())
            && ((self.is_padded.q.val().any() && ((self.kept.q.val() ^ self.sign.val()) >= self.sign.val()))
                || self.available.val());
        self.load.next = self.read.val() || !self.requested.q.val().any();

        self.memory.write.next = self.take.val();
        self.memory.write_address.next = self.tail.q.val();
        self.memory.write_data.next = self.in_data.val();
        self.memory.read_address.next = self.base.q.val() + self.offset.q.val();
        self.freed.next = bits_of(0u64, self._width);
        if self.read.val() {
            self.freed.next = self.frees.q.val();
        }
        self.tail.d.next = self.tail.q.val() + self.take.val();
        self.base.d.next = self.base.q.val() + self.freed.val();
        self.kept.d.next = (self.kept.q.val() + self.take.val()) - self.freed.val();

        self.ends[0].next = self.counters[0].q.val() == self.lasts[0].val();
        for i in 1..self._counters {
            self.ends[i].next = self.ends[i - 1].val() && (self.counters[i].q.val() == self.lasts[i].val());
        }
        for i in 0..self._counters {
            self.counters[i].clock.next = self.clock.val();
            self.counters[i].d.next = self.counters[i].q.val();
        }
        if self.load.val() {
            self.counters[0].d.next = self.counters[0].q.val() + 1u64;
            if self.ends[0].val() {
                self.counters[0].d.next = self.zeros[0].val();
            }
        }
        for i in 1..self._counters {
            if self.load.val() && self.ends[i - 1].val() {
                self.counters[i].d.next = self.counters[i].q.val() + 1u64;
                if self.ends[i].val() {
                    self.counters[i].d.next = self.zeros[i].val();
                }
            }
        }
        for i in 0..self._counters {
            if self.reset.val() {
                self.counters[i].d.next = self.zeros[i].val();
            }
        }

        self.outside.next = (self.row.q.val() < self.first_row.val())
            || (self.row.q.val() >= self.behind_row.val())
            || (self.column.q.val() < self.first_column.val())
            || (self.column.q.val() >= self.behind_column.val());
        self.next_row_offset.next = self.window_row_offset.q.val() + self.window_row_words.val();
        self.drop.next = bits_of(0u64, self._width);
        if self.next_row_offset.val() >= self.above_words.val() {
            self.drop.next = self.next_row_offset.val() - self.above_words.val();
        }
        // Rows below the image are not there to make room.
        self.left.next = self.image_words.val() - self.dropped.q.val();
        self.dropping.next = self.drop.val();
        if self.ends[5].val() || (self.drop.val() > self.left.val()) {
            self.dropping.next = self.left.val();
        }

        self.place.d.next = self.place.q.val();
        self.block_place.d.next = self.block_place.q.val();
        self.row.d.next = self.row.q.val();
        self.window_row.d.next = self.window_row.q.val();
        self.row_offset.d.next = self.row_offset.q.val();
        self.window_row_offset.d.next = self.window_row_offset.q.val();
        self.column.d.next = self.column.q.val();
        self.window_column.d.next = self.window_column.q.val();
        self.column_offset.d.next = self.column_offset.q.val();
        self.window_column_offset.d.next = self.window_column_offset.q.val();
        self.dropped.d.next = self.dropped.q.val();
        self.requested.d.next = self.requested.q.val();
        self.offset.d.next = self.offset.q.val();
        self.frees.d.next = self.frees.q.val();
        self.request_place.d.next = self.request_place.q.val();
        self.is_padded.d.next = self.is_padded.q.val();
        if self.load.val() {
            self.requested.d.next = bits_of(1u64, 1);
            self.offset.d.next =
                ((self.row_offset.q.val() + self.column_offset.q.val()) - self.shift.val()) + self.place.q.val();
            self.request_place.d.next = self.place.q.val();
            self.is_padded.d.next = bits_of(0u64, 1) + self.outside.val();
            self.frees.d.next = bits_of(0u64, self._width);
            if !self.ends[0].val() {
                self.place.d.next = self.place.q.val() + 1u64;
            } else {
                self.place.d.next = self.block_place.q.val();
                if !self.ends[1].val() {
                    self.column.d.next = self.column.q.val() + self.tap_columns.val();
                    self.column_offset.d.next = self.column_offset.q.val() + self.tap_column_words.val();
                } else {
                    self.column.d.next = self.window_column.q.val();
                    self.column_offset.d.next = self.window_column_offset.q.val();
                    if !self.ends[2].val() {
                        self.row.d.next = self.row.q.val() + self.tap_rows.val();
                        self.row_offset.d.next = self.row_offset.q.val() + self.tap_row_words.val();
                    } else {
                        self.row.d.next = self.window_row.q.val();
                        self.row_offset.d.next = self.window_row_offset.q.val();
                        if !self.ends[3].val() {
                            self.block_place.d.next = self.block_place.q.val() + self.block_words.val();
                            self.place.d.next = self.block_place.q.val() + self.block_words.val();
                        } else {
                            self.block_place.d.next = bits_of(0u64, self._place);
                            self.place.d.next = bits_of(0u64, self._place);
                            if !self.ends[4].val() {
                                self.window_column.d.next = self.window_column.q.val() + self.window_columns.val();
                                self.column.d.next = self.window_column.q.val() + self.window_columns.val();
                                self.window_column_offset.d.next =
                                    self.window_column_offset.q.val() + self.window_column_words.val();
                                self.column_offset.d.next =
                                    self.window_column_offset.q.val() + self.window_column_words.val();
                            } else {
                                self.window_column.d.next = bits_of(0u64, self._column);
                                self.column.d.next = bits_of(0u64, self._column);
                                self.window_column_offset.d.next = bits_of(0u64, self._width);
                                self.column_offset.d.next = bits_of(0u64, self._width);
                                self.frees.d.next = self.dropping.val();
                                self.dropped.d.next = self.dropped.q.val() + self.dropping.val();
                                self.window_row.d.next = self.window_row.q.val() + self.window_rows.val();
                                self.row.d.next = self.window_row.q.val() + self.window_rows.val();
                                self.window_row_offset.d.next = self.next_row_offset.val();
                                self.row_offset.d.next = self.next_row_offset.val();
                                if self.next_row_offset.val() >= self.above_words.val() {
                                    self.window_row_offset.d.next = self.above_words.val();
                                    self.row_offset.d.next = self.above_words.val();
                                }
                                if self.ends[5].val() {
                                    self.dropped.d.next = bits_of(0u64, self._width);
                                    self.window_row.d.next = bits_of(0u64, self._row);
                                    self.row.d.next = bits_of(0u64, self._row);
                                    self.window_row_offset.d.next = bits_of(0u64, self._width);
                                    self.row_offset.d.next = bits_of(0u64, self._width);
                                }
                            }
                        }
                    }
                }
            }
        }

        self.reading.d.next = bits_of(0u64, 1) + self.read.val();
        self.read_place.d.next = self.request_place.q.val();
        self.read_padded.d.next = self.is_padded.q.val();
        self.paddings.address.next = self.read_place.q.val();
        self.word_out.next = self.memory.q.val();
        if self.read_padded.q.val().any() {
            self.word_out.next = self.flag.val() | self.paddings.q.val();
        }
        self.queue.in_data.next = self.word_out.val();
        self.queue.in_valid.next = self.reading.q.val().any();
        self.out_data.next = self.queue.out_data.val();
        self.out_valid.next = self.queue.out_valid.val();
        self.queue.out_ready.next = self.out_ready.val();

        self.release.next = self.queue.out_valid.val() && self.out_ready.val();
        self.reserved.d.next = self.reserved.q.val();
        if self.read.val() && !self.release.val() {
            self.reserved.d.next = self.reserved.q.val() + 1u64;
        } else if !self.read.val() && self.release.val() {
            self.reserved.d.next = self.reserved.q.val() - 1u64;
        }
        if self.reset.val() {
            self.base.d.next = bits_of(0u64, self._address);
            self.tail.d.next = bits_of(0u64, self._address);
            self.kept.d.next = bits_of(0u64, self._width);
            self.reserved.d.next = bits_of(0u64, self._reserved);
            self.place.d.next = bits_of(0u64, self._place);
            self.block_place.d.next = bits_of(0u64, self._place);
            self.row.d.next = bits_of(0u64, self._row);
            self.window_row.d.next = bits_of(0u64, self._row);
            self.column.d.next = bits_of(0u64, self._column);
            self.window_column.d.next = bits_of(0u64, self._column);
            self.row_offset.d.next = bits_of(0u64, self._width);
            self.window_row_offset.d.next = bits_of(0u64, self._width);
            self.column_offset.d.next = bits_of(0u64, self._width);
            self.window_column_offset.d.next = bits_of(0u64, self._width);
            self.dropped.d.next = bits_of(0u64, self._width);
            self.requested.d.next = bits_of(0u64, 1);
            self.reading.d.next = bits_of(0u64, 1);
        }
    }
}
