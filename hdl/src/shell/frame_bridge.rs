//! Answers frames ([`abi::frame`]) with the words of a device.
//!
//! Ports: `clock`, `reset`;
//!
//! * `in_data`/`in_valid`/`in_ready`, the bytes of a line, and `out_data`/`out_valid`/`out_ready`, the bytes of the
//!   answers;
//! * the bus, of which this is the master: `address`, a multiple of four wherever it matters; `readable` and `writable`,
//!   whether a word there can be read or written; `read_data`, the word. These three may come up to four cycles after
//!   `address` changed. In the one cycle with `write` high, `write_data` is to be stored;
//! * `frame_error`, high for one cycle for each frame that is dropped or refused for a wrong checksum or a premature end.
//!
//! A frame is taken in bit by bit, eight bits in the cycles after each byte: they go through the checksum and into
//! `header` or `word`. A word for a window is written when it is whole, a word for a register (below the windows) when
//! its payload's checksum is right. What the header already shows to be wrong is refused at once, and the rest of the
//! frame is ignored; a word that cannot be written is refused after the payload's checksum, and no word behind it is
//! written. Before a read is answered, all its words are tried for `readable`, six cycles each. Each word is then taken
//! from `read_data` all at once, when the byte before it leaves.
//!
//! The answer is made by the same registers, which turn once around: a header is answered as it came, but for its kind
//! and, in a refusal, its count. Between the end of a request and the end of its answer no byte is taken in, and inside a
//! frame one in ten cycles. A frame that stops in the middle waits for its next byte for ever; the next flag drops it.

use super::bus::BusMaster;
use super::checksum::Checksum;
use super::frame_receiver::FrameReceiver;
use super::frame_transmitter::FrameTransmitter;
use super::request_header::{INDEX_BITS, REFUSAL_BITS, RequestHeader};
use crate::blocks::register::Register;
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, StreamIn, StreamOut, Wire, Word, bits_of, clocked};
use abi::frame::{CHECKSUM_BYTES, FrameKind, HEADER_BYTES, Refusal};

// The answer's kind is the request's with its highest bit set, or all ones.
const _: () = assert!(FrameKind::Read.code() | 0x80 == FrameKind::ReadReply.code());
const _: () = assert!(FrameKind::Write.code() | 0x80 == FrameKind::WriteReply.code());
const _: () = assert!(FrameKind::Refusal.code() == 0xff);
// `place` tells the parts of a frame by single bits.
const _: () = assert!(HEADER_BYTES == 8 && CHECKSUM_BYTES == 4);

/// A master of a bus that takes its orders as frames.
#[derive(Clone, Debug, LogicBlock)]
pub struct FrameBridge {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// The stream in.
    pub in_: StreamIn,
    /// The stream out.
    pub out: StreamOut,
    /// The bus.
    pub bus: BusMaster,
    /// Whether a frame is dropped or refused for its bytes.
    pub frame_error: Wire<Out, Bit>,
    receiver: FrameReceiver,
    transmitter: FrameTransmitter,
    checksum: Checksum,
    request: RequestHeader,
    state: Register,
    /// The byte of the frame: 0 to 7 header, 8 to 11 its checksum, 12 to 15 a word, 16 to 19 the payload's checksum.
    place: Register,
    /// Cycles left for a byte: 15 to 8 its bits move, 7 it is whole, 1 it leaves. A try for `readable` begins with 6.
    left: Register,
    byte: Register,
    header: Register,
    word: Register,
    /// Number of the word in the payload.
    index: Register,
    word_address: Register,
    /// Why the request is refused, 0 where it is not.
    refusal: Register,
    hunting: Wire<Local, Bit>,
    receiving: Wire<Local, Bit>,
    probing: Wire<Local, Bit>,
    opening: Wire<Local, Bit>,
    sending: Wire<Local, Bit>,
    closing: Wire<Local, Bit>,
    /// A frame begins.
    begin: Wire<Local, Bit>,
    /// A bit moves.
    shift: Wire<Local, Bit>,
    /// A byte has come or is made.
    whole: Wire<Local, Bit>,
    /// A byte leaves, or a try ends.
    leave: Wire<Local, Bit>,
    in_header: Wire<Local, Bit>,
    in_word: Wire<Local, Bit>,
    header_end: Wire<Local, Bit>,
    word_end: Wire<Local, Bit>,
    payload_end: Wire<Local, Bit>,
    last_word: Wire<Local, Bit>,
    refused: Wire<Local, Bit>,
    /// All bytes of the answer have left but for its flag.
    answered: Wire<Local, Bit>,
    /// The bit that moves.
    bit: Wire<Local, Bit>,
    next_index: Wire<Local>,
    hunt: Parameter,
    receive: Parameter,
    probe: Parameter,
    open: Parameter,
    send: Parameter,
    close: Parameter,
    word_place: Parameter,
    byte_cycles: Parameter,
    probe_cycles: Parameter,
    payload_refusal: Parameter,
    address_refusal: Parameter,
    _index: usize,
    _refusal: usize,
}

