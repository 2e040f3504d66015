//! Names of a model's file are data: no terminal and no tool obeys them.

#![allow(clippy::unwrap_used)]

#[path = "support/mod.rs"]
mod support;

use abi::text::{comment, is_printable};
use prost::Message;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use support::Room;
use testkit::files;

/// Each ends something in one of the languages that are written, or moves a terminal's cursor.
const NAMES: [&str; 8] = [
    "net\rimport os; os.system('touch injected')\r#",
    "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\0\u{7f}",
    "\u{202e}desrever\u{2028}\u{200b}",
    "\"\"\"'''\\",
    "*/ endmodule // \n`include \"x\"",
    "]]></text></svg><script>alert(1)</script>",
    ": !!python/object [ $(touch injected) `touch injected` ; rm x",
    "../../../etc/passwd",
];

/// Adds the files below a folder with their texts.
fn texts(folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts(&path, found);
        } else if let Ok(text) = fs::read_to_string(&path) {
            found.insert(path.file_name().unwrap().to_str().unwrap().to_owned(), text);
        }
    }
}

/// How many lines each of the files in some languages has.
fn lines(texts: &BTreeMap<String, String>, languages: &[&str]) -> BTreeMap<String, usize> {
    let is_code = |file: &str| languages.iter().any(|language| file.ends_with(language));
    texts.iter().filter(|(file, _)| is_code(file)).map(|(file, text)| (file.clone(), text.lines().count())).collect()
}

#[test]
fn names_are_obeyed_nowhere() {
    let room = Room::new();
    let compiled = |name: &str, number: usize| {
        let (model, out) = (format!("{number}.onnx"), format!("out{number}"));
        fs::write(room.path(&model), files::with_names(files::perceptron(), name).encode_to_vec()).unwrap();
        let mut shown = room.ok(&["compile", &model, "-o", &out, "--board", "ulx3s-85f"]);
        for words in [&["info", &model][..], &["info", &model, "--dump", "graph"], &["info", &out, "--dump", "plan"]] {
            shown += &room.ok(words);
        }
        shown += &room.error(&["run", &model, "--input", support::IMAGES]);
        assert!(shown.lines().all(is_printable), "{shown:?}");
        let mut found = BTreeMap::new();
        texts(&room.path(&out), &mut found);
        found
    };
    let counted = [".py", ".core", ".sh", ".h", ".vlt", ".lpf"];
    let plain = compiled("plain", NAMES.len());
    for (number, name) in NAMES.iter().enumerate() {
        let found = compiled(name, number);
        assert_eq!(lines(&found, &counted), lines(&plain, &counted), "{name:?}");
        for (file, text) in &found {
            assert!(text.replace('\t', " ").lines().all(is_printable), "{name:?}: {file}");
            let languages = [".py", ".core", ".v", ".sh", ".ys", ".h"];
            let is_told = languages.iter().any(|language| file.ends_with(language)) && text.contains(name);
            assert!(!is_told || comment(name) == *name, "{name:?} is in {file}");
            assert!(!file.ends_with(".html") || !text.contains("<script"), "{name:?} is in {file}");
            assert!(!file.ends_with(".py") || text.is_ascii(), "{name:?}: {file}");
        }
    }
    assert!(!room.path("injected").exists());
}

#[test]
fn names_of_files_are_obeyed_nowhere() {
    let room = Room::new();
    let error = room.error(&["info", "\u{1b}]0;title\u{7}\u{9b}.onnx"]);
    // The first line is the command.
    assert!(error.lines().skip(1).all(is_printable), "{error:?}");
}
