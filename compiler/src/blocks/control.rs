//! The control of a hardware block without its data: when words move, clock cycle by clock cycle.
//!
//! Each block of the pipeline has such a model beside it in this folder, exact to the cycle: under any pattern of
//! offered words and ready sinks it takes and gives words in the same cycles as the hardware. The hardware's tests
//! hold both to that. Latency, initiation interval and queue depths follow from running the models together.

/// One flag for each of a block's stream ports on one side; blocks have at most two. The first is `in_` or `out_` in
/// hardware, the second `second_`. Flags of ports that a block does not have are false.
pub type Ports = [bool; 2];

/// When a block takes and offers words.
///
/// A cycle is: [`valid`](Control::valid) from the first block of the pipeline to the last, [`ready`](Control::ready)
/// from the last to the first, then [`tick`](Control::tick) everywhere. A word moves where both are true.
pub trait Control {
    /// Which outputs offer a word, where `offered` says which inputs do. Most blocks' valid depends on their state
    /// alone; only forks and joins pass it through. Never depends on ready.
    fn valid(&self, offered: Ports) -> Ports;

    /// Which inputs take a word that is offered, where `ready` says which outputs are being taken from.
    fn ready(&self, offered: Ports, ready: Ports) -> Ports;

    /// The clock edge: `taken` says at which inputs a word moved in, `given` at which outputs one moved out.
    fn tick(&mut self, taken: Ports, given: Ports);

    /// For how many cycles from now valid and ready stay as they are if no word moves, `u64::MAX` for as long as none
    /// does. A block that does not know says 0.
    fn quiet(&self) -> u64 {
        0
    }

    /// As many clock edges without a word moving, at most [`quiet`](Control::quiet) of them.
    fn advance(&mut self, cycles: u64) {
        for _ in 0..cycles {
            self.tick([false; 2], [false; 2]);
        }
    }
}
