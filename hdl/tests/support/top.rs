//! Any block with a clock as the root of a simulation.

use std::ops::{Deref, DerefMut};

use hdl::blocks::add_unit::AddUnit;
use hdl::blocks::arg_max::ArgMax;
use hdl::blocks::concat::Concat;
use hdl::blocks::delay_line::DelayLine;
use hdl::blocks::depthwise_unit::DepthwiseUnit;
use hdl::blocks::fork::Fork;
use hdl::blocks::lane_sum::LaneSum;
use hdl::blocks::matrix_vector_unit::MatrixVectorUnit;
use hdl::blocks::multi_threshold::MultiThreshold;
use hdl::blocks::multiply_unit::MultiplyUnit;
use hdl::blocks::pool_unit::PoolUnit;
use hdl::blocks::ram::Ram;
use hdl::blocks::register::Register;
use hdl::blocks::rom::Rom;
use hdl::blocks::scale_unit::ScaleUnit;
use hdl::blocks::sliding_window::SlidingWindow;
use hdl::blocks::stream_fifo::StreamFifo;
use hdl::blocks::table_unit::TableUnit;
use hdl::blocks::upsample::Upsample;
use hdl::blocks::vector_feed::VectorFeed;
use hdl::blocks::width_converter::WidthConverter;
use hdl::shell::axi_lite::AxiLiteBridge;
use hdl::shell::checksum::Checksum;
use hdl::shell::frame_bridge::FrameBridge;
use hdl::shell::frame_receiver::FrameReceiver;
use hdl::shell::frame_transmitter::FrameTransmitter;
use hdl::shell::input_window::InputWindow;
use hdl::shell::output_window::OutputWindow;
use hdl::shell::register_file::RegisterFile;
use hdl::shell::reset_timer::ResetTimer;
use hdl::shell::uart_bridge::UartBridge;
use hdl::shell::uart_receiver::UartReceiver;
use hdl::shell::uart_transmitter::UartTransmitter;
use hdl::shell::wishbone::WishboneBridge;
use hdl::wire::{Clocked, Wire};
use rust_hdl::core::prelude::*;

/// A block that says which wire its clock is.
pub trait HasClock: Block {
    fn clock_wire(&mut self) -> &mut Wire<In, Clock>;
}

macro_rules! has_clock {
    ($($block:ty),+) => {$(
        impl HasClock for $block {
            fn clock_wire(&mut self) -> &mut Wire<In, Clock> {
                &mut self.clock
            }
        }
    )+};
}
has_clock!(AddUnit, Concat, Fork, MultiplyUnit, TableUnit);
has_clock!(
    PoolUnit,
    ScaleUnit,
    Upsample,
    SlidingWindow,
    ArgMax,
    DelayLine,
    LaneSum,
    MatrixVectorUnit,
    MultiThreshold,
    Ram,
    Register,
    Rom,
    StreamFifo,
    VectorFeed
);
has_clock!(AxiLiteBridge, ResetTimer, WishboneBridge);
has_clock!(Checksum, FrameBridge, FrameReceiver, FrameTransmitter, UartBridge, UartReceiver, UartTransmitter);
has_clock!(DepthwiseUnit, InputWindow, OutputWindow, RegisterFile, WidthConverter);

/// The block itself, clocked.
pub struct Top<B>(pub B);

impl<B> Deref for Top<B> {
    type Target = B;
    fn deref(&self) -> &B {
        &self.0
    }
}

impl<B> DerefMut for Top<B> {
    fn deref_mut(&mut self) -> &mut B {
        &mut self.0
    }
}

impl<B: HasClock> Clocked for Top<B> {
    fn clock(&mut self) -> &mut Wire<In, Clock> {
        self.0.clock_wire()
    }
}

impl<B: Block> Logic for Top<B> {
    fn update(&mut self) {
        self.0.update();
    }
    fn connect(&mut self) {
        self.0.connect();
    }
    fn hdl(&self) -> Verilog {
        self.0.hdl()
    }
}

impl<B: Block> Block for Top<B> {
    fn connect_all(&mut self) {
        self.0.connect_all();
    }
    fn update_all(&mut self) {
        self.0.update_all();
    }
    fn has_changed(&self) -> bool {
        self.0.has_changed()
    }
    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        self.0.accept(name, probe);
    }
}
