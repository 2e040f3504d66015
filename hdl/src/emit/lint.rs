//! The lint warnings that our Verilog is allowed to cause, each with its reason.
//!
//! Everything else that `verilator -Wall` reports about an emitted design is a bug of the emitter.

/// A rule of Verilator that emitted designs do not follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiver {
    /// Verilator's name for the rule.
    pub rule: &'static str,
    /// Why the rule does not apply.
    pub reason: &'static str,
}

/// All waivers.
pub const WAIVERS: &[Waiver] = &[
    Waiver { rule: "DECLFILENAME", reason: "a design is one file that holds many modules" },
    Waiver {
        rule: "VARHIDDEN",
        reason: "an instance may be called like a signal inside its module: no reference crosses modules",
    },
];

/// The waivers as a configuration file for Verilator (`.vlt`), to be named before the Verilog.
pub fn verilator_configuration() -> String {
    let mut text = String::from("`verilator_config\n");
    for Waiver { rule, reason } in WAIVERS {
        text.push_str(&format!("// {reason}\nlint_off -rule {rule}\n"));
    }
    text
}
