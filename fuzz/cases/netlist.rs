//! Any text as the netlist of a built directory.

use super::render;
use sim::board::Netlist;
use std::path::Path;

/// Checks the text as `simulate --on gates` does. In what is accepted, nothing may act by itself.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Netlist::check(text, Path::new("build/netlist.v")) {
        Ok(()) => {
            let code = without_quotations(text);
            for word in ["`", "$", "initial", "import", "bind", "force"] {
                let stands_alone = |(place, _): (usize, &str)| {
                    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
                    !code[..place].ends_with(is_part) && !code[place + word.len()..].starts_with(is_part)
                };
                let acts =
                    if word.len() > 1 { code.match_indices(word).any(stands_alone) } else { code.contains(word) };
                assert!(!acts, "a netlist with `{word}` was accepted:\n{text}");
            }
        }
        Err(error) => render(&error),
    }
}

/// The text without its strings, comments and escaped names.
fn without_quotations(text: &str) -> String {
    let (mut code, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        let quotation = match first {
            '"' => rest[1..].find('"').map(|end| end + 2),
            '\\' => Some(rest.find(|c: char| c.is_ascii_whitespace()).unwrap_or(rest.len())),
            '/' if rest.starts_with("//") => Some(rest.find('\n').unwrap_or(rest.len())),
            '/' if rest.starts_with("/*") => rest[2..].find("*/").map(|end| end + 4),
            _ => None,
        };
        match quotation {
            Some(length) => {
                code.push(' ');
                rest = &rest[length..];
            }
            None => {
                code.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    code
}
