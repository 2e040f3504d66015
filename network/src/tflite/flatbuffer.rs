//! Reading flatbuffers: every offset is checked against the bytes there are before anything is read behind it.

use std::cell::Cell;

/// Where bytes are not what they must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damage {
    /// Position of the first byte of it.
    pub at: usize,
    /// What must stand there.
    pub must: &'static str,
}

/// The `N` bytes at a position.
fn bytes<const N: usize>(all: &[u8], at: usize) -> Result<[u8; N], Damage> {
    let found = at.checked_add(N).and_then(|end| all.get(at..end)).and_then(|bytes| bytes.try_into().ok());
    found.ok_or(Damage { at, must: "lie within the file" })
}

fn u16_at(all: &[u8], at: usize) -> Result<u16, Damage> {
    bytes(all, at).map(u16::from_le_bytes)
}

fn u32_at(all: &[u8], at: usize) -> Result<u32, Damage> {
    bytes(all, at).map(u32::from_le_bytes)
}

/// Follows an offset from where it stands.
fn followed(all: &[u8], at: usize) -> Result<usize, Damage> {
    let target = at.checked_add(u32_at(all, at)? as usize);
    target.filter(|target| *target < all.len()).ok_or(Damage { at, must: "be an offset within the file" })
}

/// A number of a field or a vector.
pub(super) trait Scalar: Sized + Copy {
    /// Bytes it takes.
    const SIZE: usize;
    /// The number at a position.
    fn at(all: &[u8], at: usize) -> Result<Self, Damage>;
}

macro_rules! scalars {
    ($($kind:ty),*) => {$(
        impl Scalar for $kind {
            const SIZE: usize = size_of::<$kind>();
            fn at(all: &[u8], at: usize) -> Result<Self, Damage> {
                bytes(all, at).map(<$kind>::from_le_bytes)
            }
        }
    )*};
}

scalars!(u8, i8, u32, i32, u64, i64, f32);

/// How many elements of vectors may still be read: offsets may lead to the same ones again and again.
#[derive(Debug)]
pub(super) struct Allowance(Cell<usize>);

impl Allowance {
    /// Elements for each byte of a file: in one that a program wrote, each is read once.
    const PER_BYTE: usize = 4;

    /// What may be read of a file.
    pub fn of(file: &[u8]) -> Self {
        Allowance(Cell::new(file.len().saturating_mul(Allowance::PER_BYTE)))
    }

    fn take(&self, elements: usize, at: usize) -> Result<(), Damage> {
        let rest = self.0.get().checked_sub(elements);
        self.0.set(rest.ok_or(Damage { at, must: "be a list that few others share" })?);
        Ok(())
    }
}

/// A table: fields by number, each there or not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'b> {
    all: &'b [u8],
    allowance: &'b Allowance,
    at: usize,
    /// The offsets of its fields.
    fields: &'b [u8],
}

impl<'b> Table<'b> {
    /// The table that a file begins with.
    pub fn root(all: &'b [u8], allowance: &'b Allowance) -> Result<Self, Damage> {
        Table::at(all, allowance, followed(all, 0)?)
    }

    fn at(all: &'b [u8], allowance: &'b Allowance, at: usize) -> Result<Self, Damage> {
        let back = i32::at(all, at)?;
        let must = Damage { at, must: "be a table with a list of fields within the file" };
        let list = i64::try_from(at).ok().and_then(|at| usize::try_from(at - i64::from(back)).ok()).ok_or(must)?;
        let length = usize::from(u16_at(all, list)?);
        // Length of the list and of the table come before the fields.
        let fields = list.checked_add(length).and_then(|end| all.get(list + 4..end)).ok_or(must)?;
        Ok(Table { all, allowance, at, fields })
    }

    /// Position of a field, `None` where it is left out.
    fn field(&self, number: usize) -> Option<usize> {
        let offset = u16_at(self.fields, 2 * number).unwrap_or(0);
        (offset != 0).then(|| self.at + usize::from(offset))
    }

    /// A number, `otherwise` where it is left out.
    pub fn scalar<T: Scalar>(&self, number: usize, otherwise: T) -> Result<T, Damage> {
        self.field(number).map_or(Ok(otherwise), |at| T::at(self.all, at))
    }

