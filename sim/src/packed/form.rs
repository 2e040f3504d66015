//! The forms in which tensors are kept: as bit planes, as integers, or both, as the layers that read them want.

use super::bits;
use network::network::TensorType;

/// In which forms a tensor is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    pub(super) tensor: TensorType,
    pub(super) planes: bool,
    pub(super) integers: bool,
}

/// One tensor of one image.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffer {
    /// Pixel by pixel, plane by plane: see `bits.rs`.
    pub(super) planes: Vec<u64>,
    /// In stream order.
    pub(super) integers: Vec<i32>,
}

impl Form {
    /// Words of one pixel's planes.
    pub(super) fn stride(&self) -> usize {
        bits::words_for(self.tensor.channels) * self.tensor.element.bits() as usize
    }

    /// Gives a buffer the tensor's size; what it holds then is left from the image before.
    pub(super) fn resize(&self, buffer: &mut Buffer) {
        buffer.planes.resize(if self.planes { self.tensor.vectors() * self.stride() } else { 0 }, 0);
        buffer.integers.resize(if self.integers { self.tensor.elements() } else { 0 }, 0);
    }

    /// Stores one pixel.
    pub(super) fn store(&self, pixel: usize, values: &[i32], buffer: &mut Buffer) {
        if self.planes {
            bits::pack(values, self.tensor.element, part_mut(&mut buffer.planes, pixel, self.stride()));
        }
        if self.integers {
            part_mut(&mut buffer.integers, pixel, self.tensor.channels).copy_from_slice(values);
        }
    }

    /// Stores one pixel of elements of one bit, given packed.
    pub(super) fn store_bits(&self, pixel: usize, words: &[u64], buffer: &mut Buffer) {
        if self.planes {
            part_mut(&mut buffer.planes, pixel, self.stride()).copy_from_slice(words);
        }
        if self.integers {
            let of_bit = [0, 1].map(|code| self.tensor.element.decode(code) as i32);
            bits::unpack(words, of_bit, part_mut(&mut buffer.integers, pixel, self.tensor.channels));
        }
    }
}

/// Part `index` of parts of `length`.
pub(super) fn part<T>(values: &[T], index: usize, length: usize) -> &[T] {
    &values[index * length..(index + 1) * length]
}

fn part_mut<T>(values: &mut [T], index: usize, length: usize) -> &mut [T] {
    &mut values[index * length..(index + 1) * length]
}
