//! `flash`: a bitstream into a board.

use crate::output::{note, show};
use clap::Args;
use flow::build::Tools;
use std::path::PathBuf;
use verbs::VerbError;

/// Load the bitstream of a built directory into its board.
///
/// Runs openFPGALoader, taken from the PATH or from $XNORFORGE_TOOLS.
#[derive(Debug, Args)]
pub struct Flash {
    /// A directory in which `build` made a bitstream.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Print the command instead of running it.
    #[arg(long)]
    dry_run: bool,
}

impl Flash {
    /// Runs the verb.
    pub fn run(self) -> Result<(), VerbError> {
        let loading = verbs::flash::flash(&self.folder)?;
        if self.dry_run {
            return show(&(shell_line(&loading.command()) + "\n"));
        }
        note(&format!("the bitstream goes {}\n", loading.note()));
        Ok(loading.run(&Tools::from_environment())?)
    }
}

/// A command as a shell reads it.
fn shell_line(words: &[String]) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=+:,".contains(c);
    let quoted = |word: &String| match !word.is_empty() && word.chars().all(is_plain) {
        true => word.clone(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    };
    words.iter().map(quoted).collect::<Vec<String>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::shell_line;

    #[test]
    fn words_with_blanks_and_quotes_are_quoted() {
        let words = ["openFPGALoader", "-b", "ulx3s", "my board's/design.bit"].map(str::to_owned);
        assert_eq!(shell_line(&words), r"openFPGALoader -b ulx3s 'my board'\''s/design.bit'");
    }
}
