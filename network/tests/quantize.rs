//! Schemes on weights drawn from a Gaussian, whose errors are known, and on small ones that can be worked out in full.

#![allow(clippy::unwrap_used)]

use network::quantize::{Format, Granularity, InputProducts, Quantized, Scheme, Weights};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Numbers of N(0, 1) by Box and Muller, none beyond ±`most`.
fn gaussian(count: usize, most: f64) -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(20_170_101);
    let mut uniform = || (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let mut values = Vec::with_capacity(count);
    while values.len() < count {
        let (radius, angle) = ((-2.0 * (1.0 - uniform()).ln()).sqrt(), std::f64::consts::TAU * uniform());
        values.extend([radius * angle.cos(), radius * angle.sin()].into_iter().filter(|value| value.abs() <= most));
    }
    values.truncate(count);
    values
}

const COUNT: usize = 100_000;

fn layer(values: &[f64]) -> Weights<'_> {
    Weights { outputs: 1, channels: values.len(), taps: 1, values }
}

fn quantized(scheme: &str, weights: &Weights<'_>) -> Quantized {
    scheme.parse::<Scheme>().unwrap().quantize(weights, None).unwrap()
}

/// Checks the relative mean squared error against a known one, to half a unit of its last digit and five times the
/// deviation that a ratio of means of `COUNT` samples has.
fn check(scheme: &str, values: &[f64], expected: f64, unit: f64) -> Quantized {
    let weights = layer(values);
    let found = quantized(scheme, &weights);
    let error = found.relative_mse(&weights);
    let terms = values.iter().zip(&found.values).map(|(w, q)| ((w - q) * (w - q) - error * w * w).powi(2));
    let deviation = (terms.sum::<f64>()).sqrt() / values.iter().map(|w| w * w).sum::<f64>();
    assert!(deviation < 0.01, "{scheme}: {deviation} tells nothing");
    let allowed = unit / 2.0 + 5.0 * deviation;
    assert!((error - expected).abs() <= allowed, "{scheme}: {error:.5}, but {expected} ± {allowed:.5} is known");
    found
}

#[test]
fn errors_on_a_gaussian_are_the_known_ones() {
    let values = gaussian(COUNT, f64::INFINITY);
    for (scheme, expected) in [
        ("bwn", 0.3634),
        ("admm:binary", 0.3634),
        ("dorefa:1", 0.3634),
        ("twn:0.6", 0.1991),
        ("twn", 0.1916),
        ("twn:0.75", 0.1902),
        ("twn:0.767", 0.1901),
        ("admm:ternary", 0.1901),
        ("horq:1", 0.3634),
        ("horq:2", 0.1306),
        ("horq:3", 0.0585),
        ("horq:4", 0.0330),
        ("abc:1", 0.3634),
        ("abc:2", 0.2622),
        ("abc:3", 0.1177),
        ("abc:4", 0.0881),
        ("abc:5", 0.0774),
        ("inq:4", 0.0448),
        ("inq:5", 0.0379),
    ] {
        check(scheme, &values, expected, 1e-4);
    }
    // Known to three digits.
    check("inq:3", &values, 0.332, 1e-3);
}

#[test]
fn errors_by_the_greatest_of_a_gaussian_are_the_known_ones() {
    let mut values = gaussian(COUNT - 1, 4.73);
    values.push(4.73);
    for (scheme, expected, unit) in [
        ("shiftcnn:1,4", 0.0380, 1e-4),
        ("shiftcnn:2,3", 0.0432, 1e-4),
        ("shiftcnn:2,4", 0.00142, 1e-5),
        ("shiftcnn:3,3", 0.0109, 1e-4),
        ("shiftcnn:3,4", 0.00008, 1e-5),
    ] {
        check(scheme, &values, expected, unit);
    }
}

#[test]
fn scales_on_a_gaussian_are_the_known_ones() {
    let values = gaussian(COUNT, f64::INFINITY);
    let weights = layer(&values);
    // A mean of 100,000 magnitudes deviates by some 0.003; five times that, as all factors are sums of such.
    let near = |found: f64, expected: f64| assert!((found - expected).abs() < 0.015, "{found} is not {expected}");
    for (scheme, zeros, scale) in
        [("twn:0.6", 0.368, 1.126), ("twn", 0.423, 1.185), ("twn:0.75", 0.450, 1.214), ("twn:0.767", 0.459, 1.224)]
    {
        let found = quantized(scheme, &weights);
        let Format::Scaled(basis) = &found.format else { panic!("{found}") };
        near(basis.codes.iter().filter(|code| **code == 0).count() as f64 / COUNT as f64, zeros);
        near(basis.scales.values[0], scale);
    }
    for (scheme, factors) in [
        ("horq:4", vec![0.798, 0.483, 0.269, 0.160]),
        ("abc:3", vec![0.532, 0.460, 0.533]),
        ("abc:5", vec![0.395, 0.245, 0.245, 0.245, 0.396]),
    ] {
        let found = quantized(scheme, &weights);
        let Format::Sum(bases) = &found.format else { panic!("{found}") };
        assert_eq!(bases.len(), factors.len());
        for (basis, expected) in bases.iter().zip(factors) {
            near(basis.scales.values[0], expected);
        }
    }
}

