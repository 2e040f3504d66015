//! A value whose width is known only at run time.

use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;

/// Bits held by one limb of a [`Word`].
pub(crate) const LIMB_BITS: usize = 64;

/// Limbs under construction: the words of common streams (up to 512 bits) never touch the heap here.
pub(crate) type Limbs = SmallVec<[u64; 8]>;

/// An unsigned value of any width, the width being part of the value.
///
/// A width of zero is legal and holds only the value zero. Equality and order compare *values*:
/// the narrower side is extended with zeros, as in the Verilog that the emitter writes.
///
/// Values of at most 64 bits are plain integers. Wider ones are shared, because wide words
/// (memory rows, stream words) are passed on by registers and FIFOs far more often than computed.
#[derive(Clone)]
pub struct Word {
    width: u32,
    store: Store,
}

#[derive(Clone)]
enum Store {
    /// `width <= 64`; bits beyond the width are zero.
    One(u64),
    /// `width > 64`; exactly `width.div_ceil(64)` limbs, bits beyond the width are zero.
    Many(Arc<[u64]>),
}

impl Word {
    /// The value `value` cut to `width` bits.
    #[inline]
    pub fn new(value: u64, width: usize) -> Word {
        if width <= LIMB_BITS {
            Word { width: width as u32, store: Store::One(value & mask(width)) }
        } else {
            Word::build(width, |i| if i == 0 { value } else { 0 })
        }
    }

    /// Zero of `width` bits.
    #[inline]
    pub fn zero(width: usize) -> Word {
        Word::new(0, width)
    }

    /// `width` ones.
    pub fn ones(width: usize) -> Word {
        Word::build(width, |_| u64::MAX)
    }

    /// The two's complement representation of `value` in `width` bits.
    pub fn signed(value: i64, width: usize) -> Word {
        let fill = if value < 0 { u64::MAX } else { 0 };
        Word::build(width, |i| if i == 0 { value as u64 } else { fill })
    }

    /// Bits, bit 0 first; the width is the number of bits.
    pub fn from_bits(bits: impl IntoIterator<Item = bool>) -> Word {
        let mut limbs = Limbs::new();
        let mut width = 0;
        for bit in bits {
            if width % LIMB_BITS == 0 {
                limbs.push(0);
            }
            if bit {
                limbs[width / LIMB_BITS] |= 1 << (width % LIMB_BITS);
            }
            width += 1;
        }
        Word::from_limbs(width, &limbs)
    }

    /// Lanes of `lane_width` bits, lane 0 in the lowest bits: the packing of every stream.
    pub fn from_lanes(lanes: impl IntoIterator<Item = u64>, lane_width: usize) -> Word {
        Word::from_bits(lanes.into_iter().flat_map(|lane| (0..lane_width).map(move |i| i < 64 && lane >> i & 1 != 0)))
    }

    /// Limbs of 64 bits, least significant first; missing limbs are zero, excess bits are cut off.
    pub fn from_limbs(width: usize, limbs: &[u64]) -> Word {
        Word::build(width, |i| limbs.get(i).copied().unwrap_or(0))
    }

    /// A word from its limbs, computed in order; excess bits are cut off.
    #[inline]
    pub(crate) fn build(width: usize, mut limb: impl FnMut(usize) -> u64) -> Word {
        if width <= LIMB_BITS {
            return Word { width: width as u32, store: Store::One(limb(0) & mask(width)) };
        }
        let last = width.div_ceil(LIMB_BITS) - 1;
        let most = mask(width - last * LIMB_BITS);
        // An iterator of known length is collected with a single allocation.
        let limbs = (0..last + 1).map(|i| if i == last { limb(i) & most } else { limb(i) }).collect();
        Word { width: width as u32, store: Store::Many(limbs) }
    }

    /// The width in bits. Named as the `bits()` that `#[hdl_gen]` asks a cast for.
    #[inline]
    pub fn bits(&self) -> usize {
        self.width as usize
    }

    /// The limbs, least significant first; bits beyond the width are zero.
    #[inline]
    pub fn limbs(&self) -> &[u64] {
        match &self.store {
            Store::One(value) => std::slice::from_ref(value),
            Store::Many(limbs) => limbs,
        }
    }

    /// Limb `index`, zero beyond the end.
    #[inline]
    pub(crate) fn limb(&self, index: usize) -> u64 {
        match &self.store {
            Store::One(value) => {
                if index == 0 {
                    *value
                } else {
                    0
                }
            }
            Store::Many(limbs) => limbs.get(index).copied().unwrap_or(0),
        }
    }

    /// The lowest 64 bits as an integer.
    #[inline]
    pub fn low(&self) -> u64 {
        self.limb(0)
    }

    /// The value as an integer, if it fits 64 bits.
    pub fn as_u64(&self) -> Option<u64> {
        self.limbs()[1..].iter().all(|limb| *limb == 0).then(|| self.low())
    }

    /// The value read as two's complement of this width; the width must be 1 to 64.
    pub fn as_signed(&self) -> i64 {
        debug_assert!((1..=LIMB_BITS).contains(&self.bits()));
        let unused = LIMB_BITS - self.bits();
        ((self.low() << unused) as i64) >> unused
    }

