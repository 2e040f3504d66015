//! The description for FuseSoC, in its format CAPI2.

use super::{Description, VERILOG};
use crate::prefix::Prefix;

/// Name of the file. It lies at the top of the directory, because a core's files lie below its description.
pub(super) fn file(prefix: &Prefix) -> String {
    format!("{prefix}.core")
}

/// The text of the file.
pub(super) fn text(description: &Description) -> String {
    let network = identifier(&description.plan.network.name);
    // Two designs of one network are two cores.
    let name = match *description.prefix == Prefix::default() {
        true => network.clone(),
        false => format!("{}_{network}", description.prefix),
    };
    let memories = |name: &&String| !name.ends_with(".v");
    // Memories are found by name where the tool runs.
    let file = |name: &String| match name.ends_with(".v") {
        true => format!("      - rtl/{name} : {{file_type : verilogSource}}\n"),
        false => format!("      - rtl/{name} : {{file_type : user, copyto : {name}}}\n"),
    };
    let verilog: String = description.rtl.iter().filter(|name| !memories(name)).map(file).collect();
    let memories: String = description.rtl.iter().filter(memories).map(file).collect();
    let prefix = description.prefix;
    let target = |top: &&str| {
        let top = prefix.name(top);
        format!(
            "  lint_{top}:\n    description : Verilator's lint of {top}\n    flow : lint\n    flow_options :\n      tool : \
             verilator\n      verilator_options : [-Wall]\n    filesets : [waivers, core, soc]\n    toplevel : {top}\n"
        )
    };
    let targets: String = description.tops.iter().map(target).collect();
    let default = prefix.name(description.tops[0]);
    format!(
        "CAPI=2:\n\nname : \"xnorforge:designs:{name}:{version}\"\ndescription : Accelerator for the network {network} with \
         AXI4-Stream, AXI4-Lite or Wishbone\n\nfilesets:\n  core:\n    files:\n{verilog}{memories}  soc:\n    files:\n      - \
         soc/{soc} : {{file_type : verilogSource}}\n  waivers:\n    files:\n      - soc/waivers.vlt : {{file_type : \
         vlt}}\n\ntargets:\n  default:\n    description : For designs that depend on this one\n    filesets : [core, soc]\n    toplevel : {default}\n{targets}",
        soc = prefix.name(VERILOG),
        version = env!("CARGO_PKG_VERSION"),
    )
}

/// `name` with nothing in it that FuseSoC reads as more than a name.
fn identifier(name: &str) -> String {
    let text = abi::text::identifier(name);
    if text.is_empty() { "network".to_owned() } else { text }
}
