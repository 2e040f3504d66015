//! The cells that netlists are made of, as simulation models.
//!
//! Most are yosys' own (`cells_sim.v`). Some of those are black boxes, which Verilator would simulate as zeros without a
//! word: they are taken out, so that a netlist that needs one without a model of ours is refused.

use flow::board::Family;

/// A model by file name and text.
pub type Model = (&'static str, &'static str);

/// Our models of the cells that yosys has only as black boxes; `None` where netlists of the family cannot be simulated,
/// because there is none for the block RAM.
pub fn own_models(family: Family) -> Option<Vec<Model>> {
    let memories: &[Model] = match family {
        Family::Ecp5 => &[("DP16KD.v", include_str!("../../cells/ecp5/DP16KD.v"))],
        // Theirs is no black box.
        Family::Ice40 | Family::Ice40up => &[],
        Family::Gowin | Family::Xilinx7 => return None,
    };
    Some([memories, plls(family)].concat())
}

/// Our models of the family's PLLs: they pass the oscillator on.
pub fn plls(family: Family) -> &'static [Model] {
    match family {
        Family::Ecp5 => &[("EHXPLLL.v", include_str!("../../cells/ecp5/EHXPLLL.v"))],
        Family::Ice40 | Family::Ice40up => &[
            ("SB_PLL40_CORE.v", include_str!("../../cells/ice40/SB_PLL40_CORE.v")),
            ("SB_PLL40_PAD.v", include_str!("../../cells/ice40/SB_PLL40_PAD.v")),
        ],
        Family::Gowin => &[("rPLL.v", include_str!("../../cells/gowin/rPLL.v"))],
        Family::Xilinx7 => &[],
    }
}

/// `text` without the modules that have the attribute `blackbox`.
pub fn without_black_boxes(text: &str) -> String {
    const ATTRIBUTE: &str = "(* blackbox";
    const END: &str = "endmodule";
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(ATTRIBUTE) {
        kept += &rest[..start];
        rest = rest[start..].split_once(END).map_or("", |(_, after)| after);
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_boxes_are_taken_out() {
        let text = "module A; endmodule\n(* blackbox *)\nmodule B(input C);\nendmodule\n(* blackbox, keep *) module D;\nendmodule\nmodule E; endmodule\n";
        assert_eq!(without_black_boxes(text), "module A; endmodule\n\n\nmodule E; endmodule\n");
    }
}
