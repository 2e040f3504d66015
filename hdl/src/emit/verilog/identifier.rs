//! Legal, readable and unique Verilog identifiers.

use abi::text::identifier;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// Words that Verilog-2005 and SystemVerilog keep for themselves, as far as a field or module could
/// be called like that.
const KEYWORDS: &str = "
    alias always and assert assign assume automatic before begin bind bins bit break buf byte case cell
    checker class clocking cmos config const constraint context continue cover cross deassign default
    defparam design disable dist do edge else end endcase endfunction endgenerate endmodule endtask enum
    eventually event expect export extends extern final first_match for force foreach forever fork
    function generate genvar global highz0 highz1 if iff ifnone illegal implements implies import
    include initial inout input inside instance int integer interconnect interface intersect join large
    let liblist library local localparam logic longint macromodule matches medium modport module nand
    negedge nettype new nexttime nmos nor not null or output package packed parameter pmos posedge
    primitive priority program property protected pull0 pull1 pulldown pullup pure rand randc randcase
    real realtime ref reg reject_on release repeat restrict return rnmos rpmos rtran scalared sequence
    shortint shortreal signed small soft solve specify static string strong strong0 strong1 struct super
    supply0 supply1 table tagged task this throughout time timeprecision timeunit tran tri tri0 tri1
    triand trior trireg type typedef union unique unique0 unsigned until untyped use var vectored
    virtual void wait wand weak weak0 weak1 while wildcard wire with within wor xnor xor
";

fn is_keyword(name: &str) -> bool {
    // Every name of every module is looked up.
    static WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| KEYWORDS.split_ascii_whitespace().collect());
    WORDS.contains(name)
}

/// Whether `name` may stand as it is.
pub fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !is_keyword(name)
}

/// The identifier nearest to a rust-hdl name such as `pe$0$x`. An interface whose Rust name ends with an underscore to be
/// no keyword of Rust, such as `in_`, gives names without it: `in_data`.
fn legal(name: &str) -> String {
    let mut legal = identifier(&name.replace("_$", "$"));
    if !legal.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        legal.insert(0, '_');
    }
    if is_keyword(&legal) {
        legal.push('_');
    }
    legal
}

/// The identifiers of one scope.
#[derive(Debug, Default)]
pub(super) struct Identifiers {
    used: HashSet<String>,
    /// The next suffix to try for a name, so that many equal wishes do not cost a quadratic search.
    next: HashMap<String, usize>,
}

impl Identifiers {
    /// The identifier nearest to `wanted` that is still free; it is then taken.
    pub(super) fn unique(&mut self, wanted: &str) -> String {
        let wanted = legal(wanted);
        if self.used.insert(wanted.clone()) {
            return wanted;
        }
        let next = self.next.entry(wanted.clone()).or_insert(1);
        loop {
            let name = format!("{wanted}_{next}");
            *next += 1;
            if self.used.insert(name.clone()) {
                return name;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_legal_and_never_collide() {
        let mut scope = Identifiers::default();
        assert_eq!(scope.unique("pe$0$x"), "pe_0_x");
        assert_eq!(scope.unique("pe_0$x"), "pe_0_x_1");
        assert_eq!(scope.unique("pe_0_x_1"), "pe_0_x_1_1");
        assert_eq!(scope.unique("pe$0_x"), "pe_0_x_2");
        assert_eq!(scope.unique("reg"), "reg_");
        assert_eq!(scope.unique("7seg"), "_7seg");
    }

    #[test]
    fn keywords_are_no_module_names() {
        assert!(is_identifier("replay_buffer"));
        for name in ["module", "", "1st", "a$b", "a b"] {
            assert!(!is_identifier(name), "{name}");
        }
    }
}
