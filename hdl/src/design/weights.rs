//! Where the memories of weights lie in their window.

use super::{DesignError, Placed};
use abi::weights::ADDRESS_BITS;

/// Gives each writable memory its place.
///
/// # Errors
/// Where the window has too few places.
pub(super) fn place(stages: &mut [Placed]) -> Result<(), DesignError> {
    let mut memories: Vec<_> = stages
        .iter_mut()
        .flat_map(|stage| stage.unit.memories_mut())
        .filter_map(|memory| Some((memory.window_words()?, memory)))
        .collect();
    // Each size is a power of two: with the largest first, every place is a multiple of its size and none is lost.
    memories.sort_by_key(|(words, _)| std::cmp::Reverse(*words));
    let (found, most) = (memories.iter().map(|(words, _)| u64::from(*words)).sum::<u64>(), 1 << ADDRESS_BITS);
    if found > most {
        return Err(DesignError::WeightWindow { most, found });
    }
    let mut first = 0;
    for (words, memory) in memories {
        memory.place(first);
        first += words;
    }
    Ok(())
}