#[test]
fn inq_takes_the_nearest_power_of_two() {
    // The greatest is 0.9: 4/3 of it is 1.2, so the powers are 1, 1/2, … 1/128, and zero.
    let values = [0.9, -0.74, 0.76, 0.376, -0.374, 0.0040, 0.0038, 0.0];
    let found = quantized("inq:5", &layer(&values));
    assert_eq!(found.values, [1.0, -0.5, 1.0, 0.5, -0.25, 1.0 / 128.0, 0.0, 0.0]);
    assert_eq!(quantized("inq:2", &layer(&values)).values, [1.0, -1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn groups_lie_along_the_input_channels() {
    // Two outputs, three channels, two positions: a group holds the first two channels of a position.
    let values = [1.0, 8.0, 1.0, 8.0, 2.0, 4.0, 0.5, 0.0, -0.5, 0.1, 0.25, 0.0];
    let weights = Weights { outputs: 2, channels: 3, taps: 2, values: &values };
    let found = quantized("fgq:2", &weights);
    let Format::Scaled(basis) = &found.format else { panic!("{found}") };
    assert_eq!(basis.scales.granularity, Granularity::Group(2));
    // Steps of 1/16: 8 takes 128 of them, and would take 256 of 1/32, which eight bits do not hold.
    let step = |value: f64| (value * 16.0).round() / 16.0;
    assert_eq!(
        basis.scales.values,
        [1.0, 2.0, 8.0, 4.0, 0.5, 0.25, 0.1, 1.0].map(|v| if v == 0.1 { step(0.1) } else { v })
    );
    let integers = found.as_integers(&weights).unwrap();
    let scale = integers.scales.values[0];
    let back: Vec<f64> = integers.codes.iter().map(|code| f64::from(*code) * scale).collect();
    assert_eq!(back, found.values);
    // Eight scales of eight bits, twelve codes of two.
    assert_eq!(found.bits(), 8 * 8 + 12 * 2);
}

/// Weights of two outputs, three channels and two positions.
fn small() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec((-1f32..1.0).prop_map(f64::from), 12)
}

const WITHOUT_INPUTS: [&str; 26] = [
    "bwn",
    "bwn/layer",
    "twn",
    "twn/channel",
    "ttq",
    "ttq:0.3/channel",
    "fgq:1",
    "fgq:2",
    "inq:2",
    "inq:5",
    "inq:4/channel",
    "shiftcnn:1,4",
    "shiftcnn:2,4",
    "shiftcnn:3,3/channel",
    "abc:3",
    "abc:2/channel",
    "horq:2",
    "horq:3/layer",
    "admm:binary",
    "admm:ternary/channel",
    "admm:2",
    "admm:4",
    "dorefa:2",
    "hwgq:2",
    "linear:4",
    "minmax:3",
];

proptest! {
    #[test]
    fn values_are_finite_and_codes_fit(values in small()) {
        let weights = Weights { outputs: 2, channels: 3, taps: 2, values: &values };
        for scheme in WITHOUT_INPUTS.iter().chain(&["log:3", "tanh:3", "dorefa:1", "abc:5"]) {
            let found = quantized(scheme, &weights);
            prop_assert_eq!(found.values.len(), 12);
            prop_assert!(found.values.iter().all(|value| value.is_finite()), "{}", scheme);
            if let Format::Scaled(basis) = &found.format {
                prop_assert!(basis.scales.values.iter().all(|scale| *scale > 0.0), "{}", scheme);
            }
            if let Some(integers) = found.as_integers(&weights) {
                prop_assert!(integers.codes.iter().all(|code| code.abs() <= 256), "{}", scheme);
            }
        }
    }

    /// Schemes whose codes and scales both follow from what they make themselves.
    #[test]
    fn quantised_weights_stay_as_they_are(values in small()) {
        for scheme in ["bwn", "bwn/layer", "twn:0.5/channel", "ttq", "fgq:1", "fgq:2", "fgq:3", "inq:5", "inq:4/channel",
            "shiftcnn:2,4", "admm:binary", "admm:ternary", "minmax:3", "horq:1"]
        {
            let weights = Weights { outputs: 2, channels: 3, taps: 2, values: &values };
            let once = quantized(scheme, &weights);
            let twice = quantized(scheme, &Weights { values: &once.values, ..weights });
            let greatest = once.values.iter().fold(1e-30f64, |greatest, value| greatest.max(value.abs()));
            for (once, twice) in once.values.iter().zip(&twice.values) {
                prop_assert!((once - twice).abs() <= 1e-6 * greatest, "{}: {} became {}", scheme, once, twice);
            }
        }
    }

    #[test]
    fn no_other_signs_and_scale_are_nearer(values in prop::collection::vec(-1f64..1.0, 6)) {
        let weights = layer(&values);
        let found = quantized("bwn", &weights).relative_mse(&weights);
        let square: f64 = values.iter().map(|w| w * w).sum();
        for signs in 0..64u32 {
            let product: f64 = (0..6).map(|i| if signs >> i & 1 == 1 { values[i] } else { -values[i] }).sum();
            // |w − α b|² at its best α is |w|² − (w·b)² / n.
            let best = (square - product * product / 6.0) / square;
            prop_assert!(found <= best + 1e-6);
        }
    }

    /// With one start for each threshold the alternation would find the optimum; with four it comes near.
    #[test]
    fn projections_are_no_worse_than_their_own_codes_with_other_scales(values in prop::collection::vec(-1f64..1.0, 8)) {
        let weights = layer(&values);
        for scheme in ["admm:ternary", "admm:2", "admm:4"] {
            let found = quantized(scheme, &weights);
            let Format::Scaled(basis) = &found.format else { panic!("{found}") };
            let error = |scale: f64| -> f64 {
                values.iter().zip(&basis.codes).map(|(w, code)| (w - scale * f64::from(*code)).powi(2)).sum()
            };
            let own = basis.scales.values[0];
            for factor in [0.9, 0.99, 1.01, 1.1] {
                prop_assert!(error(own) <= error(own * factor) + 1e-9);
            }
            // No code but the nearest: the alternation has ended.
            let levels: &[i32] = match scheme {
                "admm:ternary" => &[-1, 0, 1],
                "admm:2" => &[-2, -1, 0, 1, 2],
                _ => &[-4, -2, -1, 0, 1, 2, 4],
            };
            for (w, code) in values.iter().zip(&basis.codes) {
                let distance = (w - own * f64::from(*code)).abs();
                prop_assert!(levels.iter().all(|level| distance <= (w - own * f64::from(*level)).abs() + 1e-6));
            }
        }
    }

    #[test]
    fn schemes_that_see_inputs_keep_results_at_least_as_well(
        values in prop::collection::vec(-1f64..1.0, 8),
        inputs in prop::collection::vec(prop::collection::vec(0f64..1.0, 4), 12),
    ) {
        let weights = Weights { outputs: 2, channels: 4, taps: 1, values: &values };
        let mut products = InputProducts::new(4, 1);
        inputs.iter().for_each(|x| products.add(0, x));
        let error = |found: &Quantized| -> f64 {
            let rows = values.chunks(4).zip(found.values.chunks(4));
            rows.map(|(w, q)| {
                let result = |x: &Vec<f64>| (0..4).map(|i| x[i] * (w[i] - q[i])).sum::<f64>().powi(2);
                inputs.iter().map(result).sum::<f64>()
            }).sum()
        };
        for (scheme, blind) in [("bwnh", "bwn"), ("tsq", "twn/channel")] {
            let seeing = scheme.parse::<Scheme>().unwrap().quantize(&weights, Some(&products)).unwrap();
            prop_assert!(error(&seeing) <= error(&quantized(blind, &weights)) + 1e-5);
        }
    }
}

#[test]
fn names_come_back() {
    let names = WITHOUT_INPUTS.iter().chain(&["bwnh", "tsq", "log:3", "tanh:8", "twn:0.75", "ttq:0.1"]);
    for name in names {
        assert_eq!(name.parse::<Scheme>().unwrap().to_string(), *name);
    }
    assert_eq!("xnor".parse::<Scheme>().unwrap().to_string(), "bwn");
    for wrong in [
        "",
        "bnw",
        "twn:a",
        "twn:0.7,1",
        "inq",
        "inq:6",
        "shiftcnn:2",
        "shiftcnn:4,4",
        "abc:0",
        "fgq",
        "admm:3",
        "bwn:1",
        "fgq:2/layer",
        "twn/tensor",
    ] {
        let error = wrong.parse::<Scheme>().unwrap_err().to_string();
        assert!(error.contains(&format!("`{wrong}`")), "{error}");
    }
    let weights = [1.0, -1.0];
    let missing = "bwnh".parse::<Scheme>().unwrap().quantize(&layer(&weights), None).unwrap_err();
    assert!(missing.to_string().contains("must see what each layer reads"));
}

#[test]
fn layers_of_zeros_stay_zero() {
    let values = [0.0; 12];
    let weights = Weights { outputs: 2, channels: 3, taps: 2, values: &values };
    for scheme in WITHOUT_INPUTS.iter().filter(|scheme| !scheme.starts_with("tanh")) {
        assert_eq!(quantized(scheme, &weights).values, values, "{scheme}");
    }
}
