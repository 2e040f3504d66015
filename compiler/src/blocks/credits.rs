//! Control of what stands at the end of the arithmetic units: work is issued only where the output queue has room for
//! its result, so the arithmetic never stalls.

use std::collections::VecDeque;

/// Results on their way and in the queue, each with the time from which it is offered.
#[derive(Clone, Debug)]
pub(super) struct Credits {
    depth: usize,
    latency: u64,
    now: u64,
    due: VecDeque<u64>,
}

impl Credits {
    /// A queue of `depth` results, each offered `latency` cycles after its issue.
    pub fn new(depth: usize, latency: u64) -> Self {
        Credits { depth, latency, now: 0, due: VecDeque::with_capacity(depth) }
    }

    /// Whether there is room for one more result.
    pub fn has_room(&self) -> bool {
        self.due.len() < self.depth
    }

    /// Whether a result is offered.
    pub fn offers(&self) -> bool {
        self.due.front().is_some_and(|due| *due <= self.now)
    }

    /// Issues one.
    pub fn issue(&mut self) {
        self.due.push_back(self.now + self.latency);
    }

    /// The clock edge, `given` where a result leaves.
    pub fn tick(&mut self, given: bool) {
        if given {
            self.due.pop_front();
        }
        self.now += 1;
    }

    /// `cycles` clock edges in which nothing is issued and nothing leaves.
    pub fn advance(&mut self, cycles: u64) {
        // Promised quiet may be endless.
        self.now = self.now.saturating_add(cycles);
    }

    /// For how many cycles it stays as it is whether a result is offered, the next issue being at least `issue` cycles
    /// away.
    pub fn quiet(&self, issue: u64) -> u64 {
        match self.due.front() {
            Some(due) if *due <= self.now => u64::MAX,
            Some(due) => due - self.now - 1,
            None => issue.saturating_add(self.latency - 1),
        }
    }
}
