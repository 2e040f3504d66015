//! Holds the words of input vectors and issues each vector's words once for every row fold.
//!
//! Ports: `clock`, `reset`; the stream in; `go`, whether the last word of a fold may be issued; in a cycle with `issue`
//! high a word is issued: `first` and `last` say where in its fold it stands, `weight_address` counts the words issued
//! over all folds of a group of vectors, and `x` shows the word one cycle later.
//!
//! A word taken in cycle `t` is issued in cycle `t + 1` at the earliest. Words are issued in every cycle as long as they
//! are there and `go` is high: the next vector is taken in while the present one is repeated.
//!
//! One circular memory does it. During the last fold each word read makes its place free; at the end of the others,
//! reading goes back to the vector's start. Only in the first fold may a word be missing: `fresh` counts those that are
//! there and have not been issued yet. What decides whether words move are registers, worked out one cycle ahead.

use super::ram::Ram;
use super::register::Register;
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, StreamIn, Wire, Word, bits_of, clocked};
use compiler::blocks::matrix_vector_unit::feed_depth;
use compiler::chip::memory::MemoryKind;

/// Repeats vectors of `words` words `folds` times.
#[derive(Clone, Debug, LogicBlock)]
pub struct VectorFeed {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// The stream in.
    pub in_: StreamIn,
    /// Whether the last word of a fold may be issued.
    pub go: Wire<In, Bit>,
    /// Whether a word is issued.
    pub issue: Wire<Out, Bit>,
    /// Whether it is the first of its fold.
    pub first: Wire<Out, Bit>,
    /// Whether it is the last of its fold.
    pub last: Wire<Out, Bit>,
    /// Number of the word in all folds of the group of vectors.
    pub weight_address: Wire<Out>,
    /// The word issued in the cycle before.
    pub x: Wire<Out>,
    memory: Ram,
    tail: Register,
    /// Place of the next word, and of the first of its vector.
    head: Register,
    start: Register,
    /// Words in the memory, and whether there is room for more.
    available: Register,
    full: Register,
    /// Words never issued, and whether the next one to be issued is there.
    fresh: Register,
    ready: Register,
    column: Register,
    row: Register,
    word: Register,
    /// Whether it is the last one of a fold, the fold not the first of its vector, the last, the word the last of the group.
    last_column: Register,
    later_row: Register,
    last_row: Register,
    last_word: Register,
    take: Wire<Local, Bit>,
    free: Wire<Local, Bit>,
    use_fresh: Wire<Local, Bit>,
    next_available: Wire<Local>,
    next_fresh: Wire<Local>,
    next_later_row: Wire<Local>,
    next_column: Wire<Local>,
    next_row: Wire<Local>,
    next_word: Wire<Local>,
    capacity: Parameter,
    last_column_number: Parameter,
    last_row_number: Parameter,
    last_word_number: Parameter,
    _address: usize,
    _count: usize,
    _column: usize,
    _row: usize,
    _word: usize,
}

impl VectorFeed {
    /// A feed of vectors of `words` words of `width` bits, each issued `folds` times, in groups of `group` vectors.
    pub fn new(words: usize, folds: usize, width: usize, group: usize) -> Self {
        let depth = feed_depth(words, folds);
        let (address, count) = (super::address_bits(depth), super::bits_for(depth));
        let (column, row, word) =
            (super::address_bits(words), super::address_bits(folds), super::address_bits(group * words * folds));
        VectorFeed {
            module_name: ModuleName::new(format!("vector_feed_{words}x{folds}_w{width}_by_{group}"))
                .about("Holds the words of an input vector and issues them once for every row fold."),
            clock: Wire::default(),
            reset: Wire::default(),
            in_: StreamIn::of(width),
            go: Wire::default(),
            issue: Wire::default(),
            first: Wire::default(),
            last: Wire::default(),
            weight_address: Wire::of(word),
            x: Wire::of(width),
            // A word is issued after the cycle in which it was taken, so none is read while it is written.
            memory: Ram::careless(depth, width),
            tail: Register::new(address),
            head: Register::new(address),
            start: Register::new(address),
            available: Register::new(count),
            full: Register::new(1),
            fresh: Register::new(count),
            ready: Register::new(1),
            column: Register::new(column),
            row: Register::new(row),
            word: Register::new(word),
            last_column: Register::new(1),
            later_row: Register::new(1),
            last_row: Register::new(1),
            last_word: Register::new(1),
            take: Wire::default(),
            free: Wire::default(),
            use_fresh: Wire::default(),
            next_available: Wire::of(count),
            next_fresh: Wire::of(count),
            next_later_row: Wire::of(1),
            next_column: Wire::of(column),
            next_row: Wire::of(row),
            next_word: Wire::of(word),
            capacity: Parameter::new(Word::new(depth as u64, count)),
            last_column_number: Parameter::new(Word::new(words as u64 - 1, column)),
            last_row_number: Parameter::new(Word::new(folds as u64 - 1, row)),
            last_word_number: Parameter::new(Word::new((group * words * folds) as u64 - 1, word)),
            _address: address,
            _count: count,
            _column: column,
            _row: row,
            _word: word,
        }
    }

