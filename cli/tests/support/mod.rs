//! A folder to run the program in.

#![allow(missing_docs, dead_code, clippy::unwrap_used, reason = "no test program needs everything")]

use ndarray::ArrayD;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_xnorforge");
pub const MODEL: &str = "digits/digits_mlp.onnx";
pub const IMAGES: &str = "digits/test_images.npy";
pub const LABELS: &str = "digits/test_labels.npy";

/// A temporary folder in which `digits` holds the model, its images, labels and scores.
pub struct Room {
    folder: TempDir,
}

impl Room {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let digits = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits");
        fs::create_dir(folder.path().join("digits")).unwrap();
        for file in [
            "digits_mlp.onnx",
            "digits_float.onnx",
            "digits_float_mlp.onnx",
            "test_images.npy",
            "test_labels.npy",
            "expected_scores.npy",
        ] {
            fs::copy(digits.join(file), folder.path().join("digits").join(file)).unwrap();
        }
        Room { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).env("COLUMNS", "100").env_remove("RUST_BACKTRACE");
        command
    }

    pub fn run(&self, words: &[&str]) -> Output {
        self.command(PROGRAM).args(words).output().unwrap()
    }

    /// What the program prints where it must succeed and say nothing else.
    pub fn ok(&self, words: &[&str]) -> String {
        let output = self.run(words);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""), "{words:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The one object that the program prints.
    pub fn json(&self, words: &[&str]) -> Value {
        let value: Value = serde_json::from_str(&self.ok(words)).unwrap();
        assert!(value.is_object());
        value
    }

    pub fn json_file(&self, name: &str) -> Value {
        serde_json::from_str(&fs::read_to_string(self.path(name)).unwrap()).unwrap()
    }

    /// The command and its message where it must refuse what it was given.
    pub fn error(&self, words: &[&str]) -> String {
        self.failure(words, 2)
    }

    /// The command and its message where it must end with `status`.
    pub fn failure(&self, words: &[&str], status: i32) -> String {
        let output = self.run(words);
        let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert_eq!((output.status.code(), stdout.as_str()), (Some(status), ""), "{words:?}\n{stderr}");
        assert!(!stderr.contains("panicked"), "{words:?}\n{stderr}");
        assert!((1..25).contains(&stderr.lines().count()), "one screen: {words:?}\n{stderr}");
        assert!(["help", "Usage", "--help"].iter().any(|word| stderr.contains(word)), "no next step: {stderr}");
        format!("$ xnorforge {}\n{}\n", words.join(" "), without_process(&stderr))
    }

    /// Checks that neither `name` nor a half-written one is there.
    pub fn nothing_at(&self, name: &str) {
        assert!(!self.path(name).exists(), "{name} must not be left behind");
        self.nothing_partial();
    }

    pub fn nothing_partial(&self) {
        for entry in fs::read_dir(self.folder.path()).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(!name.contains(".partial"), "{name} must not be left behind");
        }
    }

    /// The images of the digits as floats.
    pub fn images(&self) -> ArrayD<f32> {
        ndarray_npy::read_npy::<_, ArrayD<u8>>(self.path(IMAGES)).unwrap().mapv(f32::from)
    }

    /// The files of a folder and their bytes.
    pub fn files(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        fs::read_dir(self.path(folder))
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
            })
            .collect()
    }
}

/// The text with the process number of half-written folders taken out.
fn without_process(text: &str) -> String {
    let mut parts = text.split(".partial");
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        clean += ".partial[process]";
        clean += part.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    clean
}
