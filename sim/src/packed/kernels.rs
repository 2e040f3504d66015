//! The inner loops, compiled for several processors each; the best that the processor at hand can run is chosen when
//! the program runs.
//!
//! All run along the rows of a weight matrix (its columns lie next to each other, row by row), four columns at once:
//! that is a form that compilers turn into vector instructions, whatever the widths.

use multiversion::multiversion;

/// Columns that are taken together, so that the sums are read and written a quarter as often.
const TOGETHER: usize = 4;

macro_rules! for_processors {
    ($($item:tt)*) => {
        #[multiversion(targets(
            "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx512vpopcntdq+avx2+bmi1+bmi2+popcnt",
            "x86_64+avx2+bmi1+bmi2+popcnt",
            "x86_64+sse4.2+popcnt",
        ))]
        $($item)*
    };
}

/// `weights` cut into slices of `TOGETHER` columns, one slice a column; what remains is shorter.
fn columns(weights: &[u64], rows: usize) -> (std::slice::ChunksExact<'_, u64>, &[u64]) {
    let chunks = weights.chunks_exact(TOGETHER * rows);
    let rest = chunks.remainder();
    (chunks, rest)
}

for_processors! {
/// For each row the bits that it has in common with `bits`; the weights are words, word 0 of all rows first.
pub(super) fn count_common(weights: &[u64], bits: &[u64], counts: &mut [u64]) {
    let rows = counts.len();
    counts.fill(0);
    let (chunks, rest) = columns(weights, rows);
    let fours = bits.chunks_exact(TOGETHER);
    let rest_bits = fours.remainder();
    for (bits, weights) in fours.zip(chunks) {
        let &[a, b, c, d] = bits else { continue };
        let (first, weights) = weights.split_at(rows);
        let (second, weights) = weights.split_at(rows);
        let (third, fourth) = weights.split_at(rows);
        for ((((count, p), q), r), s) in counts.iter_mut().zip(first).zip(second).zip(third).zip(fourth) {
            let low = (p & a).count_ones() + (q & b).count_ones();
            let high = (r & c).count_ones() + (s & d).count_ones();
            *count += u64::from(low) + u64::from(high);
        }
    }
    for (bits, weights) in rest_bits.iter().zip(rest.chunks_exact(rows)) {
        for (count, weights) in counts.iter_mut().zip(weights) {
            *count += u64::from((weights & bits).count_ones());
        }
    }
}
}

for_processors! {
/// How many bits are set.
pub(super) fn count(bits: &[u64]) -> i32 {
    bits.iter().map(|word| word.count_ones()).sum::<u32>() as i32
}
}

for_processors! {
/// sums += coefficient · counts.
pub(super) fn add_counts(sums: &mut [i32], counts: &[u64], coefficient: i32) {
    for (sum, count) in sums.iter_mut().zip(counts) {
        *sum = sum.wrapping_add(coefficient.wrapping_mul(*count as i32));
    }
}
}

for_processors! {
/// sums += summands.
pub(super) fn add(sums: &mut [i32], summands: &[i32]) {
    for (sum, summand) in sums.iter_mut().zip(summands) {
        *sum = sum.wrapping_add(*summand);
    }
}
}

for_processors! {
/// sums += Σ over columns of element · weights of the column.
pub(super) fn multiply(weights: &[i16], elements: &[i32], sums: &mut [i32]) {
    let rows = sums.len();
    let fours = elements.chunks_exact(TOGETHER);
    let rest_elements = fours.remainder();
    let chunks = weights.chunks_exact(TOGETHER * rows);
    let rest = chunks.remainder();
    for (elements, weights) in fours.zip(chunks) {
        let &[a, b, c, d] = elements else { continue };
        let (first, weights) = weights.split_at(rows);
        let (second, weights) = weights.split_at(rows);
        let (third, fourth) = weights.split_at(rows);
        for ((((sum, p), q), r), s) in sums.iter_mut().zip(first).zip(second).zip(third).zip(fourth) {
            let low = i32::from(*p).wrapping_mul(a).wrapping_add(i32::from(*q).wrapping_mul(b));
            let high = i32::from(*r).wrapping_mul(c).wrapping_add(i32::from(*s).wrapping_mul(d));
            *sum = sum.wrapping_add(low).wrapping_add(high);
        }
    }
    for (element, weights) in rest_elements.iter().zip(rest.chunks_exact(rows)) {
        for (sum, weight) in sums.iter_mut().zip(weights) {
            *sum = sum.wrapping_add(i32::from(*weight).wrapping_mul(*element));
        }
    }
}
}

