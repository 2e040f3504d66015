//! Element types of ONNX tensors.

/// The element types that the import reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DataType {
    Float16,
    BFloat16,
    Float32,
    Float64,
    Int8,
    Int16,
    Int32,
    Int64,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    Int4,
    UInt4,
    Int2,
    UInt2,
    Bool,
}

/// What a type's elements are, apart from their width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Float,
    Integer,
    Boolean,
}

impl DataType {
    /// The type with a number of `TensorProto.DataType`; `None` for types that are not read.
    pub fn from_number(number: i32) -> Option<Self> {
        Some(match number {
            1 => DataType::Float32,
            2 => DataType::UInt8,
            3 => DataType::Int8,
            4 => DataType::UInt16,
            5 => DataType::Int16,
            6 => DataType::Int32,
            7 => DataType::Int64,
            9 => DataType::Bool,
            10 => DataType::Float16,
            11 => DataType::Float64,
            12 => DataType::UInt32,
            13 => DataType::UInt64,
            16 => DataType::BFloat16,
            21 => DataType::UInt4,
            22 => DataType::Int4,
            25 => DataType::UInt2,
            26 => DataType::Int2,
            _ => return None,
        })
    }

    pub fn kind(self) -> Kind {
        match self {
            DataType::Float16 | DataType::BFloat16 | DataType::Float32 | DataType::Float64 => Kind::Float,
            DataType::Bool => Kind::Boolean,
            _ => Kind::Integer,
        }
    }

    pub fn is_float(self) -> bool {
        self.kind() == Kind::Float
    }

    /// Bits that one element takes in `raw_data`.
    pub fn bits(self) -> usize {
        match self {
            DataType::Int2 | DataType::UInt2 => 2,
            DataType::Int4 | DataType::UInt4 => 4,
            DataType::Int8 | DataType::UInt8 | DataType::Bool => 8,
            DataType::Float16 | DataType::BFloat16 | DataType::Int16 | DataType::UInt16 => 16,
            DataType::Float32 | DataType::Int32 | DataType::UInt32 => 32,
            DataType::Float64 | DataType::Int64 | DataType::UInt64 => 64,
        }
    }

    /// Bytes that `count` elements take in `raw_data`, no more than [`super::tensor_data::MAX_ELEMENTS`].
    pub fn bytes(self, count: usize) -> usize {
        (count * self.bits()).div_ceil(8)
    }

    /// Least and greatest value of an integer type.
    pub fn integer_range(self) -> Option<(i128, i128)> {
        let bits = self.bits();
        match self {
            DataType::Int2 | DataType::Int4 | DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => {
                Some((-(1 << (bits - 1)), (1 << (bits - 1)) - 1))
            }
            DataType::UInt2
            | DataType::UInt4
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32
            | DataType::UInt64 => Some((0, (1 << bits) - 1)),
            _ => None,
        }
    }

    /// A number rounded to a float type, to nearest even; as it is for other types.
    pub fn round(self, value: f64) -> f64 {
        match self {
            DataType::Float32 => f64::from(value as f32),
            DataType::Float16 => round_to_bits(value, 11, -14, 65504.0),
            DataType::BFloat16 => round_to_bits(value, 8, -126, f64::from(f32::from_bits(0x7f7f_0000))),
            _ => value,
        }
    }
}

/// `value` rounded to `precision` significant bits, with `least_exponent` that of the least normal number.
fn round_to_bits(value: f64, precision: i32, least_exponent: i32, greatest: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let exponent = (((value.to_bits() >> 52) & 0x7ff) as i32 - 1023).max(least_exponent);
    let unit = 2f64.powi(exponent - precision + 1);
    let rounded = (value / unit).round_ties_even() * unit;
    if rounded.abs() > greatest { f64::INFINITY.copysign(value) } else { rounded }
}

/// The number that a float16 bit pattern stands for.
pub(crate) fn float16(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let exponent = i32::from((bits >> 10) & 0x1f);
    let fraction = f64::from(bits & 0x3ff);
    match exponent {
        0 => sign * fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => sign * f64::INFINITY,
        31 => f64::NAN,
        _ => sign * (1024.0 + fraction) * 2f64.powi(exponent - 25),
    }
}

/// The number that a bfloat16 bit pattern stands for.
pub(crate) fn bfloat16(bits: u16) -> f64 {
    f64::from(f32::from_bits(u32::from(bits) << 16))
}

#[cfg(test)]
mod tests {
    use super::{DataType, bfloat16, float16};

    #[test]
    fn half_precision_patterns() {
        assert_eq!(float16(0x3c00), 1.0);
        assert_eq!(float16(0xc000), -2.0);
        assert_eq!(float16(0x0001), 2f64.powi(-24));
        assert_eq!(float16(0x7bff), 65504.0);
        assert_eq!(float16(0xfc00), f64::NEG_INFINITY);
        assert!(float16(0x7e00).is_nan());
        assert_eq!(bfloat16(0xbf80), -1.0);
    }

    #[test]
    fn rounding_keeps_what_the_type_holds() {
        for bits in (0..0x7c00).chain(0x8000..0xfc00) {
            assert_eq!(DataType::Float16.round(float16(bits)), float16(bits));
        }
        assert_eq!(DataType::Float16.round(1.0 + 2f64.powi(-11)), 1.0);
        assert_eq!(DataType::Float16.round(1.0 + 3.0 * 2f64.powi(-11)), 1.0 + 2f64.powi(-9));
        assert_eq!(DataType::Float16.round(65520.0), f64::INFINITY);
        assert_eq!(DataType::BFloat16.round(0.1), bfloat16(0x3dcd));
        assert_eq!(DataType::Float32.round(0.1), f64::from(0.1f32));
    }
}
