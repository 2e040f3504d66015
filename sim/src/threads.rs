//! Threads to run images in, which outlast a fork.
//!
//! A fork copies a pool of threads without the threads: whoever hands it work waits forever. So each process has its own
//! pool here. Nothing is locked on the way to it, because a fork also copies locks that other threads hold at that moment.

use crate::SimError;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Processes, each forked from the one before, that keep their pool from one call to the next.
const GENERATIONS: usize = 16;

/// The pool of a process.
#[derive(Debug)]
struct Slot {
    /// Number of the process, 0 where there is none yet.
    process: AtomicU32,
    pool: OnceLock<ThreadPool>,
}

impl Slot {
    const fn free() -> Self {
        Slot { process: AtomicU32::new(0), pool: OnceLock::new() }
    }

    /// Whether it is that of `process`, which takes it if it is free.
    fn is_of(&self, process: u32) -> bool {
        match self.process.compare_exchange(0, process, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => true,
            Err(owner) => owner == process,
        }
    }

    fn pool(&self) -> Result<&ThreadPool, SimError> {
        if let Some(pool) = self.pool.get() {
            return Ok(pool);
        }
        // Where two threads come at once, one pool ends again.
        let pool = new_pool()?;
        Ok(self.pool.get_or_init(|| pool))
    }
}

/// As many threads as the machine runs at once, or RAYON_NUM_THREADS.
fn new_pool() -> Result<ThreadPool, SimError> {
    let pool = ThreadPoolBuilder::new().thread_name(|index| format!("xnorforge-{index}")).build();
    pool.map_err(|error| SimError::NoThreads { reason: error.to_string() })
}

/// The result of `body`, whose parallel iterators spread their items over threads of this process.
pub(crate) fn spread<T: Send>(body: impl FnOnce() -> T + Send) -> Result<T, SimError> {
    static SLOTS: [Slot; GENERATIONS] = [const { Slot::free() }; GENERATIONS];
    spread_over(&SLOTS, process::id(), body)
}

fn spread_over<T: Send>(slots: &[Slot], process: u32, body: impl FnOnce() -> T + Send) -> Result<T, SimError> {
    match slots.iter().find(|slot| slot.is_of(process)) {
        Some(slot) => Ok(slot.pool()?.install(body)),
        None => Ok(new_pool()?.install(body)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::prelude::*;

    #[test]
    fn each_process_has_its_own_threads() {
        let slots = [const { Slot::free() }; 3];
        let sums = (1..=5).map(|process| spread_over(&slots, process, || (0..1000).into_par_iter().sum::<u32>()));
        assert!(sums.map(|sum| sum.expect("threads")).all(|sum| sum == 499_500), "more processes than slots run too");
        let owners: Vec<u32> = slots.iter().map(|slot| slot.process.load(Ordering::Relaxed)).collect();
        assert_eq!(owners, [1, 2, 3]);
        let first = slots[0].pool.get().expect("the first process has run");
        let is_first = |process| spread_over(&slots, process, || first.current_thread_index().is_some());
        let found: Vec<bool> = (1..=5).map(|process| is_first(process).expect("threads")).collect();
        assert_eq!(found, [true, false, false, false, false], "nobody else runs in the threads of the first process");
    }

    #[test]
    fn threads_of_a_process_share_them() {
        let slots = [const { Slot::free() }; 3];
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| assert!(spread_over(&slots, 7, rayon::current_num_threads).expect("threads") >= 1));
            }
        });
        assert!(slots[0].pool.get().is_some() && slots[1].process.load(Ordering::Relaxed) == 0);
    }
}
