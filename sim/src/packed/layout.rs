//! Layers that only move elements, in whichever forms they are kept.

use super::bits;
use super::form::{Buffer, Form, part};

/// The channels of one tensor, then those of another.
pub(super) fn concat(forms: [&Form; 2], inputs: [&Buffer; 2], form: &Form, output: &mut Buffer) {
    let [first, second] = forms.map(|form| form.tensor.channels);
    if form.integers {
        let pixels = inputs[0].integers.chunks_exact(first).zip(inputs[1].integers.chunks_exact(second));
        for (output, (a, b)) in output.integers.chunks_exact_mut(first + second).zip(pixels) {
            let (to_first, to_second) = output.split_at_mut(first);
            to_first.copy_from_slice(a);
            to_second.copy_from_slice(b);
        }
    }
    if form.planes {
        let planes = |n: usize, channels: usize| inputs[n].planes.chunks_exact(bits::words_for(channels));
        let outputs = output.planes.chunks_exact_mut(bits::words_for(first + second));
        for (output, (a, b)) in outputs.zip(planes(0, first).zip(planes(1, second))) {
            output.fill(0);
            bits::append(output, 0, a);
            bits::append(output, first, b);
        }
    }
}

/// Each pixel as often as the output has room for it in both directions.
pub(super) fn upsample(from: &Form, input: &Buffer, form: &Form, output: &mut Buffer) {
    if form.integers {
        repeat(from, form, form.tensor.channels, &input.integers, &mut output.integers);
    }
    if form.planes {
        repeat(from, form, form.stride(), &input.planes, &mut output.planes);
    }
}

fn repeat<T: Copy>(from: &Form, to: &Form, items: usize, input: &[T], output: &mut [T]) {
    let vertical = to.tensor.height / from.tensor.height;
    let horizontal = to.tensor.width / from.tensor.width;
    for (y, line) in output.chunks_exact_mut(to.tensor.width * items).enumerate() {
        let row = part(input, y / vertical, from.tensor.width * items);
        for (pixel, outputs) in row.chunks_exact(items).zip(line.chunks_exact_mut(horizontal * items)) {
            outputs.chunks_exact_mut(items).for_each(|output| output.copy_from_slice(pixel));
        }
    }
}

/// The same elements as other pixels.
pub(super) fn reshape(from: &Form, input: &Buffer, form: &Form, output: &mut Buffer) {
    if form.integers {
        output.integers.copy_from_slice(&input.integers);
    }
    if !form.planes {
        return;
    }
    let planes = from.tensor.element.bits() as usize;
    let [own, whole] = [from, form].map(|form| form.tensor.channels);
    let [own_words, words] = [own, whole].map(bits::words_for);
    output.planes.fill(0);
    let mut run = vec![0; own_words];
    let mut element = 0;
    // Up to the end of a pixel on either side.
    while element < from.tensor.elements() {
        let (at, to) = (element % own, element % whole);
        let count = (own - at).min(whole - to);
        for plane in 0..planes {
            let source = part(&input.planes, element / own * planes + plane, own_words);
            let taken = &mut run[..bits::words_for(count)];
            bits::extract(source, at, count, taken);
            let first = (element / whole * planes + plane) * words;
            bits::append(&mut output.planes[first..first + words], to, taken);
        }
        element += count;
    }
}
