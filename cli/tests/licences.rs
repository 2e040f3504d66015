//! What dependencies may be used under: `deny.toml`, and the texts that the program and the wheel come with.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

/// What `cargo` prints in the workspace.
fn cargo(words: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(words).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn workspace_file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)).unwrap()
}

/// Whether an expression of SPDX, `/` for `OR` in old ones, can be met by licences that `is_allowed`.
fn is_met(expression: &str, is_allowed: &dyn Fn(&str) -> bool) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ").replace(" WITH ", "_WITH_");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let (met, rest) = any(&words, is_allowed);
    assert!(rest.is_empty(), "{expression}: {rest:?}");
    met
}

fn any<'a>(words: &'a [&'a str], is_allowed: &dyn Fn(&str) -> bool) -> (bool, &'a [&'a str]) {
    let (mut met, mut rest) = all(words, is_allowed);
    while let ["OR", after @ ..] = rest {
        let (other, after) = all(after, is_allowed);
        (met, rest) = (met | other, after);
    }
    (met, rest)
}

fn all<'a>(words: &'a [&'a str], is_allowed: &dyn Fn(&str) -> bool) -> (bool, &'a [&'a str]) {
    let (mut met, mut rest) = one(words, is_allowed);
    while let ["AND", after @ ..] = rest {
        let (other, after) = one(after, is_allowed);
        (met, rest) = (met & other, after);
    }
    (met, rest)
}

fn one<'a>(words: &'a [&'a str], is_allowed: &dyn Fn(&str) -> bool) -> (bool, &'a [&'a str]) {
    match words {
        ["(", inside @ ..] => match any(inside, is_allowed) {
            (met, [")", rest @ ..]) => (met, rest),
            (_, rest) => panic!("`)` is missing before {rest:?}"),
        },
        [licence, rest @ ..] => (is_allowed(&licence.replace("_WITH_", " WITH ")), rest),
        [] => panic!("a licence is missing"),
    }
}

#[test]
fn expressions_are_understood() {
    let mit = |licence: &str| licence == "MIT" || licence == "A WITH B";
    for (expression, met) in [
        ("MIT", true),
        ("GPL-3.0-only OR MIT", true),
        ("Apache-2.0/MIT", true),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", false),
        ("MIT AND (Apache-2.0 OR A WITH B)", true),
        ("A OR B", false),
        ("MIT OR B AND C", true),
    ] {
        assert_eq!(is_met(expression, &mit), met, "{expression}");
    }
}

/// The licences that `deny.toml` allows, for all crates and for some.
fn allowed() -> (BTreeSet<String>, BTreeMap<String, BTreeSet<String>>) {
    let list = |value: &toml::Value| -> BTreeSet<String> {
        value.as_array().unwrap().iter().map(|licence| licence.as_str().unwrap().to_owned()).collect()
    };
    let deny: toml::Table = workspace_file("deny.toml").parse().unwrap();
    let exceptions = deny["licenses"]["exceptions"].as_array().unwrap();
    let exception = |entry: &toml::Value| (entry["crate"].as_str().unwrap().to_owned(), list(&entry["allow"]));
    (list(&deny["licenses"]["allow"]), exceptions.iter().map(exception).collect())
}

#[test]
fn every_dependency_is_under_an_allowed_licence() {
    let (for_all, for_some) = allowed();
    let version = cargo(&["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let metadata = cargo(&["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host]);
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    let resolved: BTreeSet<&str> =
        metadata["resolve"]["nodes"].as_array().unwrap().iter().map(|node| node["id"].as_str().unwrap()).collect();
    let packages = metadata["packages"].as_array().unwrap();
    for package in packages.iter().filter(|package| resolved.contains(package["id"].as_str().unwrap())) {
        let name = package["name"].as_str().unwrap();
        let source = package["source"].as_str();
        assert!(source.is_none_or(|source| source.starts_with("registry+")), "{name}: {source:?}");
        let licence = package["license"].as_str().unwrap_or_else(|| panic!("{name} names no licence"));
        let is_allowed = |licence: &str| {
            for_all.contains(licence) || for_some.get(name).is_some_and(|licences| licences.contains(licence))
        };
        assert!(is_met(licence, &is_allowed), "{name} is under {licence}, which deny.toml does not allow");
    }
    let names: BTreeSet<&str> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    let unused: Vec<_> = for_some.keys().filter(|name| !names.contains(name.as_str())).collect();
    assert!(unused.is_empty(), "deny.toml makes exceptions for {unused:?}, which are no dependencies");
}

#[test]
fn binaries_come_with_the_licences_of_what_is_in_them() {
    let document = workspace_file("bindings/python/THIRD-PARTY.txt");
    let lines: BTreeSet<&str> = document.lines().collect();
    let packages = ["-p", "xnorforge", "-p", "xnorforge-python"];
    let tree = ["tree", "--locked", "--offline", "-e", "normal,no-proc-macro", "--prefix", "none", "-f", "{p}: {l}"];
    let mut count = 0;
    for line in cargo(&[&tree[..], &packages].concat()).lines().filter(|line| !line.starts_with("xnorforge")) {
        let line = line.trim_end_matches(" (*)").replacen(" v", " ", 1);
        assert!(
            line.is_empty() || lines.contains(line.as_str()),
            "{line} is missing: run scripts/generate/third_party.py"
        );
        count += 1;
    }
    assert!(count > 100, "{count} crates");
    for package in ["LICENSE-MIT", "LICENSE-APACHE"] {
        assert_eq!(workspace_file(&format!("bindings/python/{package}")), workspace_file(package));
    }
}
