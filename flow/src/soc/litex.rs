//! The descriptions for LiteX: a Python module, and a script that puts it behind LitePCIe on a card.

use super::Description;
use abi::registers::SPAN_BYTES;
use abi::text::comment;
use hdl::shell::BUS_ADDRESS_BITS;
use hdl::shell::axi_stream::data_bits;

const TEMPLATE: &str = include_str!("litex.py");

const CARD: &str = include_str!("litepcie.py");

/// The text of `litepcie.py`, for a design with windows.
pub(super) fn card(description: &Description) -> String {
    CARD.replace("@PREFIX@", &description.prefix.to_string())
        .replace("@MEBIBYTES@", &(SPAN_BYTES >> 20).to_string())
        .replace("@CLOCK_HERTZ@", &description.facts.clock_hertz.to_string())
        // Last, because it may be called like a mark.
        .replace("@NETWORK@", &name(description))
}

/// The network's name as a comment in Python may have it.
fn name(description: &Description) -> String {
    comment(&description.plan.network.name)
}

/// The text of `litex.py`.
pub(super) fn text(description: &Description) -> String {
    let Description { plan, prefix, rtl, tops, .. } = description;
    let tops: Vec<String> = tops.iter().map(|top| prefix.name(top)).collect();
    let list = |names: &mut dyn Iterator<Item = &str>| {
        let names: Vec<String> = names.map(|name| format!("    \"{name}\",\n")).collect();
        format!("[\n{}]", names.concat())
    };
    TEMPLATE
        .replace("@PREFIX@", &description.prefix.to_string())
        .replace("@RTL@", &list(&mut rtl.iter().map(String::as_str).filter(|name| name.ends_with(".v"))))
        .replace("@TOPS@", &list(&mut tops.iter().map(String::as_str)))
        .replace("@ADDRESS_BITS@", &BUS_ADDRESS_BITS.to_string())
        .replace("@INPUT_BITS@", &data_bits(&plan.input_format()).to_string())
        .replace("@OUTPUT_BITS@", &data_bits(&plan.output_format()).to_string())
        // Last, because it may be called like a mark.
        .replace("@NETWORK@", &name(description))
}
