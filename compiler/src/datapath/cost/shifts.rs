//! What shifted lanes cost.

use super::{adder, bits_for, tree_of, tree_registers_of};
use crate::datapath::digits::Place;
use std::collections::BTreeMap;

/// LUT4 places of one row's sum over `simd` lanes of `bits` bits, shifted to one or two places.
pub(super) fn luts(places: &[Place], bits: usize, simd: usize) -> u64 {
    let row = |place: &Place| {
        let width = place.term_bits(bits);
        simd as u64 * shifter(place, bits) + tree_of(simd, width, 1, 2)
    };
    places.iter().map(row).sum::<u64>() + both(places, bits, simd).map_or(0, |sum| adder(sum.added))
}

/// Flip-flops of one row's sum: behind the shifters, the adders of each place, and the sum of both.
pub(super) fn registers(places: &[Place], bits: usize, simd: usize) -> u64 {
    let row = |place: &Place| {
        let width = place.term_bits(bits);
        (simd * width) as u64 + tree_registers_of(simd, width, 2)
    };
    places.iter().map(row).sum::<u64>() + both(places, bits, simd).map_or(0, |sum| sum.width as u64)
}

/// The sum of two places.
struct Both {
    /// Its bits above the least exponent.
    width: usize,
    /// Those of them that an adder makes.
    added: usize,
}

fn both(places: &[Place], bits: usize, simd: usize) -> Option<Both> {
    let [first, second] = places else { return None };
    let top = |place: &Place| place.least() + bits_for(simd as u64 * ((1 << place.term_bits(bits)) - 1));
    let end = top(first).max(top(second)) + 1;
    let (low, high) = (first.least().min(second.least()), first.least().max(second.least()));
    Some(Both { width: end - low, added: end - high })
}

/// The LUTs that shift a lane to one place, and complement it.
fn shifter(place: &Place, bits: usize) -> u64 {
    let numbers = place.count().next_power_of_two();
    let shifts: Vec<usize> = (0..numbers).map(|number| place.shift(number)).collect();
    let width = place.term_bits(bits);
    let mut made = BTreeMap::new();
    choice(&shifts, bits, width, &mut made);
    let choices: u64 = made.values().sum();
    let more = match numbers {
        // Lane, whether it is 0, and sign.
        1 => width as i64,
        // Where two lanes meet, five signals make a bit.
        2 if place.signed => bits.saturating_sub(shifts[1]) as i64,
        2 => 0,
        // Whether it is 0.
        _ if place.signed => 1,
        // The last choice has room for that, and for those of the bits at the ends.
        _ => -2,
    };
    choices.saturating_add_signed(more).min(direct(place, bits))
}

/// The LUTs that make each bit at once of all that it depends on, where that is few signals.
fn direct(place: &Place, bits: usize) -> u64 {
    let code = place.code_bits();
    let luts = |bit: usize| {
        let lanes = (0..place.count()).filter(|number| reaches(place.shift(*number), bits, bit)).count();
        match (lanes, code + lanes) {
            // A zero, or the sign.
            (0, _) => Some(0),
            (_, 0..=4) => Some(1),
            (_, 5) => Some(2),
            _ => None,
        }
    };
    (0..place.term_bits(bits)).map(luts).sum::<Option<u64>>().unwrap_or(u64::MAX)
}

/// The LUTs of all choices that make a lane shifted by one of `shifts`. Halves that differ by a shift are made once.
fn choice(shifts: &[usize], bits: usize, width: usize, made: &mut BTreeMap<Vec<usize>, u64>) {
    let relative: Vec<usize> = shifts.iter().map(|shift| shift - shifts[0]).collect();
    if relative.len() == 1 || made.contains_key(&relative) {
        return;
    }
    let (low, high) = relative.split_at(relative.len() / 2);
    choice(low, bits, width, made);
    choice(high, bits, width, made);
    let own = (0..width).filter(|bit| relative.iter().any(|shift| reaches(*shift, bits, *bit))).count();
    made.insert(relative, own as u64);
}

/// Whether a lane of `bits` bits has one at `bit` when it is shifted.
fn reaches(shift: usize, bits: usize, bit: usize) -> bool {
    (shift..shift + bits).contains(&bit)
}
