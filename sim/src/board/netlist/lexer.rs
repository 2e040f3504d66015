//! The words of a netlist.

/// What stands where something else must, and in which line.
pub(super) type Refusal = (usize, String);

/// A word of Verilog, of those that a netlist has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Name(&'a str),
    /// As `\a.b[0] `, which is never a keyword.
    Escaped(&'a str),
    Number(&'a str),
    Text(&'a str),
    Sign(char),
    End,
}

/// Text, token by token.
pub(super) struct Lexer<'a> {
    rest: &'a str,
    /// The line that it is at, from 1.
    pub(super) line: usize,
}

impl<'a> Lexer<'a> {
    /// The words of `text`, which must be printable ASCII: then Verilator sees the same ends of lines and comments.
    pub(super) fn of(text: &'a str) -> Result<Self, Refusal> {
        let is_other = |(_, c): &(usize, char)| !matches!(c, ' '..='~' | '\n' | '\t');
        match text.char_indices().find(is_other) {
            None => Ok(Lexer { rest: text, line: 1 }),
            Some((place, found)) => Err((1 + text[..place].matches('\n').count(), found.escape_debug().to_string())),
        }
    }

    pub(super) fn next(&mut self) -> Result<Token<'a>, Refusal> {
        loop {
            let space = self.rest.len() - self.rest.trim_start().len();
            self.take(space);
            let comment = match self.rest {
                rest if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
                rest if rest.starts_with("/*") => {
                    // `/*/` only begins one.
                    rest[2..].find("*/").map(|end| end + 4).ok_or((self.line, "a comment without an end".to_owned()))?
                }
                _ => break,
            };
            let line = self.line;
            // Verilator obeys some comments.
            if self.take(comment).to_ascii_lowercase().contains("verilator") {
                return Err((line, "a comment for Verilator".to_owned()));
            }
        }
        let rest = self.rest;
        let Some(first) = rest.chars().next() else { return Ok(Token::End) };
        let span = |is_part: fn(char) -> bool| rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        Ok(match first {
            'a'..='z' | 'A'..='Z' | '_' => Token::Name(self.take(span(|c| c.is_ascii_alphanumeric() || c == '_'))),
            '0'..='9' | '\'' => Token::Number(self.take(span(|c| c.is_ascii_alphanumeric() || "_'?".contains(c)))),
            '\\' => {
                let name = &rest[..span(|c| c.is_ascii_graphic())];
                // What begins a macro, a text or a comment elsewhere has no place in a name that yosys makes.
                let is_plain =
                    name.len() > 1 && !name.contains(['`', '"']) && !name.contains("/*") && !name.contains("//");
                match is_plain {
                    true => Token::Escaped(self.take(name.len())),
                    false => return Err((self.line, shown(rest))),
                }
            }
            '"' => {
                let length = span(|c| c.is_ascii_alphanumeric() || "\"_.- ".contains(c));
                match rest[1..length].find('"') {
                    Some(end) => Token::Text(self.take(end + 2)),
                    None => return Err((self.line, shown(rest))),
                }
            }
            sign if "()[]{},;.#=:~-".contains(sign) => {
                self.take(1);
                Token::Sign(sign)
            }
            _ => return Err((self.line, shown(rest))),
        })
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }
}

/// The beginning of what is refused.
pub(super) fn shown(rest: &str) -> String {
    let line = rest.lines().next().unwrap_or_default();
    line.chars().take(40).map(|c| if c.is_control() { '�' } else { c }).collect()
}