for_processors! {
/// As [`multiply`], where the sums of up to `run` products fit 16 bits.
pub(super) fn multiply_narrow(weights: &[i16], elements: &[i32], run: usize, short: &mut [i16], sums: &mut [i32]) {
    let rows = sums.len();
    for (elements, weights) in elements.chunks(run).zip(weights.chunks(run * rows)) {
        short.fill(0);
        let fours = elements.chunks_exact(TOGETHER);
        let rest_elements = fours.remainder();
        let chunks = weights.chunks_exact(TOGETHER * rows);
        let rest = chunks.remainder();
        for (elements, weights) in fours.zip(chunks) {
            let &[a, b, c, d] = elements else { continue };
            let (a, b, c, d) = (a as i16, b as i16, c as i16, d as i16);
            let (first, weights) = weights.split_at(rows);
            let (second, weights) = weights.split_at(rows);
            let (third, fourth) = weights.split_at(rows);
            for ((((sum, p), q), r), s) in short.iter_mut().zip(first).zip(second).zip(third).zip(fourth) {
                let low = p.wrapping_mul(a).wrapping_add(q.wrapping_mul(b));
                let high = r.wrapping_mul(c).wrapping_add(s.wrapping_mul(d));
                *sum = sum.wrapping_add(low).wrapping_add(high);
            }
        }
        for (element, weights) in rest_elements.iter().zip(rest.chunks_exact(rows)) {
            for (sum, weight) in short.iter_mut().zip(weights) {
                *sum = sum.wrapping_add(weight.wrapping_mul(*element as i16));
            }
        }
        for (sum, short) in sums.iter_mut().zip(&*short) {
            *sum = sum.wrapping_add(i32::from(*short));
        }
    }
}
}

for_processors! {
/// sums += weights · elements, each with each.
pub(super) fn multiply_each(weights: &[i16], elements: &[i32], sums: &mut [i32]) {
    for ((sum, weight), element) in sums.iter_mut().zip(weights).zip(elements) {
        *sum = sum.wrapping_add(i32::from(*weight).wrapping_mul(*element));
    }
}
}

for_processors! {
/// greatest = max(greatest, elements xor flips).
pub(super) fn greatest(greatest: &mut [i32], elements: &[i32], flips: &[i32]) {
    for ((greatest, element), flip) in greatest.iter_mut().zip(elements).zip(flips) {
        *greatest = (*greatest).max(element ^ flip);
    }
}
}

for_processors! {
/// Bits: argument ≥ threshold, xor flip.
pub(super) fn compare(arguments: &[i32], thresholds: &[i32], flips: &[u64], words: &mut [u64]) {
    let chunks = arguments.chunks(64).zip(thresholds.chunks(64));
    for ((word, flip), (arguments, thresholds)) in words.iter_mut().zip(flips).zip(chunks) {
        let mut reached = [0u8; 64];
        for ((reached, argument), threshold) in reached.iter_mut().zip(arguments).zip(thresholds) {
            *reached = u8::from(argument >= threshold);
        }
        *word = *flip;
        for (index, eight) in reached.as_chunks::<8>().0.iter().enumerate() {
            // Eight bytes of one bit each: the product brings byte n's bit to bit 56 + n, and no two to the same place.
            let bits = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
            *word ^= bits << (8 * index);
        }
    }
}
}
