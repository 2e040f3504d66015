//! Arithmetic on [`Word`]s, defined so that the Verilog emitter can mirror it exactly.
//!
//! * `+ - *` wrap at the wider of the two widths, the narrower side extended with zeros;
//! * `& | ^` extend the narrower side with zeros;
//! * comparisons extend with zeros, are unsigned and give `bool`;
//! * `!` and shifts keep the width of the (left) operand;
//! * an integer literal or loop variable takes the width of the other operand and must fit it;
//! * `+ bool` adds one bit at the width of the left side.

use std::cmp::Ordering;
use std::ops::{Add, BitAnd, BitOr, BitXor, Mul, Not, Shl, Shr, Sub};

use super::word::{LIMB_BITS, Limbs, mask};
use super::{IntoIndex, Word};

/// `x` cut or extended with zeros to `width` bits.
///
/// The name begins with `bits`, so `#[hdl_gen]` translates a call into a cast to the width of its
/// result. The call is evaluated at elaboration and therefore cannot contain a loop variable.
#[inline]
pub fn bits_of(x: impl Into<Word>, width: usize) -> Word {
    x.into().resized(width)
}

#[inline]
fn literal(value: u64, width: usize) -> Word {
    debug_assert!(value & !mask(width.min(LIMB_BITS)) == 0, "literal {value} does not fit {width} bits");
    Word::new(value, width)
}

#[inline]
fn add(a: &Word, b: &Word) -> Word {
    match a.narrow(b) {
        Some((x, y)) => Word::new(x.wrapping_add(y), a.bits().max(b.bits())),
        None => add_wide(a, b),
    }
}

fn add_wide(a: &Word, b: &Word) -> Word {
    let mut carry = false;
    Word::build(a.bits().max(b.bits()), |i| {
        let (sum, first) = a.limb(i).overflowing_add(b.limb(i));
        let (sum, second) = sum.overflowing_add(carry as u64);
        carry = first | second;
        sum
    })
}

#[inline]
fn sub(a: &Word, b: &Word) -> Word {
    match a.narrow(b) {
        Some((x, y)) => Word::new(x.wrapping_sub(y), a.bits().max(b.bits())),
        None => sub_wide(a, b),
    }
}

fn sub_wide(a: &Word, b: &Word) -> Word {
    let mut borrow = false;
    Word::build(a.bits().max(b.bits()), |i| {
        let (difference, first) = a.limb(i).overflowing_sub(b.limb(i));
        let (difference, second) = difference.overflowing_sub(borrow as u64);
        borrow = first | second;
        difference
    })
}

#[inline]
fn mul(a: &Word, b: &Word) -> Word {
    match a.narrow(b) {
        Some((x, y)) => Word::new(x.wrapping_mul(y), a.bits().max(b.bits())),
        None => mul_wide(a, b),
    }
}

fn mul_wide(a: &Word, b: &Word) -> Word {
    let width = a.bits().max(b.bits());
    let count = width.div_ceil(LIMB_BITS);
    let mut product: Limbs = smallvec::SmallVec::from_elem(0, count);
    for i in 0..count {
        let mut carry = 0u128;
        for j in 0..count - i {
            let term = a.limb(i) as u128 * b.limb(j) as u128 + product[i + j] as u128 + carry;
            product[i + j] = term as u64;
            carry = term >> LIMB_BITS;
        }
    }
    Word::from_limbs(width, &product)
}

#[inline]
fn bitwise(a: &Word, b: &Word, f: impl Fn(u64, u64) -> u64) -> Word {
    match a.narrow(b) {
        Some((x, y)) => Word::new(f(x, y), a.bits().max(b.bits())),
        None => Word::build(a.bits().max(b.bits()), |i| f(a.limb(i), b.limb(i))),
    }
}

#[inline]
fn apply(a: &Word, b: &Word, f: impl Fn(&Word, &Word) -> Word) -> Word {
    f(a, b)
}

