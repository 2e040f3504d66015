//! Writing flatbuffers: tables before what they point to.

/// A table's fields by number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table(pub Vec<Field>);

/// A field.
#[derive(Clone, Debug, PartialEq)]
pub enum Field {
    /// Left out.
    Absent,
    /// A byte.
    Byte(i8),
    /// 32 bits.
    Int(i32),
    /// A float32.
    Float(f32),
    /// A vector of 32-bit integers.
    Ints(Vec<i32>),
    /// A vector of float32.
    Floats(Vec<f32>),
    /// A vector of 64-bit integers.
    Longs(Vec<i64>),
    /// A vector of bytes.
    Bytes(Vec<u8>),
    /// A text.
    Text(String),
    /// A table.
    Table(Table),
    /// A vector of tables.
    Tables(Vec<Table>),
}

/// A file with a root table and four letters that say what it is.
pub(super) fn file(root: &Table, identifier: &[u8; 4]) -> Vec<u8> {
    let mut out = vec![0; 4];
    out.extend(identifier);
    let at = table(&mut out, root);
    patch(&mut out, 0, at);
    out
}

/// Writes at `place` the offset from there to `target`.
fn patch(out: &mut [u8], place: usize, target: usize) {
    out[place..place + 4].copy_from_slice(&((target - place) as u32).to_le_bytes());
}

/// Pads so that what comes `ahead` bytes later is at a multiple of `unit`.
fn align(out: &mut Vec<u8>, unit: usize, ahead: usize) {
    while !(out.len() + ahead).is_multiple_of(unit) {
        out.push(0);
    }
}

/// Writes a table, then what it points to; gives its place.
fn table(out: &mut Vec<u8>, table: &Table) -> usize {
    let Table(fields) = table;
    // Each field takes four bytes, behind the offset of the list of fields.
    let list_length = 4 + 2 * fields.len();
    align(out, 4, list_length);
    out.extend((list_length as u16).to_le_bytes());
    out.extend((4 + 4 * fields.len() as u16).to_le_bytes());
    for (index, field) in fields.iter().enumerate() {
        let offset = if *field == Field::Absent { 0 } else { 4 + 4 * index as u16 };
        out.extend(offset.to_le_bytes());
    }
    let at = out.len();
    out.extend((list_length as i32).to_le_bytes());
    for field in fields {
        out.extend(match field {
            Field::Byte(value) => [*value as u8, 0, 0, 0],
            Field::Int(value) => value.to_le_bytes(),
            Field::Float(value) => value.to_le_bytes(),
            _ => [0; 4],
        });
    }
    for (index, field) in fields.iter().enumerate() {
        if let Some(target) = pointed_to(out, field) {
            patch(out, at + 4 + 4 * index, target);
        }
    }
    at
}

/// Writes what a field points to, where it does.
fn pointed_to(out: &mut Vec<u8>, field: &Field) -> Option<usize> {
    Some(match field {
        Field::Absent | Field::Byte(_) | Field::Int(_) | Field::Float(_) => return None,
        Field::Ints(values) => vector(out, values.len(), 4, values.iter().flat_map(|value| value.to_le_bytes())),
        Field::Floats(values) => vector(out, values.len(), 4, values.iter().flat_map(|value| value.to_le_bytes())),
        Field::Longs(values) => vector(out, values.len(), 8, values.iter().flat_map(|value| value.to_le_bytes())),
        Field::Bytes(bytes) => vector(out, bytes.len(), 16, bytes.iter().copied()),
        Field::Text(text) => vector(out, text.len(), 4, text.bytes().chain([0])),
        Field::Table(inner) => table(out, inner),
        Field::Tables(tables) => {
            let at = vector(out, tables.len(), 4, std::iter::repeat_n(0, 4 * tables.len()));
            for (index, inner) in tables.iter().enumerate() {
                let target = table(out, inner);
                patch(out, at + 4 + 4 * index, target);
            }
            at
        }
    })
}

fn vector(out: &mut Vec<u8>, count: usize, unit: usize, bytes: impl Iterator<Item = u8>) -> usize {
    align(out, unit.max(4), 4);
    let at = out.len();
    out.extend((count as u32).to_le_bytes());
    out.extend(bytes);
    at
}
