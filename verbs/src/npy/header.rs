//! The header of an `.npy` file.
//!
//! It is a Python dictionary. Of Python, no more is understood than what NumPy writes there
//! (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>): three keys, each once, with a text, a truth
//! value and a tuple of decimal numbers. Nothing nests, so nothing recurs, and each byte is looked at once.

use std::io::{self, Read};
use thiserror::Error;

/// Most bytes of a header: NumPy's own limit.
pub const MAX_HEADER_BYTES: usize = 10_000;

/// Most axes of an array: NumPy's own limit.
const MAX_AXES: usize = 64;

const MAGIC: [u8; 6] = *b"\x93NUMPY";

/// A header that is none of the format.
#[derive(Debug, Error)]
pub enum HeaderError {
    /// The file cannot be read.
    #[error("its header cannot be read: {0}")]
    Read(io::Error),
    /// The file ends before its header does.
    #[error("it ends within its header")]
    Cut,
    /// Another kind of file.
    #[error("it does not begin as an .npy file does")]
    Magic,
    /// Several arrays in one file.
    #[error("it is an archive of arrays (.npz)")]
    Archive,
    /// Another version of the format.
    #[error("its format must be of version 1.0, 2.0 or 3.0, but is of version {0}.{1}")]
    Version(u8, u8),
    /// A header beyond all need.
    #[error("its header must have at most {MAX_HEADER_BYTES} bytes, but has {0}")]
    Long(u32),
    /// A text that is no such dictionary.
    #[error("its header must have {must} at byte {at}, but has {found}")]
    Syntax {
        /// What may stand there.
        must: &'static str,
        /// Place in the dictionary.
        at: usize,
        /// The byte that stands there.
        found: String,
    },
    /// A key that is missing or comes again.
    #[error("its header must have each of `descr`, `fortran_order` and `shape` once")]
    Keys,
    /// A type that is none of a single number or text.
    #[error("its header must name one element type, but has `{0}`")]
    Type(String),
    /// More elements than memory could ever hold.
    #[error("its header promises more elements than can be counted")]
    TooMany,
}

/// What an `.npy` file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Type of the elements.
    pub element: Element,
    /// What NumPy calls it, such as `float64`; of types that are no numbers the file's own word, such as `<U5`.
    pub type_name: String,
    /// Whether the first axis varies fastest.
    pub fortran_order: bool,
    /// Extent of each axis.
    pub shape: Vec<usize>,
}

/// The type of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    /// What it is.
    pub kind: Kind,
    /// Its size.
    pub bytes: usize,
    /// Whether its most significant byte comes first.
    pub big_endian: bool,
}

/// What an element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An integer with a sign.
    Signed,
    /// An integer without.
    Unsigned,
    /// A binary floating-point number.
    Float,
    /// A truth value.
    Truth,
    /// Anything else: texts, times, complex numbers, objects.
    Other,
}

/// The float32 that an element's bytes are, `None` where it is none exactly.
pub type Single = fn(&[u8]) -> Option<f32>;

impl Element {
    /// The type that NumPy calls `name`, such as `<f4`.
    fn of(name: &str) -> Option<Self> {
        let mut characters = name.chars();
        let order = characters.next().filter(|order| "<>|".contains(*order))?;
        let kind = match characters.next()? {
            'i' => Kind::Signed,
            'u' => Kind::Unsigned,
            'f' => Kind::Float,
            'b' => Kind::Truth,
            _ => Kind::Other,
        };
        let size = characters.as_str();
        if kind == Kind::Other {
            // Only told apart from the others: what its size means differs from kind to kind.
            return Some(Element { kind, bytes: 0, big_endian: false });
        }
        let bytes = match size {
            "1" => 1,
            "2" => 2,
            "4" => 4,
            "8" => 8,
            "16" => 16,
            _ => return None,
        };
        if kind == Kind::Truth && bytes != 1 {
            return None;
        }
        // Only one byte needs no order.
        (order != '|' || bytes == 1).then_some(Element { kind, bytes, big_endian: order == '>' })
    }

