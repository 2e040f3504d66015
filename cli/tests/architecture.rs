//! The crates depend on each other one way only, as ARCHITECTURE.md draws it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

#[test]
fn crates_import_only_what_the_map_allows() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("xnorforge-abi", &[] as &[&str]),
        ("xnorforge-host", &["xnorforge-abi"]),
        ("xnorforge-network", &["xnorforge-abi"]),
        ("xnorforge-compiler", &["xnorforge-abi", "xnorforge-network"]),
        ("xnorforge-hdl", &["xnorforge-abi", "xnorforge-network", "xnorforge-compiler"]),
        ("xnorforge-page", &[]),
        (
            "xnorforge-flow",
            &["xnorforge-abi", "xnorforge-network", "xnorforge-compiler", "xnorforge-hdl", "xnorforge-page"],
        ),
        (
            "xnorforge-sim",
            &[
                "xnorforge-abi",
                "xnorforge-network",
                "xnorforge-compiler",
                "xnorforge-hdl",
                "xnorforge-flow",
                "xnorforge-host",
            ],
        ),
        ("xnorforge-c", &["xnorforge-abi", "xnorforge-host"]),
        (
            "xnorforge-python",
            &[
                "xnorforge-abi",
                "xnorforge-network",
                "xnorforge-compiler",
                "xnorforge-flow",
                "xnorforge-sim",
                "xnorforge-host",
            ],
        ),
        (
            "xnorforge-verbs",
            &[
                "xnorforge-abi",
                "xnorforge-network",
                "xnorforge-compiler",
                "xnorforge-flow",
                "xnorforge-sim",
                "xnorforge-host",
            ],
        ),
        ("xnorforge-testkit", &["xnorforge-abi", "xnorforge-network", "xnorforge-compiler", "xnorforge-host"]),
        (
            "xnorforge",
            &[
                "xnorforge-abi",
                "xnorforge-network",
                "xnorforge-compiler",
                "xnorforge-page",
                "xnorforge-flow",
                "xnorforge-sim",
                "xnorforge-host",
                "xnorforge-verbs",
            ],
        ),
    ]);
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut seen = BTreeSet::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let allowed = allowed.get(name).unwrap_or_else(|| panic!("crate {name} is not on the map"));
        seen.insert(name.to_owned());
        for dependency in package["dependencies"].as_array().unwrap() {
            let on = dependency["name"].as_str().unwrap();
            // Tests of every crate may use the kit, which is no part of the program.
            if on == "xnorforge-testkit" && dependency["kind"] == "dev" {
                continue;
            }
            if on.starts_with("xnorforge") {
                assert!(allowed.contains(&on), "{name} must not depend on {on}");
            }
            assert!(
                !on.starts_with("rust-hdl") || name == "xnorforge-hdl",
                "only xnorforge-hdl may import rust-hdl, but {name} does"
            );
            assert!(
                !["clap", "indicatif"].contains(&on) || name == "xnorforge",
                "only the command line parses arguments and draws bars, but {name} imports {on}"
            );
            assert!(on != "anyhow", "errors must be typed, but {name} imports anyhow");
        }
    }
    assert_eq!(seen.len(), allowed.len(), "every crate of the map exists: {seen:?}");
}

/// rust-hdl stands behind one file, so that everything that depends on it is found there.
#[test]
fn one_file_names_rust_hdl() {
    let hdl = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hdl");
    let mut naming = Vec::new();
    let mut folders = vec![hdl.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                if text.contains("rust_hdl::core") {
                    naming.push(path.strip_prefix(&hdl).unwrap().to_owned());
                }
            }
        }
    }
    assert_eq!(naming, [Path::new("src/rust_hdl.rs")]);
}