    /// Lane `index` of `lane_width` bits (at most 64); zero beyond the end.
    #[inline]
    pub fn lane(&self, index: usize, lane_width: usize) -> u64 {
        self.shifted_limb(index * lane_width) & mask(lane_width)
    }

    /// The 64 bits that begin at `position`; zero beyond the end.
    #[inline]
    pub(crate) fn shifted_limb(&self, position: usize) -> u64 {
        let (limb, offset) = (position / LIMB_BITS, position % LIMB_BITS);
        let low = self.limb(limb) >> offset;
        if offset == 0 { low } else { low | self.limb(limb + 1) << (LIMB_BITS - offset) }
    }

    /// Bit `index`; zero beyond the end. The index may be a number or a word.
    #[inline]
    pub fn get_bit(&self, index: impl IntoIndex) -> bool {
        let index = index.into_index();
        self.limb(index / LIMB_BITS) >> (index % LIMB_BITS) & 1 != 0
    }

    /// The word with bit `index` replaced; nothing changes beyond the end.
    pub fn replace_bit(&self, index: impl IntoIndex, value: bool) -> Word {
        let index = index.into_index();
        Word::build(self.bits(), |i| {
            let bit = if i == index / LIMB_BITS { 1 << (index % LIMB_BITS) } else { 0 };
            if value { self.limb(i) | bit } else { self.limb(i) & !bit }
        })
    }

    /// Whether any bit is one.
    #[inline]
    pub fn any(&self) -> bool {
        self.limbs().iter().any(|limb| *limb != 0)
    }

    /// Whether all bits are one (true for width zero).
    pub fn all(&self) -> bool {
        self.count_ones() == self.bits()
    }

    /// Whether the number of ones is odd.
    pub fn xor(&self) -> bool {
        self.count_ones() % 2 == 1
    }

    /// The number of ones.
    pub fn count_ones(&self) -> usize {
        self.limbs().iter().map(|limb| limb.count_ones() as usize).sum()
    }

    /// The word cut or extended with zeros to `width` bits.
    #[inline]
    pub fn resized(&self, width: usize) -> Word {
        if width == self.bits() { self.clone() } else { Word::build(width, |i| self.limb(i)) }
    }

    /// Both values, where both are of at most 64 bits: the fast path of every operation.
    #[inline]
    pub(super) fn narrow<'a>(&'a self, other: &'a Word) -> Option<(u64, u64)> {
        match (&self.store, &other.store) {
            (Store::One(a), Store::One(b)) => Some((*a, *b)),
            _ => None,
        }
    }

    /// Same width and same value; cheap when both share their limbs.
    #[inline]
    pub(crate) fn identical(&self, other: &Word) -> bool {
        self.width == other.width
            && match (&self.store, &other.store) {
                (Store::One(a), Store::One(b)) => a == b,
                (Store::Many(a), Store::Many(b)) => Arc::ptr_eq(a, b) || a == b,
                _ => false,
            }
    }
}

/// The lowest `width` bits set, for a width of at most 64.
#[inline]
pub(crate) fn mask(width: usize) -> u64 {
    if width >= LIMB_BITS { u64::MAX } else { (1 << width) - 1 }
}

/// What may index a bit or give a shift distance: a number or a word.
pub trait IntoIndex {
    /// The index as a number; a value beyond any width becomes `u32::MAX`.
    fn into_index(self) -> usize;
}

impl IntoIndex for usize {
    #[inline]
    fn into_index(self) -> usize {
        self
    }
}

impl IntoIndex for u64 {
    #[inline]
    fn into_index(self) -> usize {
        self.min(u32::MAX as u64) as usize
    }
}

impl IntoIndex for i32 {
    #[inline]
    fn into_index(self) -> usize {
        debug_assert!(self >= 0);
        self as usize
    }
}

impl IntoIndex for Word {
    #[inline]
    fn into_index(self) -> usize {
        self.as_u64().unwrap_or(u64::MAX).into_index()
    }
}

impl From<bool> for Word {
    #[inline]
    fn from(value: bool) -> Word {
        Word::new(value as u64, 1)
    }
}

impl From<u64> for Word {
    #[inline]
    fn from(value: u64) -> Word {
        Word::new(value, 64)
    }
}

impl From<usize> for Word {
    #[inline]
    fn from(value: usize) -> Word {
        Word::new(value as u64, 64)
    }
}

/// For integer literals, which Rust takes for `i32`; a literal in a kernel is never negative.
impl From<i32> for Word {
    #[inline]
    fn from(value: i32) -> Word {
        debug_assert!(value >= 0);
        Word::new(value as u64, 32)
    }
}

impl fmt::LowerHex for Word {
    /// All digits of the width, so that rows of a memory file align.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for digit in (0..self.bits().div_ceil(4).max(1)).rev() {
            write!(out, "{:x}", self.lane(digit, 4))?;
        }
        Ok(())
    }
}

impl fmt::Display for Word {
    /// A Verilog literal with its width.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}'h{self:x}", self.bits())
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}