    /// How a number of this type is read from its bytes, least significant first, as a float32; `None` where no float32 is
    /// that number.
    pub fn float(&self) -> Option<Single> {
        match (self.kind, self.bytes) {
            (Kind::Truth, 1) => Some(|bytes| Some(f32::from(u8::from(bytes[0] != 0)))),
            (Kind::Unsigned, 1 | 2 | 4 | 8) => Some(|bytes| {
                let number = unsigned(bytes);
                Some(number as f32).filter(|float| *float as u128 == u128::from(number))
            }),
            (Kind::Signed, 1 | 2 | 4 | 8) => Some(|bytes| {
                let number = signed(bytes);
                Some(number as f32).filter(|float| *float as i128 == i128::from(number))
            }),
            (Kind::Float, 2) => Some(|bytes| Some(half(unsigned(bytes) as u16))),
            (Kind::Float, 4) => Some(|bytes| Some(f32::from_bits(unsigned(bytes) as u32))),
            (Kind::Float, 8) => Some(|bytes| {
                let number = f64::from_bits(unsigned(bytes));
                Some(number as f32).filter(|float| f64::from(*float) == number || number.is_nan())
            }),
            (Kind::Truth | Kind::Signed | Kind::Unsigned | Kind::Float | Kind::Other, _) => None,
        }
    }

    /// NumPy's name of a type of numbers.
    fn name(&self) -> Option<String> {
        let bits = 8 * self.bytes;
        match self.kind {
            Kind::Truth => Some("bool".into()),
            Kind::Signed => Some(format!("int{bits}")),
            Kind::Unsigned => Some(format!("uint{bits}")),
            Kind::Float => Some(format!("float{bits}")),
            Kind::Other => None,
        }
    }

    /// How an integer is read from its bytes, least significant first. What no `i64` holds becomes the greatest.
    pub fn integer(&self) -> Option<fn(&[u8]) -> i64> {
        match (self.kind, self.bytes) {
            (Kind::Unsigned, 1 | 2 | 4 | 8) => Some(|bytes| i64::try_from(unsigned(bytes)).unwrap_or(i64::MAX)),
            (Kind::Signed, 1 | 2 | 4 | 8) => Some(signed),
            (Kind::Truth | Kind::Signed | Kind::Unsigned | Kind::Float | Kind::Other, _) => None,
        }
    }
}

/// The number of at most eight bytes, least significant first.
fn unsigned(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The number with a sign of at most eight bytes, least significant first.
fn signed(bytes: &[u8]) -> i64 {
    let unused = 64 - 8 * bytes.len();
    (unsigned(bytes) << unused) as i64 >> unused
}

/// The number that these bits are as a float16 (IEEE 754 binary16).
fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    let magnitude = match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1024.0 + fraction) * 2f32.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

fn fill(reader: &mut impl Read, bytes: &mut [u8]) -> Result<(), HeaderError> {
    reader.read_exact(bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => HeaderError::Cut,
        _ => HeaderError::Read(error),
    })
}

impl Header {
    /// Reads a header, and tells how many bytes it took.
    pub(super) fn read(reader: &mut impl Read) -> Result<(Self, u64), HeaderError> {
        let mut start = [0; 8];
        fill(reader, &mut start)?;
        let [magic @ .., major, minor] = start;
        if magic.starts_with(b"PK\x03\x04") {
            return Err(HeaderError::Archive);
        }
        if magic != MAGIC {
            return Err(HeaderError::Magic);
        }
        let mut length = [0; 4];
        let width = match (major, minor) {
            (1, 0) => 2,
            (2 | 3, 0) => 4,
            _ => return Err(HeaderError::Version(major, minor)),
        };
        fill(reader, &mut length[..width])?;
        let length = u32::from_le_bytes(length);
        if length as usize > MAX_HEADER_BYTES {
            return Err(HeaderError::Long(length));
        }
        let mut text = vec![0; length as usize];
        fill(reader, &mut text)?;
        Ok((Header::parse(&text)?, (start.len() + width) as u64 + u64::from(length)))
    }

    /// The header that a dictionary is.
    ///
    /// # Errors
    /// Where it is no such dictionary.
    pub fn parse(text: &[u8]) -> Result<Self, HeaderError> {
        let mut parser = Parser { text, at: 0 };
        let (mut element, mut order, mut shape) = (None, None, None);
        // Python would take white space before it for an indent.
        if text.first() != Some(&b'{') {
            return Err(parser.fault("`{`"));
        }
        parser.at = 1;
        while !parser.accept(b'}') {
            let key = parser.text()?;
            parser.expect(b':', "`:`")?;
            let is_new = match key {
                "descr" => {
                    let name = parser.text()?;
                    let found = Element::of(name).ok_or_else(|| HeaderError::Type(name.to_owned()))?;
                    element.replace((found, found.name().unwrap_or_else(|| name.to_owned()))).is_none()
                }
                "fortran_order" => order.replace(parser.truth()?).is_none(),
                "shape" => shape.replace(parser.tuple()?).is_none(),
                _ => false,
            };
            if !is_new {
                return Err(HeaderError::Keys);
            }
            if !parser.accept(b',') {
                parser.expect(b'}', "`,` or `}`")?;
                break;
            }
        }
        parser.end()?;
        match (element, order, shape) {
            (Some((element, type_name)), Some(fortran_order), Some(shape)) => {
                Ok(Header { element, type_name, fortran_order, shape })
            }
            _ => Err(HeaderError::Keys),
        }
    }

