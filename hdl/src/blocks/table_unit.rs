//! A function of two codes, looked up lane by lane.
//!
//! Ports: `clock`, `reset`; the streams in, `in_*` and `second_*`, `lanes` codes a word each; the stream out, `lanes` codes
//! a word. The ready of an input follows `out_ready` and the other input's valid within the cycle.
//!
//! A pair of words is taken in every cycle in which both are there and no finished word waits, and its codes are offered
//! one cycle later. With a table for each channel, the number of the word in its vector is part of the address.

use super::constant_table::ConstantTable;
use super::one_result::OneResult;
use super::register::Register;
use super::stream_block::{StreamBlock, StreamPorts};
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, StreamIn, StreamOut, Wire, Word, bits_of};
use abi::ElementType;

/// Looks two streams up.
#[derive(Clone, Debug, LogicBlock)]
pub struct TableUnit {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// The first stream in.
    pub in_: StreamIn,
    /// The second stream in.
    pub second_in: StreamIn,
    /// The stream out.
    pub out: StreamOut,
    tables: Vec<ConstantTable>,
    position: Register,
    result: OneResult,
    firsts: Vec<Wire<Local>>,
    seconds: Vec<Wire<Local>>,
    places: Wire<Local>,
    placed: Vec<Wire<Local>>,
    packed: Wire<Local>,
    take: Wire<Local, Bit>,
    last: Wire<Local>,
    last_number: Parameter,
    lane_in: Parameter,
    second_lane_in: Parameter,
    pair_width: Parameter,
    lane_out: Parameter,
    _lanes: usize,
    _position: usize,
    _address: usize,
}

/// What a table unit looks up.
#[derive(Clone, Copy, Debug)]
pub struct TableShape<'a> {
    /// Name of the unit, a Verilog identifier.
    pub name: &'a str,
    /// Types of the codes in.
    pub inputs: [ElementType; 2],
    /// Type of the codes out.
    pub output: ElementType,
    /// Codes of a word.
    pub lanes: usize,
    /// Codes of a vector.
    pub channels: usize,
    /// For each channel, or once for all, the value of each pair of codes, the first one's bits lowest.
    pub values: &'a [Vec<i32>],
}

impl TableUnit {
    /// The unit of the given shape.
    pub fn new(shape: &TableShape) -> Self {
        let TableShape { name, inputs, output, lanes, channels, values } = *shape;
        let bits = inputs.map(|element| element.bits() as usize);
        let bits_out = output.bits() as usize;
        let words = channels.div_ceil(lanes);
        let position = super::address_bits(words);
        let (pair, width) = (bits[0] + bits[1], lanes * bits_out);
        let rows = |lane: usize| -> Vec<Word> {
            let of_channel = |channel: usize| values.get(if values.len() == 1 { 0 } else { channel });
            let tables = (0..if values.len() == 1 { 1 } else { words }).map(|word| of_channel(word * lanes + lane));
            let codes = tables.flat_map(|table| {
                let value = move |code: usize| table.map_or(0, |table| output.encode(i64::from(table[code])));
                (0..1usize << pair).map(value)
            });
            codes.map(|code| Word::new(code, bits_out)).collect()
        };
        let table = |lane: usize| {
            let own = if values.len() == 1 { 0 } else { lane };
            ConstantTable::new(&format!("{name}_table{own}"), rows(own))
        };
        TableUnit {
            module_name: ModuleName::new(name).about("A function of two codes, looked up lane by lane."),
            clock: Wire::default(),
            reset: Wire::default(),
            in_: StreamIn::of(lanes * bits[0]),
            second_in: StreamIn::of(lanes * bits[1]),
            out: StreamOut::of(width),
            tables: (0..lanes).map(table).collect(),
            position: Register::new(position),
            result: OneResult::new(width),
            firsts: (0..lanes).map(|_| Wire::of(bits[0])).collect(),
            seconds: (0..lanes).map(|_| Wire::of(bits[1])).collect(),
            places: Wire::of(pair + position),
            placed: (0..lanes).map(|_| Wire::of(width)).collect(),
            packed: Wire::of(width),
            take: Wire::default(),
            last: Wire::of(position),
            last_number: Parameter::new(Word::new(words as u64 - 1, position)),
            lane_in: Parameter::number(bits[0]),
            second_lane_in: Parameter::number(bits[1]),
            pair_width: Parameter::number(pair),
            lane_out: Parameter::number(bits_out),
            _lanes: lanes,
            _position: position,
            _address: pair + position,
        }
    }
}

impl StreamBlock for TableUnit {
    fn ports(&mut self) -> StreamPorts<'_> {
        StreamPorts::new(&mut self.clock, &mut self.reset, [&mut self.in_, &mut self.second_in], [&mut self.out])
    }
}

impl Logic for TableUnit {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, position, result);
        self.result.reset.next = self.reset.val();

        StreamOut::link(&mut self.out, &mut self.result.out);
        self.in_.ready.next = self.result.room.val() && self.second_in.valid.val();
        self.second_in.ready.next = self.result.room.val() && self.in_.valid.val();
        self.take.next = self.result.room.val() && self.in_.valid.val() && self.second_in.valid.val();
        self.last.next = self.last_number.val();

        self.places.next = (bits_of(0u64, self._address) + self.position.q.val()) << self.pair_width.val();
        for i in 0..self._lanes {
            self.firsts[i].next = self.in_.data.val() >> (self.lane_in.val() * i);
            self.seconds[i].next = self.second_in.data.val() >> (self.second_lane_in.val() * i);
            self.tables[i].address.next = self.places.val()
                | ((bits_of(0u64, self._address) + self.seconds[i].val()) << self.lane_in.val())
                | self.firsts[i].val();
            self.placed[i].next = self.tables[i].q.val();
        }
        self.packed.next = self.placed[0].val();
        for i in 1..self._lanes {
            self.packed.next = self.packed.val() | (self.placed[i].val() << (self.lane_out.val() * i));
        }

        self.result.value.next = self.packed.val();
        self.result.load.next = self.take.val();
        self.position.d.next = self.position.q.val();
        if self.take.val() {
            self.position.d.next = self.position.q.val() + 1u64;
            if self.position.q.val() == self.last.val() {
                self.position.d.next = bits_of(0u64, self._position);
            }
        }
        if self.reset.val() {
            self.position.d.next = bits_of(0u64, self._position);
        }
    }
}
