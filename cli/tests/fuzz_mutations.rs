//! Mutations of the kept inputs of the fuzz targets: nothing may panic, abort or fail to end. cargo-fuzz, which looks where
//! its mutations lead, is for longer campaigns.

#![allow(clippy::unwrap_used)]

#[path = "../../fuzz/cases/mod.rs"]
mod cases;

use cases::CASES;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use testkit::scale::count;

/// libFuzzer's limit in the long campaigns.
const MAX_BYTES: usize = 8192;

/// Numbers at the ends of types, as text and as bytes.
const NUMBERS: [&str; 12] = [
    "0",
    "-1",
    "1e999",
    "-0.0",
    "255",
    "65536",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "1e-320",
];

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn seeds(case: &str) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(fuzz().join("seeds").join(case)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).filter(|bytes| bytes.len() <= MAX_BYTES).collect()
}

/// The words of a libFuzzer dictionary, whose lines are quoted with `\\`, `\"` and `\xHH`.
fn words(dictionary: &str) -> Vec<Vec<u8>> {
    let text = fs::read_to_string(fuzz().join("dictionaries").join(dictionary)).unwrap();
    let quoted = |line: &str| {
        let inner = line.trim().strip_prefix('"')?.strip_suffix('"')?;
        let (mut word, mut rest) = (vec![], inner);
        while let Some(first) = rest.bytes().next() {
            let length = match (first, rest.as_bytes().get(1)) {
                (b'\\', Some(b'x')) => {
                    word.push(u8::from_str_radix(&rest[2..4], 16).unwrap());
                    4
                }
                (b'\\', Some(escaped)) => {
                    word.push(*escaped);
                    2
                }
                _ => {
                    word.push(first);
                    1
                }
            };
            rest = &rest[length..];
        }
        Some(word)
    };
    let words: Vec<Vec<u8>> = text.lines().filter_map(quoted).collect();
    assert!(words.len() > 10, "{dictionary} has words");
    words
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// `bytes` after one mutation.
fn mutated(mut bytes: Vec<u8>, seeds: &[Vec<u8>], words: &[Vec<u8>], random: &mut ChaCha8Rng) -> Vec<u8> {
    let place = random.random_range(0..=bytes.len());
    let end = random.random_range(place..=bytes.len().min(place + 64));
    match random.random_range(0..8) {
        0 if place < end => bytes[place] ^= 1 << random.random_range(0..8),
        1 if place < end => bytes[place] = [0, 1, 0x7f, 0x80, 0xff, b'\n', b'"', b'{'][random.random_range(0..8)],
        2 => drop(bytes.drain(place..end)),
        3 => {
            let copy = bytes[place..end].to_vec();
            for _ in 0..random.random_range(1..4) {
                bytes.splice(place..place, copy.iter().copied());
            }
        }
        4 => drop(bytes.splice(place..place, words[random.random_range(0..words.len())].iter().copied())),
        5 => {
            // In the place of a number, where the text has one near.
            let is_digit = |byte: &u8| byte.is_ascii_digit();
            let from = bytes[place..].iter().position(is_digit).map_or(place, |offset| place + offset);
            let to = bytes[from..].iter().position(|byte| !is_digit(byte)).map_or(bytes.len(), |offset| from + offset);
            bytes.splice(from..to, NUMBERS[random.random_range(0..NUMBERS.len())].bytes());
        }
        6 => {
            let other = &seeds[random.random_range(0..seeds.len())];
            let from = random.random_range(0..=other.len());
            bytes.truncate(place);
            bytes.extend(&other[from..]);
        }
        _ => {
            let value = random.random::<u64>() >> random.random_range(0..64);
            bytes.splice(place..end, value.to_le_bytes().into_iter().take(random.random_range(1..9)));
        }
    }
    bytes.truncate(MAX_BYTES);
    bytes
}

#[test]
fn mutated_inputs_are_survived() {
    let (onnx, json) = (words("onnx.dict"), words("json.dict"));
    for (name, run) in CASES {
        let current = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mutation-{name}"));
        let (seeds, words) = (seeds(name), if name == "importer" { &onnx } else { &json });
        for number in 0..count(60, 2000) {
            let mut random = ChaCha8Rng::seed_from_u64(number);
            let mut input = seeds[random.random_range(0..seeds.len())].clone();
            for _ in 0..random.random_range(1..5) {
                input = mutated(input, &seeds, words, &mut random);
            }
            // Where the program is aborted, this file tells by what.
            fs::write(&current, &input).unwrap();
            if catch_unwind(|| run(&input)).is_err() {
                let kept = fuzz().join("seeds").join(name).join(format!("found-{:016x}", hash(&input)));
                fs::write(&kept, &input).unwrap();
                panic!("{name}, mutation {number}, is kept as {}", kept.display());
            }
        }
    }
}
