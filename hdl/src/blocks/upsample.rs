//! Each pixel several times, in both directions (nearest neighbour).
//!
//! Ports: `clock`, `reset`; the stream in, pixels row by row; the stream out, the larger image row by row.
//!
//! Two [sliding windows](super::sliding_window) whose taps all lie on one place: the first repeats pixels, the second whole
//! rows of repeated pixels. One word leaves in every cycle once a row is there, while the next one comes in.

use super::sliding_window::SlidingWindow;
use super::stream_block::{StreamBlock, StreamPorts};
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, StreamIn, StreamOut, Wire, Word};
use compiler::blocks::upsample::UpsampleShape;
use compiler::chip::memory::MemoryKind;

/// Enlarges images.
#[derive(Clone, Debug, LogicBlock)]
pub struct Upsample {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// The stream in.
    pub in_: StreamIn,
    /// The stream out.
    pub out: StreamOut,
    pixels: SlidingWindow,
    rows: SlidingWindow,
}

impl Upsample {
    /// The unit called `name`, a Verilog identifier, for words of `width` bits.
    pub fn new(name: &str, shape: &UpsampleShape, width: usize) -> Self {
        let [pixels, rows] = shape.windows();
        // No tap lies outside: padding words are never seen.
        let window = |part: &str, shape| {
            SlidingWindow::new(&format!("{name}_{part}"), shape, width, &[Word::zero(width)], false)
        };
        Upsample {
            module_name: ModuleName::new(name)
                .about("Each pixel several times, in both directions (nearest neighbour)."),
            clock: Wire::default(),
            reset: Wire::default(),
            in_: StreamIn::of(width),
            out: StreamOut::of(width),
            pixels: window("pixels", &pixels),
            rows: window("rows", &rows),
        }
    }
}

impl Upsample {
    /// The same block with line buffers made of what the plan says.
    pub fn of_kind(self, kind: Option<MemoryKind>) -> Self {
        Upsample { pixels: self.pixels.of_kind(kind), rows: self.rows.of_kind(kind), ..self }
    }
}

impl StreamBlock for Upsample {
    fn ports(&mut self) -> StreamPorts<'_> {
        StreamPorts::new(&mut self.clock, &mut self.reset, [&mut self.in_], [&mut self.out])
    }
}

impl Logic for Upsample {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, pixels, rows);
        self.pixels.reset.next = self.reset.val();
        self.rows.reset.next = self.reset.val();
        StreamIn::link(&mut self.in_, &mut self.pixels.in_);
        StreamOut::join(&mut self.pixels.out, &mut self.rows.in_);
        StreamOut::link(&mut self.out, &mut self.rows.out);
    }
}
