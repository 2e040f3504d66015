//! Costs against those that synthesis counted.

use super::*;
use network::network::WeightMatrix;

fn range(minimum: i64, maximum: i64) -> WeightRange {
    WeightRange::between(minimum, maximum)
}

#[test]
fn costs_are_those_of_synthesis() {
    let bipolar = WeightRange { is_bipolar: true, ..range(-1, 1) };
    let (ternary, two, three) = (range(-1, 1), range(-2, 1), range(-4, 3));
    let (four, eight) = (range(-8, 7), range(-128, 127));
    let measured = [
        (Datapath::Bipolar, bipolar, 4, 16, 160),
        (Datapath::Bipolar, bipolar, 8, 16, 284),
        (Datapath::Products, two, 1, 16, 78),
        (Datapath::Products, three, 1, 16, 108),
        (Datapath::Products, eight, 1, 16, 284),
        (Datapath::Products, two, 2, 16, 224),
        (Datapath::Products, ternary, 4, 16, 160),
        (Datapath::Products, ternary, 1, 32, 95),
        (Datapath::Products, ternary, 2, 32, 196),
        (Datapath::Planes, two, 1, 16, 88),
        (Datapath::Planes, three, 1, 16, 135),
        (Datapath::Planes, eight, 1, 16, 372),
        (Datapath::Planes, two, 2, 16, 164),
        (Datapath::Planes, ternary, 4, 16, 330),
        (Datapath::Planes, ternary, 1, 32, 174),
        (Datapath::Planes, ternary, 2, 32, 336),
        (Datapath::Bipolar, bipolar, 1, 16, 41),
        (Datapath::Bipolar, bipolar, 2, 16, 78),
        (Datapath::Bipolar, bipolar, 1, 32, 84),
        (Datapath::Products, ternary, 1, 16, 46),
        (Datapath::Products, ternary, 2, 16, 94),
        (Datapath::Products, ternary, 8, 16, 284),
        (Datapath::Products, four, 1, 16, 160),
        (Datapath::Products, four, 2, 16, 446),
        (Datapath::Products, four, 4, 16, 828),
        (Datapath::Products, eight, 8, 16, 2708),
        (Datapath::Planes, ternary, 1, 16, 88),
        (Datapath::Planes, ternary, 2, 16, 164),
        (Datapath::Planes, ternary, 8, 16, 582),
        (Datapath::Planes, four, 1, 16, 182),
        (Datapath::Planes, four, 2, 16, 336),
        (Datapath::Planes, four, 4, 16, 670),
        (Datapath::Planes, eight, 8, 16, 2372),
    ];
    for (datapath, weights, input_bits, simd, places) in measured {
        let form = Form::new(datapath, weights).expect("weights that it computes");
        let model = row_luts(&Multiplier::new(form, weights, input_bits), simd);
        assert!(20 * model.abs_diff(places) <= places, "{datapath} {weights:?} {input_bits}: {model}, not {places}");
    }
}

/// Powers of two from 1 on, of either sign, and 0.
fn powers(count: u32) -> Vec<i16> {
    (0..count).flat_map(|exponent| [1 << exponent, -(1 << exponent)]).chain([0]).collect()
}

