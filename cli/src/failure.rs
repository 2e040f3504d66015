//! Errors as the command line shows them: one screen, and an exit status that says whose turn it is.

use crate::output::note;
use abi::text::terminal;
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, Severity};
use std::error::Error;
use std::fmt;
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
    let harmless = Harmless::of(diagnostic);
    let rendered = GraphicalReportHandler::new_themed(theme).without_cause_chain().render_report(&mut text, &harmless);
    match rendered {
        Ok(()) => note(&text),
        Err(_) => note(&format!("{harmless}\n")),
    }
}

/// A diagnostic whose words a terminal does not obey: they quote files.
#[derive(Debug)]
struct Harmless {
    message: String,
    code: Option<String>,
    help: Option<String>,
    severity: Option<Severity>,
    related: Vec<Harmless>,
}

impl Harmless {
    fn of(diagnostic: &dyn Diagnostic) -> Self {
        Harmless {
            message: terminal(&diagnostic.to_string()),
            code: diagnostic.code().map(|code| code.to_string()),
            help: diagnostic.help().map(|help| terminal(&help.to_string())),
            severity: diagnostic.severity(),
            related: diagnostic.related().into_iter().flatten().map(Harmless::of).collect(),
        }
    }
}

impl fmt::Display for Harmless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Harmless {}

impl Diagnostic for Harmless {
    fn code(&self) -> Option<Box<dyn fmt::Display + '_>> {
        self.code.as_ref().map(|code| Box::new(code) as Box<dyn fmt::Display>)
    }

    fn help(&self) -> Option<Box<dyn fmt::Display + '_>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn severity(&self) -> Option<Severity> {
        self.severity
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        match self.related.is_empty() {
            true => None,
            false => Some(Box::new(self.related.iter().map(|related| related as &dyn Diagnostic))),
        }
    }
}