impl FrameBridge {
    /// A bridge that waits for a flag.
    #[allow(clippy::new_without_default, reason = "blocks are made by `new`")]
    pub fn new() -> Self {
        let state = |number| Parameter::new(Word::new(number, 3));
        let refusal = |refusal: Refusal| Parameter::new(Word::new(refusal.code().into(), REFUSAL_BITS));
        FrameBridge {
            module_name: ModuleName::new("frame_bridge")
                .about("Executes request frames on the bus of the device and answers them."),
            clock: Wire::default(),
            reset: Wire::default(),
            in_: StreamIn::of(8),
            out: StreamOut::of(8),
            bus: BusMaster::new(),
            frame_error: Wire::default(),
            receiver: FrameReceiver::new(),
            transmitter: FrameTransmitter::new(),
            checksum: Checksum::new(),
            request: RequestHeader::new(),
            state: Register::new(3),
            place: Register::new(5),
            left: Register::new(4),
            byte: Register::new(8),
            header: Register::new(8 * HEADER_BYTES),
            word: Register::new(32),
            index: Register::new(INDEX_BITS),
            word_address: Register::new(32),
            refusal: Register::new(REFUSAL_BITS),
            hunting: Wire::default(),
            receiving: Wire::default(),
            probing: Wire::default(),
            opening: Wire::default(),
            sending: Wire::default(),
            closing: Wire::default(),
            begin: Wire::default(),
            shift: Wire::default(),
            whole: Wire::default(),
            leave: Wire::default(),
            in_header: Wire::default(),
            in_word: Wire::default(),
            header_end: Wire::default(),
            word_end: Wire::default(),
            payload_end: Wire::default(),
            last_word: Wire::default(),
            refused: Wire::default(),
            answered: Wire::default(),
            bit: Wire::default(),
            next_index: Wire::of(INDEX_BITS),
            hunt: state(0),
            receive: state(1),
            probe: state(2),
            open: state(3),
            send: state(4),
            close: state(5),
            word_place: Parameter::new(Word::new((HEADER_BYTES + CHECKSUM_BYTES) as u64, 5)),
            byte_cycles: Parameter::new(Word::new(15, 4)),
            probe_cycles: Parameter::new(Word::new(6, 4)),
            payload_refusal: refusal(Refusal::Payload),
            address_refusal: refusal(Refusal::Address),
            _index: INDEX_BITS,
            _refusal: REFUSAL_BITS,
        }
    }
}

clocked!(FrameBridge: clock);

