//! The testbench in Icarus Verilog against the hand-written cores of the `sim` crate's tests.

#![allow(clippy::unwrap_used)]

use super::*;
use abi::ElementType;
use std::path::{Path, PathBuf};
use std::process::Command;

fn has_icarus() -> bool {
    testkit::tool("iverilog") && testkit::tool("vvp")
}

fn core(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../sim/tests/cores").join(file)
}

/// Lays a core and its testbench into a folder and runs them: whether vvp succeeded, and what was printed.
fn simulate(folder: &Path, sources: &[&str], testbench: &Testbench, arguments: &[&str]) -> (bool, String) {
    for source in sources {
        std::fs::copy(core(source), folder.join(source)).unwrap();
    }
    std::fs::write(folder.join("testbench.v"), &testbench.verilog).unwrap();
    let compiled = Command::new("sh").args(["-c", "iverilog -g2012 -o tb *.v"]).current_dir(folder).output().unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let output = Command::new("vvp").arg("tb").args(arguments).current_dir(folder).output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

fn run(sources: &[&str], testbench: &Testbench, arguments: &[&str]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in &testbench.memories {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    simulate(folder.path(), sources, testbench, arguments)
}

/// Images and answers of `dot.v`.
fn dot() -> (StreamFormat, StreamFormat, Vec<Vec<i32>>, Vec<Vec<i32>>) {
    let unsigned = |bits| ElementType::Unsigned { bits };
    let input = StreamFormat { element: unsigned(4), lanes: 2, channels: 5, vectors: 2 };
    let output = StreamFormat { element: unsigned(2), lanes: 1, channels: 1, vectors: 2 };
    let images: Vec<Vec<i32>> = (0..20).map(|image| (0..10).map(|i| (image * 7 + i * i * 3) % 16).collect()).collect();
    let answer = |vector: &[i32]| {
        let sum: i32 = vector.iter().zip([1, -1, -3, 2, 3]).map(|(x, w)| x * w).sum();
        [-5, 3, 20].iter().filter(|boundary| sum >= **boundary).count() as i32
    };
    let answers = images.iter().map(|image| image.chunks(5).map(answer).collect()).collect();
    (input, output, images, answers)
}

const DOT: &[&str] = &["dot.v", "weights.mem"];

#[test]
fn a_good_core_passes() {
    if !has_icarus() {
        return;
    }
    let (input, output, images, answers) = dot();
    let bench = testbench("dot", &input, &output, &images, &answers, 1_000, false);
    for seed in ["+backpressure=0", "+backpressure=1", "+backpressure=77"] {
        let (ok, text) = run(DOT, &bench, &[seed]);
        assert!(ok && text.trim_end().ends_with("TESTBENCH OK 40 words, interval 6 cycles"), "{text}");
    }
    let one = testbench("dot", &input, &output, &images[..1], &answers[..1], 1_000, false);
    let (ok, text) = run(DOT, &one, &[]);
    assert!(ok && text.trim_end().ends_with("TESTBENCH OK 2 words, interval 0 cycles"), "{text}");
}

#[test]
fn vectors_may_lie_elsewhere() {
    if !has_icarus() {
        return;
    }
    let (input, output, images, answers) = dot();
    let bench = testbench("dot", &input, &output, &images, &answers, 1_000, false);
    let folder = tempfile::tempdir().unwrap();
    let (ok, text) = simulate(folder.path(), DOT, &bench, &[]);
    assert!(!ok && text.contains("TESTBENCH FAILED the vectors are missing"), "{text}");
    let vectors = folder.path().join("vectors of the test");
    std::fs::create_dir(&vectors).unwrap();
    for (name, text) in &bench.memories {
        std::fs::write(vectors.join(name), text).unwrap();
    }
    let (ok, text) = simulate(folder.path(), DOT, &bench, &["+vectors=vectors of the test", "+vcd=wave.vcd"]);
    assert!(ok && text.contains("TESTBENCH OK 40 words"), "{text}");
    assert!(folder.path().join("wave.vcd").is_file());
}

#[test]
fn a_wrong_word_fails() {
    if !has_icarus() {
        return;
    }
    let (input, output, images, mut answers) = dot();
    answers[9][1] ^= 1;
    let (ok, text) = run(DOT, &testbench("dot", &input, &output, &images, &answers, 1_000, false), &[]);
    assert!(!ok && text.contains("TESTBENCH FAILED word 19 is") && text.contains("pass 0 (free running)"), "{text}");
}

#[test]
fn faults_are_named() {
    if !has_icarus() {
        return;
    }
    let byte = ElementType::Unsigned { bits: 8 };
    let format = StreamFormat { element: byte, lanes: 1, channels: 16, vectors: 1 };
    let faulty = |mode: i32| {
        let images = vec![(0..16).map(|word| mode + 8 * word).collect()];
        let bench = testbench("faulty", &format, &format, &images, &images, 1_000, false);
        run(&["faulty.v"], &bench, &["+backpressure=3"])
    };
    let (ok, text) = faulty(0);
    assert!(ok && text.contains("TESTBENCH OK 16 words"), "{text}");
    for (mode, reason) in [
        (1, "no word moved for 1000 cycles"),
        (2, "word 6 is 3a, expected 32"),
        (3, "while it waited"),
        (4, "was withdrawn"),
        (5, "is one too many"),
        (6, "is xx, expected"),
    ] {
        let (ok, text) = faulty(mode);
        assert!(!ok && text.contains("TESTBENCH FAILED") && text.contains(reason), "mode {mode}: {text}");
    }
}

#[test]
fn memories_hold_words_highest_digit_first() {
    let format = StreamFormat { element: ElementType::Unsigned { bits: 5 }, lanes: 2, channels: 3, vectors: 1 };
    assert_eq!(memory(&format, &[vec![1, 31, 16]]), "3e1\n010\n");
}
