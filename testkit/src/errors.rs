//! Errors as a user reads them.

use miette::Diagnostic;

/// Code, message and help of an error, which must have all three.
pub fn rendered(error: &dyn Diagnostic) -> String {
    let code = error.code().expect("every error has a code");
    let help = error.help().expect("every error has a help").to_string();
    assert!(!help.trim().is_empty(), "the help of {code} must not be empty");
    format!("{code}\n  {error}\n  help: {help}\n")
}