macro_rules! binary {
    ($trait:ident, $method:ident, $f:expr) => {
        impl $trait for Word {
            type Output = Word;
            #[inline]
            fn $method(self, other: Word) -> Word {
                apply(&self, &other, $f)
            }
        }
        binary!($trait, $method, u64 usize i32);
    };
    ($trait:ident, $method:ident, $($integer:ty)*) => {$(
        impl $trait<$integer> for Word {
            type Output = Word;
            #[inline]
            fn $method(self, other: $integer) -> Word {
                debug_assert!(i128::try_from(other).is_ok_and(|value| value >= 0));
                let other = literal(other as u64, self.bits());
                self.$method(other)
            }
        }
    )*};
}

binary!(Add, add, add);
binary!(Sub, sub, sub);
binary!(Mul, mul, mul);
binary!(BitAnd, bitand, |a, b| bitwise(a, b, |x, y| x & y));
binary!(BitOr, bitor, |a, b| bitwise(a, b, |x, y| x | y));
binary!(BitXor, bitxor, |a, b| bitwise(a, b, |x, y| x ^ y));

impl Add<bool> for Word {
    type Output = Word;
    #[inline]
    fn add(self, bit: bool) -> Word {
        if !bit {
            return self;
        }
        add(&self, &Word::new(1, 1))
    }
}

impl Not for Word {
    type Output = Word;
    #[inline]
    fn not(self) -> Word {
        Word::build(self.bits(), |i| !self.limb(i))
    }
}

impl<I: IntoIndex> Shr<I> for Word {
    type Output = Word;
    #[inline]
    fn shr(self, distance: I) -> Word {
        let distance = distance.into_index();
        if distance >= self.bits() {
            return Word::zero(self.bits());
        }
        if self.bits() <= LIMB_BITS {
            return Word::new(self.low() >> distance, self.bits());
        }
        Word::build(self.bits(), |i| self.shifted_limb(i * LIMB_BITS + distance))
    }
}

impl<I: IntoIndex> Shl<I> for Word {
    type Output = Word;
    #[inline]
    fn shl(self, distance: I) -> Word {
        let distance = distance.into_index();
        let (limbs, offset) = (distance / LIMB_BITS, distance % LIMB_BITS);
        if distance >= self.bits() {
            return Word::zero(self.bits());
        }
        if self.bits() <= LIMB_BITS {
            return Word::new(self.low() << distance, self.bits());
        }
        Word::build(self.bits(), |i| {
            if i < limbs {
                return 0;
            }
            let high = self.limb(i - limbs) << offset;
            if offset == 0 || i == limbs { high } else { high | self.limb(i - limbs - 1) >> (LIMB_BITS - offset) }
        })
    }
}

impl Ord for Word {
    #[inline]
    fn cmp(&self, other: &Word) -> Ordering {
        let (a, b) = (self.limbs(), other.limbs());
        if let ([a], [b]) = (a, b) {
            return a.cmp(b);
        }
        (0..a.len().max(b.len()))
            .rev()
            .map(|i| self.limb(i).cmp(&other.limb(i)))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for Word {
    #[inline]
    fn partial_cmp(&self, other: &Word) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Eq for Word {}

impl PartialEq for Word {
    #[inline]
    fn eq(&self, other: &Word) -> bool {
        self.cmp(other).is_eq()
    }
}

macro_rules! compare_integer {
    ($($integer:ty)*) => {$(
        impl PartialEq<$integer> for Word {
            #[inline]
            fn eq(&self, other: &$integer) -> bool {
                self.as_u64() == u64::try_from(*other).ok()
            }
        }
        impl PartialOrd<$integer> for Word {
            #[inline]
            fn partial_cmp(&self, other: &$integer) -> Option<Ordering> {
                Some(match self.as_u64() {
                    Some(value) => (value as i128).cmp(&(*other as i128)),
                    None => Ordering::Greater,
                })
            }
        }
    )*};
}

compare_integer!(u64 usize i32);
