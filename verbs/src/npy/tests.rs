//! Headers and files as NumPy writes them, and as it never does.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use super::header::{Header, HeaderError, Kind, MAX_HEADER_BYTES};
use super::{Npy, NpyError};
use proptest::prelude::*;
use std::io::Write;
use std::path::PathBuf;
use tempfile::NamedTempFile;

/// A file of version `major` with this dictionary and these elements, padded as NumPy does.
fn file(major: u8, dictionary: &str, elements: &[u8]) -> Vec<u8> {
    let mut bytes = [&b"\x93NUMPY"[..], &[major, 0]].concat();
    let width = if major == 1 { 2 } else { 4 };
    let padding = 64 - (bytes.len() + width + dictionary.len() + 1) % 64;
    let text = format!("{dictionary}{}\n", " ".repeat(padding % 64));
    bytes.extend(&(text.len() as u32).to_le_bytes()[..width]);
    bytes.extend(text.as_bytes());
    bytes.extend(elements);
    bytes
}

fn written(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn dictionary(descr: &str, order: &str, shape: &str) -> String {
    format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}")
}

/// A tuple as Python prints it.
fn tuple(shape: &[usize]) -> String {
    let numbers: Vec<String> = shape.iter().map(usize::to_string).collect();
    format!("({}{})", numbers.join(", "), if shape.len() == 1 { "," } else { "" })
}

#[test]
fn what_numpy_never_writes_is_refused_at_once() {
    let good = dictionary("<f4", "False", "(2, 3)");
    let header = Header::parse(good.as_bytes()).unwrap();
    assert_eq!((header.shape, header.fortran_order, header.element.bytes), (vec![2, 3], false, 4));
    let nested = |count: usize| format!("{{'descr':{}{},", "[".repeat(count), "]".repeat(count));
    for text in [
        nested(20),
        nested(4000),
        dictionary("<f4", "False", "(0xffffffffff, 3)"),
        dictionary("<f4", "False", "(-1, 3)"),
        dictionary("<f4", "False", "(1e3, 3)"),
        dictionary("<f4", "False", "(1_0, 3)"),
        dictionary("<f4", "False", "(01, 3)"),
        dictionary("<f4", "False", "(99999999999999999999, 3)"),
        dictionary("<f4", "False", "(3)"),
        dictionary("<f4", "False", "[3, 4]"),
        dictionary("<f4", "False", &tuple(&[1; 65])),
        dictionary("<f4", "false", "(3,)"),
        dictionary("<f4", "0", "(3,)"),
        dictionary("<f3", "False", "(3,)"),
        dictionary("|f4", "False", "(3,)"),
        dictionary("f4", "False", "(3,)"),
        dictionary("<f4\\x00", "False", "(3,)"),
        good.replace("'shape'", "'shape': (2, 3), 'shape'"),
        good.replace("'shape'", "'more'"),
        good.replace("'shape': (2, 3), ", ""),
        good.replace('}', ""),
        good.replace('}', "}}"),
        good.replace("', '", "' '"),
        String::new(),
    ] {
        assert!(Header::parse(text.as_bytes()).is_err(), "{text}");
    }
    let spaced = good.replace(':', " : ").replace('{', "{\n ").replace('\'', "\"");
    assert_eq!(Header::parse(spaced.as_bytes()).unwrap().shape, [2, 3]);
}

#[test]
fn a_file_holds_what_its_header_says() {
    let open = |bytes: &[u8]| Npy::open(written(bytes).path()).map(|file| file.len());
    let text = dictionary("<f4", "False", "(2, 3)");
    for major in 1..=3 {
        assert_eq!(open(&file(major, &text, &[0; 24])).unwrap(), 6);
    }
    let good = file(1, &text, &[0; 24]);
    for length in [0, 5, 9, 40, good.len() - 1] {
        assert!(open(&good[..length]).is_err(), "{length}");
    }
    assert!(matches!(open(&[&good[..], &[0]].concat()), Err(NpyError::Length { promised: 24, found: 25 })));
    assert!(matches!(open(&file(4, &text, &[0; 24])), Err(NpyError::Header(HeaderError::Version(4, 0)))));
    let long = text.replace('}', &format!("{}}}", " ".repeat(MAX_HEADER_BYTES)));
    assert!(matches!(open(&file(1, &long, &[0; 24])), Err(NpyError::Header(HeaderError::Long(_)))));
    for shape in ["(10000000000000,)", "(4611686018427387904, 4)", "(9223372036854775807,)"] {
        assert!(open(&file(1, &dictionary("<f4", "False", shape), &[0; 8])).is_err(), "{shape}");
    }
    assert_eq!(open(&file(1, &dictionary("<f4", "False", "(0, 18446744073709551615)"), &[])).unwrap(), 0);
    assert_eq!(open(&file(1, &dictionary("<U10", "False", "(3,)"), &[0; 120])).unwrap(), 3);
    assert!(matches!(Npy::open(&PathBuf::from("absent.npy")), Err(NpyError::Open(_))));
}

/// The elements of an array, numbered in row-major order, in the order of the file.
fn in_file_order(shape: &[usize], fortran_order: bool) -> Vec<usize> {
    let count = shape.iter().product();
    if !fortran_order {
        return (0..count).collect();
    }
    let mut order: Vec<usize> = (0..count).collect();
    // The first axis varies fastest: positions compared from the last axis on.
    let position = |element: usize| {
        let mut rest = element;
        let digit = |extent: &usize| {
            let digit = rest % extent;
            rest /= extent;
            digit
        };
        shape.iter().rev().map(digit).collect::<Vec<usize>>()
    };
    order.sort_by_key(|element| position(*element));
    order
}

