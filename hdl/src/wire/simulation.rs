//! Clocking a block in Rust.

use crate::rust_hdl::prelude::{Block, Clock, In};
use miette::Diagnostic;
use thiserror::Error;

use super::Wire;

/// A block with a clock, which is all that [`Simulation`] needs to know of it.
pub trait Clocked: Block {
    /// The clock input.
    fn clock(&mut self) -> &mut Wire<In, Clock>;
}

/// Says which field of a block is its clock.
macro_rules! clocked {
    ($block:ty: $clock:ident) => {
        impl $crate::wire::Clocked for $block {
            fn clock(&mut self) -> &mut $crate::wire::Wire<In, Clock> {
                &mut self.$clock
            }
        }
    };
}
pub(crate) use clocked;

/// The combinational logic of a block did not come to rest.
#[derive(Debug, Error, Diagnostic)]
#[error("the block did not settle within {passes} passes in cycle {cycle}")]
#[diagnostic(
    code(hdl::simulation::not_settled),
    help(
        "a combinational path must not depend on itself; look for a valid or ready output that \
         follows from the ready or valid of the same port in cycle {cycle}"
    )
)]
pub struct NotSettled {
    /// Passes made over the hierarchy.
    pub passes: usize,
    /// The cycle, counted from 0 at the start of the simulation.
    pub cycle: u64,
}

/// Passes allowed per half cycle: a value takes one per hop between blocks, and a chain of more
/// combinational hops than this would be no clock period anyone wants.
const MAX_PASSES: usize = 1000;

/// A block under simulation.
///
/// One cycle is: assign the inputs through [`top`](Simulation::top), [`settle`](Simulation::settle),
/// read the outputs, then [`tick`](Simulation::tick), which applies the rising edge.
#[derive(Debug)]
pub struct Simulation<B> {
    /// The block; its ports are assigned and read here.
    pub top: B,
    cycle: u64,
    passes: u64,
}

impl<B: Clocked> Simulation<B> {
    /// Connects the block and leaves it in its initial state, clock low.
    pub fn new(mut top: B) -> Simulation<B> {
        top.connect_all();
        Simulation { top, cycle: 0, passes: 0 }
    }

    /// The number of rising edges so far.
    pub fn cycle(&self) -> u64 {
        self.cycle
    }

    /// Passes over the hierarchy so far: what simulation time is spent on.
    pub fn passes(&self) -> u64 {
        self.passes
    }

    /// Brings the outputs up to date with the inputs, clock low.
    pub fn settle(&mut self) -> Result<(), NotSettled> {
        self.top.clock().next = Clock { clk: false };
        self.rest()
    }

    /// One rising edge on settled inputs.
    pub fn tick(&mut self) -> Result<(), NotSettled> {
        self.top.clock().next = Clock { clk: true };
        self.rest()?;
        self.cycle += 1;
        Ok(())
    }

    /// Settles and ticks.
    pub fn step(&mut self) -> Result<(), NotSettled> {
        self.settle()?;
        self.tick()
    }

    fn rest(&mut self) -> Result<(), NotSettled> {
        for _ in 0..MAX_PASSES {
            self.passes += 1;
            self.top.update_all();
            if !self.top.has_changed() {
                return Ok(());
            }
        }
        Err(NotSettled { passes: MAX_PASSES, cycle: self.cycle })
    }
}
