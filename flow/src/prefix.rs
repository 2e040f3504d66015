//! What the names of a design begin with, so that two designs can be part of one system.

use miette::Diagnostic;
use std::fmt;
use thiserror::Error;

/// Longest prefix, in characters: names of modules and files stay readable.
const MAX_CHARACTERS: usize = 40;

/// What stands behind a prefix in the name of the core.
const CORE: &str = "_core";

/// The first part of the names of a design's modules and files: `NAME` in `NAME_core`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix(String);

/// A prefix that cannot begin names.
#[derive(Debug, Error, Diagnostic)]
#[error(
    "the prefix must begin with a letter and have at most {MAX_CHARACTERS} lower-case letters and digits, but it is {found:?}"
)]
#[diagnostic(
    code(flow::prefix),
    help("give a name such as `lefteye`: modules are then called `lefteye_core` and so on")
)]
pub struct PrefixError {
    /// What was given.
    pub found: String,
}

impl Default for Prefix {
    fn default() -> Self {
        Prefix("xnorforge".to_owned())
    }
}

impl Prefix {
    /// The prefix `name`. It has no `_`, so that the first one of a name ends it: names of two prefixes are never equal.
    /// It has no capitals, which file systems and macros of C do not tell apart from small letters.
    ///
    /// # Errors
    /// Where it cannot begin the names of modules and files.
    pub fn new(name: &str) -> Result<Self, PrefixError> {
        let is_legal = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
            && name.len() <= MAX_CHARACTERS;
        if is_legal { Ok(Prefix(name.to_owned())) } else { Err(PrefixError { found: name.to_owned() }) }
    }

    /// The prefix of the design whose core is called `top`, `None` where no core is called so.
    pub fn of_core(top: &str) -> Option<Self> {
        Prefix::new(top.strip_suffix(CORE)?).ok()
    }

    /// The name of the core.
    pub fn core(&self) -> String {
        format!("{self}{CORE}")
    }

    /// `name` with the prefix.
    pub fn name(&self, name: &str) -> String {
        format!("{self}_{name}")
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_begin_names() {
        let prefix = Prefix::new("lefteye2").unwrap();
        assert_eq!((prefix.core(), prefix.name("soc.v")), ("lefteye2_core".to_owned(), "lefteye2_soc.v".to_owned()));
        assert_eq!(Prefix::of_core("lefteye2_core"), Some(prefix));
        assert_eq!(Prefix::of_core("core"), None);
        for name in
            ["", "1st", "_a", "a_b", "left_mapped", "A", "a b", "a\n", "é", "a/b", &"a".repeat(MAX_CHARACTERS + 1)]
        {
            assert!(Prefix::new(name).is_err(), "{name:?}");
        }
    }
}
