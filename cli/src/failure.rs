//! Errors as the command line shows them: one screen, and an exit status that says whose turn it is.

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use std::io::IsTerminal;
use std::process::ExitCode;
use verbs::VerbError;

/// Prints a failure and gives the exit status.
pub fn report(failure: &VerbError) -> ExitCode {
    print(failure);
    ExitCode::from(failure.status() as u8)
}

/// Prints an error or a warning.
pub fn print(diagnostic: &dyn Diagnostic) {
    let theme = if std::io::stderr().is_terminal() { GraphicalTheme::unicode() } else { GraphicalTheme::none() };
    let mut text = String::new();
    // Every message tells its causes itself.
    let rendered = GraphicalReportHandler::new_themed(theme).without_cause_chain().render_report(&mut text, diagnostic);
    match rendered {
        Ok(()) => eprint!("{text}"),
        Err(_) => eprintln!("{diagnostic}"),
    }
}
