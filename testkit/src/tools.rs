//! Programs that a test needs besides cargo.
//!
//! A tool that is missing is a failure, so that no check is left out unseen. `XNORFORGE_WITHOUT_TOOLS=1` says that tests
//! without their tools are to be passed over, each with a printed sentence.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Whether the program `name` is on the `PATH`. Panics where it is missing and `XNORFORGE_WITHOUT_TOOLS` is not `1`.
#[must_use = "a test without its tool ends here"]
pub fn tool(name: &str) -> bool {
    found(name, on_path(name).is_some())
}

/// The program `name` from `$XNORFORGE_TOOLS/bin` (the environment of `constraints/requirements.txt`), else from the `PATH`.
/// `None`, or a panic, as with [`tool`].
#[must_use = "a test without its tool ends here"]
pub fn fpga_tool(name: &str) -> Option<PathBuf> {
    let program = fpga_tools().map(|folder| folder.join("bin").join(name)).filter(|path| path.is_file());
    let program = program.or_else(|| on_path(name));
    found(name, program.is_some()).then_some(program).flatten()
}

/// Standard output and error of a tool that runs in `folder` and must succeed.
pub fn run_in(folder: &Path, tool: &str, arguments: &[&str]) -> String {
    let output = Command::new(tool).args(arguments).current_dir(folder).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tool} {} failed:\n{text}", arguments.join(" "));
    text
}

/// The rule for a tool that was looked for by other means; answers `is_there`. Panics in the tier `fast`, whose tests need no
/// tool.
#[must_use = "a test without its tool ends here"]
pub fn found(name: &str, is_there: bool) -> bool {
    // Set by cargo-nextest.
    let is_fast = env::var("NEXTEST_PROFILE").is_ok_and(|profile| profile == "fast");
    assert!(!is_fast, "a test that needs `{name}` must be left out of the profile `fast` in .config/nextest.toml");
    if !is_there {
        missing(name, env::var("XNORFORGE_WITHOUT_TOOLS").is_ok_and(|value| value == "1"));
    }
    is_there
}

fn missing(name: &str, may_be_missing: bool) {
    let how = source(name);
    assert!(
        may_be_missing,
        "this test needs `{name}`, which is not installed: {how}, or set XNORFORGE_WITHOUT_TOOLS=1 to pass over such tests"
    );
    println!("passed over: `{name}` is not installed ({how})");
}

fn fpga_tools() -> Option<PathBuf> {
    let named = env::var_os("XNORFORGE_TOOLS").map(PathBuf::from);
    named.or_else(|| Some(Path::new(&env::var_os("HOME")?).join(".local/share/xnorforge/tools")))
}

fn on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// How to get a tool.
fn source(name: &str) -> String {
    match name {
        "verilator" | "iverilog" | "yosys" | "make" => format!("`apt install {name}`"),
        "vvp" => "`apt install iverilog`".to_owned(),
        "cc" | "c++" | "g++" => "`apt install g++`".to_owned(),
        "python3" => "`apt install python3-venv`".to_owned(),
        _ => "`bash scripts/test.sh` installs it from constraints/requirements.txt".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{missing, on_path};

    #[test]
    #[should_panic(expected = "needs `verilator`, which is not installed: `apt install verilator`")]
    fn a_missing_tool_is_a_failure() {
        missing("verilator", false);
    }

    #[test]
    fn it_is_passed_over_where_that_is_asked_for() {
        missing("verilator", true);
        assert!(on_path("sh").is_some() && on_path("no-such-program").is_none());
    }
}
