//! Errors as a user reads them.

use miette::Diagnostic;

/// Code, message and help of an error, which must have all three, and those of the errors that it is made of.
pub fn rendered(error: &dyn Diagnostic) -> String {
    let code = error.code().expect("every error has a code");
    let help = error.help().expect("every error has a help").to_string();
    assert!(!help.trim().is_empty(), "the help of {code} must not be empty");
    let mut text = format!("{code}\n  {error}\n  help: {help}\n");
    error.related().into_iter().flatten().for_each(|related| text += &rendered(related));
    text
}