    /// The same feed with a memory made of what the plan says.
    pub fn of_kind(mut self, kind: Option<MemoryKind>) -> Self {
        self.module_name = super::named_after(self.module_name, kind);
        self.memory = self.memory.of_kind(kind);
        self
    }
}

clocked!(VectorFeed: clock);

impl Logic for VectorFeed {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, memory, tail, head, start, available, full, fresh, ready, column, row, word);
        clock!(self, clock, last_column, later_row, last_row, last_word);

        self.in_.ready.next = !self.full.q.val().any();
        self.take.next = self.in_.valid.val() && !self.full.q.val().any();
        self.first.next = !self.column.q.val().any();
        self.last.next = self.last_column.q.val().any();
        self.issue.next = self.ready.q.val().any() && (self.go.val() || !self.last_column.q.val().any());
        self.free.next = self.issue.val() && self.last_row.q.val().any();
        self.use_fresh.next = self.issue.val() && !self.later_row.q.val().any();
        self.weight_address.next = self.word.q.val();

        self.memory.write.next = self.take.val();
        self.memory.write_address.next = self.tail.q.val();
        self.memory.write_data.next = self.in_.data.val();
        self.memory.read_address.next = self.head.q.val();
        self.x.next = self.memory.q.val();

        self.tail.d.next = self.tail.q.val() + self.take.val();
        self.next_available.next = self.available.q.val();
        if self.take.val() && !self.free.val() {
            self.next_available.next = self.available.q.val() + 1u64;
        } else if !self.take.val() && self.free.val() {
            self.next_available.next = self.available.q.val() - 1u64;
        }
        self.next_fresh.next = self.fresh.q.val();
        if self.take.val() && !self.use_fresh.val() {
            self.next_fresh.next = self.fresh.q.val() + 1u64;
        } else if !self.take.val() && self.use_fresh.val() {
            self.next_fresh.next = self.fresh.q.val() - 1u64;
        }
        self.head.d.next = self.head.q.val();
        self.start.d.next = self.start.q.val();
        self.next_column.next = self.column.q.val();
        self.next_row.next = self.row.q.val();
        self.next_word.next = self.word.q.val();
        self.next_later_row.next = self.later_row.q.val();
        if self.issue.val() {
            self.head.d.next = self.head.q.val() + 1u64;
            self.next_column.next = self.column.q.val() + 1u64;
            self.next_word.next = self.word.q.val() + 1u64;
            if self.last_column.q.val().any() {
                self.next_column.next = bits_of(0u64, self._column);
                if self.last_row.q.val().any() {
                    self.start.d.next = self.head.q.val() + 1u64;
                    self.next_row.next = bits_of(0u64, self._row);
                    self.next_later_row.next = bits_of(0u64, 1);
                } else {
                    self.head.d.next = self.start.q.val();
                    self.next_row.next = self.row.q.val() + 1u64;
                    self.next_later_row.next = bits_of(1u64, 1);
                }
            }
            if self.last_word.q.val().any() {
                self.next_word.next = bits_of(0u64, self._word);
            }
        }
        if self.reset.val() {
            self.tail.d.next = bits_of(0u64, self._address);
            self.head.d.next = bits_of(0u64, self._address);
            self.start.d.next = bits_of(0u64, self._address);
            self.next_available.next = bits_of(0u64, self._count);
            self.next_fresh.next = bits_of(0u64, self._count);
            self.next_column.next = bits_of(0u64, self._column);
            self.next_row.next = bits_of(0u64, self._row);
            self.next_word.next = bits_of(0u64, self._word);
            self.next_later_row.next = bits_of(0u64, 1);
        }
        self.available.d.next = self.next_available.val();
        self.full.d.next = bits_of(0u64, 1) + (self.next_available.val() == self.capacity.val());
        self.fresh.d.next = self.next_fresh.val();
        self.ready.d.next = bits_of(0u64, 1) + (self.next_later_row.val().any() || self.next_fresh.val().any());
        self.column.d.next = self.next_column.val();
        self.row.d.next = self.next_row.val();
        self.word.d.next = self.next_word.val();
        self.later_row.d.next = self.next_later_row.val();
        self.last_column.d.next = bits_of(0u64, 1) + (self.next_column.val() == self.last_column_number.val());
        self.last_row.d.next = bits_of(0u64, 1) + (self.next_row.val() == self.last_row_number.val());
        self.last_word.d.next = bits_of(0u64, 1) + (self.next_word.val() == self.last_word_number.val());
    }
}