/// Counted by yosys 0.70 with the same script, as `scripts/estimator/lane_sums.py` prints them.
#[test]
fn costs_of_forms_are_those_of_synthesis() {
    let shifts = |weights: &[i16], bits, simd, places| (Datapath::Shifts, WeightRange::of(weights), bits, simd, places);
    let groups = |columns: usize, scale: i16, bits, simd, places| {
        let values = [scale, 0, -scale, scale].repeat(columns / 4);
        let weights = WeightMatrix { rows: 1, columns, element: ElementType::Signed { bits: 9 }, values };
        (Datapath::Groups, WeightRange::held(&weights, columns, false), bits, simd, places)
    };
    let four: Vec<i16> = (-8..=7).collect();
    let measured = [
        shifts(&powers(2), 1, 16, 94),
        shifts(&powers(2), 4, 16, 234),
        shifts(&powers(2), 8, 32, 858),
        shifts(&powers(3), 2, 16, 192),
        shifts(&powers(3), 8, 16, 548),
        shifts(&powers(4), 2, 16, 250),
        shifts(&powers(4), 4, 16, 344),
        shifts(&powers(4), 4, 5, 101),
        shifts(&powers(8), 4, 16, 564),
        shifts(&powers(8), 8, 32, 1716),
        shifts(&[0, 1, 2, 4, 8], 8, 16, 484),
        shifts(&[0, 1, -4, 8, 64, -128], 1, 16, 316),
        shifts(&four, 1, 16, 194),
        shifts(&four, 4, 16, 478),
        shifts(&four, 8, 32, 1732),
        groups(4, 255, 1, 16, 250),
        groups(4, 255, 4, 16, 576),
        groups(4, 15, 8, 32, 1218),
        groups(16, 255, 8, 32, 982),
        groups(16, 15, 1, 16, 84),
        groups(64, 255, 8, 32, 792),
    ];
    for (datapath, weights, input_bits, simd, places) in measured {
        let form = Form::new(datapath, weights).expect("weights that it computes");
        let model = row_luts(&Multiplier::new(form, weights, input_bits), simd);
        assert!(12 * model.abs_diff(places) <= places, "{form:?} {input_bits}: {model}, not {places}");
    }
}

#[test]
fn the_cheaper_datapath_is_chosen() {
    let size = UnitSize { pe: 1, simd: 16, weight_rows: 1 };
    let choice = |weights, bits, clean| choose(weights, ElementType::Unsigned { bits }, size, false, clean);
    let chosen = |weights, bits, clean| choice(weights, bits, clean).form.datapath();
    let bipolar = WeightRange { is_bipolar: true, ..range(-1, 1) };
    assert_eq!(chosen(bipolar, 1, true), Datapath::Bipolar);
    assert_eq!(chosen(bipolar, 1, false), Datapath::Products, "unused lanes hold anything");
    assert_eq!(chosen(range(-1, 1), 2, true), Datapath::Products);
    assert_eq!(chosen(range(-16, 15), 4, true), Datapath::Planes);
    assert_eq!(chosen(range(-8, 7), 4, true), Datapath::Shifts);
    assert_eq!(chosen(WeightRange::of(&[0, 1, -2, 4, 8]), 4, true), Datapath::Shifts);
    let reason = |weights| choice(weights, 4, true).reason;
    assert_eq!(
        reason(range(-16, 15)),
        "weights -16..=15, inputs u4, 16 lanes; LUT4s per row: products 950, planes 840; excluded by writable weights: \
         shifts, groups, bases"
    );
    assert_eq!(
        reason(WeightRange::of(&(-8..=7).collect::<Vec<i16>>())),
        "weights -8..=7, inputs u4, 16 lanes; LUT4s per row: products 828, planes 670, shifts 478"
    );
}

#[test]
fn wide_codes_cost_memory() {
    let size = |weight_rows| UnitSize { pe: 4, simd: 16, weight_rows };
    let input = ElementType::Unsigned { bits: 4 };
    let cost = |weight_rows| choose(range(-8, 7), input, size(weight_rows), false, true).luts;
    for ((datapath, alone), (_, whole)) in cost(1).into_iter().zip(cost(64)) {
        let form = Form::new(datapath, range(-8, 7)).expect("weights that it computes");
        let bits = 16 * Multiplier::new(form, range(-8, 7), 4).weight_bits as u64;
        // Four LUTs a bit, and their multiplexers; or one in 36 of block RAMs.
        assert!((alone + 4 * bits..alone + 7 * bits).contains(&whole), "{datapath}: {alone}, {whole}");
    }
}
