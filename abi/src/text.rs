//! Names that came out of files, in the languages that are written: one function for each, which lets through what is known to
//! say nothing but itself there.
//!
//! HTML and JSON have writers that escape (maud, serde_json); files of other languages hold names that are made of
//! [identifiers](identifier).

/// Whether a character shows itself and nothing else: it is no control character, no white space but a blank, and turns no
/// writing direction. Unicode's properties as Rust knows them.
fn is_shown(character: char) -> bool {
    matches!(character, '"' | '\'' | '\\') || character.escape_debug().eq([character])
}

/// `text` in one line for people: what does not show itself is written as an escape of Rust.
pub fn printable(text: &str) -> String {
    escaped(text, is_shown)
}

/// Whether [`printable`] leaves `text` as it is.
pub fn is_printable(text: &str) -> bool {
    text.chars().all(is_shown)
}

/// `text` of several lines for a terminal: each line as [`printable`] has it.
pub fn terminal(text: &str) -> String {
    escaped(text, |character| character == '\n' || is_shown(character))
}

fn escaped(text: &str, is_kept: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if is_kept(character) {
            escaped.push(character);
        } else {
            escaped.extend(character.escape_debug());
        }
    }
    escaped
}

/// A JSON document in one line, with what does not show itself, which stands in its texts, as escapes of JSON.
pub fn json(document: &str) -> String {
    let mut escaped = String::with_capacity(document.len());
    for character in document.chars() {
        if is_shown(character) {
            escaped.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                escaped += &format!("\\u{unit:04x}");
            }
        }
    }
    escaped
}

/// `text` as a comment or between the quotes of a text may hold it in Python, C, Tcl, YAML and shell: blanks, letters,
/// digits, `_`, `.`, `-` and `/`.
pub fn comment(text: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || " _.-/".contains(character);
    text.chars().map(|character| if is_plain(character) { character } else { '_' }).collect()
}

/// `text` as part of a name in Verilog, C, Python, Tcl, YAML and of a file: ASCII letters, digits and `_`, of other
/// characters one `_` each. It may begin with a digit, and be empty.
pub fn identifier(text: &str) -> String {
    text.chars().map(|character| if character.is_ascii_alphanumeric() { character } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_moves_the_cursor_is_shown() {
        for (text, expected) in [
            ("layer/Conv_1 \"µ\" 層", "layer/Conv_1 \"µ\" 層"),
            ("\u{1b}]0;x\u{7}", "\\u{1b}]0;x\\u{7}"),
            ("a\r\nb\0\t", "a\\r\\nb\\0\\t"),
            ("\u{9b}31m\u{7f}", "\\u{9b}31m\\u{7f}"),
            ("abc\u{202e}cba\u{200b}\u{2028}", "abc\\u{202e}cba\\u{200b}\\u{2028}"),
        ] {
            assert_eq!(printable(text), expected);
            assert_eq!(is_printable(text), text == expected);
        }
        assert_eq!(terminal("a\n\u{1b}b\r\n"), "a\n\\u{1b}b\\r\n");
        assert_eq!(comment("x\"; import os\n#\\é"), "x__ import os____");
        assert_eq!(identifier("/conv1/Conv é"), "_conv1_Conv__");
    }

    proptest! {
        #[test]
        fn only_what_is_listed_is_let_through(text in any::<String>()) {
            prop_assert!(is_printable(&printable(&text)));
            prop_assert!(terminal(&text).lines().all(is_printable));
            prop_assert!(comment(&text).chars().all(|c| c.is_ascii_alphanumeric() || " _.-/".contains(c)));
            prop_assert!(identifier(&text).chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
            let document = serde_json::to_string(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
            let shown = json(&document);
            prop_assert!(is_printable(&shown));
            prop_assert_eq!(serde_json::from_str::<String>(&shown).ok(), Some(text));
        }
    }
}