proptest! {
    #[test]
    fn arrays_come_back(
        shape in prop::collection::vec(0usize..5, 0..5),
        (kind, bytes) in prop_oneof![Just(('u', 1)), Just(('i', 1)), Just(('u', 2)), Just(('i', 4)), Just(('i', 8)), Just(('f', 4))],
        big_endian in any::<bool>(),
        fortran_order in any::<bool>(),
        major in 1u8..4,
        count in 0usize..40,
    ) {
        let order = in_file_order(&shape, fortran_order);
        let element = |number: usize| {
            let mut element = if kind == 'f' {
                (number as f32 - 7.5).to_le_bytes().to_vec()
            } else {
                number.to_le_bytes()[..bytes].to_vec()
            };
            if big_endian {
                element.reverse();
            }
            element
        };
        let elements: Vec<u8> = order.into_iter().flat_map(element).collect();
        let byte_order = match (bytes, big_endian) { (1, _) => '|', (_, true) => '>', (_, false) => '<' };
        let python = if fortran_order { "True" } else { "False" };
        let text = dictionary(&format!("{byte_order}{kind}{bytes}"), python, &tuple(&shape));
        let stored = written(&file(major, &text, &elements));
        let npy = Npy::open(stored.path()).unwrap();
        let found = npy.header().element;
        let total: usize = shape.iter().product();
        prop_assert_eq!((&npy.header().shape, npy.len()), (&shape, total));
        let first = npy.first(count).unwrap();
        if kind == 'f' {
            let value = found.float().unwrap();
            let values: Vec<Option<f32>> = first.chunks_exact(bytes).map(value).collect();
            prop_assert_eq!(values, (0..count.min(total)).map(|number| Some(number as f32 - 7.5)).collect::<Vec<_>>());
        } else {
            let value = found.integer().unwrap();
            let values: Vec<i64> = first.chunks_exact(bytes).map(value).collect();
            prop_assert_eq!(values, (0..count.min(total)).map(|number| number as i64).collect::<Vec<_>>());
        }
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in "[{}()':, a-z<f48L0-9\\\\\\[\\]]{0,60}") {
        let _ = Header::parse(text.as_bytes());
    }

    #[test]
    fn a_changed_header_is_another_one_or_none(place in 0usize..70, byte in any::<u8>()) {
        let good = dictionary("<f4", "False", "(2, 3)");
        let mut text = good.clone().into_bytes();
        let place = place % text.len();
        text[place] = byte;
        let before = Header::parse(good.as_bytes()).unwrap();
        if let Ok(header) = Header::parse(&text) {
            // What is not white space or a quote says something.
            let says_the_same = header == before;
            prop_assert!(!says_the_same || byte == good.as_bytes()[place] || b" \t\n\r".contains(&byte));
        }
    }
}

#[test]
fn integers_keep_their_sign() {
    let value = |descr: &str, bytes: &[u8]| {
        let header = Header::parse(dictionary(descr, "False", "(1,)").as_bytes()).unwrap();
        header.element.integer().map(|value| value(bytes))
    };
    assert_eq!(value("|i1", &[0xff]), Some(-1));
    assert_eq!(value("<i2", &[0xfe, 0xff]), Some(-2));
    assert_eq!(value("<i8", &[0xff; 8]), Some(-1));
    assert_eq!(value("<u4", &[0xff; 4]), Some(i64::from(u32::MAX)));
    assert_eq!(value("<u8", &[0xff; 8]), Some(i64::MAX));
    assert_eq!(value("<f4", &[0; 4]), None);
    let other = Header::parse(dictionary("<c8", "False", "(1,)").as_bytes()).unwrap().element;
    assert!(other.kind == Kind::Other && other.float().is_none() && other.integer().is_none());
}

#[test]
fn numbers_are_taken_where_they_are_float32() {
    let value = |descr: &str, bytes: &[u8]| {
        let header = Header::parse(dictionary(descr, "False", "(1,)").as_bytes()).unwrap();
        header.element.float().and_then(|value| value(bytes))
    };
    assert_eq!((value("|b1", &[0]), value("|b1", &[1])), (Some(0.0), Some(1.0)));
    assert_eq!((value("<i2", &[0xfe, 0xff]), value("<u2", &[0xfe, 0xff])), (Some(-2.0), Some(65534.0)));
    for (number, float) in [(1 << 24, Some(16_777_216.0)), ((1 << 24) + 1, None), (i64::MIN, Some(-(2f32.powi(63))))] {
        assert_eq!(value("<i8", &number.to_le_bytes()), float, "{number}");
    }
    assert_eq!((value("<i8", &i64::MAX.to_le_bytes()), value("<u8", &u64::MAX.to_le_bytes())), (None, None));
    for (number, float) in [(0.5, Some(0.5)), (0.1, None), (1e300, None), (f64::INFINITY, Some(f32::INFINITY))] {
        assert_eq!(value("<f8", &f64::to_le_bytes(number)), float, "{number}");
    }
    assert!(value("<f8", &f64::NAN.to_le_bytes()).unwrap().is_nan());
    for (bits, float) in [
        (0x3c00_u16, 1.0),
        (0xc000, -2.0),
        (0x7bff, 65504.0),
        (0x0001, 2f32.powi(-24)),
        (0x0400, 2f32.powi(-14)),
        (0x3555, 0.333_251_95),
        (0x7c00, f32::INFINITY),
    ] {
        assert_eq!(value("<f2", &bits.to_le_bytes()), Some(float), "{bits:x}");
    }
    assert!(value("<f2", &[0, 0x7e]).unwrap().is_nan());
    let name = |descr: &str| Header::parse(dictionary(descr, "False", "(1,)").as_bytes()).unwrap().type_name;
    assert_eq!(["<f8", "|b1", ">u2", "<c8"].map(name), ["float64", "bool", "uint16", "<c8"]);
}
