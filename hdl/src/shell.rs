//! What stands around a core on a board: the blocks between a serial line and the words of a device.
//!
//! The device answers to frames ([`abi::frame`]) on a serial line ([`abi::uart`]) with the words of its registers and
//! windows ([`abi::registers`]).

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
