//! Numbers that rust-hdl gives only as text.

use crate::rust_hdl::ast::VerilogLiteral;
use num_bigint::{BigInt, BigUint};

/// Value and width of a literal; its fields are private, its text is `8'h1f` or `3'b101`.
/// `None` for a negative one.
pub(super) fn literal(literal: &VerilogLiteral) -> Option<(BigUint, usize)> {
    let text = literal.to_string();
    let (width, digits) = text.split_once('\'')?;
    let radix = if digits.starts_with('b') { 2 } else { 16 };
    let value = BigInt::parse_bytes(digits.get(1..)?.as_bytes(), radix)?;
    Some((value.to_biguint()?, width.parse().ok()?))
}

/// The value of a Rust integer literal such as `1_000u64` or `0x1f`, as a match arm has it.
pub(super) fn rust_integer(text: &str) -> Option<BigUint> {
    let digits: String = text.chars().filter(|c| *c != '_').collect();
    let (radix, digits) = match digits.get(..2) {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        _ => (10, digits.as_str()),
    };
    let suffix = ["usize", "u128", "u64", "u32", "u16", "u8", "isize", "i128", "i64", "i32", "i16", "i8"]
        .into_iter()
        .find(|suffix| digits.ends_with(suffix));
    let digits = &digits[..digits.len() - suffix.map_or(0, str::len)];
    BigUint::parse_bytes(digits.as_bytes(), radix)
}

/// `2^width - 1`.
pub(super) fn ones(width: usize) -> BigUint {
    (BigUint::from(1u8) << width) - 1u8
}

/// Whether `value` can be written in `width` bits.
pub(super) fn fits(value: &BigUint, width: usize) -> bool {
    value.bits() <= width as u64
}

/// A Verilog literal: decimal while a reader can take it in, hexadecimal beyond.
pub(super) fn verilog(value: &BigUint, width: usize) -> String {
    if width == 1 {
        format!("1'b{value}")
    } else if value.bits() <= 20 {
        format!("{width}'d{value}")
    } else {
        format!("{width}'h{value:x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_read_back() {
        assert_eq!(literal(&true.into()), Some((1u8.into(), 1)));
        assert_eq!(literal(&0x1fu8.into()), Some((0x1fu8.into(), 8)));
        assert_eq!(literal(&(-1i32).into()), None);
        assert_eq!(literal(&u128::MAX.into()), Some((u128::MAX.into(), 128)));
    }

    #[test]
    fn match_arms_are_read() {
        for (text, value) in [("12", 12u32), ("1_000u64", 1000), ("0x1f", 31), ("0b101u8", 5), ("0o17usize", 15)] {
            assert_eq!(rust_integer(text), Some(value.into()), "{text}");
        }
        assert_eq!(rust_integer("x"), None);
    }
}