    /// A table.
    pub fn table(&self, number: usize) -> Result<Option<Table<'b>>, Damage> {
        self.field(number).map(|at| Table::at(self.all, self.allowance, followed(self.all, at)?)).transpose()
    }

    /// The first element of a vector and how many there are, of `size` bytes each.
    fn elements(&self, number: usize, size: usize) -> Result<Option<(usize, usize)>, Damage> {
        let Some(at) = self.field(number) else { return Ok(None) };
        let vector = followed(self.all, at)?;
        let count = u32_at(self.all, vector)? as usize;
        let first = vector + 4;
        let is_within = count.checked_mul(size).is_some_and(|bytes| bytes <= self.all.len() - first);
        is_within.then_some(Some((first, count))).ok_or(Damage { at: vector, must: "be a list within the file" })
    }

    /// The bytes of a vector of bytes or of a text.
    pub fn bytes(&self, number: usize) -> Result<&'b [u8], Damage> {
        Ok(self.elements(number, 1)?.map_or(&[], |(first, count)| &self.all[first..first + count]))
    }

    /// The numbers of a vector, `None` where it is left out.
    pub fn scalars<T: Scalar>(&self, number: usize) -> Result<Option<Vec<T>>, Damage> {
        let Some((first, count)) = self.elements(number, T::SIZE)? else { return Ok(None) };
        self.allowance.take(count, first)?;
        (0..count).map(|index| T::at(self.all, first + index * T::SIZE)).collect::<Result<_, _>>().map(Some)
    }

    /// The tables of a vector.
    pub fn tables(&self, number: usize) -> Result<Vec<Table<'b>>, Damage> {
        let (first, count) = self.elements(number, 4)?.unwrap_or((0, 0));
        self.allowance.take(count, first)?;
        let at = |index: usize| followed(self.all, first + 4 * index);
        (0..count).map(|index| Table::at(self.all, self.allowance, at(index)?)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Allowance, Damage, Table};

    /// A table with a byte, a list of two shorts' worth of bytes, and a field left out.
    fn file() -> Vec<u8> {
        let mut file = vec![];
        file.extend(20u32.to_le_bytes()); // to the table
        file.extend([0; 6]);
        file.extend([10, 0, 12, 0, 4, 0, 8, 0, 0, 0]); // the list of fields
        file.extend(10i32.to_le_bytes()); // back to it
        file.extend([7, 0, 0, 0]);
        file.extend(4u32.to_le_bytes()); // to the vector
        file.extend(2u32.to_le_bytes());
        file.extend([3, 4]);
        file
    }

    #[test]
    fn fields_are_found() {
        let file = file();
        let allowance = Allowance::of(&file);
        let table = Table::root(&file, &allowance).unwrap();
        assert_eq!(table.scalar::<u8>(0, 1), Ok(7));
        assert_eq!(table.scalar::<u8>(2, 1), Ok(1));
        assert_eq!(table.scalar::<u8>(100, 1), Ok(1));
        assert_eq!(table.bytes(1), Ok(&[3, 4][..]));
        assert_eq!(table.scalars::<u8>(1), Ok(Some(vec![3, 4])));
        assert_eq!(table.scalars::<i32>(2), Ok(None));
        assert!(matches!(table.scalars::<i32>(1), Err(Damage { at: 32, .. })));
    }

    #[test]
    fn nothing_is_read_without_end() {
        let file = file();
        let allowance = Allowance::of(&file);
        let table = Table::root(&file, &allowance).unwrap();
        let reads = (0..1000).take_while(|_| table.scalars::<u8>(1).is_ok()).count();
        assert_eq!(reads, file.len() * Allowance::PER_BYTE / 2);
    }

    #[test]
    fn no_byte_is_trusted() {
        let whole = file();
        for at in 0..whole.len() {
            for value in 0..=255 {
                let mut file = whole.clone();
                file[at] = value;
                for length in [file.len(), at] {
                    let allowance = Allowance::of(&file);
                    if let Ok(table) = Table::root(&file[..length], &allowance) {
                        for field in 0..4 {
                            let _ = (table.scalar::<i64>(field, 0), table.bytes(field), table.scalars::<u64>(field));
                            let _ = (table.table(field).is_ok(), table.tables(field).is_ok());
                        }
                    }
                }
            }
        }
    }
}
