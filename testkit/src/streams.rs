//! Streams of any format, images on them and cores that answer; patience for tests of the host runtime.

use abi::ElementType;
use abi::packing::StreamFormat;
use host::bus::Patience;
use rand::{Rng, RngExt};
use std::time::Duration;

/// As little waiting as a loaded machine allows.
pub const SHORT: Patience = Patience {
    host_latency: Duration::from_millis(2),
    device_latency: Duration::from_micros(10),
    attempts: 4,
    silent_attempts: 2,
};

/// A stream of any type and shape.
pub fn stream(random: &mut impl Rng) -> StreamFormat {
    let bits = random.random_range(1..=32);
    let element = match random.random_range(0..3) {
        0 => ElementType::Bipolar,
        // Elements are i32: 32 bits without a sign do not fit.
        1 => ElementType::Unsigned { bits: bits.min(31) },
        _ => ElementType::Signed { bits },
    };
    StreamFormat {
        element,
        lanes: random.random_range(1..9),
        channels: random.random_range(1..20),
        vectors: random.random_range(1..4),
    }
}

/// Images of any elements that `stream` carries.
pub fn images(random: &mut impl Rng, stream: &StreamFormat, count: usize) -> Vec<Vec<i32>> {
    let element = |random: &mut _| stream.element.decode(Rng::next_u64(random)) as i32;
    (0..count).map(|_| (0..stream.elements_per_image()).map(|_| element(random)).collect()).collect()
}

/// A core with answers on `stream` that change with every element of the image.
pub fn core(stream: StreamFormat) -> impl Fn(&[i32]) -> Vec<i32> + Clone + Send + 'static {
    move |image| {
        let mix = |sum: u64, value: u64| (sum ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        let sum = image.iter().fold(1, |sum, value| mix(sum, *value as u64));
        (0..stream.elements_per_image() as u64)
            .map(|index| stream.element.decode(mix(sum, index) >> 7) as i32)
            .collect()
    }
}
