//! The netlist that `build` made.
//!
//! It is a tool's product and cannot be made again from the plan in no time, so what lies in a directory is read as data: a
//! netlist has one module with ports, wires, cells with parameters, and assignments. Whatever else Verilog knows is refused,
//! above all what does something by itself (`initial`, `$system`, directives, imported C functions), and what Verilator reads
//! otherwise than it looks: it drops carriage returns and NULs before anything else, and looks for a module that it does not
//! know in a file of that name, be it a path.

mod lexer;

use super::{cells, device_of, family_of};
use crate::SimError;
use flow::artifacts::{Compiled, Trust};
use flow::build::{self, Tools};
use flow::regular;
use lexer::{Lexer, Refusal, Token, shown};
use std::path::{Path, PathBuf};

/// A netlist and the models of its cells.
#[derive(Clone, Debug)]
pub struct Netlist {
    /// Its text.
    pub(super) text: String,
    /// The models that are yosys'.
    pub(super) cells: String,
    /// Those that are ours.
    pub(super) own: Vec<cells::Model>,
    /// The folder in which its simulation runs.
    pub(super) folder: PathBuf,
}

impl Netlist {
    /// The netlist in the directory `folder`, which `compiled` was read from, with the models of the yosys that is installed.
    /// With [`Trust::Files`] the netlist and the models as they lie.
    ///
    /// # Errors
    /// Where the directory was compiled for no board or not built, its netlist is none, or there are no models.
    pub fn read(compiled: &Compiled, folder: &Path, trust: Trust, tools: &Tools) -> Result<Self, SimError> {
        let family = family_of(device_of(&compiled.manifest)?)?;
        let own = cells::own_models(family).ok_or(SimError::NoModels { family: family.name() })?;
        let build = folder.join("build");
        let (path, library) = (build.join("netlist.v"), build.join("cells_sim.v"));
        if !path.is_file() {
            return Err(SimError::NoNetlist { folder: folder.to_owned() });
        }
        let read = |path: &Path| regular::read_to_string(path).map_err(SimError::file("read", path));
        let text = read(&path)?;
        let (cells, room) = match trust {
            Trust::Files if library.is_file() => (Some(read(&library)?), build),
            Trust::Files => (None, build),
            Trust::Plan => {
                Netlist::check(&text, &path)?;
                // Models of memories read a file that a parameter names: nobody else's pipe or device is called so there.
                let room = PathBuf::from("/");
                // Without yosys there are no models either.
                (build::cells(tools, family).ok().flatten(), room)
            }
        };
        let cells = cells.ok_or(SimError::NoCells { folder: folder.to_owned() })?;
        Ok(Netlist { text, cells: cells::without_black_boxes(&cells), own, folder: room })
    }

    /// Checks that `text`, which lies at `path`, is one module of wires, cells and assignments.
    ///
    /// # Errors
    /// [`SimError::Netlist`] with the first line that holds something else.
    pub fn check(text: &str, path: &Path) -> Result<(), SimError> {
        check(text).map_err(|(line, found)| SimError::Netlist { path: path.to_owned(), line, found })
    }
}

/// Most braces within braces.
const MAX_DEPTH: usize = 64;

/// Checks that `text` is a netlist.
fn check(text: &str) -> Result<(), Refusal> {
    let mut parser = Parser { lexer: Lexer::of(text)?, token: Token::End };
    parser.advance()?;
    parser.module()?;
    parser.expect(Token::End)
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token<'a>,
}

