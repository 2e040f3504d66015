//! The page of number formats has every method, with the answers that the file gives.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

#[test]
fn every_method_has_its_rows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let stated: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(root.join("models/methods/methods.json")).unwrap()).unwrap();
    let page = fs::read_to_string(root.join("docs/formats.md")).unwrap();
    let methods = stated["methods"].as_object().unwrap();
    assert!(!methods.is_empty());
    for (name, method) in methods {
        let rows: Vec<Vec<&str>> = page
            .lines()
            .filter(|line| line.starts_with(&format!("| `{name}` |")))
            .map(|line| line.split(" | ").collect())
            .collect();
        let [formats, accuracy] = &rows[..] else { panic!("{name} has {} rows in docs/formats.md, not 2", rows.len()) };
        assert_eq!(formats[2], method["weights"].as_str().unwrap(), "weights of {name}");
        assert_eq!(formats[3], method["activations"].as_str().unwrap(), "activations of {name}");
        assert_eq!(accuracy[1], method["correct"].to_string(), "right answers of the file {name}");
    }
}
