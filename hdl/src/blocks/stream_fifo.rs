//! A queue of stream words.
//!
//! Ports: `clock`, `reset`, `in_data`/`in_valid`/`in_ready`, `out_data`/`out_valid`/`out_ready`.
//! A word taken in cycle `t` is offered from cycle `t + 1` on. Ready depends only on the number of words inside, so
//! the queue cuts combinational paths both ways; one word in and one word out move in every cycle.
//!
//! Up to [`SHALLOW`] words lie in LUT RAM, and more where the plan says so. Others lie in block RAM, which is read one cycle
//! ahead: the place that will be the oldest after the coming edge, following `out_ready`. A word written there at the same
//! edge is not to be had from the memory yet and waits in a register beside it.

use super::ram::Ram;
use super::register::Register;
use super::stream_block::{StreamBlock, StreamPorts};
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, StreamIn, StreamOut, Wire, Word, bits_of};
pub use compiler::blocks::stream_fifo::SHALLOW;
use compiler::chip::memory::MemoryKind;

/// A queue of `depth` words.
#[derive(Clone, Debug, LogicBlock)]
pub struct StreamFifo {
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
    head: Register,
    tail: Register,
    count: Register,
    push: Wire<Local, Bit>,
    pop: Wire<Local, Bit>,
    /// Of deep queues: the oldest place after the coming edge, the word written there, whether it was.
    next_head: Vec<Wire<Local>>,
    passing: Vec<Register>,
    passes: Vec<Register>,
    capacity: Parameter,
    _address: usize,
    _count: usize,
    _deep: usize,
}

impl StreamFifo {
    /// A queue of `depth` words (at least 2) of `width` bits.
    pub fn new(depth: usize, width: usize) -> Self {
        StreamFifo::of_kind(depth, width, if depth > SHALLOW { Some(MemoryKind::Block) } else { None })
    }

    /// A queue whose memory is made of what the plan says.
    pub fn of_kind(depth: usize, width: usize, kind: Option<MemoryKind>) -> Self {
        let (address, count) = (super::address_bits(depth), super::bits_for(depth));
        let deep = usize::from(kind == Some(MemoryKind::Block));
        let in_luts = depth > SHALLOW && deep == 0;
        StreamFifo {
            module_name: ModuleName::new(format!(
                "stream_fifo_d{depth}_w{width}{}",
                if in_luts { "_luts" } else { "" }
            ))
            .about("A queue of stream words."),
            clock: Wire::default(),
            reset: Wire::default(),
            in_: StreamIn::of(width),
            out: StreamOut::of(width),
            memory: match deep {
                1 => Ram::careless(1 << address, width).of_kind(kind),
                _ => Ram::new(1 << address, width, false),
            },
            head: Register::new(address),
            tail: Register::new(address),
            count: Register::new(count),
            push: Wire::default(),
            pop: Wire::default(),
            next_head: (0..deep).map(|_| Wire::of(address)).collect(),
            passing: (0..deep).map(|_| Register::new(width)).collect(),
            passes: (0..deep).map(|_| Register::new(1)).collect(),
            capacity: Parameter::new(Word::new(depth as u64, count)),
            _address: address,
            _count: count,
            _deep: deep,
        }
    }
}

impl StreamBlock for StreamFifo {
    fn ports(&mut self) -> StreamPorts<'_> {
        StreamPorts::new(&mut self.clock, &mut self.reset, [&mut self.in_], [&mut self.out])
    }
}

impl Logic for StreamFifo {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, memory, head, tail, count);
        self.in_.ready.next = self.count.q.val() != self.capacity.val();
        self.out.valid.next = self.count.q.val().any();
        self.push.next = self.in_.valid.val() && self.in_.ready.val();
        self.pop.next = self.out.valid.val() && self.out.ready.val();
        self.memory.write.next = self.push.val();
        self.memory.write_address.next = self.tail.q.val();
        self.memory.write_data.next = self.in_.data.val();
        self.memory.read_address.next = self.head.q.val();
        self.out.data.next = self.memory.q.val();
        for i in 0..self._deep {
            self.next_head[i].next = self.head.q.val() + self.pop.val();
            self.memory.read_address.next = self.next_head[i].val();
            self.passing[i].clock.next = self.clock.val();
            self.passing[i].d.next = self.in_.data.val();
            self.passes[i].clock.next = self.clock.val();
            self.passes[i].d.next =
                bits_of(0u64, 1) + (self.push.val() && (self.tail.q.val() == self.next_head[i].val()));
            if self.passes[i].q.val().any() {
                self.out.data.next = self.passing[i].q.val();
            }
        }
        self.tail.d.next = self.tail.q.val() + self.push.val();
        self.head.d.next = self.head.q.val() + self.pop.val();
        self.count.d.next = self.count.q.val();
        if self.push.val() && !self.pop.val() {
            self.count.d.next = self.count.q.val() + 1u64;
        } else if !self.push.val() && self.pop.val() {
            self.count.d.next = self.count.q.val() - 1u64;
        }
        if self.reset.val() {
            self.tail.d.next = bits_of(0u64, self._address);
            self.head.d.next = bits_of(0u64, self._address);
            self.count.d.next = bits_of(0u64, self._count);
        }
    }
}