impl Logic for FrameBridge {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, receiver, transmitter, checksum, state, place, left, byte, header, word, index);
        clock!(self, clock, word_address, refusal);
        self.receiver.reset.next = self.reset.val();
        self.transmitter.reset.next = self.reset.val();

        self.hunting.next = self.state.q.val() == self.hunt.val();
        self.receiving.next = self.state.q.val() == self.receive.val();
        self.probing.next = self.state.q.val() == self.probe.val();
        self.opening.next = self.state.q.val() == self.open.val();
        self.sending.next = self.state.q.val() == self.send.val();
        self.closing.next = self.state.q.val() == self.close.val();
        self.shift.next = self.left.q.val().get_bit(3u64);
        self.whole.next = self.left.q.val() == 7u64;
        self.leave.next = self.left.q.val() == 1u64;
        self.in_header.next = !self.place.q.val().get_bit(3u64) && !self.place.q.val().get_bit(4u64);
        self.in_word.next = self.place.q.val().get_bit(3u64) && self.place.q.val().get_bit(2u64);
        self.header_end.next = self.place.q.val() == 11u64;
        self.word_end.next = self.place.q.val() == 15u64;
        self.payload_end.next = self.place.q.val() == 19u64;
        self.request.header.next = self.header.q.val();
        self.refused.next = self.refusal.q.val().any();
        self.next_index.next = self.index.q.val() + 1u64;
        self.last_word.next = self.next_index.val() == self.request.words.val();

        self.word_address.d.next = self.request.address.val() + (bits_of(self.index.q.val(), 32) << 2u64);
        self.bus.address.next = self.word_address.q.val();
        self.bus.write_data.next = self.word.q.val();
        self.bus.write.next = self.receiving.val()
            && self.whole.val()
            && self.bus.writable.val()
            && !self.refused.val()
            && ((self.word_end.val() && !self.request.is_register.val())
                || (self.payload_end.val() && self.request.is_register.val() && !self.checksum.wrong.val()));

        self.receiver.in_data.next = self.in_.data.val();
        self.in_.ready.next = (self.hunting.val() || self.receiving.val()) && !self.shift.val() && !self.whole.val();
        self.receiver.in_valid.next = self.in_.valid.val() && self.in_.ready.val();
        self.transmitter.in_.data.next = self.byte.q.val();
        self.transmitter.in_flag.next = !self.sending.val();
        self.transmitter.in_.valid.next =
            self.opening.val() || (self.sending.val() && self.leave.val()) || self.closing.val();
        StreamOut::link(&mut self.out, &mut self.transmitter.out);

        self.begin.next = self.receiver.flag.val();
        self.frame_error.next = self.receiving.val()
            && ((self.begin.val() && self.place.q.val().any())
                || (self.whole.val()
                    && self.checksum.wrong.val()
                    && (self.header_end.val() || self.payload_end.val())));

        self.bit.next = self.byte.q.val().get_bit(0u64);
        if self.sending.val() {
            self.bit.next = self.checksum.next_bit.val();
            if self.in_word.val() {
                self.bit.next = self.word.q.val().get_bit(0u64);
            } else if self.in_header.val() {
                self.bit.next = self.header.q.val().get_bit(0u64);
                if !self.place.q.val().any() {
                    if self.refused.val() || (self.left.q.val() == 8u64) {
                        self.bit.next = true;
                    }
                } else if self.refused.val() && (self.place.q.val() == 2u64) {
                    self.bit.next = bits_of(self.refusal.q.val(), 8).get_bit(bits_of(!self.left.q.val(), 3));
                } else if self.refused.val() && (self.place.q.val() == 3u64) {
                    self.bit.next = false;
                }
            }
        }
        self.checksum.start.next = self.begin.val() || self.opening.val();
        self.checksum.step.next = self.shift.val();
        self.checksum.drain.next = !self.in_header.val() && !self.in_word.val();
        self.checksum.data.next = self.bit.val();

        self.byte.d.next = self.byte.q.val();
        self.header.d.next = self.header.q.val();
        self.word.d.next = self.word.q.val();
        if self.shift.val() {
            self.byte.d.next = (self.byte.q.val() >> 1u64) | (bits_of(self.bit.val(), 8) << 7u64);
            if self.in_header.val() {
                self.header.d.next = (self.header.q.val() >> 1u64) | (bits_of(self.bit.val(), 64) << 63u64);
            }
            if self.in_word.val() {
                self.word.d.next = (self.word.q.val() >> 1u64) | (bits_of(self.bit.val(), 32) << 31u64);
            }
        } else if self.receiving.val() {
            if self.receiver.valid.val() {
                self.byte.d.next = self.receiver.data.val();
            }
        } else if self.leave.val() && (self.place.q.val() == self.word_place.val()) {
            self.word.d.next = self.bus.read_data.val();
        }

        self.place.d.next = self.place.q.val();
        self.index.d.next = self.index.q.val();
        if self.begin.val() {
            self.place.d.next = bits_of(0u64, 5);
            self.index.d.next = bits_of(0u64, self._index);
        } else if self.whole.val() {
            self.place.d.next = self.place.q.val() + 1u64;
            if self.word_end.val() && !self.last_word.val() {
                self.place.d.next = self.word_place.val();
                self.index.d.next = self.next_index.val();
            }
        } else if self.probing.val() && self.leave.val() {
            self.index.d.next = self.next_index.val();
            if self.last_word.val() {
                self.index.d.next = bits_of(0u64, self._index);
            }
        } else if self.opening.val() {
            self.place.d.next = bits_of(0u64, 5);
        }

        self.answered.next = (self.place.q.val() == 20u64)
            || ((self.place.q.val() == self.word_place.val()) && (self.refused.val() || !self.request.is_read.val()));
        self.state.d.next = self.state.q.val();
        self.refusal.d.next = self.refusal.q.val();
        self.left.d.next = self.left.q.val();
        if self.left.q.val().any() {
            self.left.d.next = self.left.q.val() - 1u64;
        }
        if self.begin.val() {
            self.state.d.next = self.receive.val();
            self.refusal.d.next = bits_of(0u64, self._refusal);
            self.left.d.next = bits_of(0u64, 4);
        } else if self.receiving.val() {
            if self.receiver.valid.val() {
                self.left.d.next = self.byte_cycles.val();
            }
            if self.whole.val() {
                if self.header_end.val() {
                    if self.checksum.wrong.val() {
                        self.state.d.next = self.hunt.val();
                    } else if self.request.refusal.val().any() {
                        self.state.d.next = self.open.val();
                        self.refusal.d.next = self.request.refusal.val();
                    } else if self.request.is_read.val() {
                        self.state.d.next = self.probe.val();
                    }
                } else if self.payload_end.val() {
                    self.state.d.next = self.open.val();
                    if self.checksum.wrong.val() {
                        self.refusal.d.next = self.payload_refusal.val();
                    } else if self.request.is_register.val() && !self.bus.writable.val() {
                        self.refusal.d.next = self.address_refusal.val();
                    }
                } else if self.word_end.val() && !self.request.is_register.val() && !self.bus.writable.val() {
                    self.refusal.d.next = self.address_refusal.val();
                }
            }
        } else if self.probing.val() {
            if self.leave.val() {
                self.left.d.next = self.probe_cycles.val();
                if !self.bus.readable.val() {
                    self.state.d.next = self.open.val();
                    self.refusal.d.next = self.address_refusal.val();
                } else if self.last_word.val() {
                    self.state.d.next = self.open.val();
                }
            }
        } else if self.opening.val() {
            if self.transmitter.in_.ready.val() {
                self.state.d.next = self.send.val();
                self.left.d.next = self.byte_cycles.val();
            }
        } else if self.sending.val() {
            if self.leave.val() {
                self.left.d.next = self.left.q.val();
                if self.transmitter.in_.ready.val() {
                    self.left.d.next = self.byte_cycles.val();
                    if self.answered.val() {
                        self.state.d.next = self.close.val();
                        self.left.d.next = bits_of(0u64, 4);
                    }
                }
            }
        } else if self.transmitter.in_.ready.val() {
            self.state.d.next = self.hunt.val();
        }
        if self.reset.val() {
            self.state.d.next = self.hunt.val();
            self.left.d.next = bits_of(0u64, 4);
        }
    }
}