    /// Number of elements; they have at most `isize::MAX` bytes together.
    pub(super) fn elements(&self) -> Result<usize, HeaderError> {
        if self.shape.contains(&0) {
            return Ok(0);
        }
        let elements = self.shape.iter().try_fold(1usize, |product, extent| product.checked_mul(*extent));
        let fits = |elements: &usize| {
            elements.checked_mul(self.element.bytes.max(1)).is_some_and(|bytes| isize::try_from(bytes).is_ok())
        };
        elements.filter(fits).ok_or(HeaderError::TooMany)
    }
}

/// What is left of a dictionary.
struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Parser<'a> {
    /// The next byte that is no white space; the place is then that byte's.
    fn peek(&mut self) -> Option<u8> {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn fault(&mut self, must: &'static str) -> HeaderError {
        let found = match self.peek() {
            Some(byte) => format!("`{}`", byte.escape_ascii()),
            None => "its end".to_owned(),
        };
        HeaderError::Syntax { must, at: self.at, found }
    }

    /// Goes past `byte` where it comes next.
    fn accept(&mut self, byte: u8) -> bool {
        let comes = self.peek() == Some(byte);
        self.at += usize::from(comes);
        comes
    }

    fn expect(&mut self, byte: u8, must: &'static str) -> Result<(), HeaderError> {
        if self.accept(byte) { Ok(()) } else { Err(self.fault(must)) }
    }

    fn end(&mut self) -> Result<(), HeaderError> {
        if self.peek().is_none() { Ok(()) } else { Err(self.fault("its end")) }
    }

    /// Printable ASCII between quotes, without escapes.
    fn text(&mut self) -> Result<&'a str, HeaderError> {
        let Some(quote @ (b'\'' | b'"')) = self.peek() else {
            return Err(self.fault("a text"));
        };
        let begin = self.at + 1;
        let length = self.text[begin..].iter().position(|byte| *byte == quote);
        let text = length.map(|length| &self.text[begin..begin + length]);
        let is_plain = |text: &&[u8]| text.iter().all(|byte| matches!(byte, b' '..=b'~') && *byte != b'\\');
        let plain = text.filter(is_plain).and_then(|text| std::str::from_utf8(text).ok());
        let Some(plain) = plain else {
            return Err(self.fault("a text of printable ASCII"));
        };
        self.at = begin + plain.len() + 1;
        Ok(plain)
    }

    fn truth(&mut self) -> Result<bool, HeaderError> {
        self.peek();
        for (word, value) in [("True", true), ("False", false)] {
            if self.text[self.at..].starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.fault("`True` or `False`"))
    }

    /// `()`, `(3,)`, `(3, 4)` or `(3, 4,)`: one number without a comma is no tuple.
    fn tuple(&mut self) -> Result<Vec<usize>, HeaderError> {
        let mut numbers = Vec::new();
        self.expect(b'(', "`(`")?;
        while !self.accept(b')') {
            if numbers.len() == MAX_AXES {
                return Err(self.fault("at most 64 axes"));
            }
            numbers.push(self.number()?);
            if !self.accept(b',') {
                if numbers.len() == 1 {
                    return Err(self.fault("`,`"));
                }
                self.expect(b')', "`,` or `)`")?;
                break;
            }
        }
        Ok(numbers)
    }

    /// Decimal digits, without a leading zero.
    fn number(&mut self) -> Result<usize, HeaderError> {
        self.peek();
        let digits = self.text[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = std::str::from_utf8(&self.text[self.at..self.at + digits]).unwrap_or_default();
        let is_plain = digits == 1 || !text.starts_with('0');
        match text.parse() {
            Ok(number) if is_plain => {
                self.at += digits;
                Ok(number)
            }
            _ => Err(self.fault("a decimal number of at most 64 bits")),
        }
    }
}
