//! The description for LiteX: a Python module.

use super::Description;
use crate::shell::BUS_ADDRESS_BITS;
use crate::shell::axi_stream::data_bits;

const TEMPLATE: &str = include_str!("litex.py");

/// The text of `xnorforge_litex.py`.
pub(super) fn text(description: &Description) -> String {
    let Description { plan, rtl, tops, .. } = description;
    let list = |names: &mut dyn Iterator<Item = &str>| {
        let names: Vec<String> = names.map(|name| format!("    \"{name}\",\n")).collect();
        format!("[\n{}]", names.concat())
    };
    TEMPLATE
        .replace("@NETWORK@", &plan.network.name.replace(['\\', '"', '\n'], "_"))
        .replace("@RTL@", &list(&mut rtl.iter().map(String::as_str)))
        .replace("@TOPS@", &list(&mut tops.iter().copied()))
        .replace("@ADDRESS_BITS@", &BUS_ADDRESS_BITS.to_string())
        .replace("@INPUT_BITS@", &data_bits(&plan.input_format()).to_string())
        .replace("@OUTPUT_BITS@", &data_bits(&plan.output_format()).to_string())
}
