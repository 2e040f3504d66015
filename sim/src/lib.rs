//! Everything that runs a network without a board, behind one trait, [`Executor`].
//!
//! | engine | what it runs | for |
//! |---|---|---|
//! | [`mod@reference`] | a `Graph`, node by node | what the model means |
//! | [`integer`] | a `Network`, naively | the specification |
//! | [`packed`] | a `Network`, 64 bits at a time | users who want answers fast |
//! | [`plan`] | a `Plan`, stage by stage without a clock | proof that the streams are cut right, before there is hardware |
//! | [`rtl`] | a `Plan`'s blocks in rust-hdl | hardware without any tool to install |
//! | [`verilator`] | generated Verilog, compiled | proof that the hardware is right, cycle counts |
//! | [`device`] | a board or card, or a simulated [board] or [card], through the host runtime | proof that the whole way works |
//!
//! All agree bit for bit; [`trace`] finds the place where they do not. This crate makes no hardware and knows no
//! command line.

pub mod back_pressure;
pub mod board;
pub mod card;
pub mod device;
pub mod error;
pub mod executor;
pub mod integer;
pub mod packed;
pub mod plan;
pub mod reference;
pub mod rtl;
pub mod stream_core;
pub mod trace;
pub mod verilator;

mod threads;

pub use error::SimError;
pub use executor::{CycleReport, DeviceTime, Executor, Progress, Run, RunOptions};
pub use stream_core::{FloatEnds, StageProbe, StreamCore};
pub use trace::Trace;