impl Parser<'_> {
    fn advance(&mut self) -> Result<(), Refusal> {
        self.token = self.lexer.next()?;
        Ok(())
    }

    fn refused<T>(&self) -> Result<T, Refusal> {
        let found = match self.token {
            Token::Name(text) | Token::Escaped(text) | Token::Number(text) | Token::Text(text) => shown(text),
            Token::Sign(sign) => sign.to_string(),
            Token::End => "the end of the file".to_owned(),
        };
        Err((self.lexer.line, found))
    }

    /// Takes the token if it is this one.
    fn takes(&mut self, token: Token) -> Result<bool, Refusal> {
        let is_there = self.token == token;
        if is_there {
            self.advance()?;
        }
        Ok(is_there)
    }

    fn expect(&mut self, token: Token) -> Result<(), Refusal> {
        if self.takes(token)? { Ok(()) } else { self.refused() }
    }

    fn sign(&mut self, sign: char) -> Result<(), Refusal> {
        self.expect(Token::Sign(sign))
    }

    /// The name of a module, which no path could be.
    fn plain_name(&mut self) -> Result<(), Refusal> {
        match self.token {
            Token::Name(_) => self.advance(),
            Token::Escaped(_) | Token::Number(_) | Token::Text(_) | Token::Sign(_) | Token::End => self.refused(),
        }
    }

    fn name(&mut self) -> Result<(), Refusal> {
        match self.token {
            Token::Name(_) | Token::Escaped(_) => self.advance(),
            Token::Number(_) | Token::Text(_) | Token::Sign(_) | Token::End => self.refused(),
        }
    }

    fn number(&mut self) -> Result<(), Refusal> {
        match self.token {
            Token::Number(_) => self.advance(),
            Token::Name(_) | Token::Escaped(_) | Token::Text(_) | Token::Sign(_) | Token::End => self.refused(),
        }
    }

    /// One `item` or more with commas between them.
    fn list(&mut self, mut item: impl FnMut(&mut Self) -> Result<(), Refusal>) -> Result<(), Refusal> {
        item(self)?;
        while self.takes(Token::Sign(','))? {
            item(self)?;
        }
        Ok(())
    }

    fn module(&mut self) -> Result<(), Refusal> {
        self.expect(Token::Name("module"))?;
        self.plain_name()?;
        if self.takes(Token::Sign('('))? && !self.takes(Token::Sign(')'))? {
            self.list(Self::name)?;
            self.sign(')')?;
        }
        self.sign(';')?;
        while !self.takes(Token::Name("endmodule"))? {
            self.item()?;
        }
        Ok(())
    }

    fn item(&mut self) -> Result<(), Refusal> {
        match self.token {
            Token::Name("input" | "output" | "inout" | "wire") => {
                self.advance()?;
                self.takes(Token::Name("signed"))?;
                self.range()?;
                self.list(Self::name)?;
            }
            Token::Name("assign") => {
                self.advance()?;
                self.expression(0)?;
                self.sign('=')?;
                self.expression(0)?;
            }
            Token::Name(_) => {
                self.plain_name()?;
                if self.takes(Token::Sign('#'))? {
                    self.connections()?;
                }
                self.name()?;
                self.range()?;
                self.connections()?;
            }
            Token::Escaped(_) | Token::Number(_) | Token::Text(_) | Token::Sign(_) | Token::End => {
                return self.refused();
            }
        }
        self.sign(';')
    }

    /// `[7:0]` or `[7]`, or nothing.
    fn range(&mut self) -> Result<(), Refusal> {
        if self.takes(Token::Sign('['))? {
            self.number()?;
            if self.takes(Token::Sign(':'))? {
                self.number()?;
            }
            self.sign(']')?;
        }
        Ok(())
    }

    /// `(.A(a), .B({ b, c }))`, of parameters or of ports.
    fn connections(&mut self) -> Result<(), Refusal> {
        self.sign('(')?;
        if self.takes(Token::Sign(')'))? {
            return Ok(());
        }
        self.list(|parser| {
            parser.sign('.')?;
            parser.name()?;
            parser.sign('(')?;
            if !parser.takes(Token::Sign(')'))? {
                parser.expression(0)?;
                parser.sign(')')?;
            }
            Ok(())
        })?;
        self.sign(')')
    }

    fn expression(&mut self, depth: usize) -> Result<(), Refusal> {
        while self.takes(Token::Sign('~'))? || self.takes(Token::Sign('-'))? {}
        match self.token {
            Token::Name(_) | Token::Escaped(_) => {
                self.advance()?;
                self.range()
            }
            Token::Number(_) | Token::Text(_) => self.advance(),
            Token::Sign('{') if depth < MAX_DEPTH => {
                self.advance()?;
                self.list(|parser| {
                    parser.expression(depth + 1)?;
                    // `{ 4 { a } }` is `a` four times.
                    if parser.token == Token::Sign('{') { parser.expression(depth + 1) } else { Ok(()) }
                })?;
                self.sign('}')
            }
            Token::Sign(_) | Token::End => self.refused(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NETLIST: &str = include_str!("netlist/example.v");

    #[test]
    fn a_netlist_of_yosys_is_one() {
        assert_eq!(check(NETLIST), Ok(()));
        let generated = "/* Generated by Yosys */\n";
        assert_eq!(check(&NETLIST.replace("  // a LUT\n", generated)), Ok(()));
    }

    #[test]
    fn what_does_something_by_itself_is_refused_with_its_line() {
        let inside = |text: &str| NETLIST.replace("  wire _0_;\n", &format!("  wire _0_;\n{text}\n"));
        for (text, found) in [
            ("initial $system(\"touch x\");", "$system(\"touch x\");"),
            ("initial begin end", "end"),
            ("`include \"x\"", "`include \"x\""),
            ("import \"DPI-C\" function int system(input string s);", "\"DPI-C\""),
            ("wire x = $system(\"touch x\");", "="),
            ("assign x = $c(\"system(0)\");", "$c(\"system(0)\");"),
            ("LUT4 l (.A($system(\"touch x\")));", "$system(\"touch x\")));"),
            ("always @(posedge clock) x <= 1;", "@(posedge clock) x <= 1;"),
            ("/* verilator public */", "a comment for Verilator"),
            ("(* keep *) wire x;", "("),
            ("/* no end", "a comment without an end"),
            ("/*/ // */ initial begin end", "end"),
            ("parameter X = \"\\n\";", "X"),
            ("/* *\r/ initial $system(\"touch x\"); /* */", "\\r"),
            ("/* *\0/ initial $system(\"touch x\"); /* */", "\\0"),
            ("// veri\rlator public", "\\r"),
            ("// \u{2028}", "\\u{2028}"),
            ("\\/home/x/evil  l ();", "\\/home/x/evil"),
            ("\\evil  l ();", "\\evil"),
            ("SB_RAM40_4K #(.INIT_FILE(\"/dev/zero\")) l ();", "\"/dev/zero\")) l ();"),
            ("wire \\a`b ;", "\\a`b ;"),
            ("wire \\a\"b ;", "\\a\"b ;"),
            ("wire \\a/*b ;", "\\a/*b ;"),
            ("wire \\a//b ;", "\\a//b ;"),
            ("endmodule\nmodule second;", "module"),
            ("LUT4 #(.INIT(\"\\a\")) l ();", "\"\\a\")) l ();"),
            ("function x (.a(b)); x = 1; endfunction", "="),
        ] {
            let (line, said) = check(&inside(text)).expect_err(text);
            assert!(line >= 9 && (said == found || text == "parameter X = \"\\n\";"), "{text}: line {line}, {said}");
        }
        assert!(check("module a; endmodule x").is_err() && check("module a;").is_err());
        let deep = format!("module a; assign x = {}", "{".repeat(100_000));
        assert!(check(&deep).is_err());
    }

    #[test]
    fn nothing_in_a_netlist_can_be_replaced_by_what_acts() {
        // Wherever it stands, a system task or a directive is seen.
        for place in NETLIST.char_indices().map(|(place, _)| place) {
            let (before, after) = NETLIST.split_at(place);
            let is_hidden = |text: &str| text.contains(['\\', '"', '/']);
            for bait in [" $system(0) ", " `x "] {
                let line = before.rfind('\n').map_or(0, |start| start + 1);
                let is_quoted = is_hidden(&before[line..]) || (before.contains("/*") && !before.contains("*/"));
                assert!(is_quoted || check(&format!("{before}{bait}{after}")).is_err(), "{bait} at {place}");
            }
        }
    }
}
