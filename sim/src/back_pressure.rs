//! A reproducible pattern of gaps for stream simulations: when the source offers a word and when the sink accepts.
//!
//! Each side has its own [SplitMix64](https://prng.di.unimi.it/splitmix64.c) generator: the source's is seeded with
//! the seed, the sink's with its complement. Time is cut into stretches. At the start of a stretch one draw `d` gives
//! its length, `1 + (d mod 64)` cycles, and its chance, entry `(d >> 8) mod 8` of `0, 16, 64, 128, 192, 240, 256, 256`
//! (out of 256); then every cycle draws once more, and the side is willing where the draw's highest byte is below the
//! chance. So there are long stops, dense and sparse stretches, and full speed. The sink is ready where it is
//! willing. The source starts to offer a word where it is willing and, as the protocol wants, goes on until the word
//! is taken.
//!
//! The Verilator harness holds the same algorithm in C++, so a seed means the same everywhere.

const CHANCES: [u64; 8] = [0, 16, 64, 128, 192, 240, 256, 256];

/// One side's willingness, cycle by cycle.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// `None` is always willing.
    state: Option<u64>,
    left: u64,
    chance: u64,
}

impl Pattern {
    /// The source's pattern for a seed; always willing without one.
    pub fn source(seed: Option<u64>) -> Self {
        Pattern { state: seed, left: 0, chance: 0 }
    }

    /// The sink's pattern for a seed; always willing without one.
    pub fn sink(seed: Option<u64>) -> Self {
        Pattern { state: seed.map(|seed| !seed), left: 0, chance: 0 }
    }

    /// Whether the side is willing in the next cycle.
    pub fn willing(&mut self) -> bool {
        let Some(state) = &mut self.state else { return true };
        if self.left == 0 {
            let draw = split_mix_64(state);
            self.left = 1 + draw % 64;
            self.chance = CHANCES[(draw >> 8) as usize % 8];
        }
        self.left -= 1;
        split_mix_64(state) >> 56 < self.chance
    }
}

fn split_mix_64(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generator_is_the_published_one() {
        let mut state = 1_234_567;
        assert_eq!(split_mix_64(&mut state), 6_457_827_717_110_365_317);
        assert_eq!(split_mix_64(&mut state), 3_203_168_211_198_807_973);
    }

    #[test]
    fn patterns_stop_and_go() {
        let mut pattern = Pattern::source(Some(7));
        let willing: Vec<bool> = (0..10_000).map(|_| pattern.willing()).collect();
        let share = willing.iter().filter(|w| **w).count();
        assert!((4_000..8_000).contains(&share), "{share} of 10000 cycles");
        assert!(willing.windows(40).any(|w| w.iter().all(|w| !w)), "no long stop");
        assert!(willing.windows(40).any(|w| w.iter().all(|w| *w)), "no full speed");
        let mut always = Pattern::sink(None);
        assert!((0..1000).all(|_| always.willing()));
    }
}
