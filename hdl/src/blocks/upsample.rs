//! Each pixel several times, in both directions (nearest neighbour).
//!
//! Ports: `clock`, `reset`; the stream in, pixels row by row; the stream out, the larger image row by row.
//!
//! Two [sliding windows](super::sliding_window) whose taps all lie on one place: the first repeats pixels, the second whole
//! rows of repeated pixels. One word leaves in every cycle once a row is there, while the next one comes in.

use super::sliding_window::SlidingWindow;
use crate::wire::{ModuleName, Wire, Word};
use compiler::blocks::upsample::UpsampleShape;
use compiler::chip::memory::MemoryKind;
use rust_hdl::core::prelude::*;

/// Enlarges images.
#[derive(Clone, Debug, LogicBlock)]
pub struct Upsample {
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
            module_name: ModuleName::new(name),
            clock: Wire::default(),
            reset: Wire::default(),
            in_data: Wire::of(width),
            in_valid: Wire::default(),
            in_ready: Wire::default(),
            out_data: Wire::of(width),
            out_valid: Wire::default(),
            out_ready: Wire::default(),
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

impl Logic for Upsample {
    #[hdl_gen]
    fn update(&mut self) {
        self.pixels.clock.next = self.clock.val();
        self.rows.clock.next = self.clock.val();
        self.pixels.reset.next = self.reset.val();
        self.rows.reset.next = self.reset.val();
        self.pixels.in_data.next = self.in_data.val();
        self.pixels.in_valid.next = self.in_valid.val();
        self.in_ready.next = self.pixels.in_ready.val();
        self.rows.in_data.next = self.pixels.out_data.val();
        self.rows.in_valid.next = self.pixels.out_valid.val();
        self.pixels.out_ready.next = self.rows.in_ready.val();
        self.out_data.next = self.rows.out_data.val();
        self.out_valid.next = self.rows.out_valid.val();
        self.rows.out_ready.next = self.out_ready.val();
    }
}
