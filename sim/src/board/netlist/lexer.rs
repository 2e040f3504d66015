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
    pub(super) fn of(text: &'a str) -> Self {
        Lexer { rest: text, line: 1 }
    }

    pub(super) fn next(&mut self) -> Result<Token<'a>, Refusal> {
        loop {
            // No other white space: programs differ in which of it ends a name or a line.
            self.take(self.rest.len() - self.rest.trim_start_matches([' ', '\t', '\n']).len());
            let comment = match self.rest {
                rest if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
                rest if rest.starts_with("/*") => {
                    // `/*/` only begins one.
                    rest[2..].find("*/").map(|end| end + 4).ok_or((self.line, "a comment without an end".to_owned()))?
                }
                _ => break,
            };
            let line = self.line;
            let comment = self.take(comment);
            if comment.contains(|c: char| c.is_control() && !"\t\n".contains(c)) {
                return Err((line, "a comment with control characters".to_owned()));
            }
            // Verilator obeys some comments.
            if comment.to_ascii_lowercase().contains("verilator") {
                return Err((line, "a comment for Verilator".to_owned()));
            }
        }
        let rest = self.rest;
        let Some(first) = rest.chars().next() else { return Ok(Token::End) };
        let span = |is_part: fn(char) -> bool| rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        Ok(match first {
            'a'..='z' | 'A'..='Z' | '_' => Token::Name(self.take(span(|c| c.is_ascii_alphanumeric() || c == '_'))),
            '0'..='9' | '\'' => Token::Number(self.take(span(|c| c.is_ascii_alphanumeric() || "_'?".contains(c)))),
            '\\' => match span(|c| c.is_ascii_graphic()) {
                length if length > 1 && rest[length..].starts_with([' ', '\t', '\n']) => {
                    Token::Escaped(self.take(length))
                }
                _ => return Err((self.line, shown(rest))),
            },
            '"' => match rest[1..].find('"').map(|end| &rest[..end + 2]) {
                Some(text) if !text.contains(|c: char| c == '\\' || c.is_control()) => Token::Text(self.take(text.len())),
                Some(_) | None => return Err((self.line, shown(rest))),
            },
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
