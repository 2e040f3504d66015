//! Lanes in groups, each sum of which is multiplied by a scale.

use super::text::{Bit, Term, Text};
use compiler::datapath::groups::Grouping;
use compiler::datapath::{Multiplier, group};

/// The sum of the groups of `simd` lanes, each complemented, or none, as `lane` makes it of the lanes `x_0`, `x_1` …
/// and times its scale. `scale` names the bits behind those of the lanes' weights.
pub(super) fn sum(
    text: &mut Text,
    multiplier: &Multiplier,
    grouping: &Grouping,
    simd: usize,
    lane: &dyn Fn(&mut Text, usize) -> Term,
    scale: Bit,
) -> Term {
    let (lanes, bits) = (grouping.lanes(simd), multiplier.input_bits);
    let mut products = Vec::new();
    for number in 0..grouping.groups(simd) {
        let terms = (number * lanes..(number + 1) * lanes).map(|place| lane(text, place)).collect();
        let sum = text.tree(&format!("group_{number}"), terms, group(bits));
        let factor = late_scale(text, grouping, number, grouping.sum_levels(simd, bits), scale);
        let parts = text.parts(&number.to_string(), &sum, &factor);
        products.push(text.shifted(&format!("product_{number}"), parts, false));
    }
    if products.len() > 1 { text.tree("sum", products, 2) } else { products.swap_remove(0) }
}

/// The scale of a group, `cycles` later.
fn late_scale(text: &mut Text, grouping: &Grouping, number: usize, cycles: usize, scale: Bit) -> Term {
    let bits = grouping.scale_bits();
    let names: Vec<String> = (0..bits).rev().map(|bit| scale(number, bit)).collect();
    let range = (0, (1i64 << bits) - 1);
    let mut late = text.wire(format!("scale_{number}"), range, &format!("{{{}}}", names.join(", ")));
    for cycle in 0..cycles {
        let next = Term { name: format!("scale_{number}_{cycle}"), ..late.clone() };
        text.register(&next, &late.name);
        late = next;
    }
    late
}
