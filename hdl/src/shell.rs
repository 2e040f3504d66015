//! What stands around a core: the blocks between a serial line or a bus and the words of a device.
//!
//! A device has words at addresses: registers and windows ([`abi::registers`]). On a board it answers to frames
//! ([`abi::frame`]) on a serial line ([`abi::uart`]); inside a system on a chip it is a slave on AXI4-Lite or Wishbone, or
//! takes images and gives answers as AXI4-Stream.

pub mod axi_lite;
pub mod axi_lite_device;
pub mod axi_stream;
pub mod axi_stream_device;
pub mod bus;
pub mod checksum;
pub mod device;
pub mod frame_bridge;
pub mod frame_receiver;
pub mod frame_transmitter;
pub mod input_window;
pub mod mapped_core;
pub mod output_window;
pub mod register_file;
pub mod request_header;
pub mod reset_timer;
pub mod uart_bridge;
pub mod uart_receiver;
pub mod uart_transmitter;
pub mod wishbone;
pub mod wishbone_device;

use abi::registers::{MAX_WEIGHT_BYTES, WEIGHT_WINDOW};

/// Bits of a device's byte addresses on a bus that it shares with others: all registers and windows.
pub const BUS_ADDRESS_BITS: usize = (WEIGHT_WINDOW + MAX_WEIGHT_BYTES).next_power_of_two().trailing_zeros() as usize;
